#include "wire/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BUSY_MS = 5000,          /* another process writes: its transactions are short  */
    CACHE_KIB = 32 * 1024,   /* pages held in memory at most                        */
    CHECKPOINT_PAGES = 4000, /* 16 MiB of log: fewer, larger, sorted writes of the tables */
    COPY_PAGES = 4096,       /* a step of a copy */
    COPY_TRIES_MAX = 600,
    COPY_PAUSE_MS = 100
};

static enum outcome outcome_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT: return RETRY;
    case SQLITE_TOOBIG: return REJECT;
    default: return STOP;
    }
}

/* The shared memory beside the file that cannot grow has no words of its own in SQLite. */
static bool is_full(sqlite3 *db, int code)
{
    const int number = (code & 0xFF) == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;
    return (code & 0xFF) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE || number == ENOSPC ||
           number == EDQUOT;
}

static const char *advice_of(int code)
{
    struct rlimit limit;
    const bool is_limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "; another program holds it: close it there";
    case SQLITE_IOERR:
        return is_limited ? "; look at the limit on a file's size (ulimit -f), its disk and the "
                            "kernel's log"
                          : "; look at its disk and at the kernel's log";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return "; give weir's user the right to write it and its folder";
    case SQLITE_CORRUPT:
        return "; the file is damaged: move it away with its -wal and -shm, and it is made anew";
    case SQLITE_NOTADB: return "; this is no SQLite file: move it away, or configure another path";
    default: return "";
    }
}

static enum outcome sqlite_failed(sqlite3 *db, const char *path, struct failure *f)
{
    const int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    const char *const name = path ? path : sqlite3_db_filename(db, "main");
    if (db && is_full(db, code)) {
        return failed(f, RETRY, "%s: its disk is full (SQLite code %d); free space there",
                      name ? name : "SQLite", code);
    }
    return failed(f, outcome_of(code), "%s: %s (SQLite code %d)%s", name ? name : "SQLite",
                  db ? sqlite3_errmsg(db) : "out of memory", code, advice_of(code));
}

static enum outcome set_up(sqlite3 *db, enum sqlite_use use, struct failure *f)
{
    char sql[400];
    (void)sqlite3_busy_timeout(db, BUSY_MS);
    (void)sqlite3_extended_result_codes(db, 1);
    (void)snprintf(sql, sizeof sql, "PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY;%s", CACHE_KIB,
                   use == SQLITE_USE_READ ? "PRAGMA query_only=1" : "");
    enum outcome result = sqlite_exec(db, sql, f);
    if (result == OK && use == SQLITE_USE_WRITE) {
        (void)snprintf(sql, sizeof sql,
                       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                       "PRAGMA wal_autocheckpoint=%d; PRAGMA journal_size_limit=%d;"
                       "PRAGMA cell_size_check=1",
                       CHECKPOINT_PAGES, CHECKPOINT_PAGES * 4096 * 2);
        result = sqlite_exec(db, sql, f);
    }
    return result;
}

/* SQLite would make it 0644; its -wal and -shm follow the mode of the file. */
static enum outcome make_private(const char *path, struct failure *f)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? OK : failed_errno(f, RETRY, "create %s", path);
    }
    close(fd); /* empty: nothing can be lost */
    return OK;
}

enum outcome sqlite_open(const char *path, enum sqlite_use use, sqlite3 **out, struct failure *f)
{
    sqlite3 *db = NULL;
    const int flags = use == SQLITE_USE_READ ? SQLITE_OPEN_READONLY
                                             : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    *out = NULL;
    enum outcome result = use == SQLITE_USE_WRITE ? make_private(path, f) : OK;
    if (result != OK) {
        return result;
    }
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        result = use == SQLITE_USE_READ && sqlite3_errcode(db) == SQLITE_CANTOPEN
                     ? failed(f, STOP, "%s: there is no such file yet, or no right to read it",
                              path)
                     : sqlite_failed(db, path, f);
    } else {
        result = set_up(db, use, f);
    }
    if (result == OK) {
        *out = db;
    } else {
        sqlite_close(db);
    }
    return result;
}

static enum outcome copy_pages(sqlite3 *from, sqlite3 *to, struct failure *f)
{
    sqlite3_backup *const b = sqlite3_backup_init(to, "main", from, "main");
    int code = b ? SQLITE_OK : SQLITE_ERROR;
    for (int busy = 0; code == SQLITE_OK || (code == SQLITE_BUSY && busy < COPY_TRIES_MAX);) {
        code = sqlite3_backup_step(b, COPY_PAGES);
        if ((code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED) {
            code = SQLITE_BUSY;
            busy++;
            (void)sqlite3_sleep(COPY_PAUSE_MS);
        }
    }
    (void)sqlite3_backup_finish(b);
    return code == SQLITE_DONE ? OK
                               : failed(f, RETRY, "copy %s: %s", sqlite3_db_filename(from, "main"),
                                        sqlite3_errstr(code));
}

/* In a transaction that has read: its snapshot stays, or each commit of another process would begin
 * the copy again, for ever while somebody writes. */
enum outcome sqlite_copy(sqlite3 *db, const char *to, struct failure *f)
{
    struct failure ignored; /* it has read alone */
    sqlite3 *copy = NULL;
    enum outcome result = sqlite_exec(db, "BEGIN; SELECT count(*) FROM sqlite_schema", f);
    if (result != OK) {
        return result;
    }
    result = sqlite_open(to, SQLITE_USE_WRITE, &copy, f);
    result = result == OK ? copy_pages(db, copy, f) : result;
    sqlite_close(copy); /* its log goes into the file */
    (void)sqlite_exec(db, "ROLLBACK", &ignored);
    return result;
}

void sqlite_close(sqlite3 *db)
{
    for (sqlite3_stmt *s = db ? sqlite3_next_stmt(db, NULL) : NULL; s;
         s = sqlite3_next_stmt(db, NULL)) {
        (void)sqlite3_finalize(s);
    }
    (void)sqlite3_close(db);
}

enum outcome sqlite_exec(sqlite3 *db, const char *sql, struct failure *f)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : sqlite_failed(db, NULL, f);
}

enum outcome sqlite_prepare(sqlite3 *db, struct str sql, sqlite3_stmt **out, struct failure *f)
{
    assert(sql.len <= INT32_MAX);
    const int code = sqlite3_prepare_v3(db, sql.at, (int)sql.len, SQLITE_PREPARE_PERSISTENT, out,
                                        NULL);
    return code == SQLITE_OK ? OK : sqlite_failed(db, NULL, f);
}

enum outcome sqlite_row(sqlite3_stmt *s, bool *is_row, struct failure *f)
{
    const int code = sqlite3_step(s);
    *is_row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? OK
                                                     : sqlite_failed(sqlite3_db_handle(s), NULL, f);
}

enum outcome sqlite_run(sqlite3_stmt *s, struct failure *f)
{
    bool is_row = false;
    const enum outcome result = sqlite_row(s, &is_row, f);
    (void)sqlite3_reset(s); /* tells the step's code again */
    return result;
}

void sqlite_bind_str(sqlite3_stmt *s, int at, struct str text)
{
    const int code = sqlite3_bind_text64(s, at, text.len ? text.at : "", text.len, SQLITE_STATIC,
                                         SQLITE_UTF8);
    assert(code == SQLITE_OK); /* unbound it would be stored as null */
    (void)code;
}

struct str sqlite_str(sqlite3_stmt *s, int column)
{
    const void *const at = sqlite3_column_text(s, column);
    return (struct str){at, at ? (size_t)sqlite3_column_bytes(s, column) : 0};
}
