/* A SQLite file, opened for reading alone; a program may write to it meanwhile. */
#include "base/asked.h"
#include "base/failpoint.h"
#include "collector/cells.h"
#include "collector/rows.h"
#include "config/sources.h"
#include "wire/sqlite.h"

enum { STEPS_BETWEEN_LOOKS = 10000, PARAMETERS_MAX = 2 };

static int is_to_stop(void *unused)
{
    (void)unused;
    return asked_to_stop();
}

static struct cell cell_of(struct arena *a, sqlite3_stmt *s, int column)
{
    struct cell cell = {.column = str_of(sqlite3_column_name(s, column)), .kind = CELL_TEXT};
    switch (sqlite3_column_type(s, column)) {
    case SQLITE_NULL: cell.kind = CELL_NULL; break;
    case SQLITE_FLOAT:
        cell.kind = CELL_NUMBER;
        cell.text = cell_real(a, sqlite3_column_double(s, column));
        break;
    case SQLITE_INTEGER:
        cell.kind = CELL_NUMBER;
        cell.text = sqlite_str(s, column);
        break;
    case SQLITE_BLOB: {
        const void *const at = sqlite3_column_blob(s, column);
        const struct str bytes = {at, at ? (size_t)sqlite3_column_bytes(s, column) : 0};
        cell.text = cell_bytes(a, bytes);
        break;
    }
    default: cell.text = sqlite_str(s, column); break;
    }
    return cell;
}

/* Of what it is as text: a byte of a BLOB is two digits. */
static size_t bytes_of(sqlite3_stmt *s, int column)
{
    switch (sqlite3_column_type(s, column)) {
    case SQLITE_TEXT: return (size_t)sqlite3_column_bytes(s, column);
    case SQLITE_BLOB: return 2 * (size_t)sqlite3_column_bytes(s, column);
    default: return 0;
    }
}

static enum outcome give_row(const struct source_ask *ask, sqlite3_stmt *s,
                             const struct source_to *to, struct failure *f)
{
    struct arena row;
    const size_t columns = (size_t)sqlite3_column_count(s);
    size_t bytes = 0;
    for (size_t i = 0; i < columns; i++) {
        bytes += bytes_of(s, (int)i);
    }
    if (bytes > ask->row_bytes_max) {
        return failed(f, REJECT, "a row of %zu bytes is larger than %zu", bytes,
                      ask->row_bytes_max);
    }
    arena_init(&row, 4 * ask->row_bytes_max);
    struct cell *const cell = arena_array(&row, struct cell, columns);
    for (size_t i = 0; i < columns; i++) {
        cell[i] = cell_of(&row, s, (int)i);
    }
    const enum outcome result = to->row(to->to, cell, columns, f);
    arena_close(&row);
    FAILPOINT("source.row");
    return result;
}

/* As SQLite's own functions write it, CURRENT_TIMESTAMP before all: texts are compared by bytes.
 *   source  sqlite.org/lang_datefunc.html */
static struct str time_text(const struct source_ask *ask, int64_t us)
{
    enum { SECOND_BYTES = 19, MILLISECOND_BYTES = 23 };
    char *const text = arena_array(ask->arena, char, CLOCK_TEXT_BYTES);
    (void)clock_text(us, text);
    text[sizeof "2026-03-07" - 1] = ' ';
    return (struct str){text, us % SECOND_US ? MILLISECOND_BYTES : SECOND_BYTES};
}

/* As what it was read: a number is less than any text, and a text greater than any number. */
static void bind_bookmark(const struct source_ask *ask, sqlite3_stmt *s, enum cell_kind kind)
{
    const struct str text = ask->bookmark;
    const bool is_negative = str_starts(text, S("-"));
    uint64_t whole = 0;
    double real = 0;
    if (kind != CELL_NUMBER || !row_number(text, &real)) {
        sqlite_bind_str(s, 1, text);
    } else if (str_to_u64(str_sub(text, is_negative, text.len), &whole) && whole <= INT64_MAX) {
        (void)sqlite3_bind_int64(s, 1, is_negative ? -(sqlite3_int64)whole : (sqlite3_int64)whole);
    } else {
        (void)sqlite3_bind_double(s, 1, real);
    }
}

static enum outcome bind(const struct source_ask *ask, sqlite3_stmt *s, struct failure *f)
{
    const bool has_window = ask->start_us != TIME_NONE;
    const int n = sqlite3_bind_parameter_count(s);
    if (n > PARAMETERS_MAX ||
        (n > 0 && !has_window && ask->collector->strategy != STRATEGY_GROWING)) {
        return failed(f, REJECT,
                      "sql has %d parameters; there are ?1 and ?2 with a window (its start and "
                      "end), or with strategy incremental (the bookmark, and now)",
                      n);
    }
    if (n > 0 && has_window) {
        sqlite_bind_str(s, 1, time_text(ask, ask->start_us));
    } else if (n > 0 && ask->bookmark.len > 0 && ask->bookmark_kind != CELL_NULL) {
        bind_bookmark(ask, s, ask->bookmark_kind);
    }
    if (n > 1) {
        sqlite_bind_str(s, 2, time_text(ask, has_window ? ask->end_us : ask->now_us));
    }
    return OK;
}

/* Of the column that grows, in the row at hand. */
static enum cell_kind kind_at_hand(const struct source_ask *ask, sqlite3_stmt *s)
{
    const int n = sqlite3_column_count(s);
    for (int i = 0; i < n; i++) {
        if (str_eq(str_of(sqlite3_column_name(s, i)), ask->collector->column)) {
            return cell_of(ask->arena, s, i).kind;
        }
    }
    return CELL_TEXT;
}

/* Where nobody knows any more what the bookmark was read as, that says the first row of those that
 * are read without one. */
static enum outcome first_row(const struct source_ask *ask, sqlite3_stmt *s, bool *is_row,
                              struct failure *f)
{
    const bool is_unknown = ask->bookmark.len > 0 && ask->bookmark_kind == CELL_NULL &&
                            sqlite3_bind_parameter_count(s) > 0;
    enum outcome result = sqlite_row(s, is_row, f);
    if (result == OK && *is_row && is_unknown) {
        const enum cell_kind kind = kind_at_hand(ask, s);
        (void)sqlite3_reset(s);
        bind_bookmark(ask, s, kind);
        result = sqlite_row(s, is_row, f);
    }
    return result;
}

static enum outcome give_rows(const struct source_ask *ask, sqlite3_stmt *s,
                              const struct source_to *to, struct failure *f)
{
    bool is_row = true;
    enum outcome result = first_row(ask, s, &is_row, f);
    while (result == OK && is_row) {
        result = give_row(ask, s, to, f);
        if (result == OK) {
            result = sqlite_row(s, &is_row, f);
        }
    }
    return result != OK && asked_to_stop() ? failed(f, RETRY, "asked to stop") : result;
}

/* SQLite prepares the first statement alone; behind it there may be comments. */
static enum outcome prepare_one(sqlite3 *db, struct str sql, sqlite3_stmt **s, struct failure *f)
{
    sqlite3_stmt *second = NULL;
    enum outcome result = sqlite_prepare(db, sql, s, f);
    if (result == OK && !*s) {
        return failed(f, REJECT, "sql begins with no statement");
    }
    if (result == OK) {
        const size_t end = strlen(sqlite3_sql(*s));
        result = sqlite_prepare(db, str_sub(sql, end, sql.len), &second, f);
    }
    if (second) {
        result = failed(f, REJECT, "sql has more than one statement");
    }
    sqlite3_finalize(second);
    return result;
}

static enum outcome sqlite_read(const struct source_ask *ask, const struct source_to *to,
                                struct failure *f)
{
    const struct sqlite_options *const o = ask->options;
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    enum outcome result = sqlite_open(arena_cstr(ask->arena, o->path), SQLITE_USE_READ, &db, f);
    if (result == OK) {
        sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, is_to_stop, NULL);
        result = prepare_one(db, o->sql, &s, f);
    }
    if (result == OK && !sqlite3_stmt_readonly(s)) {
        result = failed(f, REJECT, "sql would write; a collector only reads");
    }
    if (result == OK) {
        result = bind(ask, s, f);
    }
    if (result == OK) {
        result = give_rows(ask, s, to, f);
    }
    sqlite3_finalize(s);
    sqlite_close(db);
    return result;
}

const struct source_driver source_sqlite = {.name = "sqlite", .read = sqlite_read};
