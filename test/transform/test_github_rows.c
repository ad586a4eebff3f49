/* Deliveries told in any order, each any number of times, fold to the same rows; and to the right
 * ones, also where GitHub's whole seconds put several states at one time. */
#include <stdlib.h>

#include "signal/fold.h"
#include "test.h"
#include "transform/deliveries.h"

enum { ROUNDS = 60, ROWS_MAX = 4096 };

static struct arena arena;

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

/* ---- facts, and rows folded from them ---- */

/* The facts of one delivery. */
struct told {
    struct row *fact;
    size_t n;
};

static struct told tell(const struct config *config, struct str event, struct str id,
                        struct str body)
{
    const struct transform_out out = deliver(&arena, config, event, id, body);
    struct told told = {.fact = arena_array(&arena, struct row, out.facts_n)};
    for (size_t i = 0; i < out.facts_n; i++) {
        struct failure f = {0};
        if (fact_read(&arena, out.fact + i, &told.fact[told.n++], &f) != OK) {
            fail_msg("%s", f.text);
        }
    }
    return told;
}

struct table {
    struct row row[ROWS_MAX];
    struct str key[ROWS_MAX];
    size_t n;
};

static struct row *row_of(struct table *t, const struct row *fact)
{
    const struct str key = row_key(&arena, fact);
    for (size_t i = 0; i < t->n; i++) {
        if (t->row[i].model == fact->model && str_eq(t->key[i], key)) {
            return t->row + i;
        }
    }
    assert_true(t->n < ROWS_MAX);
    t->key[t->n] = key;
    t->row[t->n] = row_new(&arena, fact->model);
    return t->row + t->n++;
}

static void fold(struct table *t, const struct told *told)
{
    for (size_t i = 0; i < told->n; i++) {
        fold_into(&arena, row_of(t, told->fact + i), told->fact + i);
    }
}

static void finish(struct table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        fold_finish(&arena, t->row + i);
    }
}

/* ---- chance, from a seed ---- */

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* Any order, each delivery one to three times. */
static void fold_shuffled(struct table *t, const struct told *told, size_t n, uint64_t seed)
{
    size_t *const order = arena_array(&arena, size_t, 3 * n);
    size_t orders = 0;
    for (size_t i = 0; i < n; i++) {
        for (uint64_t times = 1 + next(&seed) % 3; times > 0; times--) {
            order[orders++] = i;
        }
    }
    for (size_t i = orders; i > 1; i--) {
        const size_t k = next(&seed) % i;
        const size_t swapped = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swapped;
    }
    t->n = 0;
    for (size_t i = 0; i < orders; i++) {
        fold(t, told + order[i]);
    }
    finish(t);
}

static struct table *table_new(void)
{
    return arena_new(&arena, struct table);
}

static void assert_same(struct table *want, struct table *is, uint64_t seed)
{
    assert_int_equal(want->n, is->n);
    for (size_t i = 0; i < is->n; i++) {
        const struct row *const row = row_of(want, is->row + i);
        if (!row_eq(row, is->row + i)) {
            fail_msg("a row of %s depends on the order: seed %llu", row->model->name,
                     (unsigned long long)seed);
        }
    }
}

static void any_order_and_repetition_gives_the_same_rows(void **state)
{
    (void)state;
    const struct str_list names = names_in(&arena, "test/golden/github");
    const struct examples examples = examples_read(&arena);
    struct told *const told = arena_array(&arena, struct told, names.n + examples.n);
    struct table *const want = table_new();
    struct table *const is = table_new();
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++) {
        const struct recorded r = recorded_read(&arena, names.at[i].at);
        told[n++] = tell(r.config, r.event, r.id, r.body);
    }
    for (size_t i = 0; i < examples.n; i++) {
        const struct example *const e = examples.at + i;
        told[n++] = tell(NULL, e->event, arena_printf(&arena, "guid-%zu", i), e->body);
    }
    for (size_t i = 0; i < n; i++) {
        fold(want, told + i);
    }
    finish(want);
    assert_true(want->n > 60);
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        fold_shuffled(is, told, n, seed);
        assert_same(want, is, seed);
    }
}

/* ---- stories: what must come out ---- */

/* A column's value as JSON has it; "null" for none. */
static struct str shown(const struct row *row, const char *column)
{
    const size_t i = model_column(row->model, str_of(column));
    assert_true(i < row->model->columns_n);
    const struct value *const v = row->value + i;
    char time[CLOCK_TEXT_BYTES];
    struct buf b;
    switch (v->kind) {
    case VALUE_TEXT:
    case VALUE_JSON: return v->text;
    case VALUE_INT: return arena_printf(&arena, "%lld", (long long)v->number);
    case VALUE_REAL: return arena_printf(&arena, "%g", v->real);
    case VALUE_BOOL: return v->is ? S("true") : S("false");
    case VALUE_TIME: return arena_printf(&arena, "%.*s", (int)clock_text(v->number, time), time);
    case VALUE_LIST:
        buf_init(&b, &arena, SIZE_MAX);
        for (size_t k = 0; k < v->list.n; k++) {
            buf_add(&b, k ? S(" ") : S(""));
            buf_add(&b, v->list.at[k]);
        }
        return buf_str(&b);
    case VALUE_NULL: break;
    }
    return S("null");
}

struct story {
    const char *deliveries; /* names of recorded ones */
    const char *model;
    struct {
        const char *column, *value;
    } want[8];
};

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

static void check_story(const struct story *story, const struct table *t, uint64_t seed)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->row[i].model->name, story->model) != 0) {
            continue;
        }
        for (size_t w = 0; w < 8 && story->want[w].column; w++) {
            const struct str is = shown(t->row + i, story->want[w].column);
            if (!str_eq(is, str_of(story->want[w].value))) {
                fail_msg("%s: %s is %.*s, not %s: seed %llu", story->deliveries,
                         story->want[w].column, STR_ARG(is), story->want[w].value,
                         (unsigned long long)seed);
            }
        }
        return;
    }
    fail_msg("%s: no row of %s", story->deliveries, story->model);
}

static void each_story_ends_as_it_happened_whatever_the_order(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof stories / sizeof *stories; s++) {
        struct told told[16];
        const size_t n = read_story(stories + s, told);
        struct table *const t = table_new();
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
            fold_shuffled(t, told, n, seed);
            check_story(stories + s, t, seed);
        }
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
