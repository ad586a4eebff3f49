#include "persist/store/replace.h"

#include <unistd.h>

#include "base/failpoint.h"

enum { SQL_BYTES_MAX = 1 << 20 };

enum outcome replace_second(struct store *s, struct str folder, struct config_store *out,
                            struct failure *f)
{
    static const char *const suffix[] = {"", "-wal", "-shm"};
    *out = s->config->store;
    out->path = arena_printf(s->arena, "%.*s/store.db", STR_ARG(folder));
    for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
        const char *const path = arena_printf(s->arena, "%.*s%s", STR_ARG(out->path), suffix[i]).at;
        if (unlink(path) != 0 && access(path, F_OK) == 0) {
            return failed_errno(f, STOP, "remove %s", path);
        }
    }
    return OK;
}

static void add_names(struct buf *b, const struct model *m)
{
    const char *sign = "";
    for (size_t i = 0; i < m->columns_n; i++) {
        if (column_is_in_store(&m->columns[i])) {
            buf_printf(b, "%s\"%s\"", sign, m->columns[i].name);
            sign = ", ";
        }
    }
}

static enum outcome replace_table(sqlite3 *db, struct arena *a, const struct model *m,
                                  struct failure *f)
{
    struct buf sql;
    buf_init(&sql, a, SQL_BYTES_MAX);
    /* or rollback: else SQLite holds in memory what undoes the statement alone: a whole table */
    buf_printf(&sql, "DELETE FROM main.\"%s\"; INSERT OR ROLLBACK INTO main.\"%s\"(", m->name,
               m->name);
    add_names(&sql, m);
    buf_add(&sql, S(") SELECT "));
    add_names(&sql, m);
    buf_printf(&sql, " FROM second.\"%s\"", m->name);
    buf_add_byte(&sql, '\0');
    return sqlite_exec(db, buf_str(&sql).at, f);
}

static enum outcome replace_tables(sqlite3 *db, struct failure *f)
{
    struct arena a;
    arena_init(&a, 2 * (size_t)SQL_BYTES_MAX);
    enum outcome result = sqlite_exec(db,
                                      "DELETE FROM main.weir_rows; INSERT INTO main.weir_rows "
                                      "SELECT model, n FROM second.weir_rows",
                                      f);
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        if (model_all[i]->is_stored) {
            result = replace_table(db, &a, model_all[i], f);
            arena_reset(&a);
            FAILPOINT("replay.swapping");
        }
    }
    arena_close(&a);
    return result;
}

/* A write to the live store alone holds its writer off; the second one still catches up, past
 * where the live one stands. Only then it is read. */
static enum outcome replace_all(sqlite3 *db, const struct store_second *by, struct failure *f)
{
    enum outcome result = sqlite_exec(
        db, "BEGIN; UPDATE main.weir_meta SET value = value WHERE name = 'bus'", f);
    result = result == OK ? by->catch_up(by->to, f) : result;
    result = result == OK ? replace_tables(db, f) : result;
    if (result == OK && by->with_cursors) {
        result = sqlite_exec(db,
                             "DELETE FROM main.weir_cursor; INSERT INTO main.weir_cursor "
                             "SELECT * FROM second.weir_cursor",
                             f);
    }
    return result == OK ? sqlite_exec(db, "COMMIT", f) : result;
}

enum outcome replace_rows(sqlite3 *db, const struct store_second *by, struct failure *f)
{
    struct failure ignored; /* the first failure says more */
    sqlite3_stmt *attach = NULL;
    enum outcome result = sqlite_prepare(db, S("ATTACH ?1 AS second"), &attach, f);
    if (result == OK) {
        sqlite_bind_str(attach, 1, by->config->path);
        result = sqlite_run(attach, f);
    }
    (void)sqlite3_finalize(attach);
    if (result != OK) {
        return result;
    }
    result = replace_all(db, by, f);
    if (result != OK && !sqlite3_get_autocommit(db)) {
        (void)sqlite_exec(db, "ROLLBACK", &ignored);
    }
    (void)sqlite_exec(db, "DETACH second", &ignored);
    return result;
}
