#include "command/report/time_html.h"

#include "command/report/figures.h"
#include "command/report/html.h"
#include "command/report/say.h"
#include "command/report/sentence.h"
#include "command/report/svg.h"

/* ---- where the time goes ---- */

static const char *const stage_about[DORA_STAGES_N] = {
    "from the first commit to the change's opening", "from there to its first review",
    "from there to its merge", "from there to its deployment"};

static void add_stage_rows(struct buf *b, struct arena *a, const struct dora_figure *all)
{
    buf_add(b, S("<details><summary>The numbers</summary>\n<div class=\"scroll\" role=\"region\" "
                 "tabindex=\"0\" aria-label=\"Hours by stage\"><table>\n<thead><tr><th "
                 "scope=\"col\">Stage</th><th scope=\"col\">Is</th><th scope=\"col\" "
                 "class=\"number\">Hours</th><th scope=\"col\" class=\"number\">Share</th></tr>"
                 "</thead>\n<tbody>\n"));
    for (int i = 0; i < DORA_STAGES_N; i++) {
        buf_printf(b,
                   "<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"number\">%.1f</td><td "
                   "class=\"number\">%s</td></tr>\n",
                   figure_stages[i], stage_about[i], all->stage_s[i] / 3600,
                   say_rate(a, all->stage_s[i] / figure_stages_s(all)).at);
    }
    buf_add(b, S("</tbody></table></div>\n</details>\n"));
}

void time_html_stages(struct buf *b, struct arena *a, const struct dora_figure *all)
{
    struct svg_share part[DORA_STAGES_N];
    const double whole_s = figure_stages_s(all);
    int most = 0;
    if (!(whole_s > 0)) {
        return;
    }
    for (int i = 0; i < DORA_STAGES_N; i++) {
        const double share = all->stage_s[i] / whole_s;
        part[i] = (struct svg_share){share, arena_printf(a, "%s: %.0f %%, %.0f h", figure_stages[i],
                                                         100 * share, all->stage_s[i] / 3600)};
        most = all->stage_s[i] > all->stage_s[most] ? i : most;
    }
    const struct str summary = arena_printf(
        a, "%s took %.0f h from first commits to production; the most of it, %.0f %%, was %s.",
        sentence_count(a, all->changes, "change", "changes").at, whole_s / 3600,
        100 * part[most].share, figure_stages[most]);
    buf_printf(b,
               "<section aria-labelledby=\"stages\">\n<h2 id=\"stages\">Where the time goes</h2>\n"
               "<p class=\"note\">%s</p>\n<div class=\"plate\">\n",
               summary.at);
    svg_shares(b, summary, part, DORA_STAGES_N);
    buf_add(b, S("<ul class=\"key\">\n"));
    for (int i = 0; i < DORA_STAGES_N; i++) {
        buf_printf(
            b,
            "<li><svg class=\"shares\" width=\"14\" height=\"14\" aria-hidden=\"true\"><rect "
            "class=\"swatch share%d\" x=\"1\" y=\"1\" width=\"12\" height=\"12\"/></svg>%s "
            "%.0f %%</li>\n",
            i, figure_stages[i], 100 * part[i].share);
    }
    buf_add(b, S("</ul>\n"));
    add_stage_rows(b, a, all);
    buf_add(b, S("</div>\n</section>\n"));
}

/* ---- when it was deployed ---- */

enum { WEEKDAYS = 7, HOURS = 2, COLUMNS = 24 / HOURS, CELLS = WEEKDAYS * COLUMNS };

static const char *const weekdays[WEEKDAYS] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const hours[COLUMNS] = {"0 h",  "", "", "6 h",  "", "",
                                           "12 h", "", "", "18 h", "", ""};

static const char hours_sql[] =
    "SELECT CAST((isodow(t) - 1) * 12 + hour(t) // 2 AS BIGINT), CAST(count(*) AS BIGINT),\n"
    "    CAST(count(*) FILTER (is_failed) AS BIGINT)\n"
    "FROM (SELECT o.finished_at AT TIME ZONE w.zone AS t, o.is_failed\n"
    "    FROM dora_outcome AS o, wish AS w WHERE o.finished_at >= w.from_at)\n"
    "GROUP BY 1";

struct week {
    int64_t n[CELLS], failed[CELLS], all;
    size_t most;
};

static enum outcome read_week(struct duck *d, struct week *out, struct failure *f)
{
    struct duck_result r;
    const enum outcome result = duck_query(d, hours_sql, &r, f);
    *out = (struct week){.all = 0};
    while (result == OK && duck_next(&r)) {
        const size_t i = (size_t)duck_i64(&r, 0);
        if (i < CELLS) {
            out->n[i] = duck_i64(&r, 1);
            out->failed[i] = duck_i64(&r, 2);
            out->all += out->n[i];
        }
    }
    for (size_t i = 0; i < CELLS; i++) {
        out->most = out->n[i] > out->n[out->most] ? i : out->most;
    }
    duck_result_close(&r);
    return result;
}

/* "Tue, 8 to 10 h". */
static struct str time_of(struct arena *a, size_t i)
{
    const int hour = HOURS * (int)(i % COLUMNS);
    return arena_printf(a, "%s, %d to %d h", weekdays[i / COLUMNS], hour, hour + HOURS);
}

/* "3", or "3!" where one of them failed. */
static struct str told_of(struct arena *a, const struct week *w, size_t i)
{
    return w->n[i] == 0 ? S("")
                        : arena_printf(a, "%lld%s", (long long)w->n[i], w->failed[i] ? "!" : "");
}

static void add_hour_rows(struct buf *b, struct arena *a, const struct week *w)
{
    buf_add(b, S("<details><summary>The numbers</summary>\n<div class=\"scroll\" role=\"region\" "
                 "tabindex=\"0\" aria-label=\"Deployments by weekday and hour\"><table>\n<thead>"
                 "<tr><th scope=\"col\">When</th><th scope=\"col\" class=\"number\">Deployments"
                 "</th><th scope=\"col\" class=\"number\">Failed</th></tr></thead>\n<tbody>\n"));
    for (size_t i = 0; i < CELLS; i++) {
        if (w->n[i] > 0) {
            buf_printf(b,
                       "<tr><th scope=\"row\">%s</th><td class=\"number\">%lld</td><td "
                       "class=\"number\">%lld</td></tr>\n",
                       time_of(a, i).at, (long long)w->n[i], (long long)w->failed[i]);
        }
    }
    buf_add(b, S("</tbody></table></div>\n</details>\n"));
}

enum outcome time_html_hours(struct buf *b, struct arena *a, struct duck *d, struct str zone,
                             struct failure *f)
{
    struct week w;
    struct svg_cell cell[CELLS];
    const enum outcome result = read_week(d, &w, f);
    if (result != OK || w.all == 0) {
        return result;
    }
    for (size_t i = 0; i < CELLS; i++) {
        cell[i] = (struct svg_cell){
            (double)w.n[i],
            arena_printf(a, "%s: %s%s", time_of(a, i).at,
                         sentence_count(a, w.n[i], "deployment", "deployments").at,
                         w.failed[i] == 0
                             ? ""
                             : arena_printf(a, ", %lld failed", (long long)w.failed[i]).at),
            told_of(a, &w, i)};
    }
    const struct str summary = arena_printf(
        a, "%s; the most at one time of the week, %lld: %s.",
        sentence_count(a, w.all, "deployment", "deployments").at, (long long)w.n[w.most],
        time_of(a, w.most).at);
    const struct svg_cells plot = {.name = summary,
                                   .row = weekdays,
                                   .column = hours,
                                   .cell = cell,
                                   .rows_n = WEEKDAYS,
                                   .columns_n = COLUMNS};
    buf_printf(b,
               "<section aria-labelledby=\"hours\">\n<h2 id=\"hours\">When it was deployed</h2>\n"
               "<p class=\"note\">%s Hours of ",
               summary.at);
    html_add(b, zone);
    buf_add(b, S(".</p>\n<div class=\"plate\">\n"));
    svg_cells(b, &plot);
    buf_add(b, S("<p class=\"note\">A number is that of deployments; ! beside it: one of them "
                 "failed.</p>\n"));
    add_hour_rows(b, a, &w);
    buf_add(b, S("</div>\n</section>\n"));
    return OK;
}
