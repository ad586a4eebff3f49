#include "command/report/dora_html.h"

#include <math.h>

#include "command/report/card_html.h"
#include "command/report/choice.h"
#include "command/report/figures.h"
#include "command/report/html.h"
#include "command/report/period.h"
#include "command/report/say.h"
#include "command/report/sentence.h"
#include "command/report/svg.h"
#include "command/report/time_html.h"

enum { DOTS_MAX = 10000 };

struct drawing {
    const struct dora_page *page;
    struct arena *arena;
    struct buf *out;
    struct figures of[DORA_PERIODS_N];
    int64_t known_us; /* of window_known_from */
};

static void add(const struct drawing *d, const char *text)
{
    buf_add(d->out, str_of(text));
}

/* ---- one metric ---- */

struct metric {
    const char *id, *name;
    struct sentence (*say)(struct arena *, const struct dora_figure *, const struct dora_figure *);
    double (*value)(const struct dora_figure *);
    double (*second)(const struct dora_figure *); /* NULL: one line */
    void (*draw)(struct buf *, const struct svg_plot *);
    enum figure_unit unit;
    bool is_bad;
};

static const struct metric metrics[] = {
    {"frequency", "Deployment frequency", sentence_frequency, figure_per_day, NULL, svg_bars,
     FIGURE_PER_DAY, false},
    {"lead", "Change lead time", sentence_lead, figure_lead_p50, figure_lead_p90, svg_line,
     FIGURE_SPAN_S, false},
    {"failed", "Change fail rate", sentence_fail_rate, figure_fail_rate, NULL, svg_bars,
     FIGURE_SHARE, true},
    {"recovery", "Failed deployment recovery time", sentence_recovery, figure_recovery_p50,
     figure_recovery_p90, svg_line, FIGURE_SPAN_S, false},
    {"rework", "Deployment rework rate", sentence_rework, figure_rework_rate, NULL, svg_bars,
     FIGURE_SHARE, true},
};
enum { LEAD = 1, METRICS_N = sizeof metrics / sizeof *metrics };

/* What a point is of; a week whatever was asked for. */
static struct str week_name(const struct drawing *d, const struct dora_figure *w)
{
    return say_day(d->arena, w->begins_us, w->to_us - 1);
}

/* A point a period of the group, as the metric has it. */
static size_t points_of(const struct drawing *d, const struct figures *of,
                        const struct dora_figure *group, const struct metric *m,
                        struct svg_point **out)
{
    size_t n = 0;
    *out = arena_array(d->arena, struct svg_point, of->n);
    for (size_t i = 0; i < of->n; i++) {
        const struct dora_figure *const w = &of->at[i];
        if (!figures_are_of_one(w, group)) {
            continue;
        }
        const struct str name = of == &d->of[DORA_WEEK] ? week_name(d, w)
                                                        : period_name(d->arena, d->page->wish, w);
        (*out)[n++] = (struct svg_point){
            .value = m->value(w),
            .name = arena_printf(d->arena, "%s: %s", name.at,
                                 say_value(d->arena, m->unit, m->value(w)).at),
            .is_part = w->is_part,
        };
    }
    return n;
}

/* The weeks over all. */
static size_t weeks_of(const struct drawing *d, const struct metric *m, struct card_week **out)
{
    size_t n = 0;
    *out = arena_array(d->arena, struct card_week, d->of[DORA_WEEK].n);
    for (size_t i = 0; i < d->of[DORA_WEEK].n; i++) {
        const struct dora_figure *const w = &d->of[DORA_WEEK].at[i];
        if (w->is_all) {
            (*out)[n] = (struct card_week){.name = week_name(d, w),
                                           .is_part = w->is_part,
                                           .value = m->value(w),
                                           .second = m->second ? m->second(w) : (double)NAN,
                                           .n = w->deployments};
            n++;
        }
    }
    return n;
}

static void add_metric(const struct drawing *d, const struct metric *m)
{
    struct card_week *week = NULL;
    const struct dora_figure *const before = figures_all(&d->of[DORA_BEFORE]);
    const size_t n = weeks_of(d, m, &week);
    const struct card card = {
        .arena = d->arena,
        .id = m->id,
        .name = m->name,
        .say = m->say(d->arena, figures_all(&d->of[DORA_NOW]), before),
        .unit = m->unit,
        .draw = m->draw,
        .is_bad = m->is_bad,
        .has_second = m->second != NULL,
        .before = before->deployments > 0 ? m->value(before) : (double)NAN,
        .week = week,
        .weeks_n = n,
        .counted = "Deployments",
    };
    card_html(d->out, &card);
}

/* ---- every change ---- */

static const char changes_sql[] =
    "SELECT l.name, l.title, l.url,\n"
    "    CAST((epoch(l.finished_at) - epoch(w.from_at)) / (epoch(w.to_at) - epoch(w.from_at)) AS "
    "DOUBLE),\n"
    "    CAST(if(l.nth IS NULL, epoch(w.to_at) - epoch(coalesce(l.first_commit_at, l.merged_at)),\n"
    "        l.lead_s) AS DOUBLE),\n"
    "    l.nth IS NULL, coalesce(o.is_failed, false), l.service\n"
    "FROM wish AS w, dora_lead_change AS l\n"
    "LEFT JOIN dora_outcome AS o USING (service, environment, nth)\n"
    "WHERE l.nth IS NULL OR (l.out_reason IS NULL AND l.finished_at >= w.from_at)\n"
    "ORDER BY coalesce(l.finished_at, l.merged_at) DESC, l.change_key, l.service,\n"
    "    l.environment";

static struct str cell(struct arena *a, struct duck_result *r, size_t column)
{
    return duck_is_null(r, column) ? S("") : arena_str(a, duck_text(r, column));
}

static struct svg_dot dot_of(struct arena *a, struct duck_result *r)
{
    const bool waits = duck_i64(r, 5) != 0, failed = duck_i64(r, 6) != 0;
    const double s = duck_f64(r, 4);
    return (struct svg_dot){
        .across = duck_is_null(r, 3) ? 1 : duck_f64(r, 3),
        .s = s,
        .kind = waits    ? SVG_WAITING
                : failed ? SVG_FAILED
                         : SVG_DONE,
        .url = cell(a, r, 2),
        .name = arena_printf(a, "%s, %s: %s %s%s", cell(a, r, 0).at, cell(a, r, 1).at,
                             waits ? "waiting for" : "deployed after", say_span(a, s).at,
                             failed ? ", in a deployment that failed" : ""),
    };
}

struct dots {
    struct svg_dot *at;
    size_t n, room, failed, waiting, all; /* all: also those that are not drawn */
};

static enum outcome read_dots(const struct drawing *d, struct dots *out, struct failure *f)
{
    struct duck_result r;
    const enum outcome result = duck_query(d->page->duck, changes_sql, &r, f);
    while (result == OK && duck_next(&r)) {
        if (out->all++ >= DOTS_MAX) {
            continue;
        }
        out->at = arena_more(d->arena, out->at, out->n, &out->room, sizeof *out->at);
        const struct svg_dot dot = dot_of(d->arena, &r);
        out->at[out->n++] = dot;
        out->failed += dot.kind == SVG_FAILED;
        out->waiting += dot.kind == SVG_WAITING;
    }
    duck_result_close(&r);
    return result;
}

static enum outcome add_changes(const struct drawing *d, struct failure *f)
{
    struct dots dots = {0};
    struct arena *const a = d->arena;
    const struct window *const w = &d->page->wish->window;
    const enum outcome result = read_dots(d, &dots, f);
    if (result != OK) {
        return result;
    }
    add(d, "<section aria-labelledby=\"changes\">\n<h2 id=\"changes\">Every change, from its first "
           "commit to production</h2>\n");
    const size_t done = dots.n - dots.waiting;
    const struct str summary = arena_printf(
        a, "%s%s, %s in a deployment that failed, %s.%s", dots.all > dots.n ? "The newest: " : "",
        sentence_count(a, (int64_t)done, "change reached production", "changes reached production")
            .at,
        dots.failed == 0 ? "none" : arena_printf(a, "%zu", dots.failed).at,
        dots.waiting == 0 ? "none waits"
                          : arena_printf(a, "%zu merged and waiting", dots.waiting).at,
        dots.all > dots.n ? arena_printf(a, " %zu older are not drawn.", dots.all - dots.n).at
                          : "");
    buf_printf(d->out, "<p class=\"note\">%s%s</p>\n", summary.at,
               sentence_per_change(a, figures_all(&d->of[DORA_NOW])).at);
    if (dots.n > 0) {
        const struct svg_dots plot = {.name = summary,
                                      .first = say_day(a, w->local_from_us, w->local_to_us - 1),
                                      .last = say_day(a, w->local_to_us - 1, w->local_from_us),
                                      .dot = dots.at,
                                      .n = dots.n};
        add(d, "<div class=\"plate\">\n");
        svg_dots(d->out, &plot);
        add(d, "</div>\n<ul class=\"key\">\n"
               "<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><circle class=\"swatch\" "
               "cx=\"7\" cy=\"7\" r=\"4\"/></svg>deployed</li>\n"
               "<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><path class=\"swatch "
               "failed\" d=\"M7 1 12.5 11h-11z\"/></svg>in a deployment that failed</li>\n"
               "<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><circle class=\"swatch "
               "waiting\" cx=\"7\" cy=\"7\" r=\"4\"/></svg>merged, waiting, by its age</li>\n"
               "<li>to the right when it was deployed; upwards how long it took, each line a "
               "multiple</li>\n</ul>\n");
    }
    add(d, "</section>\n");
    return OK;
}

/* ---- every service ---- */

static void add_service(const struct drawing *d, const struct dora_figure *f)
{
    struct svg_point *point = NULL;
    struct arena *const a = d->arena;
    struct buf *const b = d->out;
    const size_t weeks = points_of(d, &d->of[DORA_WEEK], f, &metrics[LEAD], &point);
    const struct svg_plot spark = {
        .arena = a,
        .n = weeks,
        .point = point,
        .name = arena_printf(a, "Lead time of %.*s by week", STR_ARG(f->service))};
    add(d, "<tr><th scope=\"row\">");
    html_add(b, f->service.len > 0 ? f->service : S("(none)"));
    add(d, "</th>");
    if (d->page->wish->is_by_environment) {
        add(d, "<td>");
        html_add(b, f->environment);
        add(d, "</td>");
    }
    buf_printf(b, "<td class=\"number\">%lld</td><td class=\"number\">%s</td>",
               (long long)f->deployments, say_per_day(a, f->per_day).at);
    buf_printf(b, "<td class=\"number\">%s</td><td class=\"number\">%s</td>",
               say_few(a, say_span(a, f->lead_p50_s), f->commits).at,
               say_few(a, say_span(a, f->lead_p90_s), f->commits).at);
    buf_printf(b, "<td class=\"number\">%s</td>",
               say_few(a, say_rate(a, f->fail_rate), f->deployments).at);
    buf_printf(b, "<td class=\"number\">%s</td><td class=\"number\">%s</td>",
               say_few(a, say_span(a, f->recovery_p50_s), f->recovered).at,
               say_few(a, say_span(a, f->recovery_p90_s), f->recovered).at);
    buf_printf(b, "<td class=\"number\">%lld</td>", (long long)f->open_incidents);
    buf_printf(b, "<td class=\"number\">%s</td><td class=\"number\">%lld</td><td>",
               say_few(a, say_rate(a, f->rework_rate), f->deployments).at,
               (long long)f->undeployed_changes);
    svg_spark(b, &spark);
    add(d, "</td></tr>\n");
}

static void add_services(const struct drawing *d)
{
    static const char *const heads[] = {
        "Deployments", "Per day",     "Lead time",      "Nine in ten", "Fail rate",
        "Recovery",    "Nine in ten", "Incidents open", "Rework",      "Changes waiting"};
    const struct figures *const now = &d->of[DORA_NOW];
    const char *const group = d->page->wish->group == DORA_TEAM ? "Team" : "Service";
    if (now->n < 2 || !figures_have_rows(d->page->wish)) {
        return;
    }
    buf_printf(d->out,
               "<section aria-labelledby=\"services\">\n<h2 id=\"services\">By %s</h2>\n<div "
               "class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"The figures of "
               "each\"><table>\n"
               "<thead><tr><th scope=\"col\">%s</th>",
               d->page->wish->group == DORA_TEAM ? "team" : "service", group);
    add(d, d->page->wish->is_by_environment ? "<th scope=\"col\">Environment</th>" : "");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        buf_printf(d->out, "<th scope=\"col\" class=\"number\">%s</th>", heads[i]);
    }
    add(d, "<th scope=\"col\">Lead time by week</th></tr></thead>\n<tbody>\n");
    for (size_t i = 1; i < now->n; i++) {
        add_service(d, &now->at[i]);
    }
    add(d, "</tbody></table></div>\n<p class=\"note\">In brackets: how many cases, where they are "
           "fewer than three. –: no "
           "data.</p>\n</section>\n");
}

/* ---- a trend a service ---- */

static void add_trend(const struct drawing *d, const struct dora_figure *group, struct str name)
{
    const struct figures *const of = &d->of[d->page->wish->period];
    add(d, "<tr><th scope=\"row\">");
    html_add(d->out, name);
    add(d, "</th>");
    for (size_t i = 0; i < METRICS_N; i++) {
        struct svg_point *point = NULL;
        const size_t n = points_of(d, of, group, &metrics[i], &point);
        const struct svg_plot spark = {
            .arena = d->arena,
            .n = n,
            .point = point,
            .name = arena_printf(d->arena, "%s of %.*s", metrics[i].name, STR_ARG(name))};
        add(d, "<td>");
        svg_spark(d->out, &spark);
        add(d, "</td>");
    }
    add(d, "</tr>\n");
}

static void add_trend_head(const struct drawing *d, const char *of, const char *first,
                           const char *kind)
{
    buf_printf(d->out,
               "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\"><table>\n"
               "<thead><tr><th scope=\"col\">%s</th>",
               of, first);
    for (size_t i = 0; i < METRICS_N; i++) {
        buf_printf(d->out, "<th scope=\"col\"%s>%s</th>", kind, metrics[i].name);
    }
    add(d, "</tr></thead>\n<tbody>\n");
}

static void add_trend_numbers(const struct drawing *d, const char *word)
{
    const struct dora_wish *const w = d->page->wish;
    const struct figures *const of = &d->of[w->period];
    const bool has_rows = figures_have_rows(w);
    add(d, "<details><summary>The numbers</summary>\n");
    add_trend_head(d, "The figures of each period",
                   arena_printf(d->arena, has_rows ? "Of, and %s from" : "The %s from", word).at,
                   " class=\"number\"");
    for (size_t i = 0; i < of->n; i++) {
        const struct dora_figure *const f = &of->at[i];
        if (f->is_all == has_rows) {
            continue;
        }
        add(d, "<tr><th scope=\"row\">");
        html_add(d->out, has_rows ? period_group(d->arena, w, f) : S(""));
        buf_printf(d->out, "%s%s%s</th>", has_rows ? " " : "", period_name(d->arena, w, f).at,
                   f->is_part ? " (part)" : "");
        for (size_t k = 0; k < METRICS_N; k++) {
            buf_printf(d->out, "<td class=\"number\">%s</td>",
                       say_value(d->arena, metrics[k].unit, metrics[k].value(f)).at);
        }
        add(d, "</tr>\n");
    }
    add(d, "</tbody></table></div>\n</details>\n");
}

/* Where weeks or months were asked for. */
static void add_trends(const struct drawing *d)
{
    const struct dora_wish *const w = d->page->wish;
    const struct figures *const now = &d->of[DORA_NOW];
    const char *const word = w->period == DORA_MONTH ? "month" : "week";
    if (w->period == DORA_NOW) {
        return;
    }
    buf_printf(d->out,
               "<section aria-labelledby=\"trends\">\n<h2 id=\"trends\">Trend by %s</h2>\n"
               "<p class=\"note\">Each line from zero to its own greatest value.</p>\n",
               word);
    add_trend_head(d, "The trend of each", "Of", "");
    for (size_t i = 0; i < now->n; i++) {
        if (now->at[i].is_all != figures_have_rows(w)) {
            add_trend(d, &now->at[i],
                      now->at[i].is_all ? S("all services")
                                        : period_group(d->arena, w, &now->at[i]));
        }
    }
    add(d, "</tbody></table></div>\n");
    add_trend_numbers(d, word);
    add(d, "</section>\n");
}

/* ---- around them ---- */

static enum outcome add_behind(const struct drawing *d, struct failure *f)
{
    static const struct html_table tables[] = {
        {"Deployments",
         "SELECT id, service, environment, finished_at, left(sha, 10) AS sha, commits, failed_by, "
         "recovered_at, recovery_s, rework, url FROM explain_deployment",
         false},
        {"Changes",
         "SELECT concat(repository, ' ', coalesce('#' || number, id)) AS change, title, service, "
         "environment, "
         "first_commit_at, merged_at, deployment, lead_s, left_out, url FROM explain_change",
         false},
        {"Incidents",
         "SELECT id, title, service, environment, detected_at, resolved_at, caused_by, evidence, "
         "fixed_by, left_out, url FROM explain_incident",
         false},
        {"Left out", "SELECT what, id, service, environment, reason, seen_at FROM explain_out",
         false},
    };
    enum outcome result = OK;
    add(d, "<section class=\"behind\" aria-labelledby=\"behind\">\n<h2 id=\"behind\">What stands "
           "behind the figures</h2>\n<p class=\"note\">Times are UTC.</p>\n");
    for (size_t i = 0; i < sizeof tables / sizeof *tables && result == OK; i++) {
        result = html_table(d->out, d->page->duck, &tables[i], f);
    }
    add(d, "</section>\n");
    return result;
}

static void add_definitions(const struct drawing *d)
{
    const struct dora_wish *const w = d->page->wish;
    add(d, "<section aria-labelledby=\"words\">\n<h2 id=\"words\">What the words mean</h2>\n<dl>\n"
           "<dt>Deployment</dt><dd>A first success in production, once, however often it is "
           "told.</dd>\n"
           "<dt>Change lead time</dt><dd>From a commit to the first deployment that holds it. The "
           "dots "
           "show changes, each from its first commit.</dd>\n"
           "<dt>Change fail rate</dt><dd>Deployments that an incident names as its cause, of "
           "all.</dd>\n"
           "<dt>Recovery time</dt><dd>From a failed deployment to the end of the last incident "
           "that it "
           "caused.</dd>\n"
           "<dt>Rework rate</dt><dd>Deployments that are a rollback, hold a hotfix or mend an "
           "incident, of all.</dd>\n");
    add(d, "<dt>Choices</dt><dd>");
    html_add(d->out, choice_text(d->arena, &w->window.choice));
    add(d, "</dd>\n</dl>\n</section>\n");
}

/* "4 services"; a service in two environments is one. */
static struct str groups_text(const struct drawing *d)
{
    static const char *const words[][2] = {[DORA_ALL] = {"environment", "environments"},
                                           [DORA_SERVICE] = {"service", "services"},
                                           [DORA_TEAM] = {"team", "teams"}};
    const struct figures *const now = &d->of[DORA_NOW];
    const enum dora_group by = d->page->wish->group;
    int64_t n = 0;
    if (!figures_have_rows(d->page->wish)) {
        return S("all services");
    }
    for (size_t i = 1; i < now->n; i++) {
        n += i == 1 || by == DORA_ALL || !str_eq(now->at[i].service, now->at[i - 1].service);
    }
    return sentence_count(d->arena, n, words[by][0], words[by][1]);
}

static void add_head(const struct drawing *d)
{
    const struct window *const w = &d->page->wish->window;
    const struct html_head head = {.subject = "Delivery",
                                   .kicker = "delivery · production",
                                   .about = groups_text(d),
                                   .from_us = w->local_from_us,
                                   .to_us = w->local_to_us,
                                   .complete_us = d->page->complete_us};
    html_begin(d->out, &head);
}

static enum outcome draw(const struct drawing *d, struct failure *f)
{
    add_head(d);
    add(d, "<section aria-labelledby=\"five\">\n<h2 id=\"five\">Five metrics, by week</h2>\n");
    card_html_note(
        d->out, sentence_unknown(d->arena, &d->page->wish->window, d->known_us, FIGURES_NOTHING));
    card_html_note(d->out,
                   sentence_to_come(d->arena, &d->page->wish->window, d->page->complete_us));
    card_html_key(d->out);
    add(d, "<div class=\"cards\">\n");
    for (size_t i = 0; i < METRICS_N; i++) {
        add_metric(d, &metrics[i]);
    }
    enum outcome result = card_html_left_out(d->out, d->page->duck, f);
    add(d, "</div>\n</section>\n");
    time_html_stages(d->out, d->arena, figures_all(&d->of[DORA_NOW]));
    result = result == OK ? add_changes(d, f) : result;
    result = result == OK ? time_html_hours(d->out, d->arena, d->page->duck,
                                            d->page->wish->window.choice.zone, f)
                          : result;
    if (result == OK) {
        add_services(d);
        add_trends(d);
        result = add_behind(d, f);
    }
    add_definitions(d);
    html_end(d->out);
    return result;
}

enum outcome dora_html(const struct dora_page *p, struct str *out, struct failure *f)
{
    struct buf b;
    struct drawing d = {.page = p, .arena = p->arena, .out = &b};
    buf_init(&b, p->arena, HTML_BYTES_MAX);
    enum outcome result = figures_read(p->duck, p->arena, d.of, f);
    result = result == OK ? window_known_from(p->duck, &d.known_us, f) : result;
    result = result == OK ? draw(&d, f) : result;
    if (result == OK && buf_is_over(&b)) {
        return failed(f, REJECT, "the page is more than %zu MiB; shorten --from",
                      HTML_BYTES_MAX >> 20);
    }
    *out = buf_str(&b);
    return result;
}
