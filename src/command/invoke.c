/* invoke.c - a collector once, now, without bus: what it reads, and what its sinks do with that.
 *
 * As in a running weir, records wait for the run's last word, but for those of a run that gives
 * more than WORK_GATHER_BYTES, and the run's time is limited. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/asked.h"
#include "collector/window.h"
#include "collector/work.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "persist/sink/sink.h"

enum { ITEMS_MAX = 64, LINE_BYTES_MAX = 128 << 20, READ_BYTES = 64 << 10, LOOK_MS = 1000 };
#define MEMORY_BYTES_MAX ((size_t)2 << 30)
#define BATCH_BYTES_MAX ((size_t)1 << 30)

/* One of the collector's sinks, and how far it came. */
struct giving {
    const struct sink_config *config;
    struct sink *sink;
    uint64_t delivered;
    bool has_failed;
};

struct invoking {
    struct session *session;
    const struct collector *collector;
    struct giving giving[SINKS_MAX];
    size_t giving_n;
    struct arena batch; /* of the items that no sink has yet */
    struct sink_item item[ITEMS_MAX];
    size_t n;
    bool is_shown; /* no sink of it prints: the command does */
    bool is_whole, has_failed;
    /* the run */
    struct process process;
    struct arena waiting;
    struct str *held; /* JSON of metrics that wait for its last word  */
    size_t held_n, held_room, held_bytes;
    bool is_flowing; /* there were too many: they do not wait anymore */
};

/* ---- sinks ---- */

static void tell_sink(struct giving *g, const char *what, const struct failure *f)
{
    (void)fflush(stdout);
    screen_tell("sink %.*s: %s: %s\n", STR_ARG(g->config->name), what, f->text);
    g->has_failed = true;
}

static void open_sinks(struct invoking *v)
{
    const struct config *const c = v->session->config;
    v->is_shown = true;
    for (size_t i = 0; i < v->collector->sinks_n && i < SINKS_MAX; i++) {
        struct giving *const g = &v->giving[v->giving_n++];
        struct failure f;
        *g = (struct giving){.config = &c->sinks.at[v->collector->sink[i]]};
        v->is_shown = v->is_shown && g->config->type->driver != &sink_console;
        if (sink_open(&v->session->arena, g->config, S(""), &g->sink, &f) != OK) {
            tell_sink(g, "not opened", &f);
        }
    }
}

static void tell_refused(const struct giving *g, const struct failure *f)
{
    screen_tell("sink %.*s: a record is refused: %s\n", STR_ARG(g->config->name), f->text);
}

/* As the sink's own encoding has them; returns how many. */
static size_t encode(struct invoking *v, struct giving *g, struct sink_item *out)
{
    struct failure f;
    size_t n = 0;
    for (size_t i = 0; i < v->n && !g->has_failed; i++) {
        bool is_left_out = false;
        out[n] = v->item[i];
        const enum outcome result = sink_item_encode(g->sink, &v->batch, &out[n], &is_left_out, &f);
        n += result == OK && !is_left_out;
        if (result == REJECT) {
            tell_refused(g, &f);
        } else if (result != OK) {
            tell_sink(g, "failed", &f);
        }
    }
    return n;
}

/* A record that one sink refuses for good is told, and the rest goes on. */
static void give_to(struct giving *g, const struct sink_item *item, size_t n)
{
    struct failure f;
    for (size_t sent = 0; sent < n && !g->has_failed;) {
        size_t done = 0;
        const enum outcome result = g->sink->driver->send(g->sink, item + sent, n - sent, &done,
                                                          &f);
        sent += done;
        g->delivered += done;
        if (result == REJECT) {
            tell_refused(g, &f);
            sent++;
        } else if (result != OK) {
            tell_sink(g, "failed", &f);
        }
    }
}

static void give_batch(struct invoking *v)
{
    for (size_t i = 0; i < v->n && v->is_shown; i++) {
        printf("%.*s\n", STR_ARG(v->item[i].body));
    }
    (void)fflush(stdout);
    for (size_t i = 0; i < v->giving_n; i++) {
        struct sink_item item[ITEMS_MAX];
        give_to(&v->giving[i], item, encode(v, &v->giving[i], item));
    }
    v->n = 0;
    arena_reset(&v->batch);
}

static void close_sinks(struct invoking *v)
{
    for (size_t i = 0; i < v->giving_n; i++) {
        struct giving *const g = &v->giving[i];
        struct failure f;
        if (!g->has_failed && g->sink->driver->flush && g->sink->driver->flush(g->sink, &f) != OK) {
            tell_sink(g, "failed", &f);
        }
        if (!g->has_failed) {
            screen_tell("sink %.*s (%s): %llu record%s\n", STR_ARG(g->config->name),
                        g->config->type->name, (unsigned long long)g->delivered,
                        g->delivered == 1 ? "" : "s");
        }
        v->has_failed = v->has_failed || g->has_failed;
        sink_close(g->sink);
    }
}

/* ---- the run's lines ---- */

static void give_metric(struct invoking *v, struct str json)
{
    struct metric m;
    struct failure f;
    if (metric_read(&v->batch, arena_str(&v->batch, json), &m, &f) != OK) {
        screen_tell("weir invoke: %s\n", f.text);
        v->has_failed = true;
        return;
    }
    sink_item_of_metric(&v->batch, v->collector, &m, &v->item[v->n++]);
    if (v->n == ITEMS_MAX) {
        give_batch(v);
    }
}

static void give_held(struct invoking *v)
{
    for (size_t i = 0; i < v->held_n; i++) {
        give_metric(v, v->held[i]);
    }
    v->held = NULL;
    v->held_n = v->held_room = v->held_bytes = 0;
    arena_reset(&v->waiting);
}

static void take_metric(struct invoking *v, struct str json)
{
    if (v->is_flowing) {
        give_metric(v, json);
        return;
    }
    v->held = arena_more(&v->waiting, v->held, v->held_n, &v->held_room, sizeof *v->held);
    v->held[v->held_n++] = arena_str(&v->waiting, json);
    v->held_bytes += json.len;
    if (v->held_bytes >= WORK_GATHER_BYTES) {
        v->is_flowing = true;
        give_held(v);
    }
}

/* It has failed: what waits is left out. */
static void tell_failed(struct invoking *v, struct str why)
{
    screen_tell("%.*s: %.*s\n", STR_ARG(v->collector->id), STR_ARG(why));
    if (v->is_flowing) {
        screen_tell("%.*s: some of its records had been given to the sinks before\n",
                    STR_ARG(v->collector->id));
    } else if (v->held_n > 0) {
        screen_tell("%.*s: %zu record%s of it left out\n", STR_ARG(v->collector->id), v->held_n,
                    v->held_n == 1 ? "" : "s");
    }
    v->has_failed = true;
    v->n = v->held_n = 0;
}

static void take_end(struct invoking *v, const struct run_line *line)
{
    v->is_whole = !v->process.is_late;
    if (!v->is_whole) {
        return;
    }
    if (line->is == RUN_FAILED) {
        tell_failed(v, line->why);
        return;
    }
    give_held(v);
    give_batch(v);
    screen_tell("%.*s: %llu row%s, %llu record%s", STR_ARG(v->collector->id),
                (unsigned long long)line->rows, line->rows == 1 ? "" : "s",
                (unsigned long long)line->metrics, line->metrics == 1 ? "" : "s");
    if (line->empty > 0) {
        screen_tell(", %llu without a value", (unsigned long long)line->empty);
    }
    screen_tell("%s\n", line->rows == 0 ? ": nothing to write" : "");
    if (line->note.len > 0) {
        screen_tell("%.*s: %.*s\n", STR_ARG(v->collector->id), STR_ARG(line->note));
    }
}

static void take_line(struct invoking *v, struct str text)
{
    struct arena a;
    struct run_line line;
    struct failure f;
    arena_init(&a, BATCH_BYTES_MAX);
    if (run_line_read(&a, text, &line, &f) != OK) {
        screen_tell("weir invoke: %s\n", f.text);
        v->has_failed = true;
    } else if (line.is == RUN_METRIC) {
        take_metric(v, line.metric);
    } else if (line.is == RUN_ASIDE) {
        screen_tell("%.*s: row %llu is set aside: %.*s\n", STR_ARG(v->collector->id),
                    (unsigned long long)line.row, STR_ARG(line.why));
    } else {
        take_end(v, &line);
    }
    arena_close(&a);
}

/* All whole lines; the beginning of another stays in `line`. */
static void take_bytes(struct invoking *v, struct buf *line, struct str bytes)
{
    while (bytes.len > 0) {
        const size_t end = str_find(bytes, '\n');
        const bool is_whole = end < bytes.len;
        buf_add(line, str_sub(bytes, 0, end));
        bytes = str_sub(bytes, end + is_whole, bytes.len);
        if (is_whole && !buf_is_over(line)) {
            take_line(v, buf_str(line));
        }
        if (is_whole) {
            buf_reset(line);
        }
    }
}

static void listen_to(struct invoking *v)
{
    struct process *const p = &v->process;
    struct arena life;
    struct buf line;
    ssize_t n = 1;
    arena_init(&life, 2 * (size_t)LINE_BYTES_MAX);
    char *const bytes = arena_array(&life, char, READ_BYTES);
    buf_init(&line, &life, LINE_BYTES_MAX);
    while (n != 0) {
        struct pollfd fds = {.fd = p->fd, .events = POLLIN};
        const int64_t left_ms = (p->until_us - clock_mono_us()) / 1000 + 1;
        const int wait_ms = left_ms < 0 ? 0 : left_ms < LOOK_MS ? (int)left_ms : LOOK_MS;
        const int ready = poll(&fds, 1, wait_ms);
        n = ready > 0 ? read(p->fd, bytes, READ_BYTES) : 1;
        if (ready > 0 && n > 0) {
            take_bytes(v, &line, (struct str){bytes, (size_t)n});
        }
        process_watch(p, clock_mono_us());
        if (asked_to_stop()) {
            process_ask(p);
        }
    }
    arena_close(&life);
}

/* What there is to say of a run that has ended, but has not said it itself. */
static void tell_ended(struct invoking *v, int status)
{
    struct failure why;
    if (v->process.is_late || !v->is_whole) {
        (void)process_tell(&v->process, status, &why);
        tell_failed(v, str_of(why.text));
    }
}

/* ---- the command ---- */

static const struct collector *choose(const struct config *c, const struct words *words)
{
    const struct str name = words->n > 0 ? str_of(words->at[0]) : S("");
    const struct collectors *const all = &c->collectors;
    const struct collector *called_so = NULL;
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++) {
        if (str_eq(all->at[i].id, name) || (name.len == 0 && all->n == 1)) {
            return &all->at[i];
        }
        if (str_eq(all->at[i].name, name)) {
            called_so = &all->at[i];
            n++;
        }
    }
    if (n == 1) {
        return called_so;
    }
    if (all->n == 0) {
        screen_tell("weir invoke: there is no collector in this configuration\n");
        return NULL;
    }
    screen_tell("weir invoke: %s; there %s:",
                n > 1      ? "more than one collector has this name"
                : name.len ? "no collector of this name"
                           : "which one",
                all->n == 1 ? "is" : "are");
    for (size_t i = 0; i < all->n; i++) {
        screen_tell(" %.*s", STR_ARG(all->at[i].id));
    }
    screen_tell("\n");
    return NULL;
}

/* TIME_NONE: now. */
static struct run run_of(const struct collector *c, int64_t as_of_us)
{
    const bool is_as_of = as_of_us != TIME_NONE;
    const int64_t now_us = is_as_of ? as_of_us : clock_now_us();
    struct run r = {.collector = c,
                    .scheduled_us = now_us,
                    .start_us = TIME_NONE,
                    .end_us = TIME_NONE,
                    .is_as_of = is_as_of};
    if (c->strategy == STRATEGY_WINDOW) {
        const struct window_span window = window_last(now_us, c->window_us);
        r.start_us = window.start_us;
        r.end_us = window.end_us;
    }
    return r;
}

/* Spans are counted from year one on: before its first whole one there is none. */
static bool has_window(const struct collector *c, int64_t as_of_us)
{
    char text[CLOCK_TEXT_BYTES];
    int64_t ignored_us = 0;
    const struct run r = run_of(c, as_of_us);
    const size_t len = r.start_us == TIME_NONE ? 0 : clock_text(r.start_us, text);
    if (len == 0 || clock_parse((struct str){text, len}, &ignored_us)) {
        return true;
    }
    screen_tell("weir invoke: --start-time: the last complete window before it begins before year "
                "1; a later one is wanted\n");
    return false;
}

static int invoke(struct session *s, const struct collector *c, int64_t as_of_us)
{
    struct invoking v = {.session = s, .collector = c};
    struct failure f;
    const struct run r = run_of(c, as_of_us);
    arena_init(&v.batch, BATCH_BYTES_MAX);
    arena_init(&v.waiting, BATCH_BYTES_MAX);
    open_sinks(&v);
    if (process_start(&v.process, &r, &f) != OK) {
        return command_failed("invoke", &f);
    }
    listen_to(&v);
    tell_ended(&v, process_wait(&v.process));
    process_close(&v.process);
    close_sinks(&v);
    arena_close(&v.batch);
    arena_close(&v.waiting);
    return v.has_failed ? EXIT_NO : EXIT_DONE;
}

int command_invoke(int argc, char **argv)
{
    int64_t as_of_us = TIME_NONE;
    const struct flag flags[] = {
        {"start-time", 0, FLAG_TIME, &as_of_us, "TIME",
         "as if it were this moment: for windows, partitions and what a tick is called"},
        {0},
    };
    const struct usage usage = {
        .name = "invoke",
        .words = "[COLLECTOR]",
        .about =
            "Run one collector once, now: prints each record, and tells what each of its sinks "
            "did with it. Nothing is tried again and nothing is noted, so a running weir does "
            "not see it. A window is the last complete one.",
        .flags = flags,
        .examples = "  weir invoke -c users.yaml\n"
                    "  weir invoke -c users.yaml --start-time 2026-03-07T00:00:00Z\n",
        .words_most = 1,
        .needs = NEEDS_SECRETS,
        .is_whole = true,
        .memory_bytes_max = MEMORY_BYTES_MAX,
    };
    struct session s;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    const struct collector *const c = choose(s.config, &s.words);
    asked_install(NULL, NULL);
    s.status = c && has_window(c, as_of_us) ? invoke(&s, c, as_of_us) : EXIT_USAGE;
    return command_end(&s);
}
