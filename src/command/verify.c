/* verify.c - segments, lake, store and the index of repetitions against their checksums and each
 * other. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "bus/upkeep.h"
#include "command/ask.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/compare.h"
#include "command/screen.h"
#include "persist/lake/audit.h"
#include "persist/persister.h"
#include "persist/store.h"
#include "signal/model.h"
#include "transform/repetitions.h"

enum { TRIES_MAX = 3 };
#define ARENA_BYTES_MAX ((size_t)4 << 30)

struct verifying {
    const struct config *config;
    struct arena *arena;
    struct bus *bus;
    size_t faults;
    bool is_shown;   /* how far it is */
    bool is_shared;  /* weirs of other streams write to the lake, too */
    bool is_in_part; /* something could not be compared now, and could be later */
};

/* Where the store stands; positions only grow, so an equal sum says that no lane moved. */
struct level {
    bool is_level;
    uint64_t sum;
};

/* On a terminal, how far it is; the next line takes its place. */
static void show(const struct verifying *v, struct str what)
{
    if (v->is_shown) {
        screen_show("%.*s", STR_ARG(what));
    }
}

static void say(struct verifying *v, struct str what)
{
    v->faults++;
    show(v, S(""));
    screen_say(stdout, what);
    (void)putchar('\n');
}

/* A part that cannot be read is a finding, and the others are looked at all the same. */
static void unread(struct verifying *v, const char *part, const struct failure *f)
{
    say(v, arena_printf(v->arena, "%s: cannot be read: %s", part, f->text));
}

/* ---- segments ---- */

static void segment_found(void *to, const struct finding *finding)
{
    struct verifying *const v = to;
    const char *const stream = stream_name(finding->lane.stream);
    if (finding->kind == FINDING_DAMAGED) {
        say(v, arena_printf(v->arena,
                            "bus: %s/%.*s is damaged from position %" PRIu64 " on, %" PRIu64
                            " bytes: %.*s; weir sets it aside as soon as somebody reads there",
                            stream, STR_ARG(finding->lane.name), finding->at.at, finding->bytes,
                            STR_ARG(finding->path)));
    } else if (finding->kind == FINDING_PAGE) {
        say(v, arena_printf(
                   v->arena,
                   "bus: %s/%.*s: the lane.page in %.*s is damaged: it names an end %" PRIu64
                   " bytes further on than can be; start weir, which makes it anew",
                   stream, STR_ARG(finding->lane.name), STR_ARG(finding->path), finding->bytes));
    } else if (finding->kind == FINDING_LOST) { /* told when it happened, and nothing to mend */
        screen_tell("bus: %s/%.*s lost %" PRIu64 " bytes at position %" PRIu64
                    " earlier; they are kept in %.*s\n",
                    stream, STR_ARG(finding->lane.name), finding->bytes, finding->at.at,
                    STR_ARG(finding->path));
    }
}

/* ---- repetitions ---- */

static void repetitions_found(void *to, struct str what)
{
    struct verifying *const v = to;
    say(v, arena_printf(v->arena, "repetitions: %.*s", STR_ARG(what)));
}

/* Whether any signal gave output: the transform counts them with its cursors. */
static enum outcome look_for_output(struct verifying *v, bool *out, struct failure *f)
{
    struct reader *transform = NULL;
    struct lane_ends *ends = NULL;
    size_t n = 0;
    enum outcome result = bus_ends(v->bus, v->arena, STREAM_RAW, &ends, &n, f);
    if (result == OK) {
        result = reader_join(v->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &transform,
                             f);
    }
    for (size_t i = 0; i < n && result == OK; i++) {
        struct position at;
        struct tally tally = {0};
        result = reader_cursor(transform, v->arena, ends[i].lane, &at, &tally, f);
        *out = *out || tally.stored > 0;
    }
    if (transform) {
        reader_leave(transform);
    }
    return result;
}

static enum outcome check_repetitions(struct verifying *v, struct failure *f)
{
    const struct str dir = arena_printf(v->arena, "%.*s/repetitions", STR_ARG(v->config->data));
    const struct str id = v->bus ? bus_id(v->bus) : S("");
    const bool is_gone = access(dir.at, F_OK) != 0;
    bool was_filled = false;
    const enum outcome result = is_gone && v->bus ? look_for_output(v, &was_filled, f) : OK;
    return result == OK ? repetitions_verify(v->arena, dir, id, was_filled,
                                             &(struct repetitions_to){repetitions_found, v}, f)
                        : result;
}

/* ---- lake ---- */

static void lake_found(void *to, struct str what)
{
    say(to, what);
}

static void lake_noted(void *to, struct str what)
{
    show(to, S(""));
    screen_tell("%.*s\n", STR_ARG(what));
}

static void lake_looked(void *to, const char *table, size_t files, size_t of)
{
    const struct verifying *const v = to;
    char text[128];
    const int len = snprintf(text, sizeof text, "lake: %s, facts of %zu of %zu files counted",
                             table, files, of);
    show(v, (struct str){text, len > 0 ? (size_t)len : 0});
}

/* ---- store ---- */

static void store_found(void *to, struct str what)
{
    struct verifying *const v = to;
    say(v,
        arena_printf(v->arena, "store: %.*s: %.*s", STR_ARG(v->config->store.path), STR_ARG(what)));
}

/* Whether the store has taken everything that the streams hold: its position in each lane, at its
 * end. A position behind an end is a fault. */
static enum outcome check_cursors(struct verifying *v, struct store *store, struct level *out,
                                  struct failure *f)
{
    static const enum stream streams[] = {STREAM_STANDARD, STREAM_MEASURED};
    enum outcome result = OK;
    *out = (struct level){.is_level = true};
    for (size_t s = 0; s < sizeof streams / sizeof *streams && result == OK; s++) {
        struct lane_ends *ends;
        size_t n = 0;
        result = bus_ends(v->bus, v->arena, streams[s], &ends, &n, f);
        for (size_t i = 0; i < n && result == OK; i++) {
            struct position at;
            result = store->driver->cursor(store, ends[i].lane, &at, f);
            out->is_level = out->is_level && result == OK && at.at == ends[i].end.at;
            out->sum += ends[i].end.at;
            if (result == OK && at.at < ends[i].begin.at) {
                say(v, arena_printf(v->arena,
                                    "store: it stands at %" PRIu64 " in %s/%.*s, which has "
                                    "forgotten what comes before %" PRIu64 ": %s",
                                    at.at, stream_name(streams[s]), STR_ARG(ends[i].lane.name),
                                    ends[i].begin.at, persist_store.refill));
            }
            if (result == OK && at.at > ends[i].end.at) {
                say(v, arena_printf(v->arena,
                                    "store: it stands at %" PRIu64 " in %s/%.*s, which ends at "
                                    "%" PRIu64 ": the stream lost its end, or was made anew",
                                    at.at, stream_name(streams[s]), STR_ARG(ends[i].lane.name),
                                    ends[i].end.at));
            }
        }
    }
    return result;
}

struct differences {
    struct verifying *verifying;
    struct str *at; /* told once it is sure that nothing moved meanwhile */
    size_t n, room;
};

static void differs(void *to, struct str what)
{
    struct differences *const d = to;
    struct arena *const a = d->verifying->arena;
    d->at = arena_more(a, d->at, d->n, &d->room, sizeof *d->at);
    d->at[d->n++] = arena_str(a, what);
}

static enum outcome compare_once(struct verifying *v, struct store *store, struct differences *d,
                                 struct failure *f)
{
    struct ask ask = {0};
    struct buf models;
    buf_init(&models, v->arena, 1 << 16);
    for (size_t i = 0; i < model_all_n; i++) {
        buf_printf(&models, "%s ", model_all[i]->is_stored ? model_all[i]->name : "");
    }
    *d = (struct differences){.verifying = v};
    enum outcome result = ask_open(&ask, v->arena, v->config, v->bus, buf_str(&models), f);
    if (result == OK) {
        result = compare_all(&ask, store, &(struct compare_to){differs, d, v->is_shared}, f);
    }
    ask_close(&ask);
    return result;
}

/* Both fold the same facts, so they have the same rows, unless one of them forgets by age. What
 * arrives while they are read is in one of them alone: then once more. */
static enum outcome compare(struct verifying *v, struct store *store, struct failure *f)
{
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        struct differences d;
        struct level before, after;
        enum outcome result = check_cursors(v, store, &before, f);
        if (result == OK && before.is_level) {
            result = compare_once(v, store, &d, f);
            result = result == OK ? check_cursors(v, store, &after, f) : result;
        }
        if (result != OK) {
            return result;
        }
        if (before.is_level && after.is_level && before.sum == after.sum) {
            for (size_t i = 0; i < d.n; i++) {
                say(v, d.at[i]);
            }
            return OK;
        }
    }
    v->is_in_part = true;
    screen_tell("store and lake were not compared: the store is behind; try weir flush "
                "first, or when less arrives\n");
    return OK;
}

/* What hangs together with the streams is not looked at when they cannot be read. */
static enum outcome check_against_others(struct verifying *v, struct store *store,
                                         struct failure *f)
{
    struct level level;
    const bool forgets = v->config->store.keep_ms < INT64_MAX / 2000 ||
                         v->config->lake.keep_ms < INT64_MAX / 2000;
    const enum outcome result = v->bus ? check_cursors(v, store, &level, f) : OK;
    if (result != OK) {
        return result;
    }
    if (!forgets && v->faults == 0) {
        return compare(v, store, f);
    }
    screen_tell("store and lake were not compared: %s\n",
                v->faults > 0 ? "mend what was found first" : "they forget by age");
    return OK;
}

/* There is no store yet: then the streams must still hold all that it has to take. */
static enum outcome check_absent(struct verifying *v, struct failure *f)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    const enum outcome result = v->bus ? bus_ends(v->bus, v->arena, STREAM_STANDARD, &ends, &n, f)
                                       : OK;
    if (store_was_there(v->arena, v->config)) {
        say(v, arena_printf(v->arena,
                            "store: %.*s is not there, and weir has written to it: it was removed",
                            STR_ARG(v->config->store.path)));
    } else {
        screen_tell("store: none yet\n");
    }
    for (size_t i = 0; i < n && result == OK; i++) {
        v->is_in_part = v->is_in_part || ends[i].end.at > ends[i].begin.at;
        if (ends[i].begin.at > 0) {
            say(v, arena_printf(v->arena,
                                "store: %.*s is not there, and standard/%.*s has forgotten what "
                                "comes before %" PRIu64 ": %s",
                                STR_ARG(v->config->store.path), STR_ARG(ends[i].lane.name),
                                ends[i].begin.at, persist_store.refill));
        }
    }
    return result;
}

static enum outcome check_store(struct verifying *v, struct failure *f)
{
    struct store *store = NULL;
    const struct str id = v->bus ? bus_id(v->bus) : S("");
    enum outcome result = store_look(v->arena, v->config, id, &store, f);
    if (result == OK && !store) {
        return check_absent(v, f);
    }
    if (result == OK && store->driver->check) {
        result = store->driver->check(store, store_found, v, f);
    }
    if (result == OK) {
        result = check_against_others(v, store, f);
    }
    store_close(store);
    return result;
}

static enum outcome check_lake(struct verifying *v, struct failure *f)
{
    struct audit_to lake = {
        .found = lake_found, .noted = lake_noted, .looked = lake_looked, .to = v};
    const enum outcome result = audit_lake(v->config, v->bus, &lake, f);
    show(v, S(""));
    screen_tell("lake: %zu commits and %zu files with %zu facts looked at, %zu of them distinct\n",
                lake.commits, lake.files, lake.rows, lake.distinct);
    v->is_shared = lake.is_shared;
    if (lake.is_shared) {
        screen_tell("lake: other weirs write to it, too: of its rows only those are looked "
                    "for that this one's store has\n");
    }
    if (lake.unsealed > 0) {
        screen_tell("lake: %zu commits of another writer, or of an older weir, have no "
                    "checksum: only their form was looked at\n",
                    lake.unsealed);
    }
    return result;
}

/* returns OK | RETRY there is nothing to look at */
static enum outcome verify(struct verifying *v, struct failure *f)
{
    enum outcome result = bus_visit(v->arena, &v->config->bus, &v->bus, f);
    if (result == RETRY) {
        return result;
    }
    if (result == OK) {
        result = bus_verify(v->bus, (struct finding_to){segment_found, v}, f);
        screen_tell("bus: every checksum looked at\n");
    } else {
        v->bus = NULL;
    }
    if (result != OK) {
        unread(v, "bus", f);
    }
    if (check_lake(v, f) != OK) {
        unread(v, "lake", f);
    }
    if (check_store(v, f) != OK) {
        unread(v, "store", f);
    }
    if (check_repetitions(v, f) != OK) {
        unread(v, "repetitions", f);
    }
    if (v->bus) {
        bus_close(v->bus);
    }
    return OK;
}

int command_verify(int argc, char **argv)
{
    const struct usage usage = {
        .name = "verify",
        .words = "",
        .about = "Check segments, lake, store and the index of repetitions against their checksums "
                 "and each other. Prints "
                 "what is wrong and where; exit code 1 when something is. Reads only: weir may "
                 "run meanwhile; where more arrives than can be compared it says so, and that is "
                 "nothing wrong.",
        .examples = "  weir verify\n",
        .needs = NEEDS_CONFIG,
        .memory_bytes_max = ARENA_BYTES_MAX,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct verifying v = {
        .config = s.config, .arena = &s.arena, .is_shown = command_has_colour(STDERR_FILENO)};
    if (verify(&v, &f) != OK) {
        s.status = command_unanswered("verify", &f);
    } else if (v.faults > 0) {
        s.status = EXIT_NO;
    } else if (v.is_in_part) {
        printf("ok, but store and lake were not compared\n"); /* nothing is wrong: no alarm */
    } else {
        printf("ok\n");
    }
    return command_end(&s);
}
