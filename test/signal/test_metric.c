#include "signal/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test.h"
#include "transform/transform.h"

enum { ARENA_BYTES = 4 << 20, AT = 1700000000 };

static struct metric_tag tags[] = {{STR("env"), STR("prod")}, {STR("customer"), STR("google")}};

static struct metric sample(void)
{
    return (struct metric){.collector = S("users"),
                           .name = S("core.users.total"),
                           .type = S("COUNT"),
                           .value = 3,
                           .tag = tags,
                           .tags_n = 2,
                           .window_start_us = (int64_t)AT * 1000000,
                           .window_end_us = (int64_t)(AT + 60) * 1000000,
                           .scheduled_us = TIME_NONE,
                           .at_us = (int64_t)(AT + 61) * 1000000 + 5};
}

static struct str key_of(struct arena *a, struct metric m)
{
    struct metric_tag copy[4];
    memcpy(copy, m.tag, m.tags_n * sizeof *copy);
    m.tag = copy;
    metric_sort_tags(&m);
    return metric_key(a, &m);
}

static void the_key_is_of_collector_name_tags_and_window_alone(void **state)
{
    struct arena a;
    struct metric_tag turned[] = {tags[1], tags[0]},
                      other[] = {tags[0], {STR("customer"), STR("amazon")}};
    struct metric_tag joined[] = {{STR("env"), STR("prod8:customer")}, {STR(""), STR("google")}};
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct str key = key_of(&a, sample());
    struct metric m = sample();
    m.value = 4;
    m.at_us++;
    m.tag = turned;
    assert_true(str_eq(key, key_of(&a, m)));
    m = sample();
    m.collector = S("x");
    assert_false(str_eq(key, key_of(&a, m)));
    m = sample();
    m.window_start_us++;
    assert_false(str_eq(key, key_of(&a, m)));
    m = sample();
    m.window_end_us++; /* a day and its first hour are two */
    assert_false(str_eq(key, key_of(&a, m)));
    m = sample();
    m.name = S("core.users");
    assert_false(str_eq(key, key_of(&a, m)));
    m = sample();
    m.tag = other;
    assert_false(str_eq(key, key_of(&a, m)));
    m = sample();
    m.tag = joined;
    assert_false(str_eq(key, key_of(&a, m)));
    m = sample();
    m.scheduled_us = m.window_start_us;
    m.window_start_us = TIME_NONE;
    assert_false(str_eq(key, key_of(&a, m)));
    arena_close(&a);
}

static void of_two_tags_of_one_name_the_last_counts(void **state)
{
    struct metric_tag twice[] = {{STR("b"), STR("1")}, {STR("a"), STR("2")}, {STR("b"), STR("3")}};
    struct metric m = {.tag = twice, .tags_n = 3};
    (void)state;
    metric_sort_tags(&m);
    assert_int_equal(m.tags_n, 2);
    assert_true(str_eq(m.tag[0].key, S("a")) && str_eq(m.tag[1].value, S("3")));
}

static void the_uuid_is_the_key_in_the_form_of_version_8(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct str uuid = metric_uuid(&a, S("0123456789abcdef0123456789abcdef"));
    assert_true(str_eq(uuid, S("01234567-89ab-8def-8123-456789abcdef")));
    arena_close(&a);
}

static void what_is_written_is_read_and_becomes_a_fact_that_says_the_same(void **state)
{
    struct arena a;
    struct buf b;
    struct metric back;
    struct failure f = {0};
    struct signal raw;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    buf_init(&b, &a, ARENA_BYTES / 2);
    struct metric m = sample();
    m.value = 0.1;
    metric_sort_tags(&m);
    metric_write(&b, &m);
    assert_int_equal(metric_read(&a, buf_str(&b), &back, &f), OK);
    assert_true(str_eq(metric_key(&a, &m), metric_key(&a, &back)));
    metric_signal(&a, &back, buf_str(&b), &raw);
    assert_true(str_eq(raw.source, S("/collectors/users")));
    struct transform_out out = {.arena = &a};
    transform_metric(&(struct transform_in){.raw = &raw, .raw_at = S("collect:1"), .arena = &a},
                     &out);
    assert_int_equal(out.fate, FATE_STORED);
    assert_int_equal(out.facts_n, 1);
    assert_int_equal(metric_of_fact(&a, out.fact, &back, &f), OK);
    assert_true(str_eq(metric_key(&a, &m), metric_key(&a, &back)));
    assert_true(back.value == 0.1 && back.at_us == m.at_us &&
                back.window_end_us == m.window_end_us);
    assert_true(str_eq(back.type, S("COUNT")) && str_eq(back.collector, S("users")));
    assert_int_equal(back.tags_n, 2);
    arena_close(&a);
}

static void two_ticks_have_two_keys_also_out_of_their_facts(void **state)
{
    struct arena a;
    struct failure f = {0};
    struct str key[2];
    (void)state;
    arena_init(&a, ARENA_BYTES);
    for (int i = 0; i < 2; i++) {
        struct buf b;
        struct metric back;
        struct metric m = sample();
        m.window_start_us = m.window_end_us = TIME_NONE;
        m.scheduled_us = 1700000000000000 + i;
        metric_sort_tags(&m);
        buf_init(&b, &a, ARENA_BYTES / 4);
        metric_write(&b, &m);
        const struct signal raw = {.data = buf_str(&b)};
        struct transform_out out = {.arena = &a};
        transform_metric(&(struct transform_in){.raw = &raw, .raw_at = S("collect:1"), .arena = &a},
                         &out);
        assert_int_equal(metric_of_fact(&a, out.fact, &back, &f), OK);
        key[i] = metric_key(&a, &back);
        assert_true(str_eq(key[i], metric_key(&a, &m)));
        assert_int_equal(back.scheduled_us, m.scheduled_us);
    }
    assert_false(str_eq(key[0], key[1]));
    arena_close(&a);
}

/* As the raw line has it: what is not written there is not known. */
static struct metric read_back(struct arena *a, struct metric m, struct signal *raw)
{
    struct buf b;
    struct metric back;
    struct failure f;
    buf_init(&b, a, ARENA_BYTES / 8);
    metric_write(&b, &m);
    assert_int_equal(metric_read(a, buf_str(&b), &back, &f), OK);
    metric_signal(a, &back, buf_str(&b), raw);
    return back;
}

static void a_row_of_a_growing_column_is_one_record_however_often_it_is_read(void **state)
{
    struct arena a;
    struct signal raw[3];
    struct str key[3];
    (void)state;
    arena_init(&a, ARENA_BYTES);
    for (int i = 0; i < 3; i++) {
        struct metric m = sample();
        m.window_start_us = m.window_end_us = TIME_NONE;
        m.scheduled_us = 1700000000000000 + i;
        m.row = i < 2 ? S("2024-01-01T00:00:00Z") : S("2024-01-01T00:00:01Z");
        const struct metric back = read_back(&a, m, &raw[i]);
        key[i] = metric_key(&a, &back);
    }
    assert_true(str_eq(key[0], key[1]) && str_eq(raw[0].id, raw[1].id));
    assert_false(str_eq(key[0], key[2]));
    arena_close(&a);
}

static void rows_of_the_same_tags_are_told_by_which_of_them_each_is(void **state)
{
    struct arena a;
    struct signal raw[3];
    struct str key[3];
    (void)state;
    arena_init(&a, ARENA_BYTES);
    for (uint64_t i = 0; i < 3; i++) {
        struct metric m = sample();
        m.window_start_us = m.window_end_us = TIME_NONE;
        m.scheduled_us = 1700000000000000;
        m.nth = i == 0 ? 0 : i + 1;
        const struct metric back = read_back(&a, m, &raw[i]);
        key[i] = metric_key(&a, &back);
        assert_true(str_eq(key[i], metric_key(&a, &m)));
    }
    assert_false(str_eq(key[0], key[1]));
    assert_false(str_eq(key[1], key[2]));
    arena_close(&a);
}

static void runs_within_one_grain_are_one_record_of_the_last_value(void **state)
{
    static const char *const begun[] = {"2024-01-01T00:00:00Z", "2024-01-01T23:59:59.999999Z",
                                        "2024-01-02T00:00:00Z"};
    struct arena a;
    struct signal raw[3];
    struct str key[3];
    (void)state;
    arena_init(&a, ARENA_BYTES);
    for (int i = 0; i < 3; i++) {
        struct metric m = sample();
        m.window_start_us = m.window_end_us = TIME_NONE;
        m.grain_us = DAY_US;
        assert_true(clock_parse(str_of(begun[i]), &m.scheduled_us));
        const struct metric back = read_back(&a, m, &raw[i]);
        key[i] = metric_key(&a, &back);
    }
    assert_true(str_eq(key[0], key[1]));
    assert_false(str_eq(key[0], key[2]));
    assert_false(str_eq(raw[0].id, raw[1].id)); /* 3, 4, and 3 again: it is 3 */
    arena_close(&a);
}

static void grains_are_counted_from_year_one(void **state)
{
    static const struct {
        const char *at, *cut;
        int hours;
    } cases[] = {{"2024-01-03T12:00:00Z", "2024-01-01T00:00:00Z", 168},
                 {"2024-01-01T10:10:00Z", "2024-01-01T07:00:00Z", 7},
                 {"2024-01-02T01:15:00Z", "2024-01-02T00:00:00Z", 24},
                 {"1969-12-31T23:59:59Z", "1969-12-29T00:00:00Z", 168}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t cut_us = 0;
        struct metric m = {.grain_us = cases[i].hours * (DAY_US / 24)};
        assert_true(clock_parse(str_of(cases[i].at), &m.scheduled_us));
        assert_true(clock_parse(str_of(cases[i].cut), &cut_us));
        assert_int_equal(metric_grain_start(&m), cut_us);
    }
}

static void what_is_no_metric_is_dead_and_says_where(void **state)
{
    static const struct {
        const char *json, *pointer;
    } cases[] = {
        {"{\"collector\":\"c\",\"at\":\"2026-01-01T00:00:00Z\",\"tags\":{}}", "/value"},
        {"{\"collector\":\"c\",\"value\":1,\"tags\":{}}", "/at"},
        {"{\"collector\":\"c\",\"value\":1,\"at\":\"2026-01-01T00:00:00Z\",\"tags\":{\"a\":1}}",
         "/tags"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        arena_init(&a, ARENA_BYTES);
        const struct signal raw = {.data = str_of(cases[i].json)};
        struct transform_out out = {.arena = &a};
        transform_metric(&(struct transform_in){.raw = &raw, .raw_at = S("collect:1"), .arena = &a},
                         &out);
        assert_int_equal(out.fate, FATE_DEAD);
        assert_string_equal(out.why.pointer, cases[i].pointer);
        arena_close(&a);
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_key_is_of_collector_name_tags_and_window_alone),
        cmocka_unit_test(of_two_tags_of_one_name_the_last_counts),
        cmocka_unit_test(the_uuid_is_the_key_in_the_form_of_version_8),
        cmocka_unit_test(what_is_written_is_read_and_becomes_a_fact_that_says_the_same),
        cmocka_unit_test(two_ticks_have_two_keys_also_out_of_their_facts),
        cmocka_unit_test(a_row_of_a_growing_column_is_one_record_however_often_it_is_read),
        cmocka_unit_test(rows_of_the_same_tags_are_told_by_which_of_them_each_is),
        cmocka_unit_test(runs_within_one_grain_are_one_record_of_the_last_value),
        cmocka_unit_test(grains_are_counted_from_year_one),
        cmocka_unit_test(what_is_no_metric_is_dead_and_says_where),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
