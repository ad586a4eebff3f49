#include "command/report/lines.h"

#include <stdio.h>
#include <string.h>

#include "command/screen.h"

enum {
    COLUMNS_FOR_CHARTS = 80,
    COLUMNS_FOR_BEFORE = 66,
    COLUMNS_FOR_UNNAMED = 60,
    NAME_COLUMNS = 21, /* with p50 */
    NARROW_NAME_COLUMNS = 17,
    FIGURE_COLUMNS = 9, /* or as many as the widest needs */
    TREND_COLUMNS = 8,
    CHART_COLUMNS = 15, /* a quarter's weeks, and a gap */
    FROM_COLUMNS = 18,
};

/* What there is room for. */
struct room {
    int now, before;
    bool has_before, has_charts;
};

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static struct room room_of(const struct lines *l)
{
    size_t now = FIGURE_COLUMNS, before = FIGURE_COLUMNS, from = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct line *const one = &l->at[i];
        now = most(now, screen_width(one->now) + 2);
        before = most(before, screen_width(one->before) + 2);
        from = most(from, one->side.len > 0 ? FROM_COLUMNS + screen_width(one->side)
                                            : screen_width(one->from));
    }
    const size_t all = NAME_COLUMNS + now + before + 2 + TREND_COLUMNS + CHART_COLUMNS + from;
    return (struct room){
        .now = (int)now,
        .before = (int)before,
        .has_before = l->columns >= COLUMNS_FOR_BEFORE,
        .has_charts = l->chart_head.len > 0 && l->columns >= COLUMNS_FOR_CHARTS &&
                      all <= l->columns,
    };
}

static void put_head(const struct lines *l, const struct room *r)
{
    (void)printf("%*s%*s%*s", NAME_COLUMNS + r->now, "now", r->before, "before", 2 + TREND_COLUMNS,
                 "");
    if (r->has_charts) {
        screen_put(l->arena, l->chart_head, -CHART_COLUMNS);
    }
    if (l->side_head[0] != '\0') {
        (void)printf("%*s", -FROM_COLUMNS, "from");
    }
    (void)puts(l->side_head[0] != '\0' ? l->side_head : "from");
}

static void put_line(const struct lines *l, const struct room *r, const struct line *one)
{
    const char *const name = r->has_before ? one->name : one->narrow;
    const int room = r->has_before ? NAME_COLUMNS : NARROW_NAME_COLUMNS;
    (void)printf("%s%*s", name, room - (int)strlen(name), one->which);
    screen_put(l->arena, one->now, r->now);
    if (r->has_before) {
        screen_put(l->arena, one->before, r->before);
    }
    if (one->from.len == 0 && one->side.len == 0) { /* no blanks at its end */
        (void)putchar('\n');
        return;
    }
    (void)printf("  %-*s", r->has_before ? TREND_COLUMNS : 0, r->has_before ? one->trend : "");
    if (r->has_charts) {
        screen_put(l->arena, one->chart, -CHART_COLUMNS);
    }
    if (one->side.len > 0) {
        screen_put(l->arena, one->from, -FROM_COLUMNS);
    }
    (void)printf("%.*s\n", STR_ARG(one->side.len > 0 ? one->side : one->from));
}

void lines_print(const struct lines *l)
{
    const struct room r = room_of(l);
    if (r.has_before) {
        put_head(l, &r);
    }
    for (size_t i = 0; i < l->n; i++) {
        if (l->columns >= COLUMNS_FOR_UNNAMED || l->at[i].name[0] != '\0') {
            put_line(l, &r, &l->at[i]);
        }
    }
}
