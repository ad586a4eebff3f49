/* What encoding.jq makes of a record, and what becomes of one that it cannot be made of. */
#include "persist/sink/sink.h"
#include "test.h"

static enum outcome nothing_to_open(struct sink *s, struct failure *f)
{
    (void)s;
    (void)f;
    return OK;
}

static void nothing_to_close(struct sink *s)
{
    (void)s;
}

static struct sink_driver driver;
static const struct section_type type = {.name = "any", .driver = &driver};
static struct console_options options;
static const struct sink_config config = {.name = STR("s"), .type = &type, .options = &options};
static struct arena arena;
static struct failure f;

static struct metric_tag tag = {STR("customer"), STR("a\"b")};
static const struct metric metric = {.collector = STR("users"),
                                     .name = STR("users.total"),
                                     .type = STR("COUNT"),
                                     .value = 3.5,
                                     .tag = &tag,
                                     .tags_n = 1,
                                     .window_start_us = 0,
                                     .window_end_us = 60000000,
                                     .scheduled_us = TIME_NONE,
                                     .at_us = 61000000};

static int up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 30);
    driver = (struct sink_driver){
        .name = "any", .items_max = 1, .open = nothing_to_open, .close = nothing_to_close};
    options = (struct console_options){0};
    return 0;
}

static int down(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static struct sink *start(const char *program)
{
    struct sink *s = NULL;
    options.encoding.jq = str_of(program);
    if (sink_open(&arena, &config, S(""), &s, &f) != OK) {
        fail_msg("%s", f.text);
    }
    return s;
}

static struct sink_item item;
static bool is_left_out;

static enum outcome encode_metric(const char *program)
{
    const struct collector c = {.shape = SHAPE_V5};
    const struct sink *const s = start(program);
    sink_item_of_metric(&arena, &c, &metric, &item);
    return sink_item_encode(s, &arena, &item, &is_left_out, &f);
}

static void check(const char *program, const char *body, const char *kind)
{
    assert_int_equal(encode_metric(program), OK);
    assert_false(is_left_out);
    assert_string_equal(arena_cstr(&arena, item.body), body);
    assert_string_equal(arena_cstr(&arena, item.type), kind);
}

static void a_record_is_what_its_program_gives(void **state)
{
    (void)state;
    check("{n: .name, v: .value, c: .[\"tag.customer\"], at: .window}",
          "{\"at\":\"1970-01-01T00:00:00Z\",\"c\":\"a\\\"b\",\"n\":\"users.total\",\"v\":3.5}",
          "application/json");
    check("[[.value, $agent, $received]]", "[3.5,\"users\",\"1970-01-01T00:01:01.000000Z\"]",
          "application/json");
    check("null", "null", "application/json");
}

static void a_tick_stands_where_its_run_began(void **state)
{
    const struct collector c = {.shape = SHAPE_V3, .grain_us = DAY_US};
    struct metric m = metric;
    (void)state;
    m.window_start_us = m.window_end_us = TIME_NONE;
    m.scheduled_us = DAY_US - 1; /* its rows came after midnight */
    m.at_us = DAY_US + 1;
    sink_item_of_metric(&arena, &c, &m, &item);
    assert_int_equal(item.at_us, DAY_US - 1);
    assert_true(str_ends(item.body, S("\"grain_datetime\":\"1970-01-01T00:00:00Z\"}")));
    m.scheduled_us = TIME_NONE; /* a fact of an older weir */
    sink_item_of_metric(&arena, &c, &m, &item);
    assert_int_equal(item.at_us, DAY_US + 1);
}

static void a_text_is_written_as_it_is(void **state)
{
    (void)state;
    check("\"\\(.name),customer=\\(.[\"tag.customer\"]) value=\\(.value)\"",
          "users.total,customer=a\"b value=3.5", "text/plain");
}

static void without_a_program_nothing_changes(void **state)
{
    (void)state;
    assert_int_equal(encode_metric(""), OK);
    assert_true(str_starts(item.body, S("{\"name\":\"users.total\"")));
    assert_false(item.is_made);
}

static void what_gives_nothing_leaves_the_record_out(void **state)
{
    (void)state;
    assert_int_equal(encode_metric("select(.value > 4)"), OK);
    assert_true(is_left_out);
}

static void several_values_are_lines_where_the_sink_takes_them(void **state)
{
    (void)state;
    assert_int_equal(encode_metric("{index: {}}, {v: .value}"), REJECT);
    assert_non_null(strstr(f.text, "2 values"));
    driver.takes_lines = true;
    check("{index: {}}, {v: .value}", "{\"index\":{}}\n{\"v\":3.5}", "application/json");
}

static void what_a_program_says_is_why_it_is_refused(void **state)
{
    (void)state;
    assert_int_equal(encode_metric("error(\"no customer of ours\")"), REJECT);
    assert_non_null(strstr(f.text, "mapping encoding: no customer of ours"));
    assert_int_equal(encode_metric("[limit(2000; repeat(1))]"), REJECT);
    assert_non_null(strstr(f.text, "1000"));
}

static void a_fact_is_the_cloudevent_and_what_is_made_of_it_is_none(void **state)
{
    const struct signal fact = {.id = S("i"),
                                .source = S("/s"),
                                .type = S("weir.fact.change"),
                                .agent = S("github"),
                                .time_us = 0,
                                .received_us = 0,
                                .data = S("{\"number\":12345678901234567890}")};
    const struct sink *const s = start("{type, number: .data.number, agent: $agent, id: $id}");
    (void)state;
    sink_item_of_fact(&arena, &fact, &item);
    assert_int_equal(sink_item_encode(s, &arena, &item, &is_left_out, &f), OK);
    assert_str(item.body, "{\"agent\":\"github\",\"id\":\"i\",\"number\":"
                          "\"12345678901234567890\",\"type\":\"weir.fact.change\"}");
    assert_true(item.is_made);
}

static void a_text_of_a_template_is_a_json_text_to_the_program(void **state)
{
    const struct collector c = {.shape = SHAPE_V5};
    struct metric text = metric;
    const struct sink *const s = start("{sql: .}");
    (void)state;
    text.body = S("INSERT \"x\"\n");
    sink_item_of_metric(&arena, &c, &text, &item);
    assert_int_equal(sink_item_encode(s, &arena, &item, &is_left_out, &f), OK);
    assert_str(item.body, "{\"sql\":\"INSERT \\\"x\\\"\\n\"}");
}

static void a_program_that_cannot_be_compiled_is_told_at_once(void **state)
{
    struct sink *s = NULL;
    (void)state;
    options.encoding.jq = S(".a |");
    assert_int_equal(sink_open(&arena, &config, S(""), &s, &f), STOP);
    assert_non_null(strstr(f.text, "mapping encoding"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_is_what_its_program_gives),
        TEST(a_tick_stands_where_its_run_began),
        TEST(a_text_is_written_as_it_is),
        TEST(without_a_program_nothing_changes),
        TEST(what_gives_nothing_leaves_the_record_out),
        TEST(several_values_are_lines_where_the_sink_takes_them),
        TEST(what_a_program_says_is_why_it_is_refused),
        TEST(a_fact_is_the_cloudevent_and_what_is_made_of_it_is_none),
        TEST(a_text_of_a_template_is_a_json_text_to_the_program),
        TEST(a_program_that_cannot_be_compiled_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
