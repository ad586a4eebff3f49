#include "persist/store/answer.h"

#define ROW_BYTES_MAX ((size_t)1 << 30)

/* https://sqlite.org/c3ref/c_alter_table.html: what a statement is about to do. */
static int may(void *to, int action, const char *what, const char *value, const char *database,
               const char *trigger)
{
    static const char *const looks[] = {"table_info", "table_list", "table_xinfo",
                                        "index_list", "index_info", "database_list"};
    (void)to;
    (void)value;
    (void)database;
    (void)trigger;
    if (action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ||
        action == SQLITE_RECURSIVE) {
        return SQLITE_OK;
    }
    for (size_t i = 0; i < sizeof looks / sizeof *looks && action == SQLITE_PRAGMA; i++) {
        if (str_eq(str_of(what), str_of(looks[i]))) {
            return SQLITE_OK;
        }
    }
    return SQLITE_DENY;
}

/* A model may be called like a word of SQLite's own, as `commit` is; the lake takes it as it is. */
static enum outcome refused(sqlite3 *db, struct failure *f)
{
    static const struct str near = STR("near \"");
    const struct str said = str_of(sqlite3_errmsg(db));
    struct str rest;
    if (sqlite3_errcode(db) == SQLITE_AUTH) {
        return failed(f, REJECT, "query only reads: this statement is not allowed");
    }
    const struct str word = str_cut(str_sub(said, near.len, said.len), '"', &rest);
    return str_starts(said, near) && model_find(word)
               ? failed(f, REJECT, "%.*s is a word of SQLite's own: write \"%.*s\", in quotes",
                        STR_ARG(word), STR_ARG(word))
               : failed(f, REJECT, "%.*s", STR_ARG(said));
}

/* One statement: what stands behind it must be no other. */
static enum outcome prepare(sqlite3 *db, struct str sql, sqlite3_stmt **out, struct failure *f)
{
    const char *tail = NULL;
    sqlite3_stmt *other = NULL;
    const char *const end = sql.at + sql.len;
    if (sqlite3_prepare_v2(db, sql.at, (int)sql.len, out, &tail) != SQLITE_OK) {
        return refused(db, f);
    }
    if (!*out) {
        return failed(f, REJECT, "there is no statement in it");
    }
    const bool is_more = sqlite3_prepare_v2(db, tail, (int)(end - tail), &other, NULL) !=
                             SQLITE_OK ||
                         other;
    (void)sqlite3_finalize(other);
    return is_more ? failed(f, REJECT,
                            "query answers one statement at a time: ask them one after the other")
                   : OK;
}

static struct store_cell cell_of(sqlite3_stmt *s, int i)
{
    const int type = sqlite3_column_type(s, i);
    return (struct store_cell){.is_null = type == SQLITE_NULL,
                               .is_number = type == SQLITE_INTEGER || type == SQLITE_FLOAT,
                               .text = type == SQLITE_NULL ? S("") : sqlite_str(s, i)};
}

static enum outcome tell(sqlite3 *db, sqlite3_stmt *s, const struct store_answer *to,
                         struct failure *f)
{
    struct arena a;
    const int n = sqlite3_column_count(s);
    arena_init(&a, ROW_BYTES_MAX);
    struct str *const name = arena_array(&a, struct str, (size_t)n);
    struct store_cell *const cell = arena_array(&a, struct store_cell, (size_t)n);
    for (int i = 0; i < n; i++) {
        name[i] = str_of(sqlite3_column_name(s, i));
    }
    int step = sqlite3_step(s);
    enum outcome result = step == SQLITE_ROW || step == SQLITE_DONE
                              ? to->head(to->to, name, (size_t)n, f)
                              : OK;
    while (result == OK && step == SQLITE_ROW) {
        for (int i = 0; i < n; i++) {
            cell[i] = cell_of(s, i);
        }
        result = to->row(to->to, cell, f);
        step = sqlite3_step(s);
    }
    if (result == OK && step != SQLITE_DONE) {
        result = failed(f, RETRY, "%s", sqlite3_errmsg(db));
    }
    arena_close(&a);
    return result;
}

enum outcome answer_query(sqlite3 *db, struct str sql, const struct store_answer *to,
                          struct failure *f)
{
    sqlite3_stmt *s = NULL;
    (void)sqlite3_set_authorizer(db, may, NULL);
    enum outcome result = prepare(db, sql, &s, f);
    if (result == OK) {
        result = tell(db, s, to, f);
    }
    (void)sqlite3_finalize(s);
    (void)sqlite3_set_authorizer(db, NULL, NULL);
    return result;
}
