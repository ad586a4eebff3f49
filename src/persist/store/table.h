/* table.h - a model's table in SQLite: its SQL from the catalogue, and rows to and from statements.
 *
 * Keys come first, what a reader wants next, hidden columns last. Times are text (RFC 3339, UTC,
 * six digits): they sort, and sqlite3, SQLite's date functions and DuckDB's scanner read them as
 * they are. Lists and JSON are JSON text, booleans 0 and 1. */
#ifndef WEIR_PERSIST_STORE_TABLE_H
#define WEIR_PERSIST_STORE_TABLE_H

#include "signal/fold.h"
#include "wire/sqlite.h"

struct table {
    const struct model *model;
    size_t *column; /* the store's columns as indexes into the model's */
    size_t columns_n, keys_n;
    sqlite3_stmt *select, *insert, *update;
};

/* Which columns there are; no statement yet. */
struct table table_of(struct arena *a, const struct model *m);

/* Make the table, or add the columns that it lacks.
 *   returns OK | RETRY | STOP it has a column that this weir does not know (a newer weir's) */
enum outcome table_make(struct arena *a, sqlite3 *db, const struct table *t, struct failure *f);
enum outcome table_prepare(struct arena *a, sqlite3 *db, struct table *t, struct failure *f);

/* SELECT of the whole table in the order of its keys, columns in the order of `column`. */
struct str table_select_all(struct arena *a, const struct table *t);

/* Bind the row's keys (`keys_n` parameters), or all its columns. Texts made for it live in the
 * arena, which must last until the statement has run. */
void table_bind_keys(const struct table *t, sqlite3_stmt *s, const struct row *row);
void table_bind(struct arena *a, const struct table *t, sqlite3_stmt *s, const struct row *row);

/* The row that the statement stands at, copied into the arena; computed columns too.
 *   returns OK | STOP a value is none of its column's type (somebody else wrote it) */
enum outcome table_read(struct arena *a, const struct table *t, sqlite3_stmt *s, struct row *row,
                        struct failure *f);

#endif
