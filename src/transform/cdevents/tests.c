/* testcaserun.* and testsuiterun.*: runs of tests. */
#include "transform/cdevents/models.h"

/* Of events of one time, which state is the later one. */
enum { ORDINAL_QUEUED, ORDINAL_STARTED, ORDINAL_FINISHED };

/* clang-format off */

/* model test_run         <- content */
#define CASE                                                                                       \
    {"source",              "$source"},                                                            \
    {"id",                  "$subject"},                                                           \
    {"attempt",             "=1"},                                                                 \
    {"repository",          "$place?"},                                                            \
    {"name",                "testCase.name?"},                                         \
    {"kind",                "=case"},                                                              \
    {"environment",         "environment.id?"},                                                    \
    {"url",                 "testCase.uri?"},                                                      \
    {"suite_run_id",        "testSuiteRun.id?"},                                                   \
    {"test_id",             "testCase.id?"},                                                       \
    {"type",                "testCase.type?"}
#define SUITE                                                                                      \
    {"source",              "$source"},                                                            \
    {"id",                  "$subject"},                                                           \
    {"attempt",             "=1"},                                                                 \
    {"repository",          "$place?"},                                                            \
    {"name",                "testSuite.name?"},                                       \
    {"kind",                "=suite"},                                                             \
    {"environment",         "environment.id?"},                                                    \
    {"url",                 "testSuite.uri?"},                                                     \
    {"test_id",             "testSuite.id?"}
#define QUEUED                                                                                     \
    {"queued_at",           "$time"}
#define STARTED                                                                                    \
    {"started_at",          "$time"}
#define FINISHED                                                                                   \
    {"outcome",             "outcome($outcome?)"},                                                 \
    {"finished_at",         "$time"},                                                              \
    {"reason",              "reason?"},                                                            \
    {"severity",            "severity?"},                                                          \
    {"original_result",     "$original_outcome?"}
static const struct pick case_queued[] = {CASE, QUEUED, {0}};
static const struct pick case_started[] = {CASE, STARTED, {0}};
static const struct pick case_finished[] = {CASE, FINISHED, {0}};
static const struct pick case_skipped[] = {
    CASE,
    {"finished_at",         "$time"},
    {"reason",              "reason?"},
    {0}};
static const struct pick suite_queued[] = {SUITE, QUEUED, {0}};
static const struct pick suite_started[] = {SUITE, STARTED, {0}};
static const struct pick suite_finished[] = {SUITE, FINISHED, {0}};

/* clang-format on */

static bool queued(struct delivery *d, struct fact *fact)
{
    fact_group(fact, "state", d->at_us, ORDINAL_QUEUED);
    return true;
}

static bool started(struct delivery *d, struct fact *fact)
{
    fact_group(fact, "state", d->at_us, ORDINAL_STARTED);
    return true;
}

static bool finished(struct delivery *d, struct fact *fact)
{
    fact_group(fact, "state", d->at_us, ORDINAL_FINISHED);
    return true;
}

/* A case counts as itself. */
static void count(struct fact *fact, bool is_passed, bool is_failed, bool is_skipped)
{
    fact_int(fact, "passed", is_passed);
    fact_int(fact, "failed", is_failed);
    fact_int(fact, "skipped", is_skipped);
}

static bool case_ended(struct delivery *d, struct fact *fact)
{
    struct str outcome;
    if (!delivery_text(d, "outcome?", &outcome)) {
        return false;
    }
    const bool is_passed = str_eq(outcome, S("success"));
    const bool is_failed = str_eq(outcome, S("failure")) || str_eq(outcome, S("error"));
    if (is_passed || is_failed) {
        count(fact, is_passed, is_failed, false);
    }
    return finished(d, fact);
}

static bool case_left_out(struct delivery *d, struct fact *fact)
{
    count(fact, false, false, true);
    return finished(d, fact);
}

const struct cd_row cd_tests[] = {
    {"testcaserun.queued", "test_run", case_queued, queued},
    {"testcaserun.started", "test_run", case_started, started},
    {"testcaserun.finished", "test_run", case_finished, case_ended},
    {"testcaserun.skipped", "test_run", case_skipped, case_left_out},
    {"testsuiterun.queued", "test_run", suite_queued, queued},
    {"testsuiterun.started", "test_run", suite_started, started},
    {"testsuiterun.finished", "test_run", suite_finished, finished},
    {0},
};
