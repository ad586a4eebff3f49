#include "command/query_store.h"

#include "wire/sqlite.h"

static struct cell cell_of(struct arena *a, sqlite3_stmt *s, int i)
{
    const int type = sqlite3_column_type(s, i);
    if (type == SQLITE_NULL) {
        return (struct cell){CELL_NULL, S("")};
    }
    const char *const text = (const char *)sqlite3_column_text(s, i);
    const struct str copy = arena_str(
        a, (struct str){text ? text : "", text ? (size_t)sqlite3_column_bytes(s, i) : 0});
    return (struct cell){type == SQLITE_INTEGER || type == SQLITE_FLOAT ? CELL_NUMBER : CELL_TEXT,
                         copy};
}

static enum outcome print(struct arena *a, sqlite3 *db, sqlite3_stmt *s, enum rows_format format,
                          struct failure *f)
{
    const int n = sqlite3_column_count(s);
    struct str *const name = arena_array(a, struct str, (size_t)n);
    bool *const right = arena_array(a, bool, (size_t)n);
    struct cell *const cell = arena_array(a, struct cell, (size_t)n);
    struct rows *rows = NULL;
    struct arena line;
    arena_init(&line, (size_t)1 << 30);
    int step = sqlite3_step(s);
    for (int i = 0; i < n; i++) {
        const int type = step == SQLITE_ROW ? sqlite3_column_type(s, i) : SQLITE_TEXT;
        name[i] = arena_str(a, str_of(sqlite3_column_name(s, i)));
        right[i] = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
    }
    const struct rows_head head = {name, right, (size_t)n};
    enum outcome result = step == SQLITE_ROW || step == SQLITE_DONE
                              ? rows_begin(a, format, &head, &rows, f)
                              : OK;
    while (result == OK && step == SQLITE_ROW) {
        for (int i = 0; i < n; i++) {
            cell[i] = cell_of(&line, s, i);
        }
        rows_add(rows, cell);
        arena_reset(&line);
        step = sqlite3_step(s);
    }
    if (rows) {
        rows_end(rows);
    }
    if (result == OK && step != SQLITE_DONE) {
        result = failed(f, RETRY, "%s", sqlite3_errmsg(db));
    }
    arena_close(&line);
    return result;
}

enum outcome query_store(struct arena *a, struct str path, struct str sql, enum rows_format format,
                         struct failure *f)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    const char *tail = NULL;
    const char *const file = arena_cstr(a, path);
    const struct str text = arena_str(a, sql);
    enum outcome result = sqlite_open(file, SQLITE_USE_READ, &db, f);
    if (result == OK && sqlite3_prepare_v2(db, text.at, (int)text.len, &s, &tail) != SQLITE_OK) {
        result = failed(f, REJECT, "%s", sqlite3_errmsg(db));
    }
    if (result == OK && !s) {
        result = failed(f, REJECT, "there is no statement in it");
    }
    if (result == OK) {
        result = print(a, db, s, format, f);
    }
    sqlite3_finalize(s);
    sqlite_close(db);
    return result;
}
