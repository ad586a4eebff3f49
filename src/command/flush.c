/* flush.c - wait until everything received before the call is where it belongs.
 *
 * Hop by hop (bus.md section 6.11): the ends of raw, until transform and every reader of raw have
 * passed them; then the ends of standard and measured, until every reader of those has. */
#include "command/flush.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/asked.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "orchestrate/lock.h"
#include "orchestrate/survey.h"
#include "persist/lake/made.h"
#include "persist/store.h"
#include "registry.h"
#include "signal/model.h"

enum {
    TIMEOUT_MS = 30000,
    TURN_MS = 20,
    ASK_TURNS = 50 /* ask again: what came through meanwhile has to be flushed too */
};
#define TURN_ARENA_BYTES_MAX ((size_t)64 << 20)
#define TABLE_BYTES_MAX ((size_t)1 << 30) /* a line of each live file */

struct flushing {
    const struct config *config;
    struct bus *bus;
    int64_t until_us;
    bool is_shown; /* progress on stderr */
};

struct hop {
    unsigned streams;
    struct lane_ends *lane;
    size_t n;
};

static enum outcome take_ends(struct flushing *w, struct arena *a, struct hop *hop,
                              struct failure *f)
{
    hop->lane = arena_array(a, struct lane_ends, BUS_LANES_MAX);
    for (int s = 0; s < STREAM_N; s++) {
        struct lane_ends *lane = NULL;
        size_t n = 0;
        if (!(hop->streams & STREAM_BIT(s))) {
            continue;
        }
        const enum outcome result = bus_ends(w->bus, a, (enum stream)s, &lane, &n, f);
        if (result != OK) {
            return result;
        }
        for (size_t i = 0; i < n && hop->n < BUS_LANES_MAX; i++) {
            hop->lane[hop->n++] = lane[i];
        }
    }
    return OK;
}

static bool lags(const struct survey *s, const struct hop *hop, unsigned reads, const char *reader)
{
    for (size_t i = 0; i < hop->n; i++) {
        const struct lane_ends *const ends = &hop->lane[i];
        if ((reads & STREAM_BIT(ends->lane.stream)) &&
            survey_cursor(s, reader, ends->lane).at < ends->end.at) {
            return true;
        }
    }
    return false;
}

/* Until it has opened what it keeps, the cursors are those of the process before it. */
static bool is_open(const struct survey *s, const char *reader)
{
    for (size_t i = 0; i < s->stages_n && s->pid > 0; i++) {
        if (strcmp(s->stage[i].name, reader) == 0) {
            return s->stage[i].state != STAGE_STARTING && s->stage[i].state != STAGE_DOWN;
        }
    }
    return true;
}

/* What hinders it, or did when it ended, behind ": "; empty: nothing that it could tell. */
static struct str hindrance(struct arena *a, const struct survey *s, const char *reader)
{
    char why[PROGRESS_WHY_BYTES] = "";
    for (size_t i = 0; i < s->pages_n; i++) {
        if (str_eq(s->page[i].name, str_of(reader))) {
            progress_why(s->page[i].page, why);
        }
    }
    return why[0] ? arena_printf(a, ": %s", why) : S("");
}

/* A reader that has not passed the hop; NULL: all have. *is_behind: as its cursors say, not only
 * because nobody can say where it stands. */
static const char *who_lags(const struct flushing *w, struct arena *a, const struct survey *s,
                            const struct hop *hop, bool *is_behind)
{
    struct str name;
    for (const struct duty *d = registry_duties; d->stage; d++) {
        for (size_t i = 0; (name = duty_process(d, w->config, i)).len > 0; i++) {
            const char *const reader = arena_cstr(a, name);
            *is_behind = lags(s, hop, duty_reads(d), reader);
            if (*is_behind || ((duty_reads(d) & hop->streams) && !is_open(s, reader))) {
                return reader;
            }
        }
    }
    return NULL;
}

static void show(const struct flushing *w, const char *who)
{
    if (w->is_shown) {
        screen_show("%s%s", who ? "waiting for " : "", who ? who : "");
    }
}

static enum outcome wait_hop(struct flushing *w, const struct hop *hop, struct failure *f)
{
    struct arena a;
    bool is_behind = false;
    const char *who = NULL;
    enum outcome result = OK;
    arena_init(&a, TURN_ARENA_BYTES_MAX);
    for (int turn = 0; result == OK; turn++) {
        if (asked_to_stop()) {
            result = failed(f, RETRY, "stopped while %s was behind", who ? who : "a stage");
            break;
        }
        arena_reset(&a);
        struct survey *const s = arena_new(&a, struct survey);
        result = survey_take(
            &a, &(struct survey_of){w->config, registry_duties, NULL, bus_id(w->bus)}, s, f);
        who = result == OK ? who_lags(w, &a, s, hop, &is_behind) : NULL;
        if (result != OK || !who) {
            break;
        }
        if (s->pid == 0) {
            result = failed(f, RETRY, "weir does not run, and %s is behind: start it, then flush",
                            who);
        } else if (clock_mono_us() > w->until_us) {
            result = failed(f, RETRY,
                            "%s is %s%.*s; `weir status` says how far, --timeout waits longer", who,
                            is_behind ? "still behind" : "down", STR_ARG(hindrance(&a, s, who)));
        } else {
            if (turn % ASK_TURNS == 0) {
                (void)kill(s->pid, SIGUSR1);
            }
            show(w, who);
            nanosleep(&(struct timespec){.tv_nsec = TURN_MS * 1000000L}, NULL);
        }
    }
    show(w, NULL);
    arena_close(&a);
    return result;
}

/* The first table that weir has written to and that is not there; NULL: all are. */
static const char *table_gone(const struct flushing *w, struct arena *a, const struct made *made)
{
    for (size_t i = 0; i < model_all_n; i++) {
        const struct str table = str_of(model_all[i]->name);
        const struct str log = arena_printf(a, "%.*s/%.*s/_delta_log",
                                            STR_ARG(w->config->lake.path), STR_ARG(table));
        if (made_is_known(made, table) && access(log.at, F_OK) != 0) {
            return model_all[i]->name;
        }
    }
    return NULL;
}

/* That the store stands where its page says: it may have been put back or damaged since. */
static enum outcome check_store(const struct flushing *w, struct arena *a, const struct hop *hop,
                                struct failure *f)
{
    const struct str path = w->config->store.path;
    struct store *store = NULL;
    enum outcome result = store_look(a, w->config, bus_id(w->bus), &store, f);
    if (result == OK && !store && store_was_there(a, w->config)) {
        result = failed(f, RETRY, "%.*s is empty, and weir has written to it: put it back",
                        STR_ARG(path));
    }
    for (size_t i = 0; store && i < hop->n && result == OK; i++) {
        const struct lane_ends *const ends = &hop->lane[i];
        struct position at = {0};
        result = store->driver->cursor(store, ends->lane, &at, f);
        if (result == OK && at.at < ends->end.at) {
            result = failed(f, RETRY,
                            "%.*s lacks what stands behind %llu in %s/%.*s: it is not the one "
                            "that weir has written to last; a weir that runs catches up",
                            STR_ARG(path), (unsigned long long)at.at,
                            stream_name(ends->lane.stream), STR_ARG(ends->lane.name));
        }
    }
    store_close(store);
    return result;
}

/* That each table's log can be replayed. */
static enum outcome check_tables(const struct flushing *w, const struct made *made,
                                 struct failure *f)
{
    const struct files files = files_at(w->config->lake.path);
    enum outcome result = OK;
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        struct arena one;
        struct delta log;
        const struct str table = str_of(model_all[i]->name);
        arena_init(&one, TABLE_BYTES_MAX);
        result = made_is_known(made, table) ? delta_open(&one, &files, table, &log, f) : OK;
        arena_close(&one);
    }
    return result;
}

/* Cursors outlive what they stand in, and those of a weir that begins are of the one before it; who
 * has nothing to write does not look whether it is gone. A weir that runs is made to. */
static enum outcome check_is_there(const struct flushing *w, struct arena *a, const struct hop *hop,
                                   struct failure *f)
{
    struct made made;
    enum outcome result = OK;
    const char *const store = arena_cstr(a, w->config->store.path);
    if (access(store, F_OK) != 0 && errno == ENOENT && store_was_there(a, w->config)) {
        result = failed(f, RETRY,
                        "the store %s is gone, and weir has written to it: put it back, or call "
                        "it again when weir has made it anew (`weir status`)",
                        store);
    }
    if (result == OK) {
        result = made_read(a, w->config->data, &made, f);
    }
    const char *const table = result == OK ? table_gone(w, a, &made) : NULL;
    if (table) {
        result = failed(f, RETRY,
                        "the lake has no table %s, and weir has written to it: put it back, or "
                        "let a running weir make it anew; `weir verify` says whether it can",
                        table);
    }
    if (result == OK) {
        result = check_store(w, a, hop, f);
    }
    if (result == OK) {
        result = check_tables(w, &made, f);
    }
    const pid_t weir = result == OK ? 0 : lock_holder(a, w->config->data);
    if (weir > 0) {
        (void)kill(weir, SIGUSR1);
    }
    return result;
}

static enum outcome flush(struct flushing *w, struct arena *a, struct failure *f)
{
    const unsigned streams[] = {STREAM_BIT(STREAM_RAW),
                                STREAM_BIT(STREAM_STANDARD) | STREAM_BIT(STREAM_MEASURED)};
    struct hop hop = {0};
    enum outcome result = OK;
    for (size_t i = 0; i < sizeof streams / sizeof *streams && result == OK; i++) {
        hop = (struct hop){.streams = streams[i]};
        result = take_ends(w, a, &hop, f);
        if (result == OK) {
            result = wait_hop(w, &hop, f);
        }
    }
    return result == OK ? check_is_there(w, a, &hop, f) : result;
}

enum outcome flush_all(const struct config *config, struct bus *bus, int64_t timeout_ms,
                       struct failure *f)
{
    struct arena a;
    struct flushing w = {.config = config,
                         .bus = bus,
                         .until_us = clock_mono_us() + timeout_ms * 1000,
                         .is_shown = command_has_colour(STDERR_FILENO)};
    arena_init(&a, TURN_ARENA_BYTES_MAX);
    const enum outcome result = flush(&w, &a, f);
    arena_close(&a);
    return result;
}

int command_flush(int argc, char **argv)
{
    int64_t timeout_ms = TIMEOUT_MS;
    const struct flag flags[] = {
        {"timeout", 0, FLAG_DURATION, &timeout_ms, "30s", "how long to wait before giving up"},
        {0}};
    const struct usage usage = {
        .name = "flush",
        .words = "",
        .about = "Return once everything received before the call is in lake and store, or stands "
                 "in dead.",
        .flags = flags,
        .examples = "  weir flush\n  weir flush --timeout 5m\n",
        .needs = NEEDS_CONFIG,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct bus *bus;
    enum outcome result = bus_visit(&s.arena, &s.config->bus, &bus, &f);
    if (result == OK) {
        result = flush_all(s.config, bus, timeout_ms, &f);
        bus_close(bus);
    }
    s.status = result == OK ? EXIT_DONE : command_unanswered("flush", &f);
    return command_end(&s);
}
