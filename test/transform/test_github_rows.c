/* Deliveries told in any order, each any number of times, fold to the same rows; and to the right
 * ones, also where GitHub's whole seconds put several states at one time. */
#include <stdlib.h>

#include "test.h"
#include "transform/deliveries.h"
#include "transform/stories.h"

enum { ROUNDS = 60 };

static struct arena arena;

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

/* The facts of one delivery. */
static struct told tell(const struct config *config, struct str event, struct str id,
                        struct str body)
{
    const struct transform_out out = deliver(&arena, config, event, id, body);
    return told_by(&arena, &out);
}

static void any_order_and_repetition_gives_the_same_rows(void **state)
{
    (void)state;
    const struct str_list names = names_in(&arena, "test/golden/github");
    const struct examples examples = examples_read(&arena);
    struct told *const told = arena_array(&arena, struct told, names.n + examples.n);
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++) {
        const struct recorded r = recorded_read(&arena, names.at[i].at);
        told[n++] = tell(r.config, r.event, r.id, r.body);
    }
    for (size_t i = 0; i < examples.n; i++) {
        const struct example *const e = examples.at + i;
        told[n++] = tell(NULL, e->event, arena_printf(&arena, "guid-%zu", i), e->body);
    }
    assert_true(n > 60);
    assert_order_cannot_matter(&arena, told, n, ROUNDS);
}

/* ---- stories: what must come out ---- */

/* clang-format off */
static const struct story stories[] = {
    {"PR1 PR9 RV1-commented RV1 PR4 PR7 PR2 PR1", "change", {
        {"state", "merged"}, {"approvers", "omar"}, {"reviewers", "omar"},
        {"first_review_at", "2026-03-02T11:00:00.000000Z"}, {"merged_by", "omar"},
        {"approved_at", "2026-03-02T11:30:00.000000Z"}, {"is_draft", "false"},
        {"merge_sha", "3333333333333333333333333333333333333333"}}},
    {"PR1 RV1 RV2", "change", {
        {"approvers", ""}, {"reviewers", "omar"}, {"state", "open"}, {"commits", "3"},
        {"approved_at", "2026-03-02T11:30:00.000000Z"}}},
    {"PR1 PR6-in-the-second-of-its-merge PR2", "change", {
        {"state", "merged"}, {"merged_by", "omar"},
        {"merge_sha", "3333333333333333333333333333333333333333"}}},
    {"PR1 PR3", "change", {
        {"state", "closed"}, {"closed_at", "2026-03-02T13:00:00.000000Z"},
        {"merged_at", "null"}, {"merge_sha", "null"}}},
    {"PR1-draft-of-a-gone-fork PR6-ready-for-review IS7", "change", {
        {"ready_at", "2026-03-02T12:00:00.000000Z"}, {"author", "rosa"}, {"is_draft", "false"},
        {"title", "Round prices to whole cents"}}},
    {"DP1 DS7 DS6 DS5 DS1", "deployment", { /* all but the first in one second */
        {"state", "succeeded"}, {"pipeline_run_id", "4401"}, {"duration_s", "600"},
        {"queued_at", "2026-03-02T14:10:00.000000Z"}, {"is_production", "true"}}},
    {"DP1 DS5 DS1 DS8", "deployment", {
        {"state", "inactive"}, {"finished_at", "2026-03-02T14:10:00.000000Z"}}},
    {"DP1 DS5 DS3", "deployment", {{"state", "failed"}, {"finished_at", "null"}}},
    {"WR1 WR2 WR3", "pipeline_run", {
        {"outcome", "failure"}, {"queue_s", "60"}, {"duration_s", "540"}}},
    {"WR1 WR3", "pipeline_run", {
        {"started_at", "2026-03-02T10:40:00.000000Z"}, {"duration_s", "600"}}},
    {"WJ3-waiting WJ3 WJ1 WJ2", "task_run", {
        {"outcome", "cancel"}, {"queue_s", "55"}, {"duration_s", "480"}, {"runner", "runner-3"}}},
    {"IS1 IS3 IS3-pinned IS4 IS5 IS2", "ticket", {
        {"state", "closed"}, {"resolution", "withdrawn"}, {"type", "bug"},
        {"labels", "checkout Bug"}}},
    {"IS1 IS6", "ticket", {{"state", "open"}, {"deleted_at", "2026-03-01T09:30:00.000000Z"}}},
    {"RL3 RL1 RL3-edited", "release", {
        {"name", "Whole cents"}, {"is_draft", "false"}, {"deleted_at", "null"},
        {"author", "rosa"}}},
    {"RL1 RL2", "release", {
        {"deleted_at", "2026-04-01T00:00:00.000000Z"}, {"name", "Cents"}}},
    {"PU1 PU3-of-a-commit-known", "commit", { /* the push that brought it first */
        {"branch", "feature/cents"}, {"pushed_at", "2026-03-02T10:00:00.000000Z"}}},
    {"CR1-asked-for PU1-told-by-create PU2-told-by-create DE1-asked-for", "branch", {
        {"head_sha", "null"}, {"deleted_at", "2026-03-02T10:00:00.000000Z"},
        {"created_at", "2026-03-02T10:00:00.000000Z"}, {"is_default", "false"}}},
    {"CR1-asked-for PU1-told-by-create", "branch", {
        {"head_sha", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}, {"deleted_at", "null"}}},
    {"PR1 RC1-by-the-author RC1 IC1 RC2", "change", {
        {"first_comment_at", "2026-03-02T10:42:00.000000Z"}, {"author", "rosa"},
        {"first_review_at", "null"}}},
    {"CK2 CK1", "test_run", {
        {"outcome", "failure"}, {"duration_s", "180"}, {"failed", "1"}, {"kind", "case"},
        {"environment", "ci-linux"}}},
    {"ST1-pending ST1", "pipeline_run", {
        {"outcome", "failure"}, {"duration_s", "240"}, {"name", "ci/outside"}}},
    {"IN1 IN2 IN2-another-label IN3 IN4", "incident", {
        {"state", "open"}, {"resolved_at", "null"}, {"severity", "null"},
        {"reopened", "2026-03-02T17:00:00.000000Z"}, {"is_incident", "true"},
        {"detected_at", "2026-03-02T15:00:00.000000Z"}}},
    {"IN1 IN3", "incident", {
        {"state", "resolved"}, {"resolved_at", "2026-03-02T16:00:00.000000Z"}}},
    {"IN1 IN5", "incident", {{"state", "open"}, {"is_incident", "false"}}},
    {"IN1 IN5-transferred", "incident", {{"state", "open"}, {"is_incident", "false"}}},
    {"IN1 IN5-transferred", "ticket", {{"deleted_at", "2026-03-02T18:00:00.000000Z"}}},
    {"IN1 IN5-deleted", "incident", {{"state", "open"}, {"is_incident", "false"}}},
    {"PU1 PU2", "branch", { /* in one second */
        {"head_sha", "null"}, {"deleted_at", "2026-03-02T10:00:00.000000Z"},
        {"created_at", "2026-03-02T10:00:00.000000Z"}}},
};
/* clang-format on */

static size_t read_story(const struct story *story, struct told *told)
{
    size_t n = 0;
    for (struct str rest = str_of(story->deliveries); rest.len > 0;) {
        const struct str name = str_cut(rest, ' ', &rest);
        const struct recorded r = recorded_read(&arena, arena_cstr(&arena, name));
        assert_true(r.event.len > 0);
        told[n++] = tell(r.config, r.event, r.id, r.body);
    }
    return n;
}

static void each_story_ends_as_it_happened_whatever_the_order(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof stories / sizeof *stories; s++) {
        struct told told[16];
        const size_t n = read_story(stories + s, told);
        assert_story(&arena, stories + s, told, n, ROUNDS);
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(any_order_and_repetition_gives_the_same_rows, empty),
        cmocka_unit_test_setup(each_story_ends_as_it_happened_whatever_the_order, empty),
    };
    arena_init(&arena, (size_t)1 << 30);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
