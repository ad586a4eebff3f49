/* report.c - the figures that people ask for, each with what it stands on. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "command/ask.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/report/csv.h"
#include "command/report/dora.h"
#include "command/report/dora_html.h"
#include "command/report/flags.h"
#include "command/report/parts_html.h"
#include "command/screen.h"

enum { DAYS = 91 };
#define ARENA_BYTES_MAX ((size_t)4 << 30)

struct report {
    struct str from, to, by, html, table; /* table: of --csv */
    struct report_flags flags;            /* go before the configuration */
    struct window window;
    struct dora_wish dora;
    const struct kind *kind;
};

/* A report: what it reads, and how it is told. */
struct kind {
    const char *name, *models;
    bool has_people, is_dora;  /* which options have a meaning */
    const struct parts *parts; /* NULL of dora */
    enum outcome (*tell)(const struct report *r, struct session *s, struct ask *q,
                         struct failure *f);
};

static int wrong(const char *option, struct str value, const char *form)
{
    screen_tell("weir report: --%s \"%.*s\": %s\n", option, STR_ARG(value), form);
    return EXIT_USAGE;
}

/* What a row is of: service or team, environment, week or month; one of each. */
static bool read_by(struct str by, struct dora_wish *w)
{
    w->group = by.len == 0 ? DORA_SERVICE : DORA_ALL;
    w->is_by_environment = by.len == 0;
    bool is_right = true;
    while (by.len > 0 && is_right) {
        struct str rest;
        const struct str word = str_trim(str_cut(by, ',', &rest));
        by = rest;
        if (str_eq(word, S("service")) || str_eq(word, S("team"))) {
            is_right = w->group == DORA_ALL;
            w->group = str_eq(word, S("team")) ? DORA_TEAM : DORA_SERVICE;
        } else if (str_eq(word, S("environment"))) {
            is_right = !w->is_by_environment;
            w->is_by_environment = true;
        } else if (str_eq(word, S("week")) || str_eq(word, S("month"))) {
            is_right = w->period == DORA_NOW;
            w->period = str_eq(word, S("week")) ? DORA_WEEK : DORA_MONTH;
        } else {
            is_right = false;
        }
    }
    return is_right;
}

static enum outcome tell_json(const struct ask *q, struct str json)
{
    (void)printf("%.*s\n", STR_ARG(json));
    ask_say_complete(q);
    return OK;
}

/* Whole or not at all. */
static enum outcome write_page(const struct report *r, const struct ask *q, struct str page,
                               struct failure *f)
{
    if (str_eq(r->html, S("-"))) {
        return fwrite(page.at, 1, page.len, stdout) == page.len && fflush(stdout) == 0
                   ? OK
                   : failed(f, RETRY, "the page could not be written to stdout");
    }
    const enum outcome result = file_replace(arena_cstr(q->arena, r->html), page, 0644, f);
    if (result == OK) {
        screen_tell("wrote %.*s, %zu KiB\n", STR_ARG(r->html), (page.len + 1023) / 1024);
        ask_say_complete(q);
    }
    return result;
}

static enum outcome tell_parts_html(const struct report *r, struct session *s, struct ask *q,
                                    struct failure *f)
{
    struct str page;
    const struct parts_page p = {.duck = q->duck,
                                 .arena = &s->arena,
                                 .of = r->kind->parts,
                                 .window = &r->window,
                                 .complete_us = q->complete_us};
    const enum outcome result = parts_html(&p, &page, f);
    return result == OK ? write_page(r, q, page, f) : result;
}

static enum outcome tell_dora_html(const struct report *r, struct session *s, struct ask *q,
                                   struct failure *f)
{
    struct str page;
    const struct dora_page p = {
        .duck = q->duck, .arena = &s->arena, .wish = &r->dora, .complete_us = q->complete_us};
    const enum outcome result = dora_html(&p, &page, f);
    return result == OK ? write_page(r, q, page, f) : result;
}

static enum outcome tell_dora(const struct report *r, struct session *s, struct ask *q,
                              struct failure *f)
{
    struct str json;
    enum outcome result = dora_take(q->duck, &s->arena, &r->dora, f);
    if (result == OK && s->format == ROWS_CSV) {
        return csv_print(q, &s->arena, csv_of_dora(r->table)->sql, f);
    }
    if (result == OK && r->html.len > 0) {
        return tell_dora_html(r, s, q, f);
    }
    if (result == OK && s->format != ROWS_JSON) {
        result = report_dora(q, &s->arena, &r->dora, f);
        return result == OK && r->dora.is_explained ? report_dora_explain(q, &s->arena, f) : result;
    }
    result = result == OK ? dora_json(q->duck, &s->arena, &json, f) : result;
    return result == OK ? tell_json(q, json) : result;
}

static enum outcome tell_parts(const struct report *r, struct session *s, struct ask *q,
                               struct failure *f)
{
    const struct window_part *const part = r->kind->parts->part;
    if (r->html.len > 0) {
        return tell_parts_html(r, s, q, f);
    }
    if (s->format == ROWS_CSV) {
        return csv_print(q, &s->arena, window_sql(csv_of_parts(part, r->table)), f);
    }
    if (s->format == ROWS_JSON) {
        struct str json;
        const enum outcome result = window_json(q->duck, &s->arena, part, &json, f);
        return result == OK ? tell_json(q, json) : result;
    }
    return parts_print(r->kind->parts, q, &s->arena, &r->window, f);
}

static enum outcome tell_activity(const struct report *r, struct session *s, struct ask *q,
                                  struct failure *f)
{
    enum outcome result = window_take(q->duck, &s->arena, &r->window, f);
    result = result == OK ? window_activity_take(q->duck, f) : result;
    return result == OK ? tell_parts(r, s, q, f) : result;
}

static enum outcome tell_runs(const struct report *r, struct session *s, struct ask *q,
                              struct failure *f)
{
    enum outcome result = window_take(q->duck, &s->arena, &r->window, f);
    result = result == OK ? window_runs_take(q->duck, f) : result;
    return result == OK ? tell_parts(r, s, q, f) : result;
}

static const struct kind kinds[] = {
    {"dora", DORA_MODELS, false, true, NULL, tell_dora},
    {"activity", "change", true, false, &parts_activity, tell_activity},
    {"runs", "pipeline_run task_run", true, false, &parts_runs, tell_runs},
};

/* What a report has no use for is refused, not passed over. */
static bool options_fit(const struct report *r)
{
    const struct {
        const char *name;
        bool is_given;
    } of_dora[] = {{"by", r->by.len > 0},
                   {"tiers", r->dora.tiers_year != 0},
                   {"explain", r->dora.is_explained},
                   {"lead-from", r->flags.lead_from.len > 0},
                   {"failures", r->flags.failures.len > 0},
                   {"hotfix-labels", r->flags.hotfix_labels.len > 0},
                   {"hotfix-branches", r->flags.hotfix_branches.len > 0}};
    for (size_t i = 0; i < sizeof of_dora / sizeof *of_dora && !r->kind->is_dora; i++) {
        if (of_dora[i].is_given) {
            screen_tell("weir report: --%s is for dora alone; leave it out of %s\n",
                        of_dora[i].name, r->kind->name);
            return false;
        }
    }
    if (r->kind->tell == tell_runs && (r->flags.leaves_bots || r->flags.counts_bots)) {
        screen_tell("weir report: runs counts what bots started like everything else; "
                    "leave --no-bots and --with-bots out\n");
        return false;
    }
    if (!r->kind->has_people && (r->flags.hides_people || r->flags.shows_people)) {
        screen_tell("weir report: %s names nobody; leave --hash-people and "
                    "--with-names out\n",
                    r->kind->name);
        return false;
    }
    return true;
}

static bool read_time(const char *option, struct str text, int64_t *out_us, bool *is_day)
{
    *is_day = text.len == sizeof "2026-11-22" - 1;
    return clock_parse_day(text, out_us) ||
           wrong(option, text, "takes 2026-11-22 or 2026-11-22T12:00:00Z") != EXIT_USAGE;
}

static bool is_forward(const struct window *w)
{
    if (w->from_us >= w->to_us) {
        screen_tell("weir report: --from lies behind --to; the window is [from, to)\n");
    }
    return w->from_us < w->to_us;
}

/* As if days began in UTC: the zone is not known yet. */
static bool read_window(struct report *r)
{
    struct window *const w = &r->window;
    w->to_us = clock_now_us();
    if (r->to.len > 0 && !read_time("to", r->to, &w->to_us, &w->to_is_day)) {
        return false;
    }
    w->from_us = w->to_us - DAYS * DAY_US;
    w->from_is_day = w->to_is_day;
    return (r->from.len == 0 || read_time("from", r->from, &w->from_us, &w->from_is_day)) &&
           is_forward(w);
}

/* Of what a report has; says which, where it is none of them. */
static bool table_fits(struct report *r)
{
    const struct csv_table *const of_dora = r->kind->is_dora ? csv_of_dora(r->table) : NULL;
    const struct window_part *const part = r->kind->parts ? r->kind->parts->part : NULL;
    if (of_dora || (part && csv_of_parts(part, r->table))) {
        r->dora.is_explained = r->dora.is_explained || (of_dora && of_dora->is_explained);
        return true;
    }
    screen_tell("weir report: %s has no table \"%.*s\"; there are", r->kind->name,
                STR_ARG(r->table));
    for (const struct csv_table *t = csv_dora; r->kind->is_dora && t->name; t++) {
        screen_tell("%s %s", t == csv_dora ? "" : ",", t->name);
    }
    for (const struct window_part *p = part; p && p->name; p++) {
        screen_tell("%s %s", p == part ? "" : ",", p->name);
    }
    screen_tell("\n");
    return false;
}

static int check(void *of, const struct words *words)
{
    struct report *const r = of;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        r->kind = strcmp(words->at[0], kinds[i].name) == 0 ? &kinds[i] : r->kind;
    }
    if (!r->kind) {
        screen_tell("weir report: no report \"%s\"; there are dora, activity, runs\n",
                    words->at[0]);
        return EXIT_USAGE;
    }
    if (!options_fit(r) || !table_fits(r)) {
        return EXIT_USAGE;
    }
    if (!read_window(r)) {
        return EXIT_USAGE;
    }
    if (!read_by(r->by, &r->dora)) {
        return wrong("by", r->by, "of service or team, environment, week or month: one of each");
    }
    if (!report_flags_check(&r->flags)) {
        return EXIT_USAGE;
    }
    r->dora.is_explained = r->dora.is_explained || r->html.len > 0; /* the page folds it in */
    if (r->dora.tiers_year != 0 && !dora_has_tiers(r->dora.tiers_year)) {
        screen_tell("weir report: --tiers %lld: there are 2019, 2021, 2023 and 2024; the "
                    "report of 2025 has seven team archetypes instead\n",
                    (long long)r->dora.tiers_year);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

/* The configuration's choices, and the command's before them. */
static bool choose(struct report *r, struct session *s)
{
    const struct named_list *const all = &s->config->services;
    struct dora_service *const service = arena_array(&s->arena, struct dora_service, all->n);
    bool has_team = false;
    for (size_t i = 0; i < all->n; i++) {
        const struct config_service *const c = all->at[i].options;
        service[i] = (struct dora_service){all->at[i].name, c->team, c->paths.n > 0,
                                           c->repositories};
        has_team = has_team || c->team.len > 0;
    }
    r->window.choice = s->config->report;
    report_flags_apply(&s->arena, &r->flags, &r->window.choice);
    r->dora.service = service;
    r->dora.services_n = all->n;
    if (r->dora.group == DORA_TEAM && !has_team) {
        screen_tell("weir report: --by team: no service has a team; name it in the "
                    "configuration, services.NAME.team\n");
    }
    return r->dora.group != DORA_TEAM || has_team;
}

/* The window in its zone.
 *   returns OK | RETRY | REJECT it said what is wrong with it */
static enum outcome settle(struct report *r, struct session *s, struct ask *q, struct failure *f)
{
    const enum outcome result = window_settle(q->duck, &s->arena, &r->window, f);
    if (result == REJECT) {
        screen_tell("weir report: %s\n", f->text);
    }
    r->dora.window = r->window;
    return result == OK && !is_forward(&r->window) ? REJECT : result;
}

static int run(struct report *r, const struct usage *usage, int argc, char **argv)
{
    struct session s;
    struct failure f;
    struct ask q = {0};
    if (!command_begin(&s, usage, argc, argv)) {
        return s.status;
    }
    const bool is_table = s.format == ROWS_CSV;
    if ((r->html.len > 0 && s.format != ROWS_TABLE) || (r->table.len > 0 && !is_table)) {
        screen_tell("weir report: %s\n", r->html.len > 0
                                             ? "--html, --json or --csv, one of them"
                                             : "--table says which one --csv prints; add --csv");
        s.status = EXIT_USAGE;
        return command_end(&s);
    }
    if (!choose(r, &s)) {
        s.status = EXIT_USAGE;
        return command_end(&s);
    }
    enum outcome result = ask_begin(&q, &s.arena, s.config, str_of(r->kind->models), &f);
    const bool is_open = result == OK;
    result = is_open ? settle(r, &s, &q, &f) : result;
    const bool is_wrong = is_open && result == REJECT;
    result = result == OK ? r->kind->tell(r, &s, &q, &f) : result;
    ask_close(&q);
    s.status = result == OK ? EXIT_DONE : is_wrong ? EXIT_USAGE : command_unanswered("report", &f);
    return command_end(&s);
}

int command_report(int argc, char **argv)
{
    struct report r = {0};
    const struct flag flags[] = {
        {"from", 0, FLAG_TEXT, &r.from, "TIME", "the window begins there (91 days before its end)"},
        {"to", 0, FLAG_TEXT, &r.to, "TIME", "and ends before this (now)"},
        {"by", 0, FLAG_TEXT, &r.by, "WHAT,…",
         "a row each: service or team, environment, week or month (service,environment)"},
        {"zone", 0, FLAG_TEXT, &r.flags.zone, "NAME",
         "in which days begin, those of --from and --to too (UTC)"},
        {"median", 0, FLAG_TEXT, &r.flags.median, "WHICH",
         "interpolated, or lower as DevLake has it"},
        {"explain", 0, FLAG_SWITCH, &r.dora.is_explained, NULL,
         "list the deployments, changes, commits and incidents behind each figure"},
        {"html", 0, FLAG_TEXT, &r.html, "FILE",
         "a page for a browser, without script or network; - is stdout"},
        {"table", 0, FLAG_TEXT, &r.table, "NAME",
         "with --csv: which table. dora: figures, deployments, changes, commits, incidents, "
         "left_out; activity: repositories, authors, reviewers; runs: pipelines, environments, "
         "users, errors, flaky, slowest; both: figures, left_out, open_at_end (the first)"},
        {"hash-people", 0, FLAG_SWITCH, &r.flags.hides_people, NULL,
         "activity, runs: show a hash instead of each name"},
        {"with-names", 0, FLAG_SWITCH, &r.flags.shows_people, NULL,
         "show them, whatever the configuration says"},
        {"tiers", 0, FLAG_NUMBER, &r.dora.tiers_year, "YEAR",
         "dora: the tier of each figure by the DORA report of 2019, 2021, 2023 or 2024"},
        {"no-bots", 0, FLAG_SWITCH, &r.flags.leaves_bots, NULL, "leave out what bots wrote"},
        {"with-bots", 0, FLAG_SWITCH, &r.flags.counts_bots, NULL,
         "count it, whatever the configuration says"},
        {"lead-from", 0, FLAG_TEXT, &r.flags.lead_from, "WHAT",
         "dora: a lead time begins when a commit is committed, authored or pushed"},
        {"failures", 0, FLAG_TEXT, &r.flags.failures, "WHAT,…",
         "dora: what shows that a deployment failed: link, fix, label, artifact, time, rollback"},
        {"hotfix-labels", 0, FLAG_TEXT, &r.flags.hotfix_labels, "NAME,…",
         "dora: labels that make a change a hotfix"},
        {"hotfix-branches", 0, FLAG_TEXT, &r.flags.hotfix_branches, "GLOB,…",
         "dora: branches that do"},
        {0},
    };
    const struct usage usage = {
        .name = "report",
        .words = "dora|activity|runs",
        .about = "The figures of delivery, complete to the last transformed signal. dora: the five "
                 "metrics by service and environment. activity: changes, reviews and their sizes. "
                 "runs: outcomes and times of pipelines and tasks.",
        .flags = flags,
        .examples = "  weir report dora --json\n"
                    "  weir report dora --from 2026-11-01 --to 2026-12-01 --explain\n"
                    "  weir report dora --by team,month\n"
                    "  weir report dora --html dora.html\n"
                    "  weir report activity\n"
                    "  weir report dora --csv --by service,week\n"
                    "  weir report runs --json\n",
        .words_least = 1,
        .words_most = 1,
        .needs = NEEDS_CONFIG,
        .prints = PRINTS_TABLES,
        .memory_bytes_max = ARENA_BYTES_MAX,
        .check = check,
        .of = &r,
    };
    return run(&r, &usage, argc, argv);
}
