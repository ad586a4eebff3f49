/* The asking side: children that are started when they are needed, asked, and buried. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/jq/child.h"
#include "wire/jq/jq.h"

enum { DEATHS_MAX = 2, KILLS_MAX = 8, GRACE_MS = 10000, COMPILE_MS = 40000 };

struct worker {
    const struct mapping *mapping;
    pid_t pid; /* 0: not started */
    int fd;
    const char *fault; /* why it is about to be ended here; NULL: it ended by itself */
    struct worker *next;
};
struct jq_pool {
    struct arena *arena;
    struct worker *first;
};

/* What became of a question. */
enum end { ANSWERED, DIED };

/* How its processes in a row ended. One that was killed from outside tells little of its program:
 * whoever kills weir kills it too. But the machine may have run out of memory by it. */
struct ends {
    int deaths, kills;
    struct failure why; /* the last one */
};

struct str jq_name(const struct mapping *mapping)
{
    struct str name = mapping->name;
    for (size_t slash = str_find(name, '/'); slash < name.len; slash = str_find(name, '/')) {
        name = str_sub(name, slash + 1, name.len);
    }
    return str_ends(name, S(".jq")) ? str_sub(name, 0, name.len - 3) : name;
}

/* ---- the process ---- */

static enum outcome start(struct worker *w, struct failure *f)
{
    int end[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) != 0) {
        return failed_errno(f, RETRY, "start the mapping %.*s", STR_ARG(jq_name(w->mapping)));
    }
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            _exit(1);
        }
        jq_child(end[1], w->mapping);
    }
    (void)close(end[1]);
    if (pid < 0) {
        (void)failed_errno(f, RETRY, "start the mapping %.*s", STR_ARG(jq_name(w->mapping)));
        (void)close(end[0]);
        return RETRY;
    }
    w->pid = pid;
    w->fd = end[0];
    w->fault = NULL;
    return OK;
}

/* Its end as a sentence. */
static void bury(struct worker *w, struct ends *ends)
{
    struct failure *const f = &ends->why;
    const struct mapping_limits *const limits = &w->mapping->limits;
    int status = 0;
    (void)close(w->fd);
    (void)kill(w->pid, SIGKILL); /* a child not yet waited for: the pid is its own */
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR) {
    }
    w->pid = 0;
    const int by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    ends->kills += by == SIGKILL && !w->fault;
    ends->deaths += by != SIGKILL || w->fault;
    if (by == SIGPROF) {
        (void)failed(f, REJECT, "it ran longer than %lld ms (limits.time)",
                     (long long)limits->time_ms);
    } else if (by == SIGABRT) {
        (void)failed(f, REJECT,
                     "libjq gave up: it wanted more than %zu MiB of memory (limits.memory), or met "
                     "a value that it cannot take",
                     limits->memory_bytes >> 20);
    } else if (by == SIGSEGV || by == SIGBUS) {
        (void)failed(f, REJECT,
                     "it ran out of stack (signal %d): a recursion or a nesting without end?", by);
    } else if (by == SIGKILL) {
        (void)failed(f, REJECT, "%s",
                     w->fault ? w->fault
                              : "its process was killed from outside (signal 9): is the machine "
                                "out of memory?");
    } else {
        (void)failed(f, REJECT, "its process ended (%s %d)", by ? "signal" : "status",
                     by ? by : WEXITSTATUS(status));
    }
}

/* ---- the stream ---- */

static bool send_whole(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        const ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        const size_t sent = n > 0 ? (size_t)n : 0;
        bytes = str_sub(bytes, sent, bytes.len);
    }
    return true;
}

/* false: the child is gone, or silent beyond the deadline. */
static bool receive(struct worker *w, void *to, size_t n, int64_t deadline_us)
{
    char *at = to;
    while (n > 0) {
        const int64_t left_ms = (deadline_us - clock_mono_us()) / 1000;
        struct pollfd p = {.fd = w->fd, .events = POLLIN};
        const int ready = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready == 0) {
            w->fault = "it gave no answer in time";
            return false;
        }
        const ssize_t got = ready > 0 ? recv(w->fd, at, n, 0) : 0;
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        n -= (size_t)got;
    }
    return true;
}

/* What it failed of: pointer, zero byte, message. */
static enum outcome say_failed(const struct worker *w, struct str bytes, struct failure *f)
{
    struct str message;
    const struct str pointer = str_cut(bytes, '\0', &message);
    char at[sizeof f->pointer];
    const size_t len = pointer.len < sizeof at ? pointer.len : sizeof at - 1;
    memcpy(at, pointer.at, len);
    at[len] = '\0';
    return failed_at(f, REJECT, at, "mapping %.*s: %.*s", STR_ARG(jq_name(w->mapping)),
                     STR_ARG(message));
}

/* Take its answer. */
static enum end hear(struct worker *w, struct arena *a, int64_t deadline_us, struct str *out,
                     enum outcome *result, struct failure *f)
{
    struct jq_reply reply;
    if (!receive(w, &reply, sizeof reply, deadline_us)) {
        return DIED;
    }
    if (reply.bytes > w->mapping->limits.output_bytes + 2 * JQ_MESSAGE_BYTES_MAX) {
        w->fault = "its answer is none";
        return DIED;
    }
    char *const at = arena_try(a, (size_t)reply.bytes + 1, 1);
    if (!at) {
        *result = failed(f, REJECT, "mapping %.*s gives more than memory holds",
                         STR_ARG(jq_name(w->mapping)));
        bury(w, &(struct ends){0}); /* its bytes stand in the stream */
        return ANSWERED;
    }
    if (!receive(w, at, reply.bytes, deadline_us)) {
        return DIED;
    }
    *out = (struct str){at, reply.bytes};
    *result = reply.kind == JQ_GAVE ? OK : say_failed(w, *out, f);
    return ANSWERED;
}

/* A process with its program compiled, where *result is OK. */
static enum end begin(struct worker *w, struct arena *a, enum outcome *result, struct failure *f)
{
    struct str nothing;
    const int64_t deadline_us = clock_mono_us() + (int64_t)COMPILE_MS * 1000;
    *result = start(w, f);
    if (*result == OK && hear(w, a, deadline_us, &nothing, result, f) == DIED) {
        return DIED;
    }
    if (*result != OK && w->pid > 0) {
        bury(w, &(struct ends){0}); /* it has ended by itself */
    }
    return ANSWERED;
}

static enum end ask(struct worker *w, struct arena *a, const struct jq_input *in, struct str *out,
                    enum outcome *result, struct failure *f)
{
    const struct jq_question q = {.context_bytes = (uint32_t)in->context.len,
                                  .body_bytes = (uint32_t)in->body.len};
    const int64_t wait_ms = 2 * w->mapping->limits.time_ms + GRACE_MS;
    if (!send_whole(w->fd, (struct str){(const char *)&q, sizeof q}) ||
        !send_whole(w->fd, in->context) || !send_whole(w->fd, in->body)) {
        return DIED;
    }
    return hear(w, a, clock_mono_us() + wait_ms * 1000, out, result, f);
}

/* ---- the pool ---- */

static void close_all(void *pool)
{
    for (struct worker *w = ((struct jq_pool *)pool)->first; w; w = w->next) {
        if (w->pid > 0) {
            bury(w, &(struct ends){0});
        }
    }
}

struct jq_pool *jq_pool_open(struct arena *a)
{
    struct jq_pool *const pool = arena_new(a, struct jq_pool);
    pool->arena = a;
    arena_defer(a, close_all, pool);
    return pool;
}

static struct worker *worker_of(struct jq_pool *pool, const struct mapping *mapping)
{
    struct worker *w = pool->first;
    while (w && w->mapping != mapping) {
        w = w->next;
    }
    if (!w) {
        w = arena_new(pool->arena, struct worker);
        *w = (struct worker){.mapping = mapping, .next = pool->first};
        pool->first = w;
    }
    return w;
}

/* One more process may be tried. */
static bool is_open(const struct ends *ends)
{
    return ends->deaths < DEATHS_MAX && ends->deaths + ends->kills < KILLS_MAX;
}

enum outcome jq_ready(struct jq_pool *pool, struct arena *a, const struct mapping *mapping,
                      struct failure *f)
{
    struct worker *const w = worker_of(pool, mapping);
    struct ends ends = {0};
    enum outcome result = OK;
    while (w->pid == 0 && is_open(&ends)) {
        if (begin(w, a, &result, f) == ANSWERED) {
            return result;
        }
        bury(w, &ends);
    }
    /* It could be compiled when the configuration was read: no fault of any signal. */
    return w->pid > 0 ? OK
                      : failed(f, RETRY, "mapping %.*s: cannot be started: %s",
                               STR_ARG(jq_name(mapping)), ends.why.text);
}

enum outcome jq_run(struct jq_pool *pool, struct arena *a, const struct jq_input *in,
                    struct str *out, struct failure *f)
{
    struct worker *const w = worker_of(pool, in->mapping);
    struct ends ends = {0};
    while (is_open(&ends)) {
        enum outcome result = jq_ready(pool, a, in->mapping, f);
        if (result != OK || ask(w, a, in, out, &result, f) == ANSWERED) {
            return result;
        }
        bury(w, &ends);
    }
    return failed(f, REJECT, "mapping %.*s: died %s in a row on this signal: %s",
                  STR_ARG(jq_name(in->mapping)), ends.kills ? "again and again" : "twice",
                  ends.why.text);
}

enum outcome jq_check(const struct mapping *mapping, struct failure *f)
{
    struct arena a;
    struct ends ends = {0};
    struct worker w = {.mapping = mapping};
    enum outcome result = OK;
    arena_init(&a, (size_t)1 << 20);
    if (begin(&w, &a, &result, f) == DIED) {
        bury(&w, &ends);
        result = failed(f, REJECT, "mapping %.*s cannot be compiled: %s", STR_ARG(jq_name(mapping)),
                        ends.why.text);
    }
    if (w.pid > 0) {
        bury(&w, &ends);
    }
    arena_close(&a);
    return result;
}
