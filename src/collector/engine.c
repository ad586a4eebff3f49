#include "collector/engine.h"

#include "base/asked.h"
#include "base/failpoint.h"
#include "collector/cells.h"

enum { SQL_BYTES_MAX = 2 << 20, MEMORY_BYTES_MAX = 512 << 20 };

enum outcome engine_open(const struct source_ask *ask, struct duck **out, struct failure *f)
{
    const struct duck_options o = {.memory_bytes_max = MEMORY_BYTES_MAX, .threads = 1};
    enum outcome result = duck_open(ask->arena, &o, out, f);
    if (result == OK) { /* what does not fit fails: nothing is written to a disk */
        result = duck_run(*out, "SET temp_directory = ''; SET allow_persistent_secrets = false", f);
    }
    return result;
}

enum outcome engine_confine(struct duck *d, const struct source_ask *ask, const struct str *folder,
                            size_t n, struct failure *f)
{
    struct buf sql;
    buf_init(&sql, ask->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("SET allowed_directories = ["));
    for (size_t i = 0; i < n; i++) {
        buf_add(&sql, i ? S(", ") : S(""));
        duck_add_literal(&sql, folder[i]);
    }
    buf_add(&sql, S("]; SET enable_external_access = false; SET lock_configuration = true"));
    buf_add_byte(&sql, '\0');
    return duck_run(d, buf_str(&sql).at, f);
}

/* ---- rows ---- */

static struct str without_end(struct str sql)
{
    while (sql.len > 0 &&
           (sql.at[sql.len - 1] == ';' || (unsigned char)sql.at[sql.len - 1] <= ' ')) {
        sql.len--;
    }
    return sql;
}

/* Comments may follow the `;`, and comments and texts may hold one: it is the end where the engine
 * finds a statement before it and none behind it. */
static struct str without_rest(struct duck *d, struct arena *a, struct str sql)
{
    struct str whole = without_end(sql);
    for (size_t i = whole.len; i-- > 0;) {
        size_t before = 0, behind = 0;
        if (whole.at[i] == ';' &&
            duck_count(d, arena_cstr(a, str_sub(whole, i, whole.len)), &behind) && behind == 0 &&
            duck_count(d, arena_cstr(a, str_sub(whole, 0, i)), &before) && before == 1) {
            whole = without_end(str_sub(whole, 0, i));
            i = whole.len;
        }
    }
    return whole;
}

/* The query inside another that makes text of each column: the kinds are known from outside. */
static struct str as_texts(struct arena *a, struct str query, size_t columns)
{
    struct buf b;
    buf_init(&b, a, SQL_BYTES_MAX);
    buf_add(&b, S("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n"));
    buf_add(&b, query);
    buf_add(&b, S("\n) AS answer("));
    for (size_t i = 0; i < columns; i++) { /* two columns may have one name */
        buf_printf(&b, "%sc%zu", i ? ", " : "", i);
    }
    buf_add(&b, S(")"));
    buf_add_byte(&b, '\0');
    return buf_str(&b);
}

static enum cell_kind kind_of(duckdb_type type)
{
    static const duckdb_type numbers[] = {
        DUCKDB_TYPE_TINYINT, DUCKDB_TYPE_SMALLINT, DUCKDB_TYPE_INTEGER,   DUCKDB_TYPE_BIGINT,
        DUCKDB_TYPE_HUGEINT, DUCKDB_TYPE_UTINYINT, DUCKDB_TYPE_USMALLINT, DUCKDB_TYPE_UINTEGER,
        DUCKDB_TYPE_UBIGINT, DUCKDB_TYPE_UHUGEINT, DUCKDB_TYPE_DECIMAL,   DUCKDB_TYPE_FLOAT,
        DUCKDB_TYPE_DOUBLE};
    static const duckdb_type times[] = {DUCKDB_TYPE_DATE,         DUCKDB_TYPE_TIMESTAMP,
                                        DUCKDB_TYPE_TIMESTAMP_S,  DUCKDB_TYPE_TIMESTAMP_MS,
                                        DUCKDB_TYPE_TIMESTAMP_NS, DUCKDB_TYPE_TIMESTAMP_TZ};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (type == numbers[i]) {
            return CELL_NUMBER;
        }
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (type == times[i]) {
            return CELL_TIME;
        }
    }
    return type == DUCKDB_TYPE_BOOLEAN ? CELL_BOOL : CELL_TEXT;
}

static enum outcome give_row(struct duck_result *r, const struct duck_shape *shape,
                             struct arena *row, const struct source_ask *ask,
                             const struct source_to *to, struct failure *f)
{
    struct cell *const cell = arena_array(row, struct cell, shape->columns_n);
    size_t bytes = 0;
    for (size_t i = 0; i < shape->columns_n; i++) {
        cell[i] = (struct cell){.column = shape->column[i].name, .kind = CELL_NULL};
        if (!duck_is_null(r, i)) {
            cell[i].kind = kind_of(shape->column[i].type);
            cell[i].text = duck_text(r, i);
            bytes += cell[i].text.len;
        }
        if (bytes > ask->row_bytes_max) {
            return failed(f, REJECT, "a row is larger than %zu bytes", ask->row_bytes_max);
        }
        if (cell[i].kind == CELL_TIME) {
            cell[i].text = cell_time(row, cell[i].text);
        }
    }
    return to->row(to->to, cell, shape->columns_n, f);
}

static enum outcome check_shape(const struct duck_shape *shape, struct failure *f)
{
    if (shape->statements_n != 1 || shape->type != DUCKDB_STATEMENT_TYPE_SELECT) {
        return failed(f, REJECT, "sql is not one SELECT");
    }
    return OK;
}

enum outcome engine_rows(struct duck *d, const struct source_ask *ask, struct str sql,
                         const struct source_to *to, struct failure *f)
{
    struct duck_shape shape;
    struct duck_result r = {0};
    struct arena row;
    asked_install(duck_interrupt, d);
    enum outcome result = duck_shape(d, ask->arena, arena_cstr(ask->arena, sql), &shape, f);
    if (result == OK) {
        result = check_shape(&shape, f);
    }
    if (result == OK) {
        const struct str query = without_rest(d, ask->arena, sql);
        const struct str texts = as_texts(ask->arena, query, shape.columns_n);
        result = duck_stream(d, texts.at, &r, f);
    }
    arena_init(&row, 4 * ask->row_bytes_max);
    while (result == OK && duck_next(&r)) {
        result = give_row(&r, &shape, &row, ask, to, f);
        arena_reset(&row);
        FAILPOINT("source.row");
    }
    if (result == OK) {
        result = duck_ended(&r, f);
    }
    arena_close(&row);
    duck_result_close(&r);
    asked_install(NULL, NULL);
    return result != OK && asked_to_stop() ? failed(f, RETRY, "asked to stop") : result;
}

enum outcome engine_file_rows(struct duck *d, const struct source_ask *ask, struct str sql,
                              const struct source_to *to, struct failure *f)
{
    static const char *const refusals[] = {"HTTP 400",     "HTTP 401",     "HTTP 403", "HTTP 404",
                                           "NoSuchBucket", "AccessDenied", "Forbidden"};
    const enum outcome result = engine_rows(d, ask, sql, to, f);
    const char *const none = result == RETRY ? strstr(f->text, "No files found that match") : NULL;
    if (none) {
        struct str rest;
        if (to->note) {
            to->note(to->to, str_cut(str_of(none), '\n', &rest));
        }
        return OK;
    }
    for (size_t i = 0; result == RETRY && i < sizeof refusals / sizeof *refusals; i++) {
        if (strstr(f->text, refusals[i])) {
            f->outcome = STOP;
            return STOP;
        }
    }
    return result;
}

/* ---- templates ---- */

/* To the millisecond, which is what every reader of RFC 3339 takes; whole seconds without it. */
static struct str time_text(struct arena *a, int64_t us)
{
    enum { FRACTION_BYTES = 8 /* .000000Z */ };
    char *const text = arena_array(a, char, CLOCK_TEXT_BYTES);
    if (us == TIME_NONE) {
        return (struct str){0};
    }
    const size_t len = clock_text(us, text) - FRACTION_BYTES + (us % SECOND_US ? 4 : 0);
    text[len] = 'Z';
    return (struct str){text, len + 1};
}

struct template_dot source_dot(const struct source_ask *ask)
{
    const bool is_first = ask->collector->strategy == STRATEGY_GROWING && ask->bookmark.len == 0;
    return (struct template_dot){.at_us = ask->start_us != TIME_NONE ? ask->start_us : ask->now_us,
                                 .start = time_text(ask->arena, ask->start_us),
                                 .end = time_text(ask->arena, ask->end_us),
                                 .bookmark = is_first ? S("") : ask->bookmark};
}
