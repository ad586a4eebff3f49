#include "command/report/dora.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "command/report/around.h"
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
};

struct page {
    struct arena *arena;
    size_t columns;
    bool has_charts, has_stages;
    int64_t known_us; /* of window_known_from */
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

static struct str chart_head(const struct page *p, const struct dora_wish *w)
{
    double value[FIGURES_CHARTED];
    int64_t begins_us = 0;
    const size_t n = figures_last(&p->of[DORA_WEEK], figures_all(&p->of[DORA_NOW]), figure_per_day,
                                  value, &begins_us);
    return p->has_stages && n > 0 ? around_weeks(p->arena, begins_us, w->window.local_to_us, n)
                                  : S("by week");
}

/* A span of so many cases. */
struct spread {
    const char *name, *narrow;
    double (*p50)(const struct dora_figure *), (*p90)(const struct dora_figure *);
    int64_t n, before_n;
};

/* Its median, and what nine in ten take at most. */
static void put_spread(const struct page *p, const struct spread *s, struct line out[2])
{
    struct arena *const a = p->arena;
    const struct dora_figure *const f = figures_all(&p->of[DORA_NOW]);
    const struct dora_figure *const b = figures_all(&p->of[DORA_BEFORE]);
    out[0] = (struct line){.name = s->name,
                           .narrow = s->narrow,
                           .which = "p50",
                           .now = say_few(a, say_span(a, s->p50(f)), s->n),
                           .before = say_few(a, say_span(a, s->p50(b)), s->before_n),
                           .trend = say_trend(s->p50(f), s->p50(b), -1, s->n),
                           .chart = chart_of(p, s->p50)};
    out[1] = (struct line){.name = "",
                           .narrow = "",
                           .which = "p90",
                           .now = say_few(a, say_span(a, s->p90(f)), s->n),
                           .before = say_few(a, say_span(a, s->p90(b)), s->before_n),
                           .trend = ""};
}

enum {
    FREQUENCY,
    LEAD,
    LEAD_P90,
    CHANGE,
    CHANGE_P90,
    FAILED,
    RECOVERY,
    RECOVERY_P90,
    REWORK,
    LINES_N
};

static void put_five(const struct page *p, const struct dora_wish *w)
{
    struct arena *const a = p->arena;
    const struct dora_figure *const f = figures_all(&p->of[DORA_NOW]);
    const struct dora_figure *const b = figures_all(&p->of[DORA_BEFORE]);
    const double per_day = b->deployments ? b->per_day : (double)NAN;
    const struct spread lead = {"Change lead time", "Lead time", figure_lead_p50,
                                figure_lead_p90,    f->commits,  b->commits};
    const struct spread change = {"  per change",    "  per change", figure_change_p50,
                                  figure_change_p90, f->changes,     b->changes};
    const struct spread recovery = {"Recovery time",     "Recovery",   figure_recovery_p50,
                                    figure_recovery_p90, f->recovered, b->recovered};
    struct line lines[LINES_N] = {
        [FREQUENCY] = {"Deployment frequency", "Deployments", "", say_per_day(a, f->per_day),
                       say_per_day(a, per_day), say_trend(f->per_day, per_day, 1, f->deployments),
                       chart_of(p, figure_per_day),
                       count_text(a, f->deployments, "deployment", "deployments"), S("")},
        [FAILED] = {"Change fail rate", "Fail rate", "",
                    say_few(a, say_rate(a, f->fail_rate), f->deployments),
                    say_few(a, say_rate(a, b->fail_rate), b->deployments),
                    say_trend(f->fail_rate, b->fail_rate, -1, f->failed + b->failed),
                    chart_of(p, figure_fail_rate),
                    arena_printf(a, "%lld of %lld", (long long)f->failed,
                                 (long long)f->deployments),
                    S("")},
        [REWORK] = {"Rework rate", "Rework", "",
                    say_few(a, say_rate(a, f->rework_rate), f->deployments),
                    say_few(a, say_rate(a, b->rework_rate), b->deployments),
                    say_trend(f->rework_rate, b->rework_rate, -1, f->rework + b->rework),
                    chart_of(p, figure_rework_rate),
                    arena_printf(a, "%lld of %lld", (long long)f->rework,
                                 (long long)f->deployments),
                    S("")},
    };
    put_spread(p, &lead, &lines[LEAD]);
    put_spread(p, &change, &lines[CHANGE]);
    put_spread(p, &recovery, &lines[RECOVERY]);
    lines[LEAD].from = count_text(a, f->commits, "commit", "commits");
    lines[LEAD_P90].from = arena_printf(a, "%lld not deployed", (long long)f->undeployed_changes);
    lines[CHANGE].from = count_text(a, f->changes, "change", "changes");
    lines[RECOVERY].from = arena_printf(a, "%lld, %lld open", (long long)f->recovered,
                                        (long long)f->open_incidents);
    for (int i = DORA_CODING; i < DORA_STAGES_N; i++) {
        lines[LEAD + i].side = stage_text(p, f, i);
    }
    const bool has_stages = p->has_stages && figure_stages_s(f) > 0;
    const struct lines all = {.arena = a,
                              .at = lines,
                              .n = LINES_N,
                              .columns = p->columns,
                              .chart_head = p->has_charts ? chart_head(p, w) : S(""),
                              .side_head = has_stages ? "where the time goes (hours)" : ""};
    lines_print(&all);
}

/* ---- around them ---- */

/* What the figures do not say of themselves. */
static void put_missing(const struct page *p, const struct dora_wish *w, const struct ask *q)
{
    around_note(sentence_unknown(p->arena, &w->window, p->known_us, FIGURES_NOTHING));
    around_note(sentence_to_come(p->arena, &w->window, q->complete_us + q->behind_us));
    around_note(sentence_open(p->arena, figures_all(&p->of[DORA_NOW])));
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
                  "deployment that holds it; per change from its first commit. Recovery: to the "
                  "end of its last incident. Rework: a rollback, a hotfix, or the fix of an "
                  "incident."),
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
    result = result == OK ? window_known_from(q->duck, &p.known_us, f) : result;
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
    result = result == OK ? around_left_out(q, a, f) : result;
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
         "SELECT coalesce(CAST(number AS VARCHAR), id) AS change, repository, merged_at, "
         "deployment, lead_s, left_out, title, service, "
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
