/* sqlite.h - SQLite files opened in one way, and its codes told as outcomes.
 *
 * sqlite3's own functions are used everywhere; this header adds what weir must decide: durability,
 * limits of memory, waiting for another process, messages that say what to do. */
#ifndef WEIR_WIRE_SQLITE_H
#define WEIR_WIRE_SQLITE_H

#include <sqlite3.h>

#include "base/failure.h"
#include "base/str.h"

enum sqlite_use {
    SQLITE_USE_WRITE, /* made 0600 when it is not there; WAL, synced at each commit      */
    SQLITE_USE_READ   /* never written to, also while another process writes       */
};

/* Open the file; *out is NULL after a failure.
 *   returns OK | RETRY busy, disk full or failing | STOP rights, no such folder, no SQLite file,
 *           damaged */
enum outcome sqlite_open(const char *path, enum sqlite_use use, sqlite3 **out, struct failure *f);
/* All that is in it at this moment, in a new file, while others write. Not in a transaction.
 *   returns OK | RETRY the file is held for a minute, or a disk fails | STOP as sqlite_open */
enum outcome sqlite_copy(sqlite3 *db, const char *to, struct failure *f);
/* Close it with all its statements; NULL does nothing. */
void sqlite_close(sqlite3 *db);

/* Statements without parameters and answers. */
enum outcome sqlite_exec(sqlite3 *db, const char *sql, struct failure *f);
/* A statement that will be used often. */
enum outcome sqlite_prepare(sqlite3 *db, struct str sql, sqlite3_stmt **out, struct failure *f);
/* Run to the next row; *is_row: there is one. */
enum outcome sqlite_row(sqlite3_stmt *s, bool *is_row, struct failure *f);
/* Run a statement that gives no rows, and make it ready for the next time. */
enum outcome sqlite_run(sqlite3_stmt *s, struct failure *f);

/* Bind a text that outlives the run; the empty one too. */
void sqlite_bind_str(sqlite3_stmt *s, int at, struct str text);
/* A column's text, good until the next run. */
struct str sqlite_str(sqlite3_stmt *s, int column);

#endif
