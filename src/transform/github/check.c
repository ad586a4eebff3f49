/* check_run and check_suite: tests where the configuration lists the check's name or its app, and
 * weir's own events otherwise. What GitHub Actions ran, workflow_job tells already. */
#include "transform/github/github.h"
#include "transform/glob.h"

/* Of states of one second, which is the later one. */
enum { ORDINAL_STARTED, ORDINAL_FINISHED };

/* clang-format off */

/* model test_run       <- check_run */
static const struct pick run_picks[] = {
    {"source",             "$source"},
    {"id",                 "check_run.id"},
    {"attempt",            "=1"},
    {"repository",         "$repository"},
    {"name",               "check_run.name"},
    {"kind",               "=case"},
    {"environment",        "$test_environment?"},
    {"sha",                "check_run.head_sha"},
    {"started_at",         "check_run.started_at?"},
    {"url",                "check_run.html_url?"},
    {"suite_run_id",       "check_run.check_suite.id?"},
    {"branch",             "check_run.check_suite.head_branch?"},
    {"app",                "check_run.app.slug|check_run.app.name?"},
    {"original_result",    "check_run.conclusion?"},
    {0}};
static const struct pick run_ended_picks[] = {
    {"outcome",            "outcome(check_run.conclusion?)"},
    {"finished_at",        "check_run.completed_at"},
    {"reason",             "check_run.output.summary?"},
    {0}};

/* model test_run       <- check_suite */
static const struct pick suite_picks[] = {
    {"source",             "$source"},
    {"id",                 "check_suite.id"},
    {"attempt",            "=1"},
    {"repository",         "$repository"},
    {"name",               "check_suite.app.name"},
    {"kind",               "=suite"},
    {"environment",        "$test_environment?"},
    {"sha",                "check_suite.head_sha"},
    {"outcome",            "outcome(check_suite.conclusion?)"},
    {"finished_at",        "check_suite.updated_at"},
    {"queued_at",          "check_suite.created_at?"},
    {"branch",             "check_suite.head_branch?"},
    {"app",                "check_suite.app.slug|check_suite.app.name"},
    {"original_result",    "check_suite.conclusion?"},
    {0}};

/* subject.content      <- payload */
#define CASE                                                                                       \
    {"testSuiteRun.id",    "check_run.check_suite.id?"},                                           \
    {"testCase.id",        "check_run.id"},                                                        \
    {"testCase.name",      "check_run.name"},                                                      \
    {"testCase.uri",       "check_run.html_url?"}
static const struct pick content_run[] = {CASE, {0}};
static const struct pick content_run_ended[] = {
    {"outcome",            "outcome(check_run.conclusion?)"},
    {"reason",             "check_run.output.summary?"},
    CASE,
    {0}};
static const struct pick content_test[] = {
    {"outcome",            "outcome(check_run.conclusion?)"},
    {"environment.id",     "$test_environment"},
    {"reason",             "check_run.output.summary?"},
    CASE,
    {0}};
static const struct pick content_suite[] = {
    {"outcome",            "outcome(check_suite.conclusion?)"},
    {"testSuite.id",       "check_suite.id"},
    {"testSuite.name",     "check_suite.app.name"},
    {0}};
static const struct pick content_suite_test[] = {
    {"outcome",            "outcome(check_suite.conclusion?)"},
    {"environment.id",     "$test_environment"},
    {"testSuite.id",       "check_suite.id"},
    {"testSuite.name",     "check_suite.app.name"},
    {0}};

/* customData.github    <- payload */
static const struct pick run[] = {
    {"sha",                "check_run.head_sha"},
    {"app",                "check_run.app.slug|check_run.app.name?"},
    {"conclusion",         "check_run.conclusion?"},
    {0}};
static const struct pick suite[] = {
    {"sha",                "check_suite.head_sha"},
    {"branch",             "check_suite.head_branch?"},
    {"app",                "check_suite.app.slug?"},
    {"conclusion",         "check_suite.conclusion?"},
    {0}};

/* clang-format on */

/* A case counts as itself: it passed, failed or was skipped, or none of them yet. */
static bool counts(struct delivery *d, struct fact *fact)
{
    struct str outcome;
    struct str word;
    if (!delivery_text(d, "outcome(check_run.conclusion?)", &outcome) ||
        !delivery_text(d, "check_run.conclusion?", &word)) {
        return false;
    }
    const bool is_passed = str_eq(outcome, S("success"));
    const bool is_failed = str_eq(outcome, S("failure"));
    const bool is_skipped = str_eq(word, S("skipped"));
    if (is_passed || is_failed || is_skipped) {
        fact_int(fact, "passed", is_passed);
        fact_int(fact, "failed", is_failed);
        fact_int(fact, "skipped", is_skipped);
    }
    return true;
}

static bool run_started(struct delivery *d)
{
    struct fact fact;
    if (!delivery_fact(d, "test_run", run_picks, &fact)) {
        return false;
    }
    fact_group(&fact, "state", d->at_us, ORDINAL_STARTED);
    return transform_add(d->in, d->out, &fact);
}

static bool run_finished(struct delivery *d)
{
    struct fact fact;
    if (!delivery_fact(d, "test_run", run_picks, &fact) ||
        !delivery_columns(d, &fact, run_ended_picks) || !counts(d, &fact)) {
        return false;
    }
    fact_group(&fact, "state", d->at_us, ORDINAL_FINISHED);
    return transform_add(d->in, d->out, &fact);
}

static bool suite_finished(struct delivery *d)
{
    struct fact fact;
    if (!delivery_fact(d, "test_run", suite_picks, &fact)) {
        return false;
    }
    fact_group(&fact, "state", d->at_us, ORDINAL_FINISHED);
    return transform_add(d->in, d->out, &fact);
}

/* ---- which row ---- */

static bool is_of_actions(struct delivery *d)
{
    struct str app;
    const char *const path = str_eq(d->event, S("check_run"))
                                 ? "check_run.app.slug|check_run.app.name?"
                                 : "check_suite.app.slug|check_suite.app.name?";
    return delivery_text(d, path, &app) &&
           (str_eq(app, S("github-actions")) || str_eq(app, S("GitHub Actions")));
}

static bool is_check(struct delivery *d)
{
    return !is_of_actions(d);
}

/* A test that ended as CDEvents can say it. */
static bool is_test(struct delivery *d)
{
    const bool is_run = str_eq(d->event, S("check_run"));
    struct str environment;
    struct str outcome;
    return is_check(d) && delivery_text(d, "$test_environment?", &environment) &&
           delivery_text(
               d, is_run ? "outcome(check_run.conclusion?)" : "outcome(check_suite.conclusion?)",
               &outcome) &&
           environment.len > 0 && outcome.len > 0;
}

static bool is_other(struct delivery *d)
{
    return is_check(d) && !is_test(d);
}

/* clang-format off */
static const struct github_row check_run_rows[] = {
    {"CK1", "completed", is_test, "testcaserun.finished", .time = "check_run.completed_at",
        .content = content_test, .custom = run, .facts = run_finished},
    {"CK1", "completed", is_other, "cdeventsx.github-checkrun.finished",
        .time = "check_run.completed_at",
        .content = content_run_ended, .custom = run, .facts = run_finished},
    {"CK1", "completed", is_of_actions, .gives = NULL},
    {"CK2", "created", is_check, "cdeventsx.github-checkrun.started",
        .time = "check_run.started_at",
        .content = content_run, .custom = run, .facts = run_started},
    {"CK2", "created", is_of_actions, .gives = NULL},
    {0}};

const struct github_event github_check_run = {
    .name = "check_run", .subject = "check_run.url", .rows = check_run_rows};

static const struct github_row check_suite_rows[] = {
    {"CS1", "completed", is_test, "testsuiterun.finished", .time = "check_suite.updated_at",
        .content = content_suite_test, .custom = suite, .facts = suite_finished},
    {"CS1", "completed", is_other, "cdeventsx.github-checksuite.finished",
        .time = "check_suite.updated_at",
        .content = content_suite, .custom = suite, .facts = suite_finished},
    {"CS1", "completed", is_of_actions, .gives = NULL},
    {0}};

const struct github_event github_check_suite = {
    .name = "check_suite", .subject = "check_suite.url", .rows = check_suite_rows};
/* clang-format on */
