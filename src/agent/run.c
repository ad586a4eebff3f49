/* run.c - the intake's one loop: accept, read, append what is whole as one group, answer.
 *
 * One thread, one epoll set. libmicrohttpd runs inside it: after each of its turns all requests
 * that are whole stand in door.waiting; they are appended together, with one sync. While the disk
 * works on that group, the daemon has another turn; then the group is durable, and is answered in
 * the turn that follows, which calls again for every request without an answer. (Suspending them
 * would take each out of the epoll set and put it back: two system calls, 6 % of a request's time.)
 * Each turn can complete further requests (pipelining), so this goes on until none waits: asking
 * once would leave those without an answer until the next event. */
#include "agent/exchange.h"
#include "base/asked.h"
#include "base/failpoint.h"
#include "base/log.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    GROUP_RECORDS_MAX = 4096, /* of one append; a batch is never split                 */
    GROUP_BYTES_MAX = 8 << 20,
    EVENTS_MAX = 16,        /* the daemon, who parts, the wish to stop, listening sockets */
    DESCRIPTORS_ELSE = 64,  /* beside those of connections: bus, pages, epoll, log       */
    STOP_GRACE_US = 500000, /* an idle connection may still send while we drain          */
    STOP_TURN_MS = 50,
    ACCEPT_AGAIN_US = 1000000, /* after descriptors ran out                              */
    FAILING_US = 5000000,      /* not ready for this long after an append failed        */
    PARSER_LOG_US = 60000000,
    HEADERS_POOL_EXTRA = 12 * 1024, /* libmicrohttpd's entry for each header. It reads into half of
                                       the pool, so with headers of 16 KiB a usual webhook comes in
                                       one piece; more only costs: it clears all for each request */
};
/* The group's records; the largest batch is one group. */
#define GROUP_ARENA_BYTES_MAX ((size_t)256 << 20)

struct run {
    const struct intake *in;
    struct arena *arena; /* of the process        */
    struct arena group;  /* of one append         */
    struct door door;
    struct lane lane;
    int epoll_fd, wake_fd;
    bool is_listening;
    bool is_begun;   /* a group is on its way to the disk; all its clients may have left */
    bool is_failing; /* since an append failed, until one works */
    bool is_trying;  /* ready all the same: the next append shows whether it works */
    bool is_trial_told;
    int64_t accept_again_us, stop_at_us; /* 0: not set */
    int64_t failed_us;                   /* when an append failed last   */
    int64_t parser_said_us;
    uint64_t parser_said_n;
};

/* ---- the group commit ---- */

/* Cut the next group from the waiting requests. */
static struct client *cut_group(struct door *d, size_t *records)
{
    struct client *const first = d->waiting;
    struct client *last = NULL;
    size_t bytes = 0;
    *records = 0;
    for (struct client *c = first; c; c = c->next_waiting) {
        const bool fits = *records + c->taken.n <= GROUP_RECORDS_MAX &&
                          bytes + c->paid_bytes <= GROUP_BYTES_MAX;
        if (last && !fits) {
            break;
        }
        *records += c->taken.n;
        bytes += c->paid_bytes;
        last = c;
    }
    d->waiting = last ? last->next_waiting : NULL;
    if (!d->waiting) {
        d->waiting_end = &d->waiting;
    }
    if (last) {
        last->next_waiting = NULL;
    }
    return first;
}

/* The records of all clients that are not decided yet, received now: a body that came slowly must
 * not be older than what a reader has already called complete. */
static size_t fill_records(const struct run *r, struct client *first, struct record *record)
{
    progress_receiving(r->in->progress, clock_now_us());
    const int64_t now_us = clock_now_us();
    size_t n = 0;
    for (struct client *c = first; c; c = c->next_waiting) {
        for (size_t i = 0; c->stage == CLIENT_WAITING && i < c->taken.n; i++) {
            record[n] = (struct record){.signal = c->taken.signal[i]};
            record[n++].signal.received_us = now_us;
        }
    }
    return n;
}

/* The client whose record this is fails alone. */
static void reject_record(struct client *first, size_t record, const struct failure *f)
{
    for (struct client *c = first; c; c = c->next_waiting) {
        const size_t n = c->stage == CLIENT_WAITING ? c->taken.n : 0;
        if (record < n) {
            const struct str text = arena_str(&c->pocket->arena, str_of(f->text));
            exchange_decide(c, 413, "record", text.at);
            return;
        }
        record -= n;
    }
}

/* Of several that were too large together each may have room alone. */
static bool is_full(const struct failure *f)
{
    return f->cause == CAUSE_FULL || f->cause == CAUSE_LARGE;
}

/* Said once when it begins and once when it ends, however many requests it hits. */
static void note_append(struct run *r, enum outcome result, const struct failure *f)
{
    const bool is_failing = result != OK;
    r->failed_us = is_failing ? r->door.now_us : r->failed_us;
    r->is_trying = false;
    if (is_failing && !r->is_failing) {
        r->is_trial_told = false;
        log_failure(result == STOP ? LOG_ERROR : LOG_WARN, "append failed", f,
                    is_full(f) ? "requests are answered 429 until there is room"
                               : "requests are answered 503 until it works");
    }
    if (is_failing) {
        progress_trouble(r->in->progress, DUTY_RETRYING, f);
    } else if (r->is_failing) {
        log_event(LOG_INFO, "appending again", log_s("lane", r->lane.name));
        progress_state(r->in->progress, DUTY_RUNNING);
    }
    r->is_failing = is_failing;
}

/* Who asks readyz sends nothing while it says no: so it says yes again after a while, and the next
 * append shows whether the cause is gone. */
static void forgive(struct run *r)
{
    if (!r->is_failing || r->is_trying || r->door.now_us < r->failed_us + FAILING_US) {
        return;
    }
    if (!r->is_trial_told) {
        log_event(LOG_INFO, "trying again", log_c("why", "no append failed for a while"),
                  log_c("next", "the next request shows whether appends work"));
    }
    progress_state(r->in->progress, DUTY_RUNNING);
    r->is_trying = true;
    r->is_trial_told = true;
}

/* REJECT: none of them is left. */
static enum outcome append_group(struct run *r, struct client *first, size_t room,
                                 struct failure *f)
{
    struct record *const record = arena_array(&r->group, struct record, room);
    enum outcome result = OK;
    for (;;) {
        const size_t n = fill_records(r, first, record);
        FAILPOINT("agent.before_append");
        result = n > 0 ? bus_append_begin(r->in->bus, r->lane, record, n, f) : REJECT;
        if (result != REJECT || n == 0) {
            return result;
        }
        reject_record(first, f->record, f);
    }
}

static void decide_group(struct client *first, enum outcome result, const struct failure *f)
{
    for (struct client *c = first; c; c = c->next_waiting) {
        if (result == OK) {
            exchange_decide(c, 0, NULL, NULL);
        } else if (result == RETRY && is_full(f)) {
            exchange_decide(c, 429, "full",
                            "the disk budget for signals that nobody has read yet is spent: send "
                            "this request again later");
        } else {
            exchange_decide(c, 503, "append",
                            "this could not be made durable: send it again later");
        }
    }
}

/* Without those that were rejected alone. */
static struct client *undecided(struct client *first)
{
    struct client *left = NULL;
    struct client **end = &left;
    for (struct client *c = first; c; c = c->next_waiting) {
        if (c->stage == CLIENT_WAITING) {
            *end = c;
            end = &c->next_waiting;
        }
    }
    *end = NULL;
    return left;
}

/* The next group goes to the disk. */
static enum outcome begin_group(struct run *r, struct failure *f)
{
    size_t n = 0;
    struct client *const first = cut_group(&r->door, &n);
    arena_reset(&r->group);
    const enum outcome result = append_group(r, first, n, f);
    struct client *const left = undecided(first);
    r->is_begun = result == OK;
    if (!r->is_begun) {
        progress_receiving(r->in->progress, 0);
    }
    if (r->is_begun) {
        r->door.begun = left;
        for (struct client *c = left; c; c = c->next_waiting) {
            c->stage = CLIENT_BEGUN;
            r->door.hook[c->hook - r->door.hook].begun_n += c->taken.n;
        }
    } else if (left) {
        note_append(r, result, f);
        decide_group(left, result, f);
    }
    return result == STOP ? STOP : OK;
}

/* Also what came of clients that have left since. */
static void count_accepted(struct door *d, bool is_durable)
{
    for (size_t i = 0; i < d->hooks_n; i++) {
        struct hook *const hook = &d->hook[i];
        if (is_durable && hook->begun_n > 0) {
            atomic_fetch_add_explicit(hook->accepted, hook->begun_n, memory_order_relaxed);
        }
        hook->begun_n = 0;
    }
}

/* It is there: durable, then its requests can be answered. */
static enum outcome end_group(struct run *r, struct failure *f)
{
    const enum outcome result = bus_append_end(r->in->bus, r->lane, f);
    FAILPOINT("agent.after_append");
    progress_receiving(r->in->progress, 0);
    note_append(r, result, f);
    count_accepted(&r->door, result == OK);
    decide_group(r->door.begun, result, f);
    r->door.begun = NULL;
    r->is_begun = false;
    return result == STOP ? STOP : OK;
}

/* A turn of the daemon, and of all that it completes. While a group goes to the disk, the daemon
 * answers the one before it and reads the next. */
static enum outcome serve(struct run *r, struct failure *f)
{
    struct door *const d = &r->door;
    enum outcome result = OK;
    if (MHD_run(d->daemon) != MHD_YES) {
        return failed(f, RETRY, "the HTTP server cannot go on");
    }
    while (r->is_begun || d->waiting) {
        const enum outcome ended = r->is_begun ? end_group(r, f) : OK;
        const enum outcome begun = d->waiting ? begin_group(r, f) : OK;
        result = result != OK ? result : ended != OK ? ended : begun;
        FAILPOINT("agent.before_answer");
        (void)MHD_run(d->daemon);
    }
    return result;
}

/* ---- the loop ---- */

/* Watch the listening sockets, or leave new connections in their queues. */
static void listen_if(struct run *r, bool is_wanted)
{
    if (r->is_listening == is_wanted) {
        return;
    }
    r->is_listening = is_wanted;
    for (size_t i = 0; i < r->in->listen_n; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE,
                                    .data.fd = r->in->listen_fd[i]};
        (void)epoll_ctl(r->epoll_fd, is_wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, r->in->listen_fd[i],
                        &event);
    }
}

static enum outcome accept_all(struct run *r, int listen_fd, struct failure *f)
{
    const enum outcome result = door_accept(&r->door, listen_fd, f);
    if (result == RETRY) {
        if (r->accept_again_us == 0) {
            log_failure(LOG_WARN, "accept failed", f, "new connections wait for a second");
        }
        r->accept_again_us = r->door.now_us + ACCEPT_AGAIN_US;
        listen_if(r, false);
        return OK;
    }
    return result;
}

static enum outcome take_events(struct run *r, const struct epoll_event *event, int n,
                                struct failure *f)
{
    enum outcome result = OK;
    for (int i = 0; i < n && result == OK; i++) {
        for (size_t k = 0; k < r->in->listen_n && r->is_listening; k++) {
            if (event[i].data.fd == r->in->listen_fd[k]) {
                result = accept_all(r, event[i].data.fd, f);
                break;
            }
        }
        if (event[i].data.fd == r->door.parting_fd) {
            door_see_parting(&r->door);
        }
        if (event[i].data.fd == r->wake_fd) {
            eventfd_t count = 0;
            (void)eventfd_read(r->wake_fd, &count);
        }
    }
    return result;
}

/* How long nothing needs to be done, in ms; -1: until something comes. */
static int wait_ms(struct run *r)
{
    int64_t wait_us = door_expire(&r->door);
    MHD_UNSIGNED_LONG_LONG daemon_ms = 0;
    if (r->accept_again_us != 0) {
        const int64_t left = r->accept_again_us - r->door.now_us;
        wait_us = wait_us < 0 || left < wait_us ? left : wait_us;
    }
    if (r->is_failing && !r->is_trying) {
        const int64_t left = r->failed_us + FAILING_US - r->door.now_us;
        wait_us = wait_us < 0 || left < wait_us ? left : wait_us;
    }
    int64_t ms = wait_us < 0 ? -1 : wait_us / 1000 + 1;
    if (r->stop_at_us != 0) {
        ms = ms < 0 || ms > STOP_TURN_MS ? STOP_TURN_MS : ms;
    }
    if (MHD_get_timeout(r->door.daemon, &daemon_ms) == MHD_YES &&
        (ms < 0 || daemon_ms < (MHD_UNSIGNED_LONG_LONG)ms)) {
        ms = (int64_t)daemon_ms;
    }
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* True when nothing is left to be finished, or the time for it is over. */
static bool is_drained(struct run *r)
{
    struct door *const d = &r->door;
    if (!asked_to_stop()) {
        return false;
    }
    if (r->stop_at_us == 0) {
        d->is_draining = true;
        r->stop_at_us = d->now_us + r->in->config->stop_ms * 1000;
        listen_if(r, false);
    }
    door_close_idle(d, STOP_GRACE_US);
    return d->clients_n == 0 || d->now_us >= r->stop_at_us;
}

static enum outcome loop(struct run *r, struct failure *f)
{
    struct door *const d = &r->door;
    enum outcome result = OK;
    while (result == OK && !is_drained(r)) {
        struct epoll_event event[EVENTS_MAX];
        if (d->now_us >= r->accept_again_us) {
            r->accept_again_us = 0;
        }
        listen_if(r, !d->is_draining && !door_is_full(d) && r->accept_again_us == 0);
        const int ms = wait_ms(r);
        progress_beat(r->in->progress, false);
        const int n = epoll_wait(r->epoll_fd, event, EVENTS_MAX, ms);
        progress_beat(r->in->progress, true);
        d->now_us = clock_mono_us();
        if (n < 0 && errno != EINTR) {
            return failed_errno(f, RETRY, "wait for requests");
        }
        forgive(r);
        result = take_events(r, event, n, f);
        if (result == OK) {
            result = serve(r, f);
        }
    }
    return result;
}

/* ---- open and close ---- */

/* libmicrohttpd's own messages: each bad request of a stranger makes one. */
static void parser_says(void *run, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void parser_says(void *run, const char *format, va_list args)
{
    struct run *const r = run;
    char text[200];
    if (strstr(format, "option to %s state failed") || strstr(format, "Failed to push the data")) {
        return; /* TCP_CORK and TCP_NODELAY: a unix socket has none of them, and needs none */
    }
    door_answer_head(&r->door);
    r->parser_said_n++;
    if (r->parser_said_us != 0 && r->door.now_us - r->parser_said_us < PARSER_LOG_US) {
        return;
    }
    const int len = vsnprintf(text, sizeof text, format, args);
    if (len > 0) {
        r->parser_said_us = r->door.now_us;
        const struct str said = {text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1};
        log_event(LOG_INFO, "http", log_s("said", str_trim(said)),
                  log_n("times", (int64_t)r->parser_said_n));
    }
}

/* RFC 8996: TLS 1.0 and 1.1 are not to be spoken any more. As GnuTLS wants it. */
static const char tls_versions[] = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1";

static enum outcome start_daemon(struct run *r, struct failure *f)
{
    const struct config_intake *const limits = &r->in->config->intake;
    const bool is_tls = limits->tls.certificate.len > 0;
    const struct MHD_OptionItem tls[] = {
        {is_tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0,
         (void *)(uintptr_t)limits->tls.certificate_pem.at},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)limits->tls.key_pem.at},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_versions},
        {MHD_OPTION_END, 0, NULL}};
    const unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
                           (is_tls ? MHD_USE_TLS : 0);
    r->door.daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_handle, &r->door, MHD_OPTION_EXTERNAL_LOGGER, parser_says, r,
        MHD_OPTION_NOTIFY_CONNECTION, door_notify, &r->door, MHD_OPTION_NOTIFY_COMPLETED,
        exchange_end, &r->door, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, &r->door,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)limits->connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits->headers_bytes_max + HEADERS_POOL_EXTRA,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!r->door.daemon) {
        return is_tls ? failed(f, STOP,
                               "intake.tls: the HTTP server does not start with certificate %.*s "
                               "and key %.*s: do they belong together, and are they PEM?",
                               STR_ARG(limits->tls.certificate), STR_ARG(limits->tls.key))
                      : failed(f, RETRY, "the HTTP server does not start: no memory or descriptor");
    }
    return OK;
}

enum outcome agent_raise_descriptors(const struct config *config, struct failure *f)
{
    const rlim_t wanted = (rlim_t)config->intake.connections_max + DESCRIPTORS_ELSE;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
        return OK;
    }
    if (limit.rlim_max < wanted) {
        return failed(f, STOP,
                      "intake.connections_max needs %llu file descriptors, but this process may "
                      "have %llu: lower it, or raise the limit (ulimit -n, LimitNOFILE)",
                      (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
    }
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0
               ? OK
               : failed_errno(f, STOP, "raise the number of file descriptors");
}

static enum outcome watch(struct run *r, struct failure *f)
{
    const union MHD_DaemonInfo *const info = MHD_get_daemon_info(r->door.daemon,
                                                                 MHD_DAEMON_INFO_EPOLL_FD);
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int fd[] = {info->epoll_fd, r->wake_fd, r->door.parting_fd};
    for (size_t i = 0; i < sizeof fd / sizeof *fd; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd[i]};
        if (r->epoll_fd < 0 || fd[i] < 0 ||
            epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd[i], &event) != 0) {
            return failed_errno(f, RETRY, "watch for requests");
        }
    }
    return OK;
}

static void find_hooks(struct run *r)
{
    const struct named_list *const agents = &r->in->config->agents;
    struct door *const d = &r->door;
    d->hook = arena_array(r->arena, struct hook, agents->n);
    for (size_t i = 0; i < agents->n; i++) {
        d->hook[d->hooks_n++] = (struct hook){
            .agent = &agents->at[i],
            .driver = agents->at[i].type->driver,
            .accepted = progress_counter(r->in->progress, "accepted{agent=%.*s}",
                                         STR_ARG(agents->at[i].name)),
        };
    }
}

/* All secrets of all agents, as their option tables name them. */
static void find_secrets(struct run *r)
{
    const struct named_list *const agents = &r->in->config->agents;
    struct str_list *const all = &r->door.secrets;
    size_t room = 0;
    for (size_t i = 0; i < agents->n; i++) {
        const struct option *o = agents->at[i].type->options;
        for (; o->name; o++) {
            const void *const at = (const char *)agents->at[i].options + o->offset;
            const struct str_list *const list = at;
            for (size_t k = 0; o->type == OPTION_SECRET && k < list->n; k++) {
                all->at = arena_more(r->arena, all->at, all->n, &room, sizeof *all->at);
                all->at[all->n++] = list->at[k];
            }
        }
    }
}

static enum outcome run_open(struct run *r, struct failure *f)
{
    r->lane = (struct lane){STREAM_RAW, arena_printf(r->arena, "intake-%zu", r->in->index)};
    arena_init(&r->group, GROUP_ARENA_BYTES_MAX);
    enum outcome result = agent_raise_descriptors(r->in->config, f);
    if (result == OK) {
        result = door_open(&r->door, r->in, r->arena, f);
    }
    if (result == OK) {
        find_hooks(r);
        find_secrets(r);
        result = bus_lane_make(r->in->bus, r->lane, f);
    }
    if (result == OK) {
        result = start_daemon(r, f);
    }
    return result == OK ? watch(r, f) : result;
}

static void run_close(struct run *r)
{
    asked_install(NULL, NULL);
    if (r->door.daemon) {
        MHD_stop_daemon(r->door.daemon);
    }
    if (r->epoll_fd >= 0) {
        (void)close(r->epoll_fd);
    }
    if (r->wake_fd >= 0) {
        (void)close(r->wake_fd);
    }
    door_close(&r->door);
    arena_close(&r->group);
}

/* Large bodies come seldom and together. glibc would raise its threshold to the largest of them
 * that was freed, carve the next ones from its heap, and keep that heap: a burst of 25 MB bodies
 * would stay with the process. With a fixed threshold each goes back to the kernel by itself
 * (mallopt(3), M_MMAP_THRESHOLD). */
static void give_back_large(void)
{
    enum { LARGE_BYTES = 1 << 20, TOP_BYTES = 4 << 20 };
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, TOP_BYTES);
}

enum outcome agent_run(const struct intake *in, struct failure *f)
{
    enum { ARENA_BYTES_MAX = 256 << 20 }; /* clients and certificates: about 1 KiB a connection */
    struct arena a;
    arena_init(&a, ARENA_BYTES_MAX);
    give_back_large();
    struct run r = {.in = in, .arena = &a, .epoll_fd = -1, .wake_fd = -1};
    enum outcome result = run_open(&r, f);
    if (result == OK) {
        asked_install(asked_wake_fd, &r.wake_fd);
        progress_receiving(in->progress, 0); /* what a killed one left: it is recovered or cut */
        progress_state(in->progress, DUTY_RUNNING);
        result = loop(&r, f);
    }
    run_close(&r);
    arena_close(&a);
    progress_state(in->progress, DUTY_STOPPED);
    return result;
}
