#include "measure/figure.h"

#include <math.h>
#include <string.h>

static const char figure_sql[] =
    "SELECT CAST(nth AS BIGINT), kind, value, CAST(cases AS BIGINT), CAST(weight AS BIGINT), key,\n"
    "    name, narrow, which, told, unit, CAST(sign AS BIGINT), begins_at, is_part\n"
    "FROM figure WHERE kind IN ('now', 'before', 'week')\n"
    "ORDER BY nth, array_position(['now', 'before', 'week'], kind), n";

static enum figure_unit unit_of(struct str name)
{
    return str_eq(name, S("per_day")) ? FIGURE_PER_DAY
           : str_eq(name, S("rate"))  ? FIGURE_SHARE
           : str_eq(name, S("span"))  ? FIGURE_SPAN_S
                                      : FIGURE_NUMBER;
}

static struct str text_of(struct arena *a, struct duck_result *r, size_t column)
{
    return arena_str(a, duck_text(r, column));
}

/* In figure_sql's order. */
static struct figure figure_of(struct arena *a, struct duck_result *r)
{
    return (struct figure){
        .before = (double)NAN,
        .n = duck_i64(r, 3),
        .weight = duck_i64(r, 4),
        .key = text_of(a, r, 5),
        .name = text_of(a, r, 6),
        .narrow = text_of(a, r, 7),
        .which = text_of(a, r, 8),
        .told = text_of(a, r, 9),
        .unit = unit_of(duck_text(r, 10)),
        .sign = (int)duck_i64(r, 11),
    };
}

static void add_row(struct figure *f, struct arena *a, struct duck_result *r)
{
    const struct str kind = duck_text(r, 1);
    const double value = duck_is_null(r, 2) ? (double)NAN : duck_f64(r, 2);
    if (str_eq(kind, S("now"))) {
        f->now = value;
    } else if (str_eq(kind, S("before"))) {
        f->before = value;
        f->before_n = duck_i64(r, 3);
        f->weight += f->unit == FIGURE_SHARE ? duck_i64(r, 4) : 0; /* a few of many, both times */
    } else {
        f->week = arena_more(a, f->week, f->weeks_n, &f->weeks_room, sizeof *f->week);
        f->week[f->weeks_n++] = (struct figure_week){.begins_us = duck_i64(r, 12),
                                                     .is_part = duck_i64(r, 13) != 0,
                                                     .value = value,
                                                     .n = duck_i64(r, 3)};
    }
}

enum outcome figure_read(struct duck *d, struct arena *a, struct figure **out, size_t *n,
                         struct failure *f)
{
    struct duck_result r;
    size_t room = 0;
    int64_t nth = 0;
    const enum outcome result = duck_query(d, figure_sql, &r, f);
    *out = NULL;
    *n = 0;
    while (result == OK && duck_next(&r)) {
        if (*n == 0 || duck_i64(&r, 0) != nth) {
            nth = duck_i64(&r, 0);
            *out = arena_more(a, *out, *n, &room, sizeof **out);
            (*out)[(*n)++] = figure_of(a, &r);
        }
        add_row(&(*out)[*n - 1], a, &r);
    }
    duck_result_close(&r);
    return result;
}
