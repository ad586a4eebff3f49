#include "command/report/parts.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "command/report/around.h"
#include "command/report/figures.h"
#include "command/report/head.h"
#include "command/report/lines.h"
#include "command/report/say.h"
#include "command/report/sentence.h"
#include "command/report/table.h"
#include "command/screen.h"

enum { COLUMNS = 80 /* in a pipe */ };

static const char *const activity_words[][2] = {
    {"First review", "from the opening of a merged change (of a draft: from when it was ready) to "
                     "the first review by another than its author"},
    {"Open to merge", "from its opening to its merge"},
    {"Lines", "of a merged change, added and deleted"},
    {NULL, NULL},
};
static const char *const runs_words[][2] = {
    {"Fail rate", "failures and errors, of the runs that ended with an outcome"},
    {"Queue", "from when a run was queued to its start"},
    {"Duration", "from its start to its end"},
    {NULL, NULL},
};

const struct parts parts_activity = {.name = "Activity",
                                     .kicker = "activity",
                                     .about = "changes and their reviews",
                                     .part = window_activity,
                                     .nothing = "No change is known.",
                                     .definition = activity_words};
const struct parts parts_runs = {.name = "Runs",
                                 .kicker = "runs",
                                 .about = "pipelines and their tasks",
                                 .part = window_runs,
                                 .nothing = "No run is known.",
                                 .definition = runs_words};

enum outcome parts_open(struct duck *d, struct arena *a, struct str *out, struct failure *f)
{
    struct duck_result r;
    const enum outcome result = duck_query(
        d, "SELECT what, whats, CAST(n AS BIGINT), CAST(oldest_s AS DOUBLE) FROM open_at_end", &r,
        f);
    *out = S("");
    if (result == OK && duck_next(&r) && duck_i64(&r, 2) > 0) {
        const char *const one = arena_cstr(a, duck_text(&r, 0));
        const char *const many = arena_cstr(a, duck_text(&r, 1));
        *out = sentence_open_of(a, duck_i64(&r, 2), one, many, duck_f64(&r, 3));
    }
    duck_result_close(&r);
    return result;
}

struct str parts_choice(struct arena *a, const struct config_report *c)
{
    return arena_printf(a, "Median: %s. Days and weeks in %.*s.%s%s",
                        c->median == REPORT_LOWER ? "the lower" : "interpolated", STR_ARG(c->zone),
                        c->leaves_bots ? " Without bots." : "",
                        c->hides_people ? " A hash stands for each name." : "");
}

/* The newest weeks, as many as a chart has room for. */
static struct str chart_of(struct arena *a, const struct figure *f)
{
    double value[FIGURES_CHARTED];
    const size_t n = f->weeks_n < FIGURES_CHARTED ? f->weeks_n : FIGURES_CHARTED;
    for (size_t i = 0; i < n; i++) {
        value[i] = f->week[f->weeks_n - n + i].value;
    }
    return f->name.len > 0 ? say_chart(a, value, n) : S("");
}

static struct line line_of(struct arena *a, const struct figure *f)
{
    const bool is_count = f->unit == FIGURE_PER_DAY;
    const struct str now = say_value(a, f->unit, f->now), before = say_value(a, f->unit, f->before);
    return (struct line){
        .name = arena_cstr(a, f->name),
        .narrow = arena_cstr(a, f->narrow),
        .which = arena_cstr(a, f->which),
        .now = is_count ? now : say_few(a, now, f->n),
        .before = is_count ? before : say_few(a, before, f->before_n),
        .trend = f->name.len > 0 ? say_trend(f->now, f->before, f->sign, f->weight) : "",
        .chart = chart_of(a, f),
        .from = f->told,
        .side = S(""),
    };
}

static struct str chart_head(struct arena *a, const struct figure *f, const struct window *w,
                             bool is_wide)
{
    const size_t n = f->weeks_n < FIGURES_CHARTED ? f->weeks_n : FIGURES_CHARTED;
    if (!say_has_charts()) {
        return S("");
    }
    return is_wide && n > 0 ? around_weeks(a, f->week[f->weeks_n - n].begins_us, w->local_to_us, n)
                            : S("by week");
}

static void put_figures(struct arena *a, const struct figure *figure, size_t n,
                        const struct window *w)
{
    const size_t columns = screen_columns() == 0 ? COLUMNS : screen_columns();
    struct line *const line = arena_array(a, struct line, n);
    for (size_t i = 0; i < n; i++) {
        line[i] = line_of(a, &figure[i]);
    }
    const struct lines all = {
        .arena = a,
        .at = line,
        .n = n,
        .columns = columns,
        .chart_head = chart_head(a, &figure[0], w, columns >= LINES_COLUMNS_FOR_SIDE),
        .side_head = ""};
    (void)putchar('\n');
    lines_print(&all);
}

static void put_definitions(const struct parts *p, struct arena *a, const struct config_report *c)
{
    (void)putchar('\n');
    struct buf b;
    buf_init(&b, a, (size_t)1 << 12);
    for (size_t i = 0; p->definition[i][0]; i++) {
        buf_printf(&b, "%s%s: %s.", i > 0 ? " " : "", p->definition[i][0], p->definition[i][1]);
    }
    screen_wrap(buf_str(&b), 0, 0);
    screen_wrap(screen_line(a, parts_choice(a, c)), 0, 0);
}

enum outcome parts_print(const struct parts *p, const struct ask *q, struct arena *a,
                         const struct window *w, struct failure *f)
{
    struct figure *figure = NULL;
    struct str open = S("");
    size_t n = 0;
    int64_t known_us = TIME_NONE;
    enum outcome result = figure_read(q->duck, a, &figure, &n, f);
    result = result == OK ? window_known_from(q->duck, &known_us, f) : result;
    result = result == OK ? parts_open(q->duck, a, &open, f) : result;
    if (result != OK) {
        return result;
    }
    head_print(q, a, w, p->name);
    put_figures(a, figure, n, w);
    for (const struct window_part *part = p->part; part->title && result == OK; part++) {
        const struct report_table table = {part->title, window_sql(part), NULL};
        result = report_table(q, a, &table, f);
    }
    around_note(sentence_unknown(a, w, known_us, p->nothing));
    around_note(sentence_to_come(a, w, q->complete_us + q->behind_us));
    around_note(open);
    result = result == OK ? around_left_out(q, a, f) : result;
    put_definitions(p, a, &w->choice);
    return result;
}
