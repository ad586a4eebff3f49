#include "agent/collect.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/asked.h"
#include "bus/dead.h"
#include "wire/control.h"
#include "wire/json.h"
#include "wire/listen.h"

enum {
    CLIENT_MS = 10000 /* one client at a time: who dawdles is hung up on */
};
#define REQUEST_ARENA_BYTES_MAX ((size_t)512 << 20)

struct collect {
    struct bus *bus;
    struct progress *progress;
    int listen_fd, wake_fd;
};

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

static enum outcome close_one(const struct collect *c, struct arena *a, struct str id, bool is_drop,
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

/* One that is not open, because somebody else closed it meanwhile or nobody ever did open it, keeps
 * none of the others: the first of them is told at the end. */
static enum outcome obey(const struct collect *c, struct arena *a, struct str line, uint64_t *n,
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
    enum outcome all = OK;
    yyjson_arr_foreach(ids, i, most, id)
    {
        struct arena one;
        struct failure why;
        arena_init(&one, REQUEST_ARENA_BYTES_MAX);
        const enum outcome closed = close_one(c, &one, json_text(id), is_drop, &why);
        arena_close(&one);
        *n += closed == OK;
        if (closed != OK && all == OK) {
            all = closed;
            *f = why;
        }
        if (closed == RETRY || closed == STOP) {
            *f = why;
            return closed;
        }
        progress_beat(c->progress, true);
    }
    return all;
}

static void serve_client(const struct collect *c, int fd)
{
    struct arena a;
    struct str line;
    struct buf answer;
    struct failure f;
    arena_init(&a, REQUEST_ARENA_BYTES_MAX);
    buf_init(&answer, &a, CONTROL_LINE_BYTES_MAX);
    if (control_read_line(fd, &a, CLIENT_MS, &line)) {
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

static void loop(const struct collect *c)
{
    while (!asked_to_stop()) {
        struct pollfd fds[] = {{.fd = c->listen_fd, .events = POLLIN},
                               {.fd = c->wake_fd, .events = POLLIN}};
        progress_beat(c->progress, false);
        (void)poll(fds, sizeof fds / sizeof *fds, -1); /* EINTR: look what was asked */
        progress_beat(c->progress, true);
        (void)eventfd_read(c->wake_fd, &(eventfd_t){0});
        const int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            serve_client(c, fd);
            close(fd);
        }
    }
}

enum outcome collect_run(const struct config *config, struct bus *bus, struct progress *progress,
                         struct failure *f)
{
    struct arena a;
    struct collect c = {bus, progress, -1, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    arena_init(&a, (size_t)1 << 20);
    enum outcome result = c.wake_fd < 0 ? failed_errno(f, STOP, "make a descriptor") : OK;
    if (result == OK) {
        result = bus_lane_make(bus, dead_retry_lane(), f);
    }
    if (result == OK) {
        result = listen_open(control_address(&a, config->data), &c.listen_fd, f);
    }
    if (result == OK) {
        asked_install(asked_wake_fd, &c.wake_fd);
        progress_state(progress, DUTY_RUNNING);
        loop(&c);
        asked_install(NULL, NULL);
        close(c.listen_fd);
    }
    close(c.wake_fd);
    arena_close(&a);
    return result;
}
