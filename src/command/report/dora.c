#include "command/report/dora.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "command/report/choice.h"
#include "command/report/dora_rows.h"
#include "command/report/figures.h"
#include "command/report/head.h"
#include "command/report/lines.h"
#include "command/report/period.h"
#include "command/report/say.h"
#include "command/report/sentence.h"
#include "command/report/table.h"
#include "command/screen.h"

enum {
    COLUMNS = 80, /* in a pipe */
    BAR_COLUMNS = 20,
    REASONS_SHOWN = 6,
    LEFT_OUT_BYTES_MAX = 1 << 16,
};

struct page {
    struct arena *arena;
    size_t columns;
    bool has_charts, has_stages;
    int64_t known_us; /* of dora_known_from */
    struct figures of[DORA_PERIODS_N];
};

/* ---- the five ---- */

static struct str chart_of(const struct page *p, double (*of)(const struct dora_figure *))
{
    double value[FIGURES_CHARTED];
    int64_t begins_us = 0;
    return say_chart(
        p->arena, value,
        figures_last(&p->of[DORA_WEEK], figures_all(&p->of[DORA_NOW]), of, value, &begins_us));
}

static struct str count_text(struct arena *a, int64_t n, const char *one, const char *many)
{
    return arena_printf(a, "%lld %s", (long long)n, n == 1 ? one : many);
}

/* "coding     34 %  #######". */
static struct str stage_text(const struct page *p, const struct dora_figure *f, int stage)
{
    const double all = figure_stages_s(f);
    if (!p->has_stages || !(all > 0)) {
        return S("");
    }
    const double share = f->stage_s[stage] / all;
    return arena_printf(p->arena, "%-9s%4.0f %%  %.*s", figure_stages[stage], 100 * share,
                        STR_ARG(say_bar(p->arena, share, BAR_COLUMNS)));
}

/* What stands over the charts: the days of their ends where there is room, else what a mark is. */
static struct str chart_head(const struct page *p, const struct dora_wish *w)
{
    double value[FIGURES_CHARTED];
    int64_t begins_us = 0;
    struct arena *const a = p->arena;
    const size_t n = figures_last(&p->of[DORA_WEEK], figures_all(&p->of[DORA_NOW]), figure_per_day,
                                  value, &begins_us);
    if (!p->has_stages || n == 0) {
        return S("by week");
    }
    const struct str first = say_day(a, begins_us, w->window.local_to_us - 1);
    const struct str last = say_day(a, w->window.local_to_us - 1, begins_us);
    return first.len + 1 + last.len > n
               ? S("by week")
               : arena_printf(a, "%s%*s", first.at, (int)(n - first.len), last.at);
}

static void put_five(const struct page *p, const struct dora_wish *w)
{
    struct arena *const a = p->arena;
    const struct dora_figure *const f = figures_all(&p->of[DORA_NOW]);
    const struct dora_figure *const b = figures_all(&p->of[DORA_BEFORE]);
    const double per_day = b->deployments ? b->per_day : (double)NAN;
    const struct line lines[] = {
        {"Deployment frequency", "Deployments", "", say_per_day(a, f->per_day),
         say_per_day(a, per_day), say_trend(f->per_day, per_day, true, f->deployments),
         chart_of(p, figure_per_day), count_text(a, f->deployments, "deployment", "deployments"),
         S("")},
        {"Change lead time", "Lead time", "p50", say_few(a, say_span(a, f->lead_p50_s), f->commits),
         say_few(a, say_span(a, b->lead_p50_s), b->commits),
         say_trend(f->lead_p50_s, b->lead_p50_s, false, f->commits), chart_of(p, figure_lead_p50),
         count_text(a, f->commits, "commit", "commits"), stage_text(p, f, DORA_CODING)},
        {"", "", "p90", say_few(a, say_span(a, f->lead_p90_s), f->commits),
         say_few(a, say_span(a, b->lead_p90_s), b->commits), "", S(""),
         arena_printf(a, "%lld not deployed", (long long)f->undeployed_changes),
         stage_text(p, f, DORA_TO_REVIEW)},
        {"Change fail rate", "Fail rate", "", say_few(a, say_rate(a, f->fail_rate), f->deployments),
         say_few(a, say_rate(a, b->fail_rate), b->deployments),
         say_trend(f->fail_rate, b->fail_rate, false, f->failed + b->failed),
         chart_of(p, figure_fail_rate),
         arena_printf(a, "%lld of %lld", (long long)f->failed, (long long)f->deployments),
         stage_text(p, f, DORA_IN_REVIEW)},
        {"Recovery time", "Recovery", "p50",
         say_few(a, say_span(a, f->recovery_p50_s), f->recovered),
         say_few(a, say_span(a, b->recovery_p50_s), b->recovered),
         say_trend(f->recovery_p50_s, b->recovery_p50_s, false, f->recovered),
         chart_of(p, figure_recovery),
         arena_printf(a, "%lld, %lld open", (long long)f->recovered, (long long)f->open_incidents),
         stage_text(p, f, DORA_WAITING)},
        {"Rework rate", "Rework", "", say_few(a, say_rate(a, f->rework_rate), f->deployments),
         say_few(a, say_rate(a, b->rework_rate), b->deployments),
         say_trend(f->rework_rate, b->rework_rate, false, f->rework + b->rework),
         chart_of(p, figure_rework_rate),
         arena_printf(a, "%lld of %lld", (long long)f->rework, (long long)f->deployments), S("")},
    };
    const bool has_stages = p->has_stages && figure_stages_s(f) > 0;
    const struct lines all = {.arena = a,
                              .at = lines,
                              .n = sizeof lines / sizeof *lines,
                              .columns = p->columns,
                              .chart_head = p->has_charts ? chart_head(p, w) : S(""),
                              .side_head = has_stages ? "where the time goes (hours)" : ""};
    lines_print(&all);
}

/* ---- around them ---- */

static void put_line_of(struct str text)
{
    if (text.len > 0) {
        (void)putchar('\n');
        screen_wrap(text, 0, 0);
    }
}

/* What the figures do not say of themselves. */
static void put_missing(const struct page *p, const struct dora_wish *w, const struct ask *q)
{
    put_line_of(sentence_unknown(p->arena, &w->window, p->known_us));
    put_line_of(sentence_to_come(p->arena, &w->window, q->complete_us + q->behind_us));
    put_line_of(sentence_open(p->arena, figures_all(&p->of[DORA_NOW])));
}

static enum outcome put_left_out(const struct ask *q, const struct page *p, struct failure *f)
{
    struct duck_result r;
    struct buf b;
    const enum outcome result = duck_query(
        q->duck,
        "SELECT concat(n, ' ', what, if(n = 1, '', 's'), ' ', reason),\n"
        "    CAST(sum(n) OVER () AS BIGINT)\n"
        "FROM dora_out_count ORDER BY n DESC, what, reason",
        &r, f);
    size_t shown = 0;
    buf_init(&b, p->arena, LEFT_OUT_BYTES_MAX);
    while (result == OK && duck_next(&r)) {
        if (shown == 0) {
            buf_printf(&b, "%lld left out: ", (long long)duck_i64(&r, 1));
        }
        if (shown++ < REASONS_SHOWN) {
            buf_add(&b, shown > 1 ? S(" · ") : S(""));
            buf_add(&b, screen_line(p->arena, duck_text(&r, 0)));
        }
    }
    if (shown > REASONS_SHOWN) {
        buf_printf(&b, " · and %zu more reasons", shown - REASONS_SHOWN);
    }
    if (shown > 0) {
        (void)putchar('\n');
        screen_wrap(buf_str(&b), 0, 0);
    }
    duck_result_close(&r);
    return result;
}

/* One a figure; rework has none. */
static enum outcome put_tiers(const struct ask *q, const struct page *p, const struct dora_wish *w,
                              struct failure *f)
{
    struct str told;
    const enum outcome result = dora_tiers(q->duck, p->arena, &told, f);
    if (result == OK) {
        (void)printf("\nTiers of %lld: ", (long long)w->tiers_year);
        screen_wrap(arena_printf(p->arena,
                                 "%.*s. Rework has none. On demand is read as 5 days a week or "
                                 "more with a deployment.",
                                 STR_ARG(told)),
                    sizeof "Tiers of 2024: " - 1, 0);
    }
    return result;
}

/* The choices behind the figures, where they stand. */
static void put_definitions(struct arena *a, const struct dora_wish *w)
{
    (void)putchar('\n');
    screen_wrap(S("Deployment: a first success in production. Lead time: each commit to the first "
                  "deployment that holds it. Recovery: to the end of its last incident. Rework: a "
                  "rollback, a hotfix, or the fix of an incident."),
                0, 0);
    screen_wrap(screen_line(a, choice_text(a, &w->window.choice)), 0, 0);
    if (!w->is_explained) {
        (void)putchar('\n');
        screen_wrap(
            S("--explain lists the deployments and changes behind each figure; --html FILE"), 0, 0);
    }
}

enum outcome report_dora(const struct ask *q, struct arena *a, const struct dora_wish *w,
                         struct failure *f)
{
    const size_t columns = screen_columns();
    struct page p = {.arena = a, .columns = columns == 0 ? COLUMNS : columns};
    p.has_charts = say_has_charts();
    p.has_stages = p.columns >= LINES_COLUMNS_FOR_SIDE && p.has_charts;
    enum outcome result = figures_read(q->duck, a, p.of, f);
    result = result == OK ? dora_known_from(q->duck, &p.known_us, f) : result;
    if (result != OK) {
        return result;
    }
    head_print(q, a, &w->window, "Delivery, production");
    (void)putchar('\n');
    put_five(&p, w);
    if (w->period == DORA_NOW) {
        const struct dora_rows rows = {a, w, p.of, p.columns};
        dora_rows_print(&rows);
    } else {
        const struct period_table table = {a, w, &p.of[w->period], p.columns};
        period_print(&table);
    }
    put_missing(&p, w, q);
    result = w->tiers_year > 0 ? put_tiers(q, &p, w, f) : OK;
    result = result == OK ? put_left_out(q, &p, f) : result;
    if (result == OK) {
        put_definitions(a, w);
    }
    return result;
}

enum outcome report_dora_explain(const struct ask *q, struct arena *a, struct failure *f)
{
    static const struct report_table tables[] = {
        {"Deployments",
         "SELECT id, service, finished_at, commits, failed_by, rework, recovered_at, "
         "environment, sha FROM explain_deployment",
         "service rework environment"},
        {"Changes",
         "SELECT number, repository, merged_at, deployment, lead_s, left_out, title, service, "
         "environment, first_commit_at FROM explain_change",
         "repository left_out title service environment"},
        {"Commits",
         "SELECT sha, change, deployment, lead_s, service, committed_at, environment "
         "FROM explain_commit",
         "service environment"},
        {"Incidents",
         "SELECT id, detected_at, resolved_at, caused_by, left_out, title, evidence, fixed_by, "
         "service, environment FROM explain_incident",
         "left_out title evidence service environment"},
        {"Left out", "SELECT what, id, reason, service, seen_at, environment FROM explain_out",
         "reason service environment"},
    };
    enum outcome result = OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && result == OK; i++) {
        result = report_table(q, a, &tables[i], f);
    }
    return result;
}
