#include "signal/fold.h"

#include "signal/facts.h"
#include "test.h"

enum { ROUNDS = 300, FACTS_MAX = 12 };

static struct arena arena;

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct row read_fact(const struct signal *s)
{
    struct row row;
    struct failure f = {0};
    if (fact_read(&arena, s, &row, &f) != OK) {
        fail_msg("%s: %.*s", f.text, STR_ARG(s->data));
    }
    return row;
}

static bool value_eq(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    bool is_eq = true;
    switch (a->kind) {
    case VALUE_NULL: return true;
    case VALUE_TEXT:
    case VALUE_JSON: return str_eq(a->text, b->text);
    case VALUE_INT:
    case VALUE_TIME: return a->number == b->number;
    case VALUE_REAL: return a->real == b->real;
    case VALUE_BOOL: return a->is == b->is;
    case VALUE_LIST:
        is_eq = a->list.n == b->list.n;
        for (size_t i = 0; is_eq && i < a->list.n; i++) {
            is_eq = str_eq(a->list.at[i], b->list.at[i]);
        }
        return is_eq;
    }
    return false;
}

/* Every column, those that follow arrival too: the receptions are the same ones. */
static void assert_rows_eq(const struct row *a, const struct row *b, uint64_t seed)
{
    for (size_t i = 0; i < a->model->columns_n; i++) {
        if (!value_eq(a->value + i, b->value + i)) {
            fail_msg("%s.%s differs, seed %llu", a->model->name, a->model->columns[i].name,
                     (unsigned long long)seed);
        }
    }
    assert_true(row_eq(a, b));
}

/* Fold facts [0, n) in a random tree; each may come again. */
static struct row fold_tree(struct dice *d, const struct row *fact, size_t n)
{
    struct row row = row_new(&arena, fact->model);
    if (n == 1) {
        fold_into(&arena, &row, fact);
        return row;
    }
    const size_t left = 1 + roll(d, (unsigned)n - 1);
    const struct row x = fold_tree(d, fact, left);
    const struct row y = fold_tree(d, fact + left, n - left);
    fold_into(&arena, &row, &x);
    fold_into(&arena, &row, &y);
    if (roll(d, 3) == 0) {
        fold_finish(&arena, &row); /* as a store does between batches */
    }
    if (roll(d, 3) == 0) {
        fold_into(&arena, &row, fact + roll(d, (unsigned)n));
    }
    return row;
}

static void shuffle(struct dice *d, struct row *fact, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t k = roll(d, (unsigned)i);
        const struct row kept = fact[i - 1];
        fact[i - 1] = fact[k];
        fact[k] = kept;
    }
}

static void facts_fold_to_one_row_in_any_order_repetition_and_grouping(void **state)
{
    (void)state;
    for (size_t m = 0; m < model_all_n; m++) {
        for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
            arena_reset(&arena);
            struct dice d = {seed * 1000 + m};
            struct row fact[FACTS_MAX];
            const size_t n = 1 + roll(&d, FACTS_MAX);
            for (size_t i = 0; i < n; i++) {
                const struct signal s = fact_random(&d, &arena, model_all[m], 1);
                fact[i] = read_fact(&s);
            }
            struct row one = row_new(&arena, model_all[m]);
            for (size_t i = 0; i < n; i++) {
                fold_into(&arena, &one, fact + i);
            }
            fold_finish(&arena, &one);
            for (int i = 0; i < 4; i++) {
                shuffle(&d, fact, n);
                struct row other = fold_tree(&d, fact, n);
                fold_finish(&arena, &other);
                assert_rows_eq(&one, &other, seed);
            }
        }
    }
}

static int cmp(const struct value *a, const struct value *b)
{
    return a->kind == VALUE_TEXT || a->kind == VALUE_JSON
               ? str_cmp(a->text, b->text)
               : (a->number > b->number) - (a->number < b->number);
}

/* What each rule says, column by column, from its definition in model.h and nothing else. */
static struct value said(const struct row *fact, size_t n, size_t column)
{
    const struct column *const c = fact->model->columns + column;
    size_t rank = 0;
    while (c->rule == FOLD_LATEST && (fact->model->columns[rank].rule != FOLD_RANK ||
                                      strcmp(fact->model->columns[rank].a, c->a) != 0)) {
        rank++;
    }
    struct value best = {.kind = VALUE_NULL};
    struct str best_rank = S("");
    for (size_t i = 0; i < n; i++) {
        const struct value *const v = fact[i].value + column;
        const struct value *const r = fact[i].value + rank;
        const bool is_first = best.kind == VALUE_NULL && v->kind != VALUE_NULL;
        const bool is_both = best.kind != VALUE_NULL && v->kind != VALUE_NULL;
        if (c->rule == FOLD_LATEST && r->kind == VALUE_TEXT && str_cmp(r->text, best_rank) > 0) {
            best_rank = r->text;
            best = *v;
        } else if (c->rule == FOLD_EARLIEST && (is_first || (is_both && cmp(v, &best) < 0))) {
            best = *v;
        } else if (c->rule == FOLD_GREATEST && (is_first || (is_both && cmp(v, &best) > 0))) {
            best = *v;
        }
    }
    return best;
}

static void a_row_is_what_the_rules_say(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        arena_reset(&arena);
        struct dice d = {seed};
        const struct model *const m = model_all[seed % model_all_n];
        struct row fact[FACTS_MAX];
        struct row row = row_new(&arena, m);
        for (size_t i = 0; i < FACTS_MAX; i++) {
            const struct signal s = fact_random(&d, &arena, m, 1);
            fact[i] = read_fact(&s);
            fold_into(&arena, &row, fact + i);
        }
        for (size_t i = 0; i < m->columns_n; i++) {
            const enum fold_rule rule = m->columns[i].rule;
            if (rule == FOLD_LATEST || rule == FOLD_EARLIEST || rule == FOLD_GREATEST) {
                const struct value want = said(fact, FACTS_MAX, i);
                assert_true(value_eq(&want, row.value + i));
            }
        }
    }
}

/* ---- one example a rule ---- */

static const struct signal raw = {.agent = STR("github"), .time_us = TIME_NONE, .received_us = 5};

static struct fact change(int64_t at_us)
{
    struct fact fact = fact_begin(&arena, model_find(S("change")), at_us);
    fact_text(&fact, "repository", S("r"));
    fact_text(&fact, "id", S("7"));
    return fact;
}

static void fold_fact(struct row *row, struct fact *fact, struct str raw_at)
{
    struct signal s;
    struct failure f;
    assert_int_equal(fact_end(fact, &raw, raw_at, &s, &f), OK);
    const struct row partial = read_fact(&s);
    fold_into(&arena, row, &partial);
    fold_finish(&arena, row);
}

static const struct value *value_of(const struct row *row, const char *column)
{
    return row->value + model_column(row->model, str_of(column));
}

static void reopening_clears_what_closing_set(void **state)
{
    (void)state;
    struct row row = row_new(&arena, model_find(S("change")));
    struct fact reopened = change(200);
    fact_group(&reopened, "state", 200, 0);
    fact_text(&reopened, "state", S("open"));
    struct fact closed = change(100);
    fact_group(&closed, "state", 100, 1);
    fact_text(&closed, "state", S("closed"));
    fact_time(&closed, "closed_at", 100);
    fold_fact(&row, &reopened, S("l:2"));
    fold_fact(&row, &closed, S("l:1"));
    assert_str(value_of(&row, "state")->text, "open");
    assert_int_equal(value_of(&row, "closed_at")->kind, VALUE_NULL);
    assert_int_equal(value_of(&row, "revised_at")->number, 200);
    assert_str(value_of(&row, "raw")->text, "l:1"); /* equal receipt: the lesser position */
}

/* GitLab tells the author of a merge request by name only when the author acts. */
static void who_opened_a_change_stays_known_when_others_act_on_it(void **state)
{
    (void)state;
    struct row row = row_new(&arena, model_find(S("change")));
    struct fact opened = change(100);
    fact_group(&opened, "what", 100, 0);
    fact_text(&opened, "author", S("ada"));
    fact_text(&opened, "title", S("old"));
    struct fact edited = change(200);
    fact_group(&edited, "what", 200, 0);
    fact_text(&edited, "title", S("new"));
    fold_fact(&row, &opened, S("l:1"));
    fold_fact(&row, &edited, S("l:2"));
    assert_str(value_of(&row, "title")->text, "new");
    assert_str(value_of(&row, "author")->text, "ada");
}

static void the_states_ordinal_decides_within_one_second(void **state)
{
    (void)state;
    struct row row = row_new(&arena, model_find(S("deployment")));
    static const struct str states[] = {STR("succeeded"), STR("running")};
    for (unsigned i = 0; i < 2; i++) {
        struct fact fact = fact_begin(&arena, row.model, 100);
        fact_text(&fact, "source", S("s"));
        fact_text(&fact, "id", S("1"));
        fact_group(&fact, "state", 100, i ? 1 : 2);
        fact_text(&fact, "state", states[i]);
        fold_fact(&row, &fact, S("l:1"));
    }
    assert_str(value_of(&row, "state")->text, "succeeded");
}

static void a_dismissed_verdict_takes_the_approval_back(void **state)
{
    (void)state;
    struct row row = row_new(&arena, model_find(S("change")));
    struct fact fact = change(100);
    fact_member(&fact, "verdicts", S("zoe"), 100, S("approved"));
    fact_member(&fact, "verdicts", S("adam"), 100, S("approved"));
    fact_member(&fact, "verdicts", S("zoe"), 300, S("dismissed"));
    fold_fact(&row, &fact, S("l:1"));
    struct fact older = change(200);
    fact_member(&older, "verdicts", S("zoe"), 200, S("approved"));
    fold_fact(&row, &older, S("l:1"));
    assert_int_equal(value_of(&row, "verdicts")->list.n, 2);
    assert_int_equal(value_of(&row, "approvers")->list.n, 1);
    assert_str(value_of(&row, "approvers")->list.at[0], "adam");
}

static void attributes_become_one_object(void **state)
{
    (void)state;
    struct row row = row_new(&arena, model_find(S("change")));
    struct fact fact = change(100);
    fact_member(&fact, "attributes_by", S("z\""), 100, S("{\"a\":1}"));
    fold_fact(&row, &fact, S("l:1"));
    struct fact other = change(100);
    fact_member(&other, "attributes_by", S("a"), 100, S("true"));
    fold_fact(&row, &other, S("l:1"));
    assert_str(value_of(&row, "attributes")->text, "{\"a\":true,\"z\\\"\":{\"a\":1}}");
    assert_int_equal(value_of(&row, "approvers")->kind, VALUE_NULL);
}

static void a_span_needs_both_ends_in_order(void **state)
{
    (void)state;
    struct row row = row_new(&arena, model_find(S("pipeline_run")));
    struct value *const from = row.value + model_column(row.model, S("started_at"));
    struct value *const to = row.value + model_column(row.model, S("finished_at"));
    *from = (struct value){.kind = VALUE_TIME, .number = 1000000};
    fold_finish(&arena, &row);
    assert_int_equal(value_of(&row, "duration_s")->kind, VALUE_NULL);
    *to = (struct value){.kind = VALUE_TIME, .number = 3500000};
    fold_finish(&arena, &row);
    assert_true(value_of(&row, "duration_s")->real == 2.5);
    to->number = 999999;
    fold_finish(&arena, &row);
    assert_int_equal(value_of(&row, "duration_s")->kind, VALUE_NULL);
}

static void keys_are_equal_only_column_by_column(void **state)
{
    (void)state;
    struct row a = row_new(&arena, model_find(S("change")));
    struct row b = row_new(&arena, model_find(S("change")));
    a.value[0] = (struct value){.kind = VALUE_TEXT, .text = S("x")};
    a.value[1] = (struct value){.kind = VALUE_TEXT, .text = S("yz")};
    b.value[0] = (struct value){.kind = VALUE_TEXT, .text = S("xy")};
    b.value[1] = (struct value){.kind = VALUE_TEXT, .text = S("z")};
    assert_false(str_eq(row_key(&arena, &a), row_key(&arena, &b)));
    assert_true(row_key_cmp(&a, &b) < 0);
    b = a;
    assert_true(str_eq(row_key(&arena, &a), row_key(&arena, &b)));
    assert_int_equal(row_key_cmp(&a, &b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(facts_fold_to_one_row_in_any_order_repetition_and_grouping, empty),
        cmocka_unit_test_setup(a_row_is_what_the_rules_say, empty),
        cmocka_unit_test_setup(reopening_clears_what_closing_set, empty),
        cmocka_unit_test_setup(who_opened_a_change_stays_known_when_others_act_on_it, empty),
        cmocka_unit_test_setup(the_states_ordinal_decides_within_one_second, empty),
        cmocka_unit_test_setup(a_dismissed_verdict_takes_the_approval_back, empty),
        cmocka_unit_test_setup(attributes_become_one_object, empty),
        cmocka_unit_test_setup(a_span_needs_both_ends_in_order, empty),
        cmocka_unit_test_setup(keys_are_equal_only_column_by_column, empty),
    };
    arena_init(&arena, 64 * 1024 * 1024);
    const int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
