#include "collector/collect.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/asked.h"
#include "collector/fill.h"
#include "collector/letters.h"
#include "collector/tend.h"
#include "wire/control.h"
#include "wire/json.h"
#include "wire/listen.h"

enum {
    CLIENT_MS = 10000,    /* one client at a time: who dawdles is hung up on        */
    LAST_CLIENT_MS = 100, /* … and has less time to spend where a stop is asked for */
    GRACE_MS = 5000,      /* asked to stop: runs may end by themselves for so long  */
    STOP_MS = 2000,       /* … and so long after they are asked to, too             */
    FDS_MAX = 3 + TEND_WORKS_MAX
};
#define REQUEST_ARENA_BYTES_MAX ((size_t)64 << 20)
#define COLLECT_ARENA_BYTES_MAX ((size_t)64 << 20)

struct collect {
    struct bus *bus;
    struct progress *progress;
    struct tending *tending;
    struct letters letters;
    int listen_fd, wake_fd;
    int timer_fd; /* of the clock on the wall: cron; tells also when it is set */
    int64_t armed_us;
};

/* ---- commands ---- */

static void add_time(struct buf *b, const char *name, int64_t us)
{
    char text[CLOCK_TEXT_BYTES];
    (void)clock_text(us, text);
    buf_printf(b, ",\"%s\":\"%s\"", name, text);
}

static enum outcome do_collectors(const struct collect *c, struct buf *answer)
{
    const struct tending *const t = c->tending;
    const struct schedule_now now = schedule_now();
    buf_add(answer, S(",\"collectors\":["));
    for (size_t i = 0; i < t->n; i++) {
        const struct tended *const x = &t->at[i];
        buf_add(answer, i > 0 ? S(",{\"id\":") : S("{\"id\":"));
        buf_add_json(answer, x->collector->id);
        add_time(answer, "next", schedule_next_us(&x->schedule, now));
        if (x->work) {
            add_time(answer, "since", x->work->begun_us);
        }
        buf_add_byte(answer, '}');
    }
    buf_add_byte(answer, ']');
    return OK;
}

static enum outcome do_anew(const struct collect *c, yyjson_val *root, struct buf *answer,
                            struct failure *f)
{
    bool is_gone = false;
    const struct str name = json_text(json_get(root, S("collector")));
    const enum outcome result = tend_forget(c->tending, name, &is_gone, f);
    buf_add(answer, is_gone ? S(",\"gone\":true") : S(""));
    return result;
}

static enum outcome do_backfill(const struct collect *c, yyjson_val *root, struct buf *answer,
                                struct failure *f)
{
    struct fill_ask ask = {.collector = json_text(json_get(root, S("collector"))),
                           .is_anew = yyjson_is_true(json_get(root, S("anew"))),
                           .is_stop = yyjson_is_true(json_get(root, S("stop")))};
    struct fill_told told;
    if (!clock_parse(json_text(json_get(root, S("from"))), &ask.range.start_us) ||
        !clock_parse(json_text(json_get(root, S("to"))), &ask.range.end_us)) {
        return failed(f, REJECT, "from and to are times, RFC 3339");
    }
    const enum outcome result = fill_take(c->tending, &ask, &told, f);
    buf_printf(answer, ",\"n\":%llu,\"of\":%llu,\"running\":%llu,\"over\":%s",
               (unsigned long long)told.n, (unsigned long long)told.of,
               (unsigned long long)told.running, told.is_over ? "true" : "false");
    if (told.is_waiting) {
        buf_add(answer, S(",\"waiting\":true"));
    }
    if (told.of > 0) {
        add_time(answer, "from", told.whole.start_us);
        add_time(answer, "to", told.whole.end_us);
    }
    if (told.why[0] != '\0' && !told.is_over) {
        buf_add(answer, S(",\"trouble\":"));
        buf_add_json(answer, str_of(told.why));
    }
    return result;
}

static enum outcome obey(const struct collect *c, struct arena *a, struct str line,
                         struct buf *answer, struct failure *f)
{
    yyjson_doc *doc = NULL;
    enum outcome result = json_read(a, line, &doc, f);
    if (result != OK) {
        return result;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    const struct str command = json_text(json_get(root, S("command")));
    const enum letters_way way = letters_way(command);
    if (way < LETTERS_WAYS_N) {
        struct letters_done done;
        result = letters_close(&c->letters, json_get(root, S("ids")), way, &done, f);
        buf_printf(answer, ",\"n\":%llu,\"looked\":%llu", (unsigned long long)done.n,
                   (unsigned long long)done.looked);
        return result;
    }
    if (str_eq(command, S("collectors"))) {
        return do_collectors(c, answer);
    }
    if (str_eq(command, S("anew"))) {
        return do_anew(c, root, answer, f);
    }
    if (str_eq(command, S("backfill"))) {
        return do_backfill(c, root, answer, f);
    }
    return failed(f, REJECT,
                  "%.*s: commands are retry, drop, replayed, collectors, anew and backfill",
                  STR_ARG(command));
}

static void serve_client(const struct collect *c, int fd)
{
    struct arena a;
    struct str line;
    struct buf answer, all;
    struct failure f;
    arena_init(&a, REQUEST_ARENA_BYTES_MAX);
    buf_init(&answer, &a, CONTROL_LINE_BYTES_MAX);
    buf_init(&all, &a, 2 * CONTROL_LINE_BYTES_MAX);
    if (control_read_line(fd, &a, asked_to_stop() ? LAST_CLIENT_MS : CLIENT_MS, &line)) {
        const bool is_ok = obey(c, &a, line, &answer, &f) == OK;
        buf_printf(&all, "{\"ok\":%s", is_ok ? "true" : "false");
        buf_add(&all, buf_str(&answer));
        if (!is_ok) {
            buf_add(&all, S(",\"why\":"));
            buf_add_json(&all, str_of(f.text));
        }
        buf_add(&all, S("}\n"));
        const struct str text = buf_str(&all);
        (void)send(fd, text.at, text.len, MSG_NOSIGNAL); /* who hung up asks again: it is durable */
    }
    arena_close(&a);
}

/* ---- the loop ---- */

/* Woken when the clock on the wall is there, or is set. */
static void arm(struct collect *c, int64_t wall_us)
{
    if (wall_us == TIME_NONE || wall_us == c->armed_us) {
        return;
    }
    const struct itimerspec at = {
        .it_value = {.tv_sec = wall_us / 1000000, .tv_nsec = wall_us % 1000000 * 1000}};
    c->armed_us = wall_us;
    (void)timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static size_t watch(struct collect *c, struct pollfd fds[FDS_MAX])
{
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = c->listen_fd, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = c->wake_fd, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = c->timer_fd, .events = POLLIN};
    for (size_t i = 0; i < TEND_WORKS_MAX; i++) {
        const struct work *const w = &c->tending->slot[i].work;
        if (w->is != WORK_FREE) {
            fds[n++] = (struct pollfd){.fd = w->process.fd, .events = POLLIN};
        }
    }
    return n;
}

/* Wait for something to do, at most wait_ms (-1: for ever), and note what came. */
static void wait_for(struct collect *c, int wait_ms)
{
    struct pollfd fds[FDS_MAX];
    uint64_t expired = 0;
    const size_t n = watch(c, fds);
    errno = 0;
    progress_beat(c->progress, false);
    (void)poll(fds, n, wait_ms); /* EINTR: look what was asked */
    progress_beat(c->progress, true);
    (void)eventfd_read(c->wake_fd, &(eventfd_t){0});
    if (read(c->timer_fd, &expired, sizeof expired) > 0 || errno == ECANCELED) {
        c->armed_us = TIME_NONE;
    }
}

static void answer_one(const struct collect *c)
{
    const int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        serve_client(c, fd);
        close(fd);
    }
}

static void loop(struct collect *c)
{
    while (!asked_to_stop()) {
        int64_t wall_us = TIME_NONE;
        tend_turn(c->tending);
        const int wait_ms = tend_wait_ms(c->tending, &wall_us);
        arm(c, wall_us);
        wait_for(c, wait_ms);
        answer_one(c);
    }
}

/* What is at work may end for a while; what does not then comes again after the next start. */
static void drain(struct collect *c, int64_t stop_ms)
{
    const int64_t grace_ms = stop_ms / 4 < GRACE_MS ? stop_ms / 4 : GRACE_MS;
    const int64_t ask_us = clock_mono_us() + grace_ms * 1000;
    const int64_t end_us = ask_us + (stop_ms / 4 < STOP_MS ? stop_ms / 4 : STOP_MS) * 1000;
    for (int64_t now_us = clock_mono_us(); now_us < end_us && tend_stop(c->tending, ask_us, end_us);
         now_us = clock_mono_us()) {
        const int64_t until_us = now_us < ask_us ? ask_us : end_us;
        wait_for(c, (int)((until_us - now_us) / 1000 + 1));
        tend_turn(c->tending);
        answer_one(c);
    }
}

static enum outcome make_descriptors(struct collect *c, struct arena *a,
                                     const struct config *config, struct failure *f)
{
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    c->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (c->wake_fd < 0 || c->timer_fd < 0) {
        return failed_errno(f, STOP, "make a descriptor");
    }
    return listen_open(control_address(a, config->data), &c->listen_fd, f);
}

static void close_all(const struct collect *c)
{
    const int fd[] = {c->listen_fd, c->wake_fd, c->timer_fd};
    for (size_t i = 0; i < sizeof fd / sizeof *fd; i++) {
        if (fd[i] >= 0) {
            close(fd[i]);
        }
    }
}

enum outcome collect_run(const struct collecting *how, struct failure *f)
{
    struct arena a;
    arena_init(&a, COLLECT_ARENA_BYTES_MAX);
    struct collect c = {.bus = how->bus,
                        .progress = how->progress,
                        .tending = arena_new(&a, struct tending),
                        .letters = {how->bus, how->progress, dead_closed_new(&a, how->bus)},
                        .listen_fd = -1,
                        .wake_fd = -1,
                        .timer_fd = -1,
                        .armed_us = TIME_NONE};
    enum outcome result = bus_lane_make(how->bus, dead_retry_lane(), f);
    if (result == OK) {
        result = make_descriptors(&c, &a, how->config, f);
    }
    if (result == OK) {
        result = tend_open(c.tending, how, f);
        if (result == OK) {
            asked_install(asked_wake_fd, &c.wake_fd);
            progress_state(how->progress, DUTY_RUNNING);
            loop(&c);
            drain(&c, how->config->stop_ms);
            asked_install(NULL, NULL);
        }
        tend_close(c.tending);
    }
    close_all(&c);
    arena_close(&a);
    return result;
}
