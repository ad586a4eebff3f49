#include "collector/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ARENA_BYTES = 1 << 20 };

static struct cell cell(const char *column, enum cell_kind kind, const char *text)
{
    return (struct cell){str_of(column), kind, str_of(text)};
}

static void a_row_is_a_number_and_tags(void **state)
{
    struct arena a;
    struct metric m;
    struct failure why;
    struct collector_tag fixed[] = {{STR("env"), STR("prod")}};
    const struct collector c = {.id = S("c"), .metric_name = S("n"), .tag = fixed, .tags_n = 1};
    const struct cell row[] = {cell("key1", CELL_TEXT, "value1"), cell("value", CELL_NUMBER, "2"),
                               cell("env", CELL_TEXT, "row"),     cell("gone", CELL_NULL, ""),
                               cell("error", CELL_BOOL, "false"), cell("empty", CELL_TEXT, "")};
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(row_metric(&a, &c, row, 6, &m, &why), ROW_METRIC);
    assert_true(m.value == 2);
    assert_int_equal(m.tags_n, 4);
    static const char *const want[] = {"empty", "",      "env",  "prod",
                                       "error", "false", "key1", "value1"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_eq(m.tag[i].key, str_of(want[2 * i])));
        assert_true(str_eq(m.tag[i].value, str_of(want[2 * i + 1])));
    }
    arena_close(&a);
}

static void a_column_without_a_name_is_a_tag_and_bytes_that_are_no_text_are_replaced(void **state)
{
    struct arena a;
    struct metric m;
    struct failure why;
    const struct collector c = {.id = S("c"), .metric_name = S("n")};
    const struct cell row[] = {cell("value", CELL_NUMBER, "2"), cell("", CELL_TEXT, "here"),
                               cell("name", CELL_TEXT, "\xF0\x9F\x98\x80\xC3 caf\xE9")};
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(row_metric(&a, &c, row, 3, &m, &why), ROW_METRIC);
    assert_int_equal(m.tags_n, 2);
    assert_true(str_eq(m.tag[0].key, S("")) && str_eq(m.tag[0].value, S("here")));
    assert_true(str_eq(m.tag[1].value, S("\xF0\x9F\x98\x80\xEF\xBF\xBD caf\xEF\xBF\xBD")));
    arena_close(&a);
}

static void a_value_that_is_no_number_sets_the_row_aside(void **state)
{
    static const struct {
        struct cell value;
        enum row_is is;
        const char *why;
    } cases[] = {
        {{STR("value"), CELL_TEXT, STR("x")}, ROW_ASIDE, "unable to parse string to float: \"x\""},
        {{STR("value"), CELL_TEXT, STR("")}, ROW_ASIDE, "unable to parse string to float: \"\""},
        {{STR("value"), CELL_BOOL, STR("true")},
         ROW_ASIDE,
         "unable to parse string to float: \"true\""},
        {{STR("value"), CELL_NUMBER, STR("NaN")},
         ROW_ASIDE,
         "value is NaN, which JSON cannot hold"},
        {{STR("value"), CELL_NUMBER, STR("-inf")},
         ROW_ASIDE,
         "value is -inf, which JSON cannot hold"},
        {{STR("value"), CELL_NULL, STR("")}, ROW_EMPTY, NULL},
        {{STR("Value"), CELL_NUMBER, STR("1")}, ROW_ASIDE, "each row must contain a \"value\" key"},
    };
    const struct collector c = {.id = S("c")};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct metric m;
        struct failure why = {0};
        arena_init(&a, ARENA_BYTES);
        assert_int_equal(row_metric(&a, &c, &cases[i].value, 1, &m, &why), cases[i].is);
        if (cases[i].why) {
            assert_string_equal(why.text, cases[i].why);
        }
        arena_close(&a);
    }
}

static void numbers_are_what_go_reads(void **state)
{
    static const struct {
        const char *text;
        double number;
    } yes[] = {{"1e3", 1000},
               {".5", 0.5},
               {"+3", 3},
               {"1_000", 1000},
               {"0x1p-2", 0.25},
               {"-0.10", -.1},
               {"5.", 5},
               {"0x_1.8p1", 3},
               {"1E+2", 100},
               {"0", 0},
               {"9007199254740993", 9007199254740992.0}};
    static const char *const no[] = {" 1",   "1 ",  "1,5", "",      "1__0", "_1",     "1_",
                                     "1_.5", "0x1", "e3",  "1e",    "--1",  "nan(1)", "+nan",
                                     "0x",   ".",   "1\n", "infin", "1e5_", "0b1"};
    double number = 0;
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        assert_true(row_number(str_of(yes[i].text), &number));
        assert_true(number == yes[i].number);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        if (row_number(str_of(no[i]), &number)) {
            fail_msg("\"%s\" is taken for %g", no[i], number);
        }
    }
}

static void the_greater_one_is_found_among_numbers_and_texts(void **state)
{
    (void)state;
    assert_true(str_eq(row_greater(S("9"), S("10")), S("10")));
    assert_true(str_eq(row_greater(S("10"), S("9")), S("10")));
    assert_true(str_eq(row_greater(S(""), S("-5")), S("-5")));
    assert_true(str_eq(row_greater(S("2024-01-02"), S("2024-01-10")), S("2024-01-10")));
    assert_true(
        str_eq(row_greater(S("9007199254740993"), S("9007199254740992")), S("9007199254740993")));
}

static void the_later_one_is_found_among_times(void **state)
{
    static const struct {
        const char *earlier, *later;
    } cases[] = {{"2024-01-01T12:00:00Z", "2024-01-01T12:00:00.51Z"},
                 {"2024-01-01T12:00:00.5Z", "2024-01-01T12:00:00.51Z"},
                 {"2024-01-01T12:00:00.0000001Z", "2024-01-01T12:00:00.00000012Z"},
                 {"2024-01-01T12:00:00+02:00", "2024-01-01T11:00:00Z"},
                 {"2024-01-01 12:00:00", "2024-01-01 12:00:00.5"},
                 {"2024-01-01", "2024-01-01T00:00:01Z"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str earlier = str_of(cases[i].earlier), later = str_of(cases[i].later);
        if (!str_eq(row_greater(earlier, later), later) ||
            !str_eq(row_greater(later, earlier), later)) {
            fail_msg("%s is taken for later than %s", cases[i].earlier, cases[i].later);
        }
    }
}

static void a_column_that_grows_is_no_tag(void **state)
{
    struct arena a;
    struct metric m;
    struct failure why;
    const struct collector c = {.id = S("c"), .column = S("id")};
    const struct cell row[] = {cell("id", CELL_NUMBER, "7"), cell("value", CELL_NUMBER, "2")};
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(row_metric(&a, &c, row, 2, &m, &why), ROW_METRIC);
    assert_int_equal(m.tags_n, 0);
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_row_is_a_number_and_tags),
        cmocka_unit_test(a_column_without_a_name_is_a_tag_and_bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(a_value_that_is_no_number_sets_the_row_aside),
        cmocka_unit_test(numbers_are_what_go_reads),
        cmocka_unit_test(the_greater_one_is_found_among_numbers_and_texts),
        cmocka_unit_test(the_later_one_is_found_among_times),
        cmocka_unit_test(a_column_that_grows_is_no_tag),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
