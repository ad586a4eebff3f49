#include "signal/fact.h"

#include "test.h"

static const struct signal raw = {.agent = STR("github"),
                                  .source = STR("/agents/github"),
                                  .partitionkey = STR("acme/shop"),
                                  .time_us = TIME_NONE,
                                  .received_us = 1700000000123456};

static struct arena arena;

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct fact change(int64_t at_us, struct str title)
{
    struct fact fact = fact_begin(&arena, model_find(S("change")), at_us);
    fact_text(&fact, "repository", S("github.com/acme/shop"));
    fact_text(&fact, "id", S("7"));
    fact_text(&fact, "title", title);
    fact_group(&fact, "what", at_us, 3);
    return fact;
}

static struct signal ended(struct fact *fact, const struct signal *from, struct str raw_at)
{
    struct signal s;
    struct failure f;
    assert_int_equal(fact_end(fact, from, raw_at, &s, &f), OK);
    return s;
}

static struct row read_back(const struct signal *s)
{
    struct row row;
    struct failure f = {0};
    if (fact_read(&arena, s, &row, &f) != OK) {
        fail_msg("%s", f.text);
    }
    return row;
}

static const struct value *value_of(const struct row *row, const char *column)
{
    const size_t i = model_column(row->model, str_of(column));
    assert_true(i < row->model->columns_n);
    return row->value + i;
}

static void what_was_set_is_read_back(void **state)
{
    (void)state;
    struct str labels[] = {S("späť \"quoted\"\n"), S("a")};
    struct str reviewers[] = {S("zoe"), S("adam")};
    struct fact fact = change(1600000000000001, S("Mend \x01 it"));
    fact_int(&fact, "number", -7);
    fact_bool(&fact, "is_draft", false);
    fact_group(&fact, "full", 1600000000000000, 0);
    fact_time(&fact, "created_at", 1500000000000000);
    fact_time(&fact, "approved_at", TIME_NONE);
    fact_set(&fact, "labels", (struct value){.kind = VALUE_LIST, .list = {labels, 2}});
    fact_set(&fact, "reviewers", (struct value){.kind = VALUE_LIST, .list = {reviewers, 2}});
    fact_member(&fact, "verdicts", S("zoe"), 1600000000000000, S("approved"));
    fact_member(&fact, "verdicts", S("adam"), 1600000000000000, S("dismissed"));
    fact_member(&fact, "attributes_by", S("node_id"), 1600000000000000, S("\"PR_1\""));
    const struct signal s = ended(&fact, &raw, S("intake-0:4096"));
    assert_str(s.type, "weir.fact.change");
    assert_int_equal(s.time_us, 1600000000000001);
    assert_str(s.agent, "github");
    const struct row row = read_back(&s);
    assert_str(value_of(&row, "title")->text, "Mend \x01 it");
    assert_int_equal(value_of(&row, "number")->number, -7);
    assert_int_equal(value_of(&row, "is_draft")->kind, VALUE_BOOL);
    assert_int_equal(value_of(&row, "created_at")->number, 1500000000000000);
    assert_int_equal(value_of(&row, "approved_at")->kind, VALUE_NULL);
    assert_int_equal(value_of(&row, "revised_at")->number, 1600000000000001);
    assert_int_equal(value_of(&row, "received_at")->number, 1700000000123456);
    assert_str(value_of(&row, "raw")->text, "intake-0:4096");
    assert_str(value_of(&row, "labels")->list.at[0], "späť \"quoted\"\n");
    assert_str(value_of(&row, "reviewers")->list.at[0], "adam"); /* a set is sorted */
    assert_int_equal(value_of(&row, "verdicts")->list.n, 2);
    assert_int_equal(value_of(&row, "what_rank")->text.len, 34);
    assert_int_equal(value_of(&row, "milestone_rank")->kind, VALUE_NULL);
}

static void the_same_fact_has_the_same_id_whoever_tells_it(void **state)
{
    (void)state;
    struct signal later = raw;
    later.agent = S("github-api");
    later.received_us++;
    struct fact a = change(1600000000000000, S("x"));
    struct fact b = change(1600000000000000, S("x"));
    const struct signal first = ended(&a, &raw, S("intake-0:1"));
    const struct signal second = ended(&b, &later, S("collect:99"));
    assert_int_equal(first.id.len, 32);
    assert_true(str_eq(first.id, second.id));
    struct row row = read_back(&first);
    assert_true(str_eq(value_of(&row, "fact_id")->text, first.id));
}

static void another_time_or_value_or_model_is_another_fact(void **state)
{
    (void)state;
    struct fact a = change(1600000000000000, S("x"));
    struct fact b = change(1600000000000001, S("x"));
    struct fact c = change(1600000000000000, S("y"));
    const struct signal one = ended(&a, &raw, S("l:1"));
    const struct signal two = ended(&b, &raw, S("l:1"));
    const struct signal three = ended(&c, &raw, S("l:1"));
    assert_false(str_eq(one.id, two.id));
    assert_false(str_eq(one.id, three.id));
}

/* A title that changes must not decide who wins a tie between the states of another group. */
static void a_rank_is_made_of_its_own_groups_values(void **state)
{
    (void)state;
    struct fact a = change(1600000000000000, S("x"));
    struct fact b = change(1600000000000000, S("y"));
    struct fact *const both[] = {&a, &b};
    for (size_t i = 0; i < 2; i++) {
        fact_int(both[i], "commits", 3);
        fact_group(both[i], "full", 1600000000000000, 0);
    }
    const struct signal one = ended(&a, &raw, S("l:1"));
    const struct signal two = ended(&b, &raw, S("l:1"));
    const struct row x = read_back(&one);
    const struct row y = read_back(&two);
    assert_true(str_eq(value_of(&x, "full_rank")->text, value_of(&y, "full_rank")->text));
    assert_false(str_eq(value_of(&x, "what_rank")->text, value_of(&y, "what_rank")->text));
}

static void a_fact_without_its_key_is_rejected_by_name(void **state)
{
    (void)state;
    struct signal s;
    struct failure f = {0};
    struct fact fact = fact_begin(&arena, model_find(S("change")), 0);
    fact_text(&fact, "repository", S("github.com/acme/shop"));
    fact_text(&fact, "id", S(""));
    assert_int_equal(fact_end(&fact, &raw, S("l:1"), &s, &f), REJECT);
    assert_non_null(strstr(f.text, "key id"));
}

static void a_newer_weirs_members_and_models_are_passed_over(void **state)
{
    (void)state;
    struct row row;
    struct failure f;
    struct signal s = {.type = S("weir.fact.branch"),
                       .data = S("{\"novelty\":[1],\"name\":\"main\",\"repository\":\"r\"}")};
    assert_int_equal(fact_read(&arena, &s, &row, &f), OK);
    assert_str(value_of(&row, "name")->text, "main");
    s.type = S("weir.fact.novelty");
    assert_null(fact_model(&s));
    s.type = S("dev.cdevents.change.created.0.4.0");
    assert_null(fact_model(&s));
}

static void what_is_no_fact_is_rejected_with_its_field(void **state)
{
    (void)state;
    static const struct {
        const char *data, *pointer;
    } bad[] = {
        {"{", ""},
        {"[]", ""},
        {"{\"name\":\"main\"}", ""},
        {"{\"name\":1,\"repository\":\"r\"}", "/name"},
        {"{\"name\":\"main\",\"repository\":\"r\",\"is_default\":\"yes\"}", "/is_default"},
        {"{\"name\":\"main\",\"repository\":\"r\",\"created_at\":\"soon\"}", "/created_at"},
        {"{\"name\":\"main\",\"repository\":\"r\",\"head_rank\":\"short\"}", "/head_rank"},
        {"{\"name\":\"main\",\"repository\":\"r\",\"attributes_by\":[\"x\"]}", "/attributes_by"},
        {"{\"name\":\"main\",\"repository\":\"r\",\"attributes_by\":{}}", "/attributes_by"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct row row;
        struct failure f = {0};
        const struct signal s = {.type = S("weir.fact.branch"), .data = str_of(bad[i].data)};
        assert_int_equal(fact_read(&arena, &s, &row, &f), REJECT);
        assert_string_equal(f.pointer, bad[i].pointer);
    }
}

static void a_separator_in_a_members_name_cannot_split_the_entry_elsewhere(void **state)
{
    (void)state;
    struct fact fact = change(1, S("x"));
    fact_member(&fact, "verdicts",
                S("a\x1f"
                  "b"),
                1, S("approved"));
    const struct signal s = ended(&fact, &raw, S("l:1"));
    const struct row row = read_back(&s);
    const struct str entry = value_of(&row, "verdicts")->list.at[0];
    assert_true(str_ends(entry, S("\x1f"
                                  "a\xEF\xBF\xBD"
                                  "b\x1f"
                                  "approved")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_set_is_read_back, empty),
        cmocka_unit_test_setup(the_same_fact_has_the_same_id_whoever_tells_it, empty),
        cmocka_unit_test_setup(another_time_or_value_or_model_is_another_fact, empty),
        cmocka_unit_test_setup(a_rank_is_made_of_its_own_groups_values, empty),
        cmocka_unit_test_setup(a_fact_without_its_key_is_rejected_by_name, empty),
        cmocka_unit_test_setup(a_newer_weirs_members_and_models_are_passed_over, empty),
        cmocka_unit_test_setup(what_is_no_fact_is_rejected_with_its_field, empty),
        cmocka_unit_test_setup(a_separator_in_a_members_name_cannot_split_the_entry_elsewhere,
                               empty),
    };
    arena_init(&arena, 64 * 1024 * 1024);
    const int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
