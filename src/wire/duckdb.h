/* duckdb.h - the analytical engine, opened with dlopen in the process that uses it, never before a
 * fork.
 *
 * The library is looked for at $WEIR_DUCKDB, beside the binary, in ../lib/weir beside the binary's
 * folder, and then where the loader looks. An engine is in memory only; it starts no thread of its
 * own with threads = 1, fetches no extension, and its time zone is UTC. */
#ifndef WEIR_WIRE_DUCKDB_H
#define WEIR_WIRE_DUCKDB_H

#include <duckdb.h>

#include "base/buf.h"
#include "base/failure.h"

struct duck;

struct duck_options {
    size_t memory_bytes_max; /* at least 256 MiB are given       */
    int threads;             /* at least 1                       */
    bool reads_once;         /* no file is read again: of those that were read nothing is kept */
};

/* Whether the library is where duck_open will look; it is not loaded (70 MB).
 *   returns OK | STOP no such file (names what was tried, and what to do) */
enum outcome duck_look(struct arena *a, struct failure *f);

/* Load the library (once a process) and open an empty engine; duck_close before the arena goes.
 *   returns OK | STOP no library, or one that lacks a function (names what was tried) */
enum outcome duck_open(struct arena *a, const struct duck_options *o, struct duck **out,
                       struct failure *f);
void duck_close(struct duck *d); /* safe for NULL */

/* Run statements whose answer does not matter.
 *   returns OK | RETRY the engine's sentence (disk, memory; cause MEMORY: memory_bytes_max is too
 *   little) | REJECT the statement or its data */
enum outcome duck_run(struct duck *d, const char *sql, struct failure *f);
/* ---- answers ---- */

/* A forward pass over an answer: while (duck_next(r)) read the cells of the row. */
struct duck_result {
    struct duck *duck;
    duckdb_result result;
    duckdb_data_chunk chunk;
    idx_t row, rows;
    size_t columns_n;
    bool has_result;
};

enum outcome duck_query(struct duck *d, const char *sql, struct duck_result *out,
                        struct failure *f);
/* One statement whose rows come as they are made, so that the whole answer is never held: a failure
 * may come after the first row. Then duck_next is false and duck_ended tells. A stop (asked.h) ends
 * it (RETRY) between two steps, of which one may be long: duck_interrupt ends that, too. */
enum outcome duck_stream(struct duck *d, const char *sql, struct duck_result *out,
                         struct failure *f);
/* A `wake` for asked_install, `thing` is the struct duck: end what it is at. */
void duck_interrupt(void *thing);
/* The next row, false behind the last. */
bool duck_next(struct duck_result *r);
/* Whether the rows ended because there are no more. returns OK | RETRY | REJECT as duck_run */
enum outcome duck_ended(struct duck_result *r, struct failure *f);
/* Always, also after a failure of duck_query. */
void duck_result_close(struct duck_result *r);

struct str duck_column(struct duck_result *r, size_t column);
duckdb_type duck_type(struct duck_result *r, size_t column);
bool duck_is_null(struct duck_result *r, size_t column);
/* Of a VARCHAR (or JSON) column; lives until the next duck_next. */
struct str duck_text(struct duck_result *r, size_t column);
/* Of a BOOLEAN, integer of up to 64 bits, DATE (days), TIMESTAMP or TIMESTAMPTZ (µs since 1970). */
int64_t duck_i64(struct duck_result *r, size_t column);
/* Of a FLOAT or DOUBLE column. */
double duck_f64(struct duck_result *r, size_t column);

/* The first cell of an answer of texts, in `a`; empty when there is no row. */
enum outcome duck_first_text(struct duck *d, struct arena *a, const char *sql, struct str *out,
                             struct failure *f);

/* ---- rows put in ---- */

/* Rows for a table, cell by cell, without SQL. */
struct duck_append {
    duckdb_appender appender;
    bool has_failed;
};

void duck_append_open(struct duck *d, const char *table, struct duck_append *out);
void duck_append_text(struct duck_append *p, struct str text);
void duck_append_i64(struct duck_append *p, int64_t number);
void duck_append_row(struct duck_append *p); /* the row is whole */
/* Always. returns OK, all of them are in the table | REJECT none of them is (the engine's sentence)
 */
enum outcome duck_append_close(struct duck_append *p, struct failure *f);

/* ---- extensions ---- */

/* Load the extension that lies beside the library (httpfs); its signature is checked.
 *   returns OK | STOP it is not there, or of another version */
enum outcome duck_load(struct duck *d, struct arena *a, const char *name, struct failure *f);

/* ---- statements that a person wrote ---- */

/* What a text of one or more statements would give. */
struct duck_shape {
    size_t statements_n;
    duckdb_statement_type type; /* of the first              */
    struct duck_shape_column {
        struct str name;
        duckdb_type type;
        bool is_json; /* VARCHAR with the alias JSON */
        /* a struct's or union's members; the element of a list or array; a map's key and value */
        struct duck_shape_column *inner;
        size_t inner_n;
    } *column;
    size_t columns_n;
};

/* How many there are in it, comments apart: it is only parsed. false: it cannot be. */
bool duck_count(struct duck *d, const char *sql, size_t *n);
/* Parse and bind it without running it; only the first statement is bound.
 *   returns OK | REJECT the engine's sentence | RETRY the same, of a file that cannot be read */
enum outcome duck_shape(struct duck *d, struct arena *a, const char *sql, struct duck_shape *out,
                        struct failure *f);

/* `text` as an SQL literal: 'it''s'. */
void duck_add_literal(struct buf *b, struct str text);
/* An absolute path as read_parquet and read_json take it for that file or folder alone, as a text:
 * they read every path as a pattern, COPY ... TO and SET do not. A pattern may follow behind a '/'.
 * Of a folder straight below the root whose name has a '\' in it, there is none. */
struct str duck_pattern(struct arena *a, struct str path);

#endif
