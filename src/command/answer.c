#include "command/answer.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "command/screen.h"

#define ARENA_BYTES_MAX ((size_t)1 << 30)

bool answer_is_native(duckdb_type t)
{
    static const duckdb_type natives[] = {
        DUCKDB_TYPE_BOOLEAN,   DUCKDB_TYPE_TINYINT,     DUCKDB_TYPE_SMALLINT,  DUCKDB_TYPE_INTEGER,
        DUCKDB_TYPE_BIGINT,    DUCKDB_TYPE_UTINYINT,    DUCKDB_TYPE_USMALLINT, DUCKDB_TYPE_UINTEGER,
        DUCKDB_TYPE_FLOAT,     DUCKDB_TYPE_DOUBLE,      DUCKDB_TYPE_VARCHAR,   DUCKDB_TYPE_DATE,
        DUCKDB_TYPE_TIMESTAMP, DUCKDB_TYPE_TIMESTAMP_TZ};
    for (size_t i = 0; i < sizeof natives / sizeof *natives; i++) {
        if (natives[i] == t) {
            return true;
        }
    }
    return false;
}

bool answer_is_nested(duckdb_type t)
{
    return t == DUCKDB_TYPE_LIST || t == DUCKDB_TYPE_STRUCT || t == DUCKDB_TYPE_MAP ||
           t == DUCKDB_TYPE_ARRAY || t == DUCKDB_TYPE_UNION;
}

static bool is_wide_number(duckdb_type t)
{
    return t == DUCKDB_TYPE_HUGEINT || t == DUCKDB_TYPE_UHUGEINT || t == DUCKDB_TYPE_UBIGINT ||
           t == DUCKDB_TYPE_DECIMAL;
}

static bool is_number(duckdb_type t)
{
    return is_wide_number(t) || t == DUCKDB_TYPE_FLOAT || t == DUCKDB_TYPE_DOUBLE ||
           t == DUCKDB_TYPE_UTINYINT || t == DUCKDB_TYPE_USMALLINT || t == DUCKDB_TYPE_UINTEGER ||
           (t >= DUCKDB_TYPE_TINYINT && t <= DUCKDB_TYPE_BIGINT);
}

/* The shortest digits that are this very number. */
static struct str real_text(struct arena *a, double real)
{
    const struct str text = arena_printf(a, "%.15g", real);
    const double back = strtod(text.at, NULL);
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    return memcmp(&back, &real, sizeof real) == 0 ? text : arena_printf(a, "%.17g", real);
}

static struct str time_text(struct arena *a, duckdb_type type, int64_t value)
{
    char text[CLOCK_TEXT_BYTES];
    const int64_t most = type == DUCKDB_TYPE_DATE ? INT32_MAX : INT64_MAX;
    if (value == most || value == -most) {
        return value > 0 ? S("infinity") : S("-infinity");
    }
    if (type == DUCKDB_TYPE_DATE) {
        const size_t len = clock_text(value * DAY_US, text);
        return arena_str(a, (struct str){text, len - sizeof "T00:00:00.000000Z" + 1});
    }
    const size_t len = clock_text(value, text);
    return arena_str(a, (struct str){text, len - (type == DUCKDB_TYPE_TIMESTAMP)});
}

static struct cell cell_of(struct arena *a, struct duck_result *r, size_t i, duckdb_type type)
{
    const duckdb_type given = duck_type(r, i);
    if (duck_is_null(r, i)) {
        return (struct cell){CELL_NULL, S("")};
    }
    if (given == DUCKDB_TYPE_VARCHAR) {
        const enum cell_kind kind = answer_is_nested(type) ? CELL_JSON
                                    : is_wide_number(type) ? CELL_NUMBER
                                                           : CELL_TEXT;
        return (struct cell){kind, arena_str(a, duck_text(r, i))};
    }
    if (given == DUCKDB_TYPE_BOOLEAN) {
        return (struct cell){CELL_JSON, duck_i64(r, i) ? S("true") : S("false")};
    }
    if (given == DUCKDB_TYPE_FLOAT || given == DUCKDB_TYPE_DOUBLE) {
        const double real = duck_f64(r, i);
        return (struct cell){isfinite(real) ? CELL_NUMBER : CELL_TEXT, real_text(a, real)};
    }
    if (is_number(given)) {
        return (struct cell){CELL_NUMBER, arena_printf(a, "%lld", (long long)duck_i64(r, i))};
    }
    return (struct cell){CELL_TEXT, time_text(a, given, duck_i64(r, i))};
}

enum outcome answer_print(struct arena *a, enum rows_format format, struct duck_result *r,
                          const struct duck_shape *shape, struct failure *f)
{
    const size_t n = r->columns_n;
    const bool is_bound = shape && shape->columns_n == n;
    struct str *const name = arena_array(a, struct str, n);
    bool *const right = arena_array(a, bool, n);
    struct cell *const cell = arena_array(a, struct cell, n);
    struct rows *rows;
    struct arena line;
    for (size_t i = 0; i < n; i++) {
        name[i] = is_bound ? shape->column[i].name : arena_str(a, duck_column(r, i));
        right[i] = is_number(is_bound ? shape->column[i].type : duck_type(r, i));
        if (!answer_is_native(duck_type(r, i))) {
            return failed(f, REJECT, "column %.*s: cast it to VARCHAR, or ask by one SELECT alone",
                          STR_ARG(name[i]));
        }
    }
    const enum outcome result = rows_begin(a, format, &(struct rows_head){name, right, n, NULL},
                                           &rows, f);
    arena_init(&line, ARENA_BYTES_MAX);
    while (result == OK && duck_next(r)) {
        for (size_t i = 0; i < n; i++) {
            cell[i] = cell_of(&line, r, i, is_bound ? shape->column[i].type : duck_type(r, i));
        }
        rows_add(rows, cell);
        arena_reset(&line);
    }
    arena_close(&line);
    if (result == OK) {
        rows_end(rows);
    }
    return result;
}

void answer_print_plan(struct duck_result *r)
{
    while (duck_next(r)) {
        const struct str text = duck_text(r, r->columns_n - 1);
        screen_say(stdout, text);
        screen_say(stdout, str_ends(text, S("\n")) ? S("") : S("\n"));
    }
}
