#include "command/ask.h"

#include "folder.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "test.h"

enum { RAW = 8, FACTS = 120 };

static struct lakes lakes;
static const struct lane raw_lane = {STREAM_RAW, STR("intake-0")};
static const struct lane standard_lane = {STREAM_STANDARD, STR("intake-0")};

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != OK) {                                                                        \
            fail_msg("%s", failure.text);                                                          \
        }                                                                                          \
    } while (0)
static struct failure failure;

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    return 0;
}

static int end(void **state)
{
    (void)state;
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

/* What the transform does: one step with facts. */
static void step(struct record *fact, size_t n)
{
    struct reader *reader;
    struct batch batch = {.arena = &lakes.arena};
    assert_ok(reader_join(lakes.bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &reader,
                          &failure));
    assert_ok(reader_read(reader, 1 << 20, 0, &batch, &failure));
    const struct output out = {standard_lane, 0, fact, n};
    assert_ok(reader_step(reader, &batch, &out, 1, NULL, &failure));
    reader_leave(reader);
}

/* What intake and transform do: raw signals, then one step with facts. */
static void fill_bus(struct dice *dice)
{
    struct arena *const a = &lakes.arena;
    struct record raw[RAW] = {0};
    struct record *const fact = arena_array(a, struct record, FACTS);
    for (size_t i = 0; i < RAW; i++) {
        raw[i].signal = (struct signal){.id = arena_printf(a, "%zu", i),
                                        .source = S("/agents/x"),
                                        .type = S("push"),
                                        .agent = S("x"),
                                        .time_us = TIME_NONE,
                                        .received_us = 1700000000000000,
                                        .data = i ? S("{\"é\":1}") : (struct str)STR("\xff\0z")};
    }
    assert_ok(bus_append(lakes.bus, raw_lane, raw, RAW, &failure));
    for (size_t i = 0; i < FACTS; i++) {
        fact[i].signal = fact_random(dice, a, model_find(i % 3 ? S("change") : S("ticket")), 20);
        fact[i].origin = (struct origin){raw_lane, raw[0].at, (uint32_t)i, FACTS};
    }
    step(fact, FACTS);
}

static struct str answer(const char *sql)
{
    struct ask ask;
    struct duck_result r;
    assert_ok(ask_open(&ask, &lakes.arena, &lakes.config, lakes.bus, str_of(sql), &failure));
    assert_ok(duck_query(ask.duck, sql, &r, &failure));
    assert_true(duck_next(&r));
    const struct str text = arena_str(&lakes.arena, duck_text(&r, 0));
    duck_result_close(&r);
    ask_close(&ask);
    return text;
}

/* Hand the lake what a lane holds up to `to`, as the persister's loop does. */
static void feed(struct lane lane, struct position to)
{
    struct position from;
    struct batch batch = {.arena = &lakes.arena};
    struct rejects rejects = {.arena = &lakes.arena};
    assert_ok(persist_lake.cursor(&lakes.persister, lane, &from, &failure));
    assert_ok(bus_look(lakes.bus, (struct span){lane, from, to}, 1 << 20, &batch, &failure));
    assert_ok(persist_lake.take(&lakes.persister, &batch, &rejects, &failure));
    assert_ok(persist_lake.flush(&lakes.persister, true, &failure));
}

static const char everything[] =
    "SELECT concat((SELECT count(*) FROM change), '/', (SELECT count(*) FROM change_history), '/', "
    "(SELECT md5(string_agg(c::VARCHAR, '' ORDER BY repository, id)) FROM change AS c), '/', "
    "(SELECT count(*) FROM ticket), '/', (SELECT count(*) FROM raw))";

static void lake_and_tail_show_the_same_wherever_the_lake_stands(void **state)
{
    (void)state;
    struct dice dice = {42};
    struct lane_ends *ends;
    size_t n;
    fill_bus(&dice);
    assert_ok(lakes_open(&lakes, &failure));
    const struct str tail_alone = answer(everything);
    assert_ok(bus_ends(lakes.bus, &lakes.arena, STREAM_STANDARD, &ends, &n, &failure));
    const struct position end = ends[0].end;
    for (uint64_t at = 30; at <= FACTS; at += 45) {
        feed(standard_lane, (struct position){at < end.at ? at : end.at});
        assert_true(str_eq(answer(everything), tail_alone));
    }
    feed(standard_lane, end);
    assert_true(str_eq(answer(everything), tail_alone));
    assert_int_equal(lakes_cursor(&lakes, standard_lane), end.at);
    lakes_close(&lakes);
}

static void raw_keeps_every_byte_also_of_what_is_no_text(void **state)
{
    (void)state;
    struct dice dice = {7};
    struct lane_ends *ends;
    size_t n;
    const char sql[] = "SELECT concat(count(*), ' ', count(body), ' ', min(body), ' ', "
                       "max(attributes->>'body_base64'), ' ', sum(body_bytes)) FROM raw";
    fill_bus(&dice);
    assert_ok(lakes_open(&lakes, &failure));
    assert_str(answer(sql), "8 7 {\"é\":1} /wB6 59");
    assert_ok(bus_ends(lakes.bus, &lakes.arena, STREAM_RAW, &ends, &n, &failure));
    feed(raw_lane, ends[0].end);
    assert_str(answer(sql), "8 7 {\"é\":1} /wB6 59");
    lakes_close(&lakes);
}

static void json_is_as_it_came_in_the_lake_and_in_its_tail(void **state)
{
    (void)state;
    const char original[] = "{\"a\":[1.50,1E5,\"\\u00e9,}\\\"\"],\"b\":{}}";
    struct record fact = {
        .signal = {.id = S("1"),
                   .source = S("weir"),
                   .type = S("weir.fact.event"),
                   .time_us = 1772884800000000,
                   .data = arena_printf(&lakes.arena,
                                        "{\"source\":\"s\",\"id\":\"1\",\"event_rank\":\"1\","
                                        "\"fact_id\":\"1\",\"original\":%s,"
                                        "\"fact_at\":\"2026-03-07T12:00:00.000000Z\"}",
                                        original)}};
    struct lane_ends *ends;
    size_t n;
    struct record raw = {.signal = {.id = S("1"), .source = S("s"), .type = S("push")}};
    assert_ok(bus_append(lakes.bus, raw_lane, &raw, 1, &failure));
    fact.origin = (struct origin){raw_lane, raw.at, 0, 1};
    step(&fact, 1);
    assert_ok(lakes_open(&lakes, &failure));
    assert_str(answer("SELECT original FROM event_history"), original);
    assert_ok(bus_ends(lakes.bus, &lakes.arena, STREAM_STANDARD, &ends, &n, &failure));
    feed(standard_lane, ends[0].end);
    assert_int_equal(lakes_count(&lakes, "event", "SELECT count(*)"), 1);
    assert_str(answer("SELECT original FROM event_history"), original);
    lakes_close(&lakes);
}

static void what_a_person_writes_reaches_nothing_but_the_lake(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/weir-was-here.csv'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    };
    struct ask ask;
    assert_ok(lakes_open(&lakes, &failure));
    assert_ok(ask_open(&ask, &lakes.arena, &lakes.config, lakes.bus, S("change"), &failure));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (duck_run(ask.duck, refused[i], &failure) == OK) {
            fail_msg("%s was allowed", refused[i]);
        }
    }
    ask_close(&ask);
    lakes_close(&lakes);
}

static int64_t kept_of_files(bool reads_once)
{
    struct ask ask = {.reads_once = reads_once};
    struct duck_result r;
    assert_ok(ask_open(&ask, &lakes.arena, &lakes.config, lakes.bus, S("change raw"), &failure));
    assert_ok(duck_run(
        ask.duck, "CREATE TEMP TABLE sorted AS SELECT * FROM change_facts ORDER BY id", &failure));
    assert_ok(duck_query(ask.duck,
                         "SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory() WHERE tag = "
                         "'EXTERNAL_FILE_CACHE' AND (SELECT count(*) FROM sorted) > 0",
                         &r, &failure));
    assert_true(duck_next(&r));
    const int64_t bytes = duck_i64(&r, 0);
    duck_result_close(&r);
    ask_close(&ask);
    return bytes;
}

static void of_files_that_are_read_once_nothing_is_kept(void **state)
{
    (void)state;
    struct dice dice = {42};
    struct lane_ends *ends;
    size_t n;
    fill_bus(&dice);
    assert_ok(lakes_open(&lakes, &failure));
    assert_ok(bus_ends(lakes.bus, &lakes.arena, STREAM_STANDARD, &ends, &n, &failure));
    feed(standard_lane, ends[0].end);
    assert_true(kept_of_files(false) > 0);
    assert_int_equal(kept_of_files(true), 0);
    lakes_close(&lakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lake_and_tail_show_the_same_wherever_the_lake_stands, begin,
                                        end),
        cmocka_unit_test_setup_teardown(raw_keeps_every_byte_also_of_what_is_no_text, begin, end),
        cmocka_unit_test_setup_teardown(json_is_as_it_came_in_the_lake_and_in_its_tail, begin, end),
        cmocka_unit_test_setup_teardown(what_a_person_writes_reaches_nothing_but_the_lake, begin,
                                        end),
        cmocka_unit_test_setup_teardown(of_files_that_are_read_once_nothing_is_kept, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
