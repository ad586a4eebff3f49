#include "collector/state.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/hash.h"
#include "wire/sqlite.h"

enum { VERSION = 1, SQL_BYTES_MAX = 4096 };
/* Another program holds the file: as a rule for a moment, and a stop waits for no more. */
enum { NAP_MS = 10, NAPS_MAX = 500, LAST_NAPS_MAX = 5 };

enum statement {
    PUT,
    GET,
    ALL,
    RENAME,
    REFILL,
    RELABEL,
    REANEW,
    RESAY,
    REASIDE,
    REKIND,
    DROP,
    FILLED_PUT,
    FILLED,
    FILLED_DROP,
    FILLED_ALL_DROP,
    OBSERVE,
    OBSERVED,
    OBSERVED_DROP,
    ANEW,
    ANEW_PUT,
    SAID,
    SAID_PUT,
    SAID_N,
    SAID_FORGET,
    SAID_CUT,
    ASIDE,
    ASIDE_PUT,
    ASIDE_DROP,
    KIND,
    KIND_PUT,
    KIND_DROP,
    STATEMENTS_N
};

struct state {
    sqlite3 *db;
    sqlite3_stmt *prepared[STATEMENTS_N];
};

/* The entry's members in this order; times that are not known are null. */
#define ENTRY                                                                                      \
    "id, window_us, window_end_us, bookmark, begun_us, scheduled_us, ended_us, took_us, "          \
    "start_us, end_us, outcome, why, rows, metrics, empty, aside, ok_us, n, failed_n, skipped_n, " \
    "passed_n, next_us"
#define BUCKETS "b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13"

static const char schema[] =
    "CREATE TABLE collector(id TEXT PRIMARY KEY, window_us INTEGER NOT NULL, window_end_us INTEGER,"
    " bookmark TEXT NOT NULL, begun_us INTEGER, scheduled_us INTEGER, ended_us INTEGER,"
    " took_us INTEGER NOT NULL, start_us INTEGER, end_us INTEGER, outcome INTEGER NOT NULL,"
    " why TEXT NOT NULL, rows INTEGER NOT NULL, metrics INTEGER NOT NULL, empty INTEGER NOT NULL,"
    " aside INTEGER NOT NULL, ok_us INTEGER, n INTEGER NOT NULL, failed_n INTEGER NOT NULL,"
    " skipped_n INTEGER NOT NULL, passed_n INTEGER NOT NULL, next_us INTEGER) WITHOUT ROWID;"
    "CREATE TABLE backfilled(id TEXT, length_us INTEGER, start_us INTEGER,"
    " PRIMARY KEY(id, length_us, start_us)) WITHOUT ROWID;"
    "CREATE TABLE observed(series TEXT, label TEXT, is_ok INTEGER, n INTEGER NOT NULL,"
    " sum_us INTEGER NOT NULL, metrics INTEGER NOT NULL, b0 INTEGER NOT NULL, b1 INTEGER NOT NULL,"
    " b2 INTEGER NOT NULL, b3 INTEGER NOT NULL, b4 INTEGER NOT NULL, b5 INTEGER NOT NULL,"
    " b6 INTEGER NOT NULL, b7 INTEGER NOT NULL, b8 INTEGER NOT NULL, b9 INTEGER NOT NULL,"
    " b10 INTEGER NOT NULL, b11 INTEGER NOT NULL, b12 INTEGER NOT NULL, b13 INTEGER NOT NULL,"
    " PRIMARY KEY(series, label, is_ok)) WITHOUT ROWID;";

/* Of a later weir than the tables above, and of no concern to who reads. */
static const char schema_more[] =
    "CREATE TABLE IF NOT EXISTS anew(id TEXT PRIMARY KEY, us INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS said(id TEXT, key TEXT, at_us INTEGER NOT NULL, what TEXT NOT NULL,"
    " since_us INTEGER NOT NULL, PRIMARY KEY(id, key)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS said_at ON said(id, at_us);"
    "CREATE TABLE IF NOT EXISTS aside(id TEXT PRIMARY KEY, told TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS kind(id TEXT PRIMARY KEY, bookmark TEXT NOT NULL,"
    " kind INTEGER NOT NULL) WITHOUT ROWID;";

static const char *const sql_of[STATEMENTS_N] = {
    [PUT] = "INSERT OR REPLACE INTO collector(" ENTRY ") VALUES"
            "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [GET] = "SELECT " ENTRY " FROM collector WHERE id = ?",
    [ALL] = "SELECT " ENTRY " FROM collector ORDER BY id",
    [RENAME] = "UPDATE OR REPLACE collector SET id = ?2 WHERE id = ?1",
    [REFILL] = "UPDATE OR REPLACE backfilled SET id = ?2 WHERE id = ?1",
    [RELABEL] = "UPDATE OR REPLACE observed SET label = ?2 WHERE series = 'invoke' AND label = ?1",
    [REANEW] = "UPDATE OR REPLACE anew SET id = ?2 WHERE id = ?1",
    [RESAY] = "UPDATE OR REPLACE said SET id = ?2 WHERE id = ?1",
    [REASIDE] = "UPDATE OR REPLACE aside SET id = ?2 WHERE id = ?1",
    [REKIND] = "UPDATE OR REPLACE kind SET id = ?2 WHERE id = ?1",
    [DROP] = "DELETE FROM collector WHERE id = ?",
    [FILLED_PUT] = "INSERT OR IGNORE INTO backfilled VALUES(?,?,?)",
    [FILLED] = "SELECT start_us FROM backfilled WHERE id = ? AND length_us = ?"
               " AND start_us >= ? AND start_us < ? ORDER BY start_us",
    [FILLED_DROP] = "DELETE FROM backfilled WHERE id = ? AND length_us = ?"
                    " AND start_us >= ? AND start_us < ?",
    [FILLED_ALL_DROP] = "DELETE FROM backfilled WHERE id = ?",
    [OBSERVE] = "INSERT INTO observed(series, label, is_ok, sum_us, metrics, n, " BUCKETS ")"
                " VALUES(?1,?2,?3,?4,?5,1, ?6=0,?6=1,?6=2,?6=3,?6=4,?6=5,?6=6,?6=7,?6=8,?6=9,"
                "?6=10,?6=11,?6=12,?6=13) ON CONFLICT DO UPDATE SET n = n + 1,"
                " sum_us = sum_us + excluded.sum_us, metrics = excluded.metrics,"
                " b0 = b0 + excluded.b0, b1 = b1 + excluded.b1, b2 = b2 + excluded.b2,"
                " b3 = b3 + excluded.b3, b4 = b4 + excluded.b4, b5 = b5 + excluded.b5,"
                " b6 = b6 + excluded.b6, b7 = b7 + excluded.b7, b8 = b8 + excluded.b8,"
                " b9 = b9 + excluded.b9, b10 = b10 + excluded.b10, b11 = b11 + excluded.b11,"
                " b12 = b12 + excluded.b12, b13 = b13 + excluded.b13",
    [OBSERVED] = "SELECT series, label, is_ok, n, sum_us, metrics, " BUCKETS
                 " FROM observed ORDER BY series, label, is_ok DESC",
    [OBSERVED_DROP] = "DELETE FROM observed WHERE series = 'invoke' AND label = ?",
    [ANEW] = "SELECT us FROM anew WHERE id = ?",
    [ANEW_PUT] = "INSERT OR REPLACE INTO anew VALUES(?,?)",
    [SAID] = "SELECT what, since_us FROM said WHERE id = ? AND key = ?",
    [SAID_PUT] = "INSERT OR REPLACE INTO said VALUES(?,?,?,?,?)",
    [SAID_N] = "SELECT count(*) FROM said WHERE id = ?",
    [SAID_FORGET] = "DELETE FROM said WHERE id = ? AND at_us < ?",
    [SAID_CUT] = "DELETE FROM said WHERE id = ?1 AND key IN"
                 " (SELECT key FROM said WHERE id = ?1 ORDER BY at_us LIMIT ?2)",
    [ASIDE] = "SELECT told FROM aside WHERE id = ?",
    [ASIDE_PUT] = "INSERT OR REPLACE INTO aside VALUES(?,?)",
    [ASIDE_DROP] = "DELETE FROM aside WHERE id = ?",
    [KIND] = "SELECT kind FROM kind WHERE id = ? AND bookmark = ?",
    [KIND_PUT] = "INSERT OR REPLACE INTO kind VALUES(?,?,?)",
    [KIND_DROP] = "DELETE FROM kind WHERE id = ?",
};

struct state_entry state_entry_new(struct str id)
{
    return (struct state_entry){.id = id,
                                .window_end_us = TIME_NONE,
                                .begun_us = TIME_NONE,
                                .scheduled_us = TIME_NONE,
                                .ended_us = TIME_NONE,
                                .window = {TIME_NONE, TIME_NONE},
                                .ok_us = TIME_NONE,
                                .next_us = TIME_NONE};
}

/* ---- opening ---- */

static enum outcome check_version(sqlite3 *db, const char *path, enum state_use use,
                                  struct failure *f)
{
    sqlite3_stmt *s = NULL;
    bool is_row = false;
    enum outcome result = sqlite_prepare(db, S("PRAGMA user_version"), &s, f);
    result = result == OK ? sqlite_row(s, &is_row, f) : result;
    const int version = result == OK && is_row ? sqlite3_column_int(s, 0) : 0;
    (void)sqlite3_finalize(s);
    if (result != OK || version == VERSION) {
        return result;
    }
    if (version != 0) {
        return failed(f, STOP, "%s is of version %d, and this weir knows %d: use a newer weir",
                      path, version, VERSION);
    }
    if (use == STATE_READ) {
        return failed(f, STOP, "%s: no collector has run yet", path);
    }
    char sql[SQL_BYTES_MAX];
    (void)snprintf(sql, sizeof sql, "BEGIN IMMEDIATE; %s PRAGMA user_version=%d; COMMIT", schema,
                   VERSION);
    return sqlite_exec(db, sql, f);
}

static const char *path_in(struct arena *a, struct str data)
{
    return arena_printf(a, "%.*s/state.db", STR_ARG(data)).at;
}

static int nap(void *unused, int naps)
{
    (void)unused;
    if (naps >= (asked_to_stop() ? LAST_NAPS_MAX : NAPS_MAX)) {
        return 0;
    }
    (void)poll(NULL, 0, NAP_MS);
    return 1;
}

static bool is_of_writer(size_t statement)
{
    return (statement >= REANEW && statement <= REKIND) || statement >= ANEW;
}

enum outcome state_open(struct arena *a, struct str data, enum state_use use, struct state **out,
                        struct failure *f)
{
    struct state *const s = arena_new(a, struct state);
    const char *const path = path_in(a, data);
    enum outcome result = sqlite_open(path, use == STATE_WRITE ? SQLITE_USE_WRITE : SQLITE_USE_READ,
                                      &s->db, f);
    if (result == OK) {
        result = check_version(s->db, path, use, f);
    }
    if (result == OK && use == STATE_WRITE) {
        (void)sqlite3_busy_handler(s->db, nap, NULL);
        result = sqlite_exec(s->db, schema_more, f);
    }
    for (size_t i = 0; result == OK && i < STATEMENTS_N; i++) {
        const bool is_used = use == STATE_WRITE || !is_of_writer(i);
        result = is_used ? sqlite_prepare(s->db, str_of(sql_of[i]), &s->prepared[i], f) : OK;
    }
    if (result != OK) {
        state_close(s);
    }
    *out = result == OK ? s : NULL;
    return result;
}

enum outcome state_copy(struct arena *a, struct str data, const char *to, bool *is_there,
                        struct failure *f)
{
    const char *const path = path_in(a, data);
    sqlite3 *db = NULL;
    *is_there = access(path, F_OK) == 0;
    enum outcome result = *is_there ? sqlite_open(path, SQLITE_USE_READ, &db, f) : OK;
    result = result == OK && *is_there ? sqlite_copy(db, to, f) : result;
    sqlite_close(db);
    return result;
}

void state_close(struct state *s)
{
    if (s) {
        sqlite_close(s->db);
        s->db = NULL;
    }
}

enum outcome state_begin(struct state *s, struct failure *f)
{
    return sqlite_exec(s->db, "BEGIN IMMEDIATE", f);
}

enum outcome state_end(struct state *s, struct failure *f)
{
    return sqlite_exec(s->db, "COMMIT", f);
}

void state_undo(struct state *s)
{
    struct failure ignored;
    if (!sqlite3_get_autocommit(s->db)) {
        (void)sqlite_exec(s->db, "ROLLBACK", &ignored);
    }
}

/* ---- cells ---- */

static void bind_time(sqlite3_stmt *s, int at, int64_t us)
{
    (void)(us == TIME_NONE ? sqlite3_bind_null(s, at) : sqlite3_bind_int64(s, at, us));
}

static void bind_n(sqlite3_stmt *s, int at, uint64_t n)
{
    (void)sqlite3_bind_int64(s, at, (int64_t)n);
}

static int64_t time_at(sqlite3_stmt *s, int at)
{
    return sqlite3_column_type(s, at) == SQLITE_NULL ? TIME_NONE : sqlite3_column_int64(s, at);
}

static uint64_t n_at(sqlite3_stmt *s, int at)
{
    return (uint64_t)sqlite3_column_int64(s, at);
}

static void read_entry(sqlite3_stmt *s, struct arena *a, struct state_entry *out)
{
    const int outcome = sqlite3_column_int(s, 10);
    *out = (struct state_entry){.id = arena_str(a, sqlite_str(s, 0)),
                                .window_us = sqlite3_column_int64(s, 1),
                                .window_end_us = time_at(s, 2),
                                .bookmark = arena_str(a, sqlite_str(s, 3)),
                                .begun_us = time_at(s, 4),
                                .scheduled_us = time_at(s, 5),
                                .ended_us = time_at(s, 6),
                                .took_us = sqlite3_column_int64(s, 7),
                                .window = {time_at(s, 8), time_at(s, 9)},
                                .outcome = (enum outcome)outcome,
                                .why = arena_str(a, sqlite_str(s, 11)),
                                .rows = n_at(s, 12),
                                .metrics = n_at(s, 13),
                                .empty = n_at(s, 14),
                                .aside = n_at(s, 15),
                                .ok_us = time_at(s, 16),
                                .n = n_at(s, 17),
                                .failed_n = n_at(s, 18),
                                .skipped_n = n_at(s, 19),
                                .passed_n = n_at(s, 20),
                                .next_us = time_at(s, 21)};
}

/* ---- entries ---- */

/* A weir that knows of no kinds may have written another bookmark since: it has none. */
static enum outcome read_kind(struct state *s, struct state_entry *e, struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[KIND];
    bool is_row = false;
    sqlite_bind_str(q, 1, e->id);
    sqlite_bind_str(q, 2, e->bookmark);
    const enum outcome result = sqlite_row(q, &is_row, f);
    e->bookmark_kind = result == OK && is_row ? sqlite3_column_int(q, 0) : 0;
    (void)sqlite3_reset(q);
    return result;
}

static enum outcome put_kind(struct state *s, const struct state_entry *e, struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[KIND_PUT];
    sqlite_bind_str(q, 1, e->id);
    sqlite_bind_str(q, 2, e->bookmark);
    (void)sqlite3_bind_int(q, 3, e->bookmark_kind);
    return sqlite_run(q, f);
}

enum outcome state_put(struct state *s, const struct state_entry *e, struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[PUT];
    const struct {
        int at;
        int64_t us;
    } times[] = {{3, e->window_end_us}, {5, e->begun_us},        {6, e->scheduled_us},
                 {7, e->ended_us},      {9, e->window.start_us}, {10, e->window.end_us},
                 {17, e->ok_us},        {22, e->next_us}};
    const struct {
        int at;
        uint64_t n;
    } counts[] = {{13, e->rows}, {14, e->metrics},  {15, e->empty},     {16, e->aside},
                  {18, e->n},    {19, e->failed_n}, {20, e->skipped_n}, {21, e->passed_n}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        bind_time(q, times[i].at, times[i].us);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        bind_n(q, counts[i].at, counts[i].n);
    }
    sqlite_bind_str(q, 1, e->id);
    (void)sqlite3_bind_int64(q, 2, e->window_us);
    sqlite_bind_str(q, 4, e->bookmark);
    (void)sqlite3_bind_int64(q, 8, e->took_us);
    (void)sqlite3_bind_int(q, 11, (int)e->outcome);
    sqlite_bind_str(q, 12, e->why);
    const enum outcome result = sqlite_run(q, f);
    return result == OK && e->bookmark.len > 0 ? put_kind(s, e, f) : result;
}

enum outcome state_get(struct state *s, struct arena *a, struct str id, struct state_entry *out,
                       struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[GET];
    bool is_row = false;
    *out = state_entry_new(arena_str(a, id));
    sqlite_bind_str(q, 1, id);
    enum outcome result = sqlite_row(q, &is_row, f);
    if (result == OK && is_row) {
        read_entry(q, a, out);
    }
    (void)sqlite3_reset(q);
    const bool has_kind = result == OK && out->bookmark.len > 0 && s->prepared[KIND];
    return has_kind ? read_kind(s, out, f) : result;
}

enum outcome state_all(struct state *s, struct arena *a, struct state_entry **out, size_t *n,
                       struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[ALL];
    enum outcome result = OK;
    size_t room = 0;
    *out = NULL;
    *n = 0;
    for (bool is_row = true; is_row && result == OK;) {
        result = sqlite_row(q, &is_row, f);
        if (result == OK && is_row) {
            *out = arena_more(a, *out, *n, &room, sizeof **out);
            read_entry(q, a, &(*out)[(*n)++]);
        }
    }
    (void)sqlite3_reset(q);
    return result;
}

enum outcome state_rename(struct state *s, struct str was, struct str is, struct failure *f)
{
    enum outcome result = state_begin(s, f);
    for (int i = RENAME; i <= REKIND && result == OK; i++) {
        sqlite_bind_str(s->prepared[i], 1, was);
        sqlite_bind_str(s->prepared[i], 2, is);
        result = sqlite_run(s->prepared[i], f);
    }
    result = result == OK ? state_end(s, f) : result;
    if (result != OK) {
        state_undo(s);
    }
    return result;
}

/* ---- windows of a backfill ---- */

enum outcome state_backfilled_put(struct state *s, struct str id, struct window_span window,
                                  struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[FILLED_PUT];
    sqlite_bind_str(q, 1, id);
    (void)sqlite3_bind_int64(q, 2, window.end_us - window.start_us);
    (void)sqlite3_bind_int64(q, 3, window.start_us);
    return sqlite_run(q, f);
}

static void bind_range(sqlite3_stmt *q, struct str id, const struct windows *of)
{
    sqlite_bind_str(q, 1, id);
    (void)sqlite3_bind_int64(q, 2, of->length_us);
    (void)sqlite3_bind_int64(q, 3, of->first_us);
    (void)sqlite3_bind_int64(q, 4, windows_at(of, of->n).start_us);
}

enum outcome state_backfilled(struct state *s, struct arena *a, struct str id,
                              const struct windows *of, struct state_starts *out, struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[FILLED];
    enum outcome result = OK;
    size_t room = 0;
    *out = (struct state_starts){0};
    bind_range(q, id, of);
    for (bool is_row = true; is_row && result == OK;) {
        result = sqlite_row(q, &is_row, f);
        if (result == OK && is_row) {
            out->at = arena_more(a, out->at, out->n, &room, sizeof *out->at);
            out->at[out->n++] = sqlite3_column_int64(q, 0);
        }
    }
    (void)sqlite3_reset(q);
    return result;
}

enum outcome state_backfilled_drop(struct state *s, struct str id, const struct windows *of,
                                   struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[FILLED_DROP];
    bind_range(q, id, of);
    return sqlite_run(q, f);
}

enum outcome state_drop(struct state *s, struct str id, bool *was_there, struct failure *f)
{
    static const enum statement each[] = {DROP, FILLED_ALL_DROP, OBSERVED_DROP, ASIDE_DROP,
                                          KIND_DROP};
    enum outcome result = state_begin(s, f);
    *was_there = false;
    for (size_t i = 0; i < sizeof each / sizeof *each && result == OK; i++) {
        sqlite3_stmt *const q = s->prepared[each[i]];
        sqlite_bind_str(q, 1, id);
        result = sqlite_run(q, f);
        *was_there = *was_there || (result == OK && sqlite3_changes(s->db) > 0);
    }
    result = result == OK ? state_end(s, f) : result;
    if (result != OK) {
        state_undo(s);
    }
    return result;
}

/* ---- what may come back to what it was ---- */

enum outcome state_anew_us(struct state *s, struct str id, int64_t *us, struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[ANEW];
    bool is_row = false;
    sqlite_bind_str(q, 1, id);
    const enum outcome result = sqlite_row(q, &is_row, f);
    *us = result == OK && is_row ? sqlite3_column_int64(q, 0) : 0;
    (void)sqlite3_reset(q);
    return result;
}

enum outcome state_anew(struct state *s, struct str id, int64_t *us, struct failure *f)
{
    sqlite3_stmt *const put = s->prepared[ANEW_PUT];
    const int64_t now_us = clock_now_us();
    int64_t was_us = 0;
    enum outcome result = state_begin(s, f);
    result = result == OK ? state_anew_us(s, id, &was_us, f) : result;
    result = result == OK ? state_said_forget(s, id, INT64_MAX, f) : result;
    *us = now_us > was_us ? now_us : was_us + 1;
    if (result == OK) {
        sqlite_bind_str(put, 1, id);
        (void)sqlite3_bind_int64(put, 2, *us);
        result = sqlite_run(put, f);
    }
    result = result == OK ? state_end(s, f) : result;
    if (result != OK) {
        state_undo(s);
    }
    return result;
}

enum outcome state_say(struct state *s, struct str id, const struct state_said *row, int64_t run_us,
                       int64_t *since_us, struct failure *f)
{
    sqlite3_stmt *const get = s->prepared[SAID], *const put = s->prepared[SAID_PUT];
    bool is_row = false;
    sqlite_bind_str(get, 1, id);
    sqlite_bind_str(get, 2, row->key);
    const enum outcome result = sqlite_row(get, &is_row, f);
    const bool is_same = result == OK && is_row && str_eq(sqlite_str(get, 0), row->id);
    const int64_t was_us = result == OK && is_row ? sqlite3_column_int64(get, 1) : 0;
    (void)sqlite3_reset(get);
    *since_us = is_same || !is_row ? was_us : run_us > was_us ? run_us : was_us + 1;
    if (result != OK || is_same) {
        return result;
    }
    sqlite_bind_str(put, 1, id);
    sqlite_bind_str(put, 2, row->key);
    (void)sqlite3_bind_int64(put, 3, row->at_us);
    sqlite_bind_str(put, 4, row->id);
    (void)sqlite3_bind_int64(put, 5, *since_us);
    return sqlite_run(put, f);
}

enum outcome state_said_forget(struct state *s, struct str id, int64_t before_us, struct failure *f)
{
    sqlite3_stmt *const old = s->prepared[SAID_FORGET], *const cut = s->prepared[SAID_CUT];
    sqlite3_stmt *const count = s->prepared[SAID_N];
    bool is_row = false;
    sqlite_bind_str(old, 1, id);
    (void)sqlite3_bind_int64(old, 2, before_us);
    enum outcome result = sqlite_run(old, f);
    if (result != OK) {
        return result;
    }
    sqlite_bind_str(count, 1, id);
    result = sqlite_row(count, &is_row, f);
    const int64_t over = result == OK && is_row ? sqlite3_column_int64(count, 0) - STATE_SAID_MAX
                                                : 0;
    (void)sqlite3_reset(count);
    if (result == OK && over > 0) {
        sqlite_bind_str(cut, 1, id);
        (void)sqlite3_bind_int64(cut, 2, over);
        result = sqlite_run(cut, f);
    }
    return result;
}

/* ---- rows that are set aside: two numbers each, in hexadecimal ---- */

enum { ASIDE_DIGITS = 2 * 16, TOLD_BYTES_MAX = (ASIDE_LETTERS_MAX + 1) * ASIDE_DIGITS };

enum outcome state_aside_put(struct state *s, struct str id, const struct asides *told,
                             struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[told->n > 0 ? ASIDE_PUT : ASIDE_DROP];
    struct arena a;
    arena_init(&a, 2 * (size_t)TOLD_BYTES_MAX);
    char *const text = arena_array(&a, char, told->n *ASIDE_DIGITS);
    for (size_t i = 0; i < told->n; i++) {
        hex_u64(told->at[i].all, text + i * ASIDE_DIGITS);
        hex_u64(told->at[i].lasting, text + i * ASIDE_DIGITS + ASIDE_DIGITS / 2);
    }
    sqlite_bind_str(q, 1, id);
    if (told->n > 0) {
        sqlite_bind_str(q, 2, (struct str){text, told->n * ASIDE_DIGITS});
    }
    const enum outcome result = sqlite_run(q, f);
    arena_close(&a);
    return result;
}

/* What is damaged is told of again. */
static uint64_t number_at(struct str text, size_t digit)
{
    unsigned char byte[sizeof(uint64_t)] = {0};
    uint64_t number = 0;
    (void)hex_read(str_sub(text, digit, digit + 2 * sizeof byte), byte, sizeof byte);
    for (size_t i = 0; i < sizeof byte; i++) {
        number = number << 8 | byte[i];
    }
    return number;
}

enum outcome state_aside(struct state *s, struct arena *a, struct str id, struct asides *out,
                         struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[ASIDE];
    bool is_row = false;
    *out = (struct asides){.n = 0};
    sqlite_bind_str(q, 1, id);
    const enum outcome result = sqlite_row(q, &is_row, f);
    const struct str text = result == OK && is_row ? sqlite_str(q, 0) : S("");
    for (size_t i = 0; i + ASIDE_DIGITS <= text.len && i < TOLD_BYTES_MAX; i += ASIDE_DIGITS) {
        asides_add(a, out,
                   (struct aside){number_at(text, i), number_at(text, i + ASIDE_DIGITS / 2)});
    }
    (void)sqlite3_reset(q);
    return result;
}

/* ---- observed ---- */

enum outcome state_observe(struct state *s, const struct state_observed *one, int64_t took_us,
                           struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[OBSERVE];
    sqlite_bind_str(q, 1, one->series);
    sqlite_bind_str(q, 2, one->label);
    (void)sqlite3_bind_int(q, 3, one->is_ok);
    (void)sqlite3_bind_int64(q, 4, took_us);
    bind_n(q, 5, one->metrics);
    (void)sqlite3_bind_int(q, 6, histogram_bucket(took_us));
    return sqlite_run(q, f);
}

enum outcome state_observed_all(struct state *s, struct arena *a, struct state_observed **out,
                                size_t *n, struct failure *f)
{
    sqlite3_stmt *const q = s->prepared[OBSERVED];
    enum outcome result = OK;
    size_t room = 0;
    *out = NULL;
    *n = 0;
    for (bool is_row = true; is_row && result == OK;) {
        result = sqlite_row(q, &is_row, f);
        if (result != OK || !is_row) {
            break;
        }
        *out = arena_more(a, *out, *n, &room, sizeof **out);
        struct state_observed *const o = &(*out)[(*n)++];
        *o = (struct state_observed){.series = arena_str(a, sqlite_str(q, 0)),
                                     .label = arena_str(a, sqlite_str(q, 1)),
                                     .is_ok = sqlite3_column_int(q, 2) != 0,
                                     .n = n_at(q, 3),
                                     .sum_us = n_at(q, 4),
                                     .metrics = n_at(q, 5)};
        for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
            o->bucket[i] = n_at(q, 6 + i);
        }
    }
    (void)sqlite3_reset(q);
    return result;
}
