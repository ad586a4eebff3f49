#include "wire/jq/child.h"

#include <errno.h>
#include <fcntl.h>
#include <jq.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/confine.h"
#include "wire/jq/convert.h"
#include "wire/jq/prelude.h"

#define SCRATCH_BYTES_MAX ((size_t)64 << 30) /* RLIMIT_AS is what holds */
enum { COMPILE_MS = 20000, NAME_BYTES = 16 };

/* What is known of the child: one a process. */
struct child {
    int fd;
    const struct mapping *mapping;
    jq_state *jq;
    struct arena arena; /* of one question, or of compiling */
    struct buf errors;  /* of compiling */
};

/* ---- the stream ---- */

static bool read_whole(int fd, void *to, size_t n)
{
    char *at = to;
    while (n > 0) {
        const ssize_t got = read(fd, at, n);
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

static void answer(const struct child *c, enum jq_kind kind, struct str bytes)
{
    const struct jq_reply reply = {.kind = (uint32_t)kind, .bytes = (uint32_t)bytes.len};
    struct failure f;
    if (file_write(c->fd, (struct str){(const char *)&reply, sizeof reply}, &f) != OK ||
        file_write(c->fd, bytes, &f) != OK) {
        _exit(EXIT_FAILURE); /* nobody is there to be told */
    }
}

/* As much of it as there is room for; a zero byte ends the pointer, so one of the text's is \u0000.
 */
static void add_text(struct buf *b, struct str text, size_t len_max)
{
    const size_t end = b->len + len_max;
    for (size_t i = 0; i < text.len; i++) {
        const struct str one = text.at[i] ? str_sub(text, i, 1) : S("\\u0000");
        if (b->len + one.len > end) {
            return;
        }
        buf_add(b, one);
    }
}

static void answer_failed(struct child *c, struct str pointer, struct str message)
{
    struct buf b;
    buf_init(&b, &c->arena, 2 * JQ_MESSAGE_BYTES_MAX);
    add_text(&b, pointer, JQ_MESSAGE_BYTES_MAX / 2);
    buf_add_byte(&b, '\0');
    add_text(&b, message, JQ_MESSAGE_BYTES_MAX);
    answer(c, JQ_FAILED, buf_str(&b));
}

/* ---- compiling ---- */

/* "jq: error: WHAT (Unix shell quoting issues?) at <top-level>, line 3:\nTHE LINE" becomes
 * "line 3: WHAT". How many there were is left out. */
static void on_compile_error(void *child, jv message)
{
    struct child *const c = child;
    const struct str all = str_of(jv_string_value(message));
    const struct str start = STR("jq: error: ");
    const struct str quoting = STR(" (Unix shell quoting issues?)");
    const struct str place = STR(" at <top-level>, line ");
    if (str_starts(all, start)) {
        struct str what = str_sub(all, start.len, all.len);
        struct str line = {NULL, 0};
        size_t i = 0;
        while (i < what.len && !str_starts(str_sub(what, i, place.len), place)) {
            i++;
        }
        if (i < what.len) {
            const struct str behind = str_sub(what, i + place.len, what.len);
            line = str_sub(behind, 0, str_find(behind, ':'));
        }
        what = str_sub(what, 0, i);
        what = str_ends(what, quoting) ? str_sub(what, 0, what.len - quoting.len) : what;
        buf_printf(&c->errors, "%sline %.*s: %.*s", c->errors.len ? "; " : "", STR_ARG(line),
                   STR_ARG(what));
    }
    jv_free(message);
}

/* Lines as other systems end them: to jq 1.6 a carriage return is no space. */
static void end_lines(char *text)
{
    for (char *at = strchr(text, '\r'); at; at = strchr(at, '\r')) {
        *at = at[1] == '\n' ? ' ' : *at;
        at++;
    }
}

static void compile(struct child *c)
{
    const struct str program = c->mapping->program;
    char *const text = arena_cstr(&c->arena,
                                  arena_printf(&c->arena, "%s%.*s", jq_prelude, STR_ARG(program)));
    buf_init(&c->errors, &c->arena, JQ_MESSAGE_BYTES_MAX);
    c->jq = jq_init();
    if (!c->jq) {
        _exit(EXIT_FAILURE);
    }
    jq_set_error_cb(c->jq, on_compile_error, c);
    if (memchr(program.at, '\0', program.len)) {
        answer_failed(c, S(""), S("the program holds a zero byte"));
        _exit(EXIT_SUCCESS);
    }
    end_lines(text);
    if (!jq_compile(c->jq, text)) {
        answer_failed(c, S(""), c->errors.len ? buf_str(&c->errors) : S("it cannot be compiled"));
        _exit(EXIT_SUCCESS);
    }
    answer(c, JQ_GAVE, S("[]"));
}

/* ---- one signal ---- */

static struct str view(jv text)
{
    return (struct str){jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text))};
}

/* error("text"), or error({pointer, message}), or anything else. */
static void answer_error(struct child *c, jv error)
{
    if (jv_get_kind(error) == JV_KIND_STRING) {
        answer_failed(c, S(""), view(error));
        return;
    }
    const bool is_object = jv_get_kind(error) == JV_KIND_OBJECT;
    const jv message = is_object ? jv_object_get(jv_copy(error), jv_string("message")) : jv_null();
    const jv pointer = is_object ? jv_object_get(jv_copy(error), jv_string("pointer")) : jv_null();
    const bool has_pointer = jv_get_kind(pointer) == JV_KIND_STRING;
    const bool has_message = jv_get_kind(message) == JV_KIND_STRING;
    const jv text = has_message ? jv_copy(message) : jv_dump_string(jv_copy(error), 0);
    answer_failed(c, has_message && has_pointer ? view(pointer) : S(""), view(text));
    jv_free(text);
    jv_free(pointer);
    jv_free(message);
}

/* What the program gave is spread one level and counted. false: too much, and that was answered. */
static bool add_output(struct child *c, struct buf *b, jv output, int64_t *n)
{
    const struct mapping_limits *const limits = &c->mapping->limits;
    const bool is_list = jv_get_kind(output) == JV_KIND_ARRAY;
    const int elements = is_list ? jv_array_length(jv_copy(output)) : 1;
    for (int i = 0; i < elements; i++) {
        const jv one = is_list ? jv_array_get(jv_copy(output), i) : jv_copy(output);
        buf_add(b, (*n)++ > 0 ? S(",") : S(""));
        const bool is_whole = jq_write(b, one, limits->depth);
        jv_free(one);
        char why[200];
        if (!is_whole) {
            (void)snprintf(why, sizeof why,
                           "gives something nested deeper than %lld levels (limits.depth)",
                           (long long)limits->depth);
        } else if (*n > limits->outputs) {
            (void)snprintf(why, sizeof why, "gives more than %lld events and rows (limits.outputs)",
                           (long long)limits->outputs);
        } else if (buf_is_over(b)) {
            (void)snprintf(why, sizeof why, "gives more than %zu bytes (limits.output_bytes)",
                           limits->output_bytes);
        } else {
            continue;
        }
        answer_failed(c, S(""), str_of(why));
        return false;
    }
    return true;
}

/* Everything that it gives. */
static void run(struct child *c, jv input)
{
    struct buf b;
    int64_t n = 0;
    bool is_whole = true;
    buf_init(&b, &c->arena, c->mapping->limits.output_bytes + 2);
    buf_add_byte(&b, '[');
    jq_start(c->jq, input, 0);
    jv result = jq_next(c->jq);
    for (; jv_is_valid(result) && is_whole; result = is_whole ? jq_next(c->jq) : jv_invalid()) {
        is_whole = add_output(c, &b, result, &n);
        jv_free(result);
    }
    if (!is_whole) {
        return;
    }
    if (jq_halted(c->jq)) {
        answer_failed(c, S(""), S("halts: a mapping gives something, or nothing, or an error"));
        _exit(EXIT_SUCCESS); /* halted once, it would stay so */
    }
    if (jv_invalid_has_msg(jv_copy(result))) {
        const jv error = jv_invalid_get_msg(result);
        answer_error(c, error);
        jv_free(error);
        return;
    }
    jv_free(result); /* the end is a value too */
    buf_add_byte(&b, ']');
    answer(c, JQ_GAVE, buf_str(&b));
}

/* The body and what is known of it as one value; invalid: the body is no JSON, and that was
 * answered. */
static jv read_input(struct child *c, struct str context, struct str body)
{
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    yyjson_doc *about = NULL;
    if (json_read_exact(&c->arena, body, &doc, &f) != OK ||
        json_read_exact(&c->arena, context, &about, &f) != OK) {
        answer_failed(c, S(""), str_of(f.text));
        return jv_invalid();
    }
    return jv_object_set(jq_value(yyjson_doc_get_root(about)), jv_string("body"),
                         jq_value(yyjson_doc_get_root(doc)));
}

/* Processor time, so that a busy machine kills no good program; 0 ends it. */
static void set_timer(int64_t ms)
{
    const struct itimerval span = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
    (void)setitimer(ITIMER_PROF, &span, NULL);
}

static void serve(struct child *c)
{
    struct jq_question q;
    while (read_whole(c->fd, &q, sizeof q)) {
        char *const context = arena_try(&c->arena, q.context_bytes, 1);
        char *const body = arena_try(&c->arena, q.body_bytes, 1);
        if (!context || !body) {
            abort(); /* as libjq does */
        }
        if (!read_whole(c->fd, context, q.context_bytes) ||
            !read_whole(c->fd, body, q.body_bytes)) {
            break;
        }
        set_timer(c->mapping->limits.time_ms);
        const jv input = read_input(c, (struct str){context, q.context_bytes},
                                    (struct str){body, q.body_bytes});
        if (jv_is_valid(input)) {
            run(c, input);
        }
        set_timer(0);
        arena_reset(&c->arena);
    }
}

/* ---- the process ---- */

#if !defined(__SANITIZE_ADDRESS__) && defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif

/* What the parent had mapped counts too, though it is hardly used. */
static void limit_memory(size_t bytes)
{
#ifndef __SANITIZE_ADDRESS__ /* its shadow alone is terabytes */
    char text[200];
    uint64_t pages = 0;
    const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : 0;
    const struct str all_of_it = {text, n > 0 ? (size_t)n : 0};
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)str_to_u64(str_sub(all_of_it, 0, str_find(all_of_it, ' ')), &pages);
    const rlim_t all = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)bytes;
    const struct rlimit limit = {all, all};
    (void)setrlimit(RLIMIT_AS, &limit);
#else
    (void)bytes;
#endif
}

/* Nothing of the parent's but this socket, and signals as a new program has them. */
static int shed(int fd)
{
    enum { SOCKET_FD = 3 };
    sigset_t none;
    const int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < SOCKET_FD && null >= 0; i++) {
        (void)dup2(null, i == fd ? null : i);
    }
    if (fd != SOCKET_FD) {
        (void)dup2(fd, SOCKET_FD);
    }
    (void)close_range(SOCKET_FD + 1, ~0U, 0);
    for (int number = 1; number < SIGRTMIN; number++) {
        (void)signal(number, SIG_DFL);
    }
    (void)signal(SIGTERM, SIG_IGN); /* it ends with its parent */
    (void)signal(SIGINT, SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    return SOCKET_FD;
}

void jq_child(int fd, const struct mapping *mapping)
{
    struct child c = {.fd = shed(fd), .mapping = mapping};
    struct failure f;
    const struct rlimit no_core = {0, 0};
    (void)prctl(PR_SET_NAME, "weir-mapping");
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)clearenv(); /* $ENV and ~/.jq are the program's otherwise */
    arena_init(&c.arena, SCRATCH_BYTES_MAX);
    limit_memory(mapping->limits.memory_bytes);
    if (confine(&f) != OK) {
        answer_failed(&c, S(""), str_of(f.text));
        _exit(EXIT_SUCCESS);
    }
    set_timer(COMPILE_MS);
    compile(&c);
    set_timer(0);
    arena_reset(&c.arena);
    serve(&c);
    _exit(EXIT_SUCCESS);
}
