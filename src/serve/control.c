#include "serve/control.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/file.h"
#include "orchestrate/dead.h"
#include "wire/json.h"
#include "wire/listen.h"

enum {
    LINE_BYTES_MAX = 1024 * 1024,
    CLIENT_MS = 10000 /* one client at a time: who dawdles is hung up on */
};
#define REQUEST_ARENA_BYTES_MAX ((size_t)512 << 20)

struct control {
    struct bus *bus;
    struct progress *progress;
    int listen_fd, wake_fd;
};

/* A line from a socket, without its end. false: hung up, too long, too slow. */
static bool read_line(int fd, struct arena *a, int timeout_ms, struct str *out)
{
    const int64_t until_us = clock_mono_us() + timeout_ms * 1000LL;
    struct buf line;
    buf_init(&line, a, LINE_BYTES_MAX);
    for (;;) {
        char bytes[4096];
        const int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0 || poll(&p, 1, (int)left_ms) <= 0) {
            return false;
        }
        const ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0) {
            return false;
        }
        buf_add(&line, (struct str){bytes, (size_t)n});
        const struct str all = buf_str(&line);
        const size_t end = str_find(all, '\n');
        if (buf_is_over(&line)) {
            return false;
        }
        if (end < all.len) {
            *out = str_sub(all, 0, end);
            return true;
        }
    }
}

/* ---- the duty ---- */

/* What goes to raw/retry for a dead letter: the whole signal for the stage that it failed in, or
 * the word that it is dropped. */
static struct record answer_to(const struct dead_letter *letter, bool is_drop)
{
    struct record r = {.signal = *letter->signal};
    r.signal.retry_of = letter->id;
    r.signal.reason = (struct str){NULL, 0};
    r.signal.pointer = (struct str){NULL, 0};
    if (is_drop) {
        r.signal.type = str_of(dead_drop_type);
        r.signal.data = (struct str){NULL, 0};
        r.signal.headers = (struct str){NULL, 0};
    }
    return r;
}

static enum outcome close_one(const struct control *c, struct arena *a, struct str id, bool is_drop,
                              struct failure *f)
{
    struct dead_letter letter;
    const enum outcome found = dead_find(c->bus, a, id, &letter, f);
    if (found != OK) {
        return found;
    }
    struct record r = answer_to(&letter, is_drop);
    return bus_append(c->bus, dead_retry_lane(), &r, 1, f);
}

static enum outcome obey(const struct control *c, struct arena *a, struct str line, uint64_t *n,
                         struct failure *f)
{
    yyjson_doc *doc = NULL;
    const enum outcome result = json_read(a, line, &doc, f);
    if (result != OK) {
        return result;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    yyjson_val *const ids = json_get(root, S("ids"));
    const struct str command = json_text(json_get(root, S("command")));
    const bool is_drop = str_eq(command, S("drop"));
    if (!is_drop && !str_eq(command, S("retry"))) {
        return failed(f, REJECT, "%.*s: commands are retry and drop", STR_ARG(command));
    }
    size_t i = 0, most = 0;
    yyjson_val *id = NULL;
    yyjson_arr_foreach(ids, i, most, id)
    {
        struct arena one;
        arena_init(&one, REQUEST_ARENA_BYTES_MAX);
        const enum outcome closed = close_one(c, &one, json_text(id), is_drop, f);
        arena_close(&one);
        if (closed != OK) {
            return closed;
        }
        ++*n;
        progress_beat(c->progress, true);
    }
    return OK;
}

static void serve_client(const struct control *c, int fd)
{
    struct arena a;
    struct str line;
    struct buf answer;
    struct failure f;
    arena_init(&a, REQUEST_ARENA_BYTES_MAX);
    buf_init(&answer, &a, LINE_BYTES_MAX);
    if (read_line(fd, &a, CLIENT_MS, &line)) {
        uint64_t n = 0;
        const bool is_ok = obey(c, &a, line, &n, &f) == OK;
        buf_printf(&answer, "{\"ok\":%s,\"n\":%llu", is_ok ? "true" : "false",
                   (unsigned long long)n);
        if (!is_ok) {
            buf_add(&answer, S(",\"why\":"));
            buf_add_json(&answer, str_of(f.text));
        }
        buf_add(&answer, S("}\n"));
        const struct str text = buf_str(&answer);
        (void)send(fd, text.at, text.len, MSG_NOSIGNAL); /* who hung up asks again: it is durable */
    }
    arena_close(&a);
}

static void wake(void *thing)
{
    const uint64_t one = 1;
    if (write(*(const int *)thing, &one, sizeof one) < 0) {
        return; /* full: it is awake already */
    }
}

static void loop(const struct control *c)
{
    while (!asked_to_stop()) {
        struct pollfd fds[] = {{.fd = c->listen_fd, .events = POLLIN},
                               {.fd = c->wake_fd, .events = POLLIN}};
        progress_beat(c->progress, false);
        (void)poll(fds, sizeof fds / sizeof *fds, -1); /* EINTR: look what was asked */
        progress_beat(c->progress, true);
        const int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            serve_client(c, fd);
            close(fd);
        }
    }
}

static struct str socket_address(struct arena *a, struct str data)
{
    return arena_printf(a, "unix:%.*s/run/control.sock", STR_ARG(data));
}

enum outcome control_run(const struct config *config, struct bus *bus, struct progress *progress,
                         struct failure *f)
{
    struct arena a;
    struct control c = {bus, progress, -1, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    arena_init(&a, (size_t)1 << 20);
    enum outcome result = c.wake_fd < 0 ? failed_errno(f, STOP, "make a descriptor") : OK;
    if (result == OK) {
        result = bus_lane_make(bus, dead_retry_lane(), f);
    }
    if (result == OK) {
        result = listen_open(socket_address(&a, config->data), &c.listen_fd, f);
    }
    if (result == OK) {
        asked_install(wake, &c.wake_fd);
        progress_state(progress, DUTY_RUNNING);
        loop(&c);
        asked_install(NULL, NULL);
        close(c.listen_fd);
    }
    close(c.wake_fd);
    arena_close(&a);
    return result;
}

/* ---- the client ---- */

enum outcome control_ask(struct arena *a, struct str data, struct str line, int timeout_ms,
                         struct str *out, struct failure *f)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const struct str address = socket_address(a, data);
    const struct str path = str_sub(address, 5, address.len); /* behind "unix:" */
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return failed_errno(f, RETRY, "make a socket");
    }
    enum outcome result = OK;
    if (path.len >= sizeof to.sun_path) {
        result = failed(f, STOP, "%.*s: the path is too long for a socket", STR_ARG(path));
    } else {
        memcpy(to.sun_path, path.at, path.len);
        if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
            result = failed_errno(f, RETRY, "weir does not run on %.*s; start it", STR_ARG(data));
        }
    }
    if (result == OK) {
        result = file_write(fd, line, f);
    }
    if (result == OK && !read_line(fd, a, timeout_ms, out)) {
        result = failed(f, RETRY, "weir gave no answer; its log may say why");
    }
    close(fd);
    return result;
}
