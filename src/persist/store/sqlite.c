/* The store in one SQLite file: a table a model, the cursors, and how many rows there are. */
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "persist/store.h"
#include "persist/store/answer.h"
#include "persist/store/replace.h"
#include "persist/store/table.h"

enum { SCHEMA = 1, SCRATCH_BYTES_MAX = 1 << 30 };

struct sqlite_store {
    sqlite3 *db;
    struct table *table;
    size_t tables_n;
    struct arena scratch; /* texts of one row */
    sqlite3_stmt *cursor, *cursor_move, *cursor_make, *count;
};

static struct sqlite_store *state_of(const struct store *s)
{
    return s->state;
}

static struct table *table_for(struct sqlite_store *q, const struct model *m)
{
    size_t i = 0;
    while (i < q->tables_n && q->table[i].model != m) {
        i++;
    }
    assert(i < q->tables_n); /* raw has none */
    return q->table + i;
}

/* ---- open ---- */

/* What `sql` gives in its one row and column; empty when there is no row. */
static enum outcome read_text(struct store *s, struct str sql, struct str *out, struct failure *f)
{
    sqlite3_stmt *statement = NULL;
    bool is_row = false;
    enum outcome result = sqlite_prepare(state_of(s)->db, sql, &statement, f);
    if (result == OK) {
        result = sqlite_row(statement, &is_row, f);
    }
    *out = is_row ? arena_str(s->arena, sqlite_str(statement, 0)) : S("");
    (void)sqlite3_finalize(statement);
    return result;
}

static enum outcome check_meta(struct store *s, struct failure *f)
{
    const char *const path = sqlite3_db_filename(state_of(s)->db, "main");
    struct str schema;
    struct str bus = S("");
    uint64_t number = 0;
    enum outcome result = read_text(s, S("SELECT value FROM weir_meta WHERE name='schema'"),
                                    &schema, f);
    if (result == OK) {
        result = read_text(s, S("SELECT value FROM weir_meta WHERE name='bus'"), &bus, f);
    }
    if (result != OK) {
        return result;
    }
    if (!str_to_u64(schema, &number) || number > SCHEMA) {
        return failed(f, STOP,
                      "%s: its schema is %.*s and this weir knows %d: run the newer weir that made "
                      "it, or configure another store.path",
                      path, STR_ARG(schema), SCHEMA);
    }
    if (!str_eq(bus, s->bus_id)) {
        return failed(f, STOP,
                      "%s: its cursors belong to the streams %.*s, but these are %.*s: put the old "
                      "bus folder back, or move the file away: it is made anew from these streams, "
                      "and what they have forgotten comes back by weir replay --store-only",
                      path, STR_ARG(bus), STR_ARG(s->bus_id));
    }
    return OK;
}

static enum outcome make_tables(struct store *s, struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    const struct str meta = arena_printf(
        s->arena,
        "BEGIN IMMEDIATE;"
        "CREATE TABLE IF NOT EXISTS weir_meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
        "CREATE TABLE IF NOT EXISTS weir_cursor(bus_id TEXT NOT NULL, stream TEXT NOT NULL,"
        " lane TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(bus_id, stream, lane))"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS weir_rows(model TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT;"
        "INSERT OR IGNORE INTO weir_meta VALUES('schema','%d'),('bus','%.*s')",
        SCHEMA, STR_ARG(s->bus_id));
    enum outcome result = sqlite_exec(q->db, meta.at, f);
    if (result == OK) {
        result = check_meta(s, f);
    }
    for (size_t i = 0; i < q->tables_n && result == OK; i++) {
        result = table_make(s->arena, q->db, q->table + i, f);
        FAILPOINT("store.make");
    }
    return result == OK ? sqlite_exec(q->db, "COMMIT", f) : result;
}

static enum outcome prepare_cursor(struct sqlite_store *q, struct failure *f)
{
    return sqlite_prepare(
        q->db, S("SELECT position FROM weir_cursor WHERE bus_id=?1 AND stream=?2 AND lane=?3"),
        &q->cursor, f);
}

static enum outcome prepare(struct store *s, struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    const struct {
        sqlite3_stmt **to;
        struct str sql;
    } statements[] = {
        {&q->cursor_move, S("UPDATE weir_cursor SET position=?4 WHERE bus_id=?1 AND stream=?2 AND "
                            "lane=?3 AND position=?5")},
        {&q->cursor_make, S("INSERT OR IGNORE INTO weir_cursor VALUES(?1,?2,?3,?4)")},
        {&q->count, S("INSERT INTO weir_rows VALUES(?1,?2) ON CONFLICT(model) DO UPDATE SET "
                      "n=n+excluded.n")},
    };
    enum outcome result = prepare_cursor(q, f);
    for (size_t i = 0; i < sizeof statements / sizeof *statements && result == OK; i++) {
        result = sqlite_prepare(q->db, statements[i].sql, statements[i].to, f);
    }
    for (size_t i = 0; i < q->tables_n && result == OK; i++) {
        result = table_prepare(s->arena, q->db, q->table + i, f);
    }
    return result;
}

static struct str folder_of(struct arena *a, struct str path)
{
    size_t len = path.len;
    while (len > 0 && path.at[len - 1] != '/') {
        len--;
    }
    return len ? arena_str(a, str_sub(path, 0, len)) : S("./");
}

static enum outcome open_writer(struct store *s, const char *path, struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    const struct str folder = folder_of(s->arena, s->config->store.path);
    enum outcome result = file_make_dirs(folder.at, f);
    if (result == OK) {
        result = sqlite_open(path, SQLITE_USE_WRITE, &q->db, f);
    }
    if (result == OK) {
        result = make_tables(s, f);
    }
    if (result == OK) {
        result = file_sync_dir(folder.at, f); /* SQLite syncs names of journals, not the file's */
    }
    return result == OK ? prepare(s, f) : result;
}

/* Its tables are made in one transaction, so a file that has none is as good as no file. */
static enum outcome open_reader(struct store *s, const char *path, struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    struct str made = S("");
    s->is_absent = access(path, F_OK) != 0 && errno == ENOENT;
    if (s->is_absent) {
        return OK;
    }
    enum outcome result = sqlite_open(path, SQLITE_USE_READ, &q->db, f);
    if (result == OK) {
        result = read_text(s, S("SELECT 1 FROM sqlite_schema WHERE name='weir_cursor'"), &made, f);
        s->is_absent = made.len == 0;
    }
    return result == OK && !s->is_absent ? prepare_cursor(q, f) : result;
}

static enum outcome store_sqlite_open(struct store *s, struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    const char *const path = arena_cstr(s->arena, s->config->store.path);
    *q = (struct sqlite_store){.table = arena_array(s->arena, struct table, model_all_n)};
    arena_init(&q->scratch, SCRATCH_BYTES_MAX);
    for (size_t i = 0; i < model_all_n; i++) {
        if (model_all[i]->is_stored) {
            q->table[q->tables_n++] = table_of(s->arena, model_all[i]);
        }
    }
    return s->is_reader ? open_reader(s, path, f) : open_writer(s, path, f);
}

static void store_sqlite_close(struct store *s)
{
    struct sqlite_store *const q = state_of(s);
    sqlite_close(q->db);
    q->db = NULL;
    arena_close(&q->scratch);
}

/* ---- get ---- */

static enum outcome store_sqlite_get(struct store *s, struct arena *a, struct rows *rows,
                                     struct failure *f)
{
    const struct table *const t = table_for(state_of(s), rows->model);
    enum outcome result = OK;
    for (size_t i = 0; i < rows->n && result == OK; i++) {
        table_bind_keys(t, t->select, rows->row + i);
        result = sqlite_row(t->select, rows->is_there + i, f);
        if (result == OK && rows->is_there[i]) {
            result = table_read(a, t, t->select, rows->row + i, f);
        }
        (void)sqlite3_reset(t->select);
    }
    return result;
}

/* ---- put ---- */

static enum outcome count_rows(struct sqlite_store *q, const struct model *m, int64_t n,
                               struct failure *f)
{
    if (n == 0) {
        return OK;
    }
    sqlite_bind_str(q->count, 1, str_of(m->name));
    (void)sqlite3_bind_int64(q->count, 2, n);
    return sqlite_run(q->count, f);
}

static enum outcome put_rows(struct sqlite_store *q, const struct rows *rows, struct failure *f)
{
    const struct table *const t = table_for(q, rows->model);
    int64_t added = 0;
    enum outcome result = OK;
    for (size_t i = 0; i < rows->n && result == OK; i++) {
        sqlite3_stmt *const statement = rows->is_there[i] ? t->update : t->insert;
        table_bind(&q->scratch, t, statement, rows->row + i);
        result = failpoint_fails("store.too_big") ? failed(f, REJECT, "as a test asked")
                                                  : sqlite_run(statement, f);
        f->record = i;
        added += !rows->is_there[i];
        arena_reset(&q->scratch);
        FAILPOINT("store.row");
    }
    return result == OK ? count_rows(q, rows->model, added, f) : result;
}

static void bind_lane(sqlite3_stmt *statement, const struct store *s, struct lane lane)
{
    sqlite_bind_str(statement, 1, s->bus_id);
    sqlite_bind_str(statement, 2, str_of(stream_name(lane.stream)));
    sqlite_bind_str(statement, 3, lane.name);
}

/* A lane without a cursor yet takes any start: its beginning may have been forgotten. */
static enum outcome move_cursor(struct store *s, const struct slice *slice, struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    sqlite3_stmt *const statements[] = {q->cursor_move, q->cursor_make};
    assert(slice->to.at <= INT64_MAX && slice->from.at <= slice->to.at);
    for (size_t i = 0; i < 2; i++) {
        bind_lane(statements[i], s, slice->lane);
        (void)sqlite3_bind_int64(statements[i], 4, (int64_t)slice->to.at);
        if (i == 0) {
            (void)sqlite3_bind_int64(statements[i], 5, (int64_t)slice->from.at);
        }
        const enum outcome result = sqlite_run(statements[i], f);
        if (result != OK || sqlite3_changes64(q->db) == 1) {
            return result;
        }
    }
    (void)failed(f, RETRY, "the store's cursor of %s/%.*s no longer stands at %llu",
                 stream_name(slice->lane.stream), STR_ARG(slice->lane.name),
                 (unsigned long long)slice->from.at);
    f->cause = CAUSE_FENCED;
    return RETRY;
}

/* An open file takes all that is written to it though its name is gone, or another's. */
static enum outcome check_in_place(struct sqlite_store *q, struct failure *f)
{
    int has_moved = 0;
    if (sqlite3_file_control(q->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) != SQLITE_OK ||
        !has_moved) {
        return OK;
    }
    return failed(f, STOP,
                  "%s was removed or replaced while it was open: what it held is to be put back "
                  "while weir is stopped; without it a new one is made from the streams",
                  sqlite3_db_filename(q->db, "main"));
}

/* In place before, so that no journal of another file is written to, and after: only then may
 * anybody forget what was put. */
static enum outcome put_all(struct store *s, const struct rows *rows, size_t n,
                            const struct batch *b, struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    enum outcome result = check_in_place(q, f);
    if (result == OK) {
        result = sqlite_exec(q->db, "BEGIN IMMEDIATE", f);
    }
    size_t before = 0;
    for (size_t i = 0; i < n && result == OK; i++) {
        result = put_rows(q, rows + i, f);
        f->record += before;
        before += rows[i].n;
    }
    FAILPOINT("store.rows");
    for (size_t i = 0; i < b->n && result == OK; i++) {
        result = move_cursor(s, b->slice + i, f);
        FAILPOINT("store.cursor");
    }
    if (result == OK && failpoint_fails("store.commit")) {
        result = failed(f, RETRY, "store.commit: as a test asked");
    }
    if (result == OK) {
        result = sqlite_exec(q->db, "COMMIT", f);
    }
    return result == OK ? check_in_place(q, f) : result;
}

/* Leave no transaction open after a failure. */
static enum outcome settled(struct sqlite_store *q, enum outcome result)
{
    struct failure ignored; /* the first failure says more */
    arena_reset(&q->scratch);
    if (result != OK && !sqlite3_get_autocommit(q->db)) {
        (void)sqlite_exec(q->db, "ROLLBACK", &ignored);
    }
    return result;
}

static enum outcome store_sqlite_put(struct store *s, const struct rows *rows, size_t n,
                                     const struct batch *b, struct failure *f)
{
    return settled(state_of(s), put_all(s, rows, n, b, f));
}

static enum outcome store_sqlite_cursor(struct store *s, struct lane lane, struct position *out,
                                        struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    bool is_row = false;
    bind_lane(q->cursor, s, lane);
    const enum outcome result = sqlite_row(q->cursor, &is_row, f);
    out->at = is_row ? (uint64_t)sqlite3_column_int64(q->cursor, 0) : 0;
    (void)sqlite3_reset(q->cursor);
    return result;
}

/* ---- retention, counts, all rows ---- */

static enum outcome expire_table(struct store *s, const struct table *t, struct str before,
                                 struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    const struct str sql = arena_printf(
        &q->scratch,
        "BEGIN IMMEDIATE; DELETE FROM \"%s\" WHERE revised_at < '%.*s';"
        "INSERT INTO weir_rows VALUES('%s',-changes()) ON CONFLICT(model) DO UPDATE SET "
        "n=n+excluded.n; COMMIT",
        t->model->name, STR_ARG(before), t->model->name);
    return settled(q, sqlite_exec(q->db, sql.at, f));
}

static enum outcome store_sqlite_expire(struct store *s, int64_t before_us, struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    char before[CLOCK_TEXT_BYTES];
    const size_t len = clock_text(before_us, before);
    enum outcome result = OK;
    for (size_t i = 0; i < q->tables_n && result == OK; i++) {
        result = expire_table(s, q->table + i, (struct str){before, len}, f);
    }
    return result;
}

static enum outcome store_sqlite_rows(struct store *s, const struct model *m, uint64_t *out,
                                      struct failure *f)
{
    sqlite3_stmt *statement = NULL;
    bool is_row = false;
    *out = 0;
    enum outcome result = sqlite_prepare(
        state_of(s)->db, S("SELECT n FROM weir_rows WHERE model=?1"), &statement, f);
    if (result == OK) {
        sqlite_bind_str(statement, 1, str_of(m->name));
        result = sqlite_row(statement, &is_row, f);
        *out = is_row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    }
    (void)sqlite3_finalize(statement);
    return result;
}

static enum outcome store_sqlite_each(struct store *s, const struct model *m, struct arena *a,
                                      bool (*visit)(void *to, const struct row *r), void *to,
                                      struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    const struct table *const t = table_for(q, m);
    sqlite3_stmt *statement = NULL;
    bool is_row = true;
    enum outcome result = sqlite_prepare(q->db, table_select_all(&q->scratch, t), &statement, f);
    while (result == OK && is_row) {
        struct row row = row_new(a, m);
        result = sqlite_row(statement, &is_row, f);
        if (result == OK && is_row) {
            result = table_read(a, t, statement, &row, f);
            is_row = result == OK && visit(to, &row);
        }
        arena_reset(a);
    }
    (void)sqlite3_finalize(statement);
    arena_reset(&q->scratch);
    return result;
}

static enum outcome store_sqlite_query(struct store *s, struct str sql,
                                       const struct store_answer *to, struct failure *f)
{
    return answer_query(state_of(s)->db, sql, to, f);
}

static enum outcome store_sqlite_check(struct store *s, void (*found)(void *to, struct str what),
                                       void *to, struct failure *f)
{
    sqlite3_stmt *statement = NULL;
    bool is_row = false;
    enum outcome result = sqlite_prepare(state_of(s)->db, S("PRAGMA integrity_check"), &statement,
                                         f);
    while (result == OK && (result = sqlite_row(statement, &is_row, f)) == OK && is_row) {
        if (!str_eq(sqlite_str(statement, 0), S("ok"))) {
            found(to, sqlite_str(statement, 0));
        }
    }
    (void)sqlite3_finalize(statement);
    return result;
}

static enum outcome store_sqlite_copy(struct store *s, const char *to, struct failure *f)
{
    return sqlite_copy(state_of(s)->db, to, f);
}

static enum outcome store_sqlite_replace(struct store *s, const struct store_second *by,
                                         struct failure *f)
{
    struct sqlite_store *const q = state_of(s);
    enum outcome result = check_in_place(q, f);
    result = result == OK ? replace_rows(q->db, by, f) : result;
    return result == OK ? check_in_place(q, f) : result;
}

const struct store_driver store_sqlite = {
    .state_bytes = sizeof(struct sqlite_store),
    .open = store_sqlite_open,
    .get = store_sqlite_get,
    .put = store_sqlite_put,
    .cursor = store_sqlite_cursor,
    .expire = store_sqlite_expire,
    .rows = store_sqlite_rows,
    .each = store_sqlite_each,
    .check = store_sqlite_check,
    .query = store_sqlite_query,
    .copy = store_sqlite_copy,
    .second = replace_second,
    .replace = store_sqlite_replace,
    .close = store_sqlite_close,
};
