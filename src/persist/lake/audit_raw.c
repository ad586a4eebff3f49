#include "persist/lake/audit_raw.h"

#include <inttypes.h>

#include "bus/dead.h"
#include "bus/lane.h"

enum {
    PASS_ROWS = 2000000, /* of both tables: a pass keeps 8 bytes of each of raw's, and the texts
                          * of the signals that its facts name */
    SQL_BYTES_MAX = 16 << 20,
    TRIES_MAX = 3,
};
#define ARENA_BYTES_MAX ((size_t)2 << 30)

/* What the lake says in dead letters of a lane that it could not keep. */
struct refused {
    struct refused *older;
    struct lane lane;
    struct dead_seen *seen;
    bool is_cut; /* its oldest letters were forgotten */
};

struct raw_audit {
    const struct audit_rows *of;
    struct bus *bus;
    const struct made *made;
    struct arena arena;
    struct delta log; /* of table raw */
    struct buf lanes; /* `('intake-0', from, to), …`: what the table has taken */
    struct refused *refused;
    size_t missing;
    bool may_be_refused; /* some of what is missing, by letters that are gone */
    struct str first;
};

static struct str lane_of(struct str app, struct str *bus)
{
    struct str rest;
    struct str lane;
    const struct str program = str_cut(app, '/', &rest);
    *bus = str_cut(rest, '/', &rest);
    const struct str stream = str_cut(rest, '/', &lane);
    return str_eq(program, S("weir")) && str_eq(stream, S("raw")) ? lane : S("");
}

/* Behind what the streams had forgotten when the table was begun, or taken up again. */
static uint64_t begin_of(const struct raw_audit *w, struct str lane)
{
    struct str rest = w->log.begins;
    uint64_t begin = 0;
    while (rest.len > 0) {
        struct str at;
        uint64_t position;
        const struct str name = str_cut(str_cut(rest, ' ', &rest), ':', &at);
        if (str_starts(name, S("raw/")) && str_eq(str_sub(name, 4, name.len), lane) &&
            str_to_u64(at, &position) && position > begin) {
            begin = position;
        }
    }
    return begin;
}

/* The lanes of this weir's streams, those of before with them; false: others write here, too. Two
 * incarnations may have a lane of one name: up to where both have come. */
static bool find_lanes(struct raw_audit *w)
{
    const struct str retry = dead_retry_lane().name;
    const char *sign = "";
    for (size_t i = 0; i < w->log.txns_n; i++) {
        struct str bus;
        const struct str lane = lane_of(w->log.txn[i].app, &bus);
        int64_t to = w->log.txn[i].version;
        bool is_first = true;
        if (lane.len > 0 && !made_has(w->made, S("raw"), bus)) {
            return false;
        }
        for (size_t k = 0; k < w->log.txns_n && lane.len > 0; k++) {
            if (str_eq(lane_of(w->log.txn[k].app, &bus), lane)) {
                is_first = is_first && k >= i;
                to = w->log.txn[k].version < to ? w->log.txn[k].version : to;
            }
        }
        if (lane.len > 0 && is_first && !str_eq(lane, retry)) {
            buf_printf(&w->lanes, "%s('%.*s', %" PRIu64 ", %" PRId64 ")", sign, STR_ARG(lane),
                       begin_of(w, lane), to);
            sign = ", ";
        }
    }
    return w->lanes.len > 0;
}

static int64_t rows_of(const struct delta *log)
{
    int64_t rows = 0;
    for (size_t i = 0; i < log->files_n; i++) {
        const struct delta_file *const file = &log->file[i];
        rows += file->removed_ms || file->is_damaged ? 0 : file->rows > 0 ? file->rows : 1;
    }
    return rows;
}

/* `read_parquet([…])` of the files that are live and whole; how many. */
static size_t add_files(const struct raw_audit *w, struct buf *b, const struct delta *log)
{
    size_t n = 0;
    buf_add(b, S("read_parquet(["));
    for (size_t i = 0; i < log->files_n; i++) {
        const struct delta_file *const file = &log->file[i];
        if (!file->removed_ms && !file->is_damaged) {
            const struct str key = arena_printf(w->of->scratch, "%.*s/%.*s", STR_ARG(log->table),
                                                STR_ARG(file->path));
            buf_add(b, n++ ? S(", ") : S(""));
            const struct str at = files_path(log->files, w->of->scratch, key);
            duck_add_literal(b, duck_pattern(w->of->scratch, at));
        }
    }
    buf_add(b, S("], hive_partitioning = false, union_by_name = true)"));
    return n;
}

/* The signals that facts name and raw lacks, of those whose names fall into part `part`. */
static bool add_query(struct raw_audit *w, struct buf *sql, int64_t part, int64_t parts)
{
    buf_printf(sql,
               "WITH lanes (lane, low, high) AS (VALUES %.*s), named AS (SELECT DISTINCT raw FROM ",
               STR_ARG(buf_str(&w->lanes)));
    if (add_files(w, sql, w->of->log) == 0) {
        return false;
    }
    buf_printf(
        sql,
        " WHERE hash(raw) %% %" PRId64 " = %" PRId64 " AND epoch_ms(received_at) >= %" PRId64
        "), known AS (SELECT raw FROM named JOIN lanes ON lane = split_part(raw, ':', 1) AND "
        "TRY_CAST(split_part(raw, ':', 2) AS BIGINT) >= low AND "
        "TRY_CAST(split_part(raw, ':', 2) AS BIGINT) < high) SELECT raw FROM known",
        parts, part, w->log.created_ms);
    struct buf files;
    buf_init(&files, w->of->scratch, SQL_BYTES_MAX);
    if (add_files(w, &files, &w->log) > 0) {
        buf_printf(sql,
                   " WHERE hash(raw) NOT IN (SELECT hash(lane || ':' || position) FROM %.*s WHERE "
                   "hash(lane || ':' || position) %% %" PRId64 " = %" PRId64 ")",
                   STR_ARG(buf_str(&files)), parts, part);
    }
    buf_add(sql, S(" ORDER BY length(raw), raw"));
    buf_add_byte(sql, '\0');
    return true;
}

static bool is_cut(struct raw_audit *w, struct lane dead)
{
    struct lane_ends *ends = NULL;
    struct failure f;
    size_t n = 0;
    const bool is_read = bus_ends(w->bus, &w->arena, STREAM_DEAD, &ends, &n, &f) == OK;
    for (size_t i = 0; i < n && is_read; i++) {
        if (lane_eq(ends[i].lane, dead)) {
            return ends[i].begin.at > 0;
        }
    }
    return false;
}

/* Read once a lane. */
static const struct refused *refused_of(struct raw_audit *w, struct lane lane)
{
    for (struct refused *r = w->refused; r; r = r->older) {
        if (lane_eq(r->lane, lane)) {
            return r;
        }
    }
    struct refused *const r = arena_new(&w->arena, struct refused);
    const struct lane own = {lane.stream, arena_str(&w->arena, lane.name)};
    const struct lane dead = lane_dead(&w->arena, S("lake"), own);
    *r = (struct refused){w->refused, own, dead_seen_read(w->bus, &w->arena, dead),
                          is_cut(w, dead)};
    w->refused = r;
    return r;
}

/* The lake could not keep it, and says so in a dead letter. */
static bool is_refused(struct raw_audit *w, struct str raw)
{
    struct str at;
    struct origin origin = {.lane = {STREAM_RAW, str_cut(raw, ':', &at)}, .parts = 1};
    const struct refused *const r = refused_of(w, origin.lane);
    const bool is = str_to_u64(at, &origin.at.at) && dead_seen_has(r->seen, &origin);
    w->may_be_refused = w->may_be_refused || (!is && r->is_cut);
    return is;
}

static enum outcome look_at_part(struct raw_audit *w, int64_t part, int64_t parts,
                                 struct failure *f)
{
    struct buf sql;
    struct duck_result r;
    buf_init(&sql, w->of->scratch, SQL_BYTES_MAX);
    if (!add_query(w, &sql, part, parts)) {
        return OK;
    }
    const enum outcome result = duck_query(*w->of->duck, buf_str(&sql).at, &r, f);
    while (result == OK && duck_next(&r)) {
        const struct str raw = duck_text(&r, 0);
        if (!is_refused(w, raw)) {
            w->first = w->missing++ ? w->first : arena_str(&w->arena, raw);
        }
    }
    duck_result_close(&r);
    return result;
}

static enum outcome look(struct raw_audit *w, struct failure *f)
{
    const struct delta *const facts = w->of->log;
    enum outcome result = delta_open(&w->arena, facts->files, S("raw"), &w->log, f);
    w->missing = 0;
    w->refused = NULL;
    w->may_be_refused = false;
    buf_init(&w->lanes, &w->arena, SQL_BYTES_MAX);
    if (result != OK || w->log.version < 0 || !find_lanes(w)) {
        return result;
    }
    const int64_t parts = (rows_of(facts) + rows_of(&w->log)) / PASS_ROWS + 1;
    for (int64_t part = 0; part < parts && result == OK; part++) {
        result = look_at_part(w, part, parts, f);
    }
    return result;
}

enum outcome audit_raw(const struct audit_rows *of, struct bus *bus, const struct made *made,
                       struct failure *f)
{
    struct raw_audit w = {.of = of, .bus = bus, .made = made};
    enum outcome result = OK;
    if (!*of->duck || rows_of(of->log) == 0) {
        return OK;
    }
    arena_init(&w.arena, ARENA_BYTES_MAX);
    for (int tries = 0; tries < TRIES_MAX;
         tries++) { /* files may be merged and vacuumed meanwhile */
        arena_reset(&w.arena);
        result = look(&w, f);
        struct failure moved;
        if (result == OK || delta_update(of->log, &moved) != OK) {
            break;
        }
    }
    if (result == OK && w.missing > 0 && w.may_be_refused) {
        of->report->noted(of->report->to,
                          arena_printf(of->scratch,
                                       "lake: table raw lacks %zu signals that facts of table %s "
                                       "came from, %.*s first: it may have refused them, in dead "
                                       "letters that are gone",
                                       w.missing, of->model->name, STR_ARG(w.first)));
    } else if (result == OK && w.missing > 0) {
        of->report->found(of->report->to,
                          arena_printf(of->scratch,
                                       "lake: table raw lacks %zu signals that facts of table %s "
                                       "came from, %.*s first: restore its folder from a copy",
                                       w.missing, of->model->name, STR_ARG(w.first)));
    }
    arena_close(&w.arena);
    return result;
}
