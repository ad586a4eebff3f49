/* verify.c - segments, lake and store against their checksums and each other. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "bus/upkeep.h"
#include "command/ask.h"
#include "command/command.h"
#include "command/commands.h"
#include "persist/lake/audit.h"
#include "signal/model.h"
#include "wire/sqlite.h"

#define ARENA_BYTES_MAX ((size_t)4 << 30)

struct verifying {
    const struct config *config;
    struct arena *arena;
    struct bus *bus;
    size_t faults;
};

static void say(struct verifying *v, struct str what)
{
    v->faults++;
    printf("%.*s\n", STR_ARG(what));
}

/* ---- segments ---- */

static void segment_found(void *to, const struct finding *finding)
{
    struct verifying *const v = to;
    if (finding->kind != FINDING_TORN) { /* an end that is being written is no damage */
        say(v, arena_printf(
                   v->arena,
                   "bus: %s/%.*s is damaged from position %" PRIu64 " on, %" PRIu64
                   " bytes: %.*s; who reads it stops there, and the start after sets it aside",
                   stream_name(finding->lane.stream), STR_ARG(finding->lane.name), finding->at.at,
                   finding->bytes, STR_ARG(finding->path)));
    }
}

/* ---- lake ---- */

static void lake_found(void *to, struct str what)
{
    say(to, what);
}

/* ---- store ---- */

/* The answer's first column, or -1 when there is no row. */
static enum outcome number_of(sqlite3 *db, struct str sql, int64_t *out, struct failure *f)
{
    sqlite3_stmt *s = NULL;
    bool is_row = false;
    *out = -1;
    enum outcome result = sqlite_prepare(db, sql, &s, f);
    if (result == OK) {
        result = sqlite_row(s, &is_row, f);
        *out = is_row ? sqlite3_column_int64(s, 0) : -1;
    }
    (void)sqlite3_finalize(s);
    return result;
}

static enum outcome check_integrity(struct verifying *v, sqlite3 *db, struct failure *f)
{
    sqlite3_stmt *s = NULL;
    bool is_row = false;
    enum outcome result = sqlite_prepare(db, S("PRAGMA integrity_check"), &s, f);
    while (result == OK && (result = sqlite_row(s, &is_row, f)) == OK && is_row) {
        if (!str_eq(sqlite_str(s, 0), S("ok"))) {
            say(v, arena_printf(v->arena, "store: %.*s: %.*s", STR_ARG(v->config->store.path),
                                STR_ARG(sqlite_str(s, 0))));
        }
    }
    (void)sqlite3_finalize(s);
    return result;
}

/* Whether the store has taken everything that the streams hold; a position behind an end is a
 * fault. */
static enum outcome check_cursors(struct verifying *v, sqlite3 *db, bool *is_level,
                                  struct failure *f)
{
    static const enum stream streams[] = {STREAM_STANDARD, STREAM_MEASURED};
    enum outcome result = OK;
    *is_level = true;
    for (size_t s = 0; s < sizeof streams / sizeof *streams && result == OK; s++) {
        struct lane_ends *ends;
        size_t n = 0;
        result = bus_ends(v->bus, v->arena, streams[s], &ends, &n, f);
        for (size_t i = 0; i < n && result == OK; i++) {
            int64_t at = 0;
            result = number_of(
                db,
                arena_printf(v->arena,
                             "SELECT position FROM weir_cursor WHERE bus_id = '%.*s' AND "
                             "stream = '%s' AND lane = '%.*s'",
                             STR_ARG(bus_id(v->bus)), stream_name(streams[s]),
                             STR_ARG(ends[i].lane.name)),
                &at, f);
            *is_level = *is_level && at >= 0 && (uint64_t)at == ends[i].end.at;
            if (at > 0 && (uint64_t)at > ends[i].end.at) {
                say(v, arena_printf(v->arena,
                                    "store: it stands at %" PRId64 " in %s/%.*s, which ends at "
                                    "%" PRIu64 ": the stream lost its end, or was made anew",
                                    at, stream_name(streams[s]), STR_ARG(ends[i].lane.name),
                                    ends[i].end.at));
            }
        }
    }
    return result;
}

static enum outcome count_in_lake(struct verifying *v, const struct model *m, int64_t *out,
                                  struct failure *f)
{
    struct ask ask = {0};
    struct duck_result r = {0};
    const struct str sql = arena_printf(v->arena, "SELECT count(*) FROM %s", m->name);
    enum outcome result = ask_open(&ask, v->arena, v->config, v->bus, sql, f);
    if (result == OK) {
        result = duck_query(ask.duck, sql.at, &r, f);
    }
    *out = result == OK && duck_next(&r) ? duck_i64(&r, 0) : -1;
    duck_result_close(&r);
    ask_close(&ask);
    return result;
}

/* Both fold the same facts, so they have the same rows, unless one of them forgets by age. */
static enum outcome compare(struct verifying *v, sqlite3 *db, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        const struct model *const m = model_all[i];
        int64_t in_store = 0, in_lake = 0;
        if (!m->is_stored) {
            continue;
        }
        result = number_of(db, arena_printf(v->arena, "SELECT count(*) FROM \"%s\"", m->name),
                           &in_store, f);
        if (result == OK) {
            result = count_in_lake(v, m, &in_lake, f);
        }
        if (result == OK && in_store != in_lake) {
            say(v,
                arena_printf(v->arena, "%s: %" PRId64 " rows in the store, %" PRId64 " in the lake",
                             m->name, in_store, in_lake));
        }
    }
    return result;
}

static enum outcome check_store(struct verifying *v, struct failure *f)
{
    sqlite3 *db = NULL;
    bool is_level = false;
    const char *const path = arena_cstr(v->arena, v->config->store.path);
    if (access(path, F_OK) != 0) {
        (void)fprintf(stderr, "store: none yet\n");
        return OK;
    }
    enum outcome result = sqlite_open(path, SQLITE_USE_READ, &db, f);
    if (result == OK) {
        result = check_integrity(v, db, f);
    }
    if (result == OK) {
        result = check_cursors(v, db, &is_level, f);
    }
    const bool forgets = v->config->store.keep_ms < INT64_MAX / 2000 ||
                         v->config->lake.keep_ms < INT64_MAX / 2000;
    if (result == OK && is_level && !forgets && v->faults == 0) {
        result = compare(v, db, f);
    } else if (result == OK) {
        (void)fprintf(stderr, "store and lake were not compared: %s\n",
                      v->faults > 0 ? "mend what was found first"
                      : forgets     ? "they forget by age"
                                    : "the store is behind; try weir flush first");
    }
    sqlite_close(db);
    return result;
}

static enum outcome verify(struct verifying *v, struct failure *f)
{
    struct audit_to lake = {.found = lake_found, .to = v};
    enum outcome result = bus_open(v->arena, v->config->bus.type, &v->config->bus, &v->bus, f);
    if (result != OK) {
        return result;
    }
    result = bus_verify(v->bus, (struct finding_to){segment_found, v}, f);
    (void)fprintf(stderr, "bus: every checksum looked at\n");
    if (result == OK) {
        result = audit_lake(v->config, v->bus, &lake, f);
        (void)fprintf(stderr, "lake: %zu files with %zu facts looked at\n", lake.files, lake.rows);
    }
    if (result == OK) {
        result = check_store(v, f);
    }
    bus_close(v->bus);
    return result;
}

int command_verify(int argc, char **argv)
{
    const struct usage usage = {
        .name = "verify",
        .words = "",
        .about = "Check segments, lake and store against their checksums and each other. Prints "
                 "what is wrong and where; exit code 1 when something is. Reads only: weir may "
                 "run meanwhile.",
        .examples = "  weir verify\n",
        .needs = NEEDS_CONFIG,
        .memory_bytes_max = ARENA_BYTES_MAX,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct verifying v = {.config = s.config, .arena = &s.arena};
    if (verify(&v, &f) != OK) {
        s.status = command_failed("verify", &f);
    } else if (v.faults > 0) {
        s.status = EXIT_NO;
    } else {
        printf("ok\n");
    }
    return command_end(&s);
}
