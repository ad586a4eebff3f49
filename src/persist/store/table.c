#include "persist/store/table.h"

#include <assert.h>

#include "signal/value.h"

enum { SQL_BYTES_MAX = 16384, VALUE_BYTES_MAX = 512 * 1024 * 1024 };

struct table table_of(struct arena *a, const struct model *m)
{
    struct table t = {.model = m, .column = arena_array(a, size_t, m->columns_n)};
    for (int turn = 0; turn < 3; turn++) { /* keys, visible, hidden */
        for (size_t i = 0; i < m->columns_n; i++) {
            const struct column *const c = m->columns + i;
            const int wanted = c->rule == FOLD_KEY ? 0 : column_is_hidden(c) ? 2 : 1;
            if (column_is_in_store(c) && wanted == turn) {
                t.column[t.columns_n++] = i;
                t.keys_n += turn == 0;
            }
        }
    }
    return t;
}

static const struct column *column_at(const struct table *t, size_t i)
{
    return t->model->columns + t->column[i];
}

static const char *type_of(const struct column *c)
{
    switch (c->type) {
    case COLUMN_INT:
    case COLUMN_BOOL: return "INTEGER";
    case COLUMN_REAL: return "REAL";
    case COLUMN_TEXT:
    case COLUMN_TIME:
    case COLUMN_LIST:
    case COLUMN_JSON: return "TEXT";
    }
    return "TEXT";
}

/* `"a","b"` of columns [from, to) */
static void names(struct buf *b, const struct table *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        buf_printf(b, "%s\"%s\"", i > from ? "," : "", column_at(t, i)->name);
    }
}

/* ` WHERE "k1"=?1 AND "k2"=?2` */
static void where_keys(struct buf *b, const struct table *t)
{
    for (size_t i = 0; i < t->keys_n; i++) {
        buf_printf(b, "%s\"%s\"=?%zu", i ? " AND " : " WHERE ", column_at(t, i)->name, i + 1);
    }
}

/* ---- making ---- */

static enum outcome create(struct arena *a, sqlite3 *db, const struct table *t, struct failure *f)
{
    struct buf b;
    buf_init(&b, a, SQL_BYTES_MAX);
    buf_printf(&b, "CREATE TABLE IF NOT EXISTS \"%s\"(", t->model->name);
    for (size_t i = 0; i < t->columns_n; i++) {
        buf_printf(&b, "\"%s\" %s%s,", column_at(t, i)->name, type_of(column_at(t, i)),
                   i < t->keys_n ? " NOT NULL" : "");
    }
    /* With a rowid, though the key is all that rows are found by: they are wide, and in a tree of
     * its own (WITHOUT ROWID) whole rows stand in the inner pages too, so it is deep. In this form
     * new rows took 0.7 of the time, random ones the same (make bench: store), and what is changed
     * together mostly came together and shares pages. */
    buf_add(&b, S("PRIMARY KEY("));
    names(&b, t, 0, t->keys_n);
    buf_add(&b, S(")) STRICT"));
    buf_add_byte(&b, 0);
    assert(!buf_is_over(&b));
    return sqlite_exec(db, buf_str(&b).at, f);
}

static size_t find(const struct table *t, struct str name)
{
    size_t i = 0;
    while (i < t->columns_n && !str_eq(name, str_of(column_at(t, i)->name))) {
        i++;
    }
    return i;
}

static enum outcome mark_present(sqlite3 *db, const struct table *t, sqlite3_stmt *s,
                                 bool *is_present, struct failure *f)
{
    bool is_row = true;
    for (;;) {
        const enum outcome result = sqlite_row(s, &is_row, f);
        if (result != OK || !is_row) {
            return result;
        }
        const struct str name = sqlite_str(s, 0);
        const size_t i = find(t, name);
        if (i == t->columns_n) {
            return failed(f, STOP,
                          "%s: table %s has a column %.*s that this weir does not know: run the "
                          "newer weir that made it, or configure another store.path",
                          sqlite3_db_filename(db, "main"), t->model->name, STR_ARG(name));
        }
        is_present[i] = true;
    }
}

static enum outcome add_columns(struct arena *a, sqlite3 *db, const struct table *t,
                                struct failure *f)
{
    sqlite3_stmt *s = NULL;
    bool *const is_present = arena_array(a, bool, t->columns_n);
    const struct str sql = arena_printf(a, "SELECT name FROM pragma_table_info('%s')",
                                        t->model->name);
    enum outcome result = sqlite_prepare(db, sql, &s, f);
    if (result == OK) {
        result = mark_present(db, t, s, is_present, f);
    }
    (void)sqlite3_finalize(s);
    for (size_t i = 0; i < t->columns_n && result == OK; i++) {
        if (!is_present[i]) {
            const struct str add = arena_printf(a, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s",
                                                t->model->name, column_at(t, i)->name,
                                                type_of(column_at(t, i)));
            result = sqlite_exec(db, add.at, f);
        }
    }
    return result;
}

enum outcome table_make(struct arena *a, sqlite3 *db, const struct table *t, struct failure *f)
{
    const enum outcome result = create(a, db, t, f);
    return result == OK ? add_columns(a, db, t, f) : result;
}

static struct str insert_sql(struct arena *a, const struct table *t)
{
    struct buf b;
    buf_init(&b, a, SQL_BYTES_MAX);
    buf_printf(&b, "INSERT INTO \"%s\"(", t->model->name);
    names(&b, t, 0, t->columns_n);
    buf_add(&b, S(") VALUES("));
    for (size_t i = 0; i < t->columns_n; i++) {
        buf_printf(&b, "%s?%zu", i ? "," : "", i + 1);
    }
    buf_add_byte(&b, ')');
    assert(!buf_is_over(&b));
    return buf_str(&b);
}

static struct str update_sql(struct arena *a, const struct table *t)
{
    struct buf b;
    buf_init(&b, a, SQL_BYTES_MAX);
    buf_printf(&b, "UPDATE \"%s\" SET ", t->model->name);
    for (size_t i = t->keys_n; i < t->columns_n; i++) {
        buf_printf(&b, "%s\"%s\"=?%zu", i > t->keys_n ? "," : "", column_at(t, i)->name, i + 1);
    }
    where_keys(&b, t);
    assert(!buf_is_over(&b));
    return buf_str(&b);
}

static struct str select_sql(struct arena *a, const struct table *t, bool is_by_key)
{
    struct buf b;
    buf_init(&b, a, SQL_BYTES_MAX);
    buf_add(&b, S("SELECT "));
    names(&b, t, 0, t->columns_n);
    buf_printf(&b, " FROM \"%s\"", t->model->name);
    if (is_by_key) {
        where_keys(&b, t);
    } else {
        buf_add(&b, S(" ORDER BY "));
        names(&b, t, 0, t->keys_n);
    }
    assert(!buf_is_over(&b));
    return buf_str(&b);
}

struct str table_select_all(struct arena *a, const struct table *t)
{
    return select_sql(a, t, false);
}

enum outcome table_prepare(struct arena *a, sqlite3 *db, struct table *t, struct failure *f)
{
    enum outcome result = sqlite_prepare(db, select_sql(a, t, true), &t->select, f);
    if (result == OK) {
        result = sqlite_prepare(db, insert_sql(a, t), &t->insert, f);
    }
    if (result == OK) {
        result = sqlite_prepare(db, update_sql(a, t), &t->update, f);
    }
    return result;
}

/* ---- binding ---- */

static void bind_value(struct arena *a, sqlite3_stmt *s, int at, const struct value *v)
{
    struct buf b;
    char *time = NULL;
    switch (v->kind) {
    case VALUE_NULL: (void)sqlite3_bind_null(s, at); break;
    case VALUE_TEXT:
    case VALUE_JSON: sqlite_bind_str(s, at, v->text); break;
    case VALUE_INT: (void)sqlite3_bind_int64(s, at, v->number); break;
    case VALUE_REAL: (void)sqlite3_bind_double(s, at, v->real); break;
    case VALUE_BOOL: (void)sqlite3_bind_int64(s, at, v->is); break;
    case VALUE_TIME:
        time = arena_array(a, char, CLOCK_TEXT_BYTES);
        sqlite_bind_str(s, at, (struct str){time, clock_text(v->number, time)});
        break;
    case VALUE_LIST:
        buf_init(&b, a, VALUE_BYTES_MAX);
        value_write(&b, v);
        assert(!buf_is_over(&b));
        sqlite_bind_str(s, at, buf_str(&b));
        break;
    }
}

void table_bind_keys(const struct table *t, sqlite3_stmt *s, const struct row *row)
{
    for (size_t i = 0; i < t->keys_n; i++) {
        const struct value *const v = row->value + t->column[i];
        assert(v->kind == VALUE_TEXT || v->kind == VALUE_INT); /* these need no arena */
        bind_value(NULL, s, (int)i + 1, v);
    }
}

void table_bind(struct arena *a, const struct table *t, sqlite3_stmt *s, const struct row *row)
{
    for (size_t i = 0; i < t->columns_n; i++) {
        bind_value(a, s, (int)i + 1, row->value + t->column[i]);
    }
}

/* ---- reading ---- */

static bool read_json(struct arena *a, const struct column *c, struct str text, struct value *to)
{
    struct failure f;
    yyjson_doc *doc = NULL;
    return json_read(a, text, &doc, &f) == OK && value_read(a, c, yyjson_doc_get_root(doc), to);
}

static bool read_column(struct arena *a, const struct column *c, sqlite3_stmt *s, int at,
                        struct value *to)
{
    switch (c->type) {
    case COLUMN_TEXT:
        *to = (struct value){.kind = VALUE_TEXT, .text = arena_str(a, sqlite_str(s, at))};
        return true;
    case COLUMN_JSON:
        *to = (struct value){.kind = VALUE_JSON, .text = arena_str(a, sqlite_str(s, at))};
        return true;
    case COLUMN_INT:
        *to = (struct value){.kind = VALUE_INT, .number = sqlite3_column_int64(s, at)};
        return true;
    case COLUMN_BOOL:
        *to = (struct value){.kind = VALUE_BOOL, .is = sqlite3_column_int64(s, at) != 0};
        return true;
    case COLUMN_REAL:
        *to = (struct value){.kind = VALUE_REAL, .real = sqlite3_column_double(s, at)};
        return true;
    case COLUMN_TIME:
        *to = (struct value){.kind = VALUE_TIME};
        return clock_parse(sqlite_str(s, at), &to->number);
    case COLUMN_LIST: return read_json(a, c, sqlite_str(s, at), to);
    }
    return false;
}

enum outcome table_read(struct arena *a, const struct table *t, sqlite3_stmt *s, struct row *row,
                        struct failure *f)
{
    for (size_t i = 0; i < t->columns_n; i++) {
        struct value *const v = row->value + t->column[i];
        if (sqlite3_column_type(s, (int)i) == SQLITE_NULL) {
            *v = (struct value){.kind = VALUE_NULL};
        } else if (!read_column(a, column_at(t, i), s, (int)i, v)) {
            return failed(f, STOP,
                          "%s: a value of %s.%s is not as weir writes it: somebody else changed "
                          "it; mend it, or `weir replay --store-only` fills it anew from the lake",
                          sqlite3_db_filename(sqlite3_db_handle(s), "main"), t->model->name,
                          column_at(t, i)->name);
        }
    }
    return OK;
}
