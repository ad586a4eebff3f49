/* Rows that DuckDB does not take, through the whole loop of the stage. */
#include <stdio.h>
#include <string.h>

#include "base/asked.h"
#include "bus/dead.h"
#include "persist/lake/refuse.h"
#include "persist/lakes.h"
#include "persist/rig.h"
#include "test.h"

enum { GOOD = 40 };

static struct rig rig;
static struct failure failure;

static int due_ms(struct persister *p)
{
    const int due = persist_lake.due_ms(p);
    if (due != 0) {
        ask_to_stop(); /* which flushes what was read */
    }
    return due;
}

static enum outcome run_lake(void)
{
    struct persister_driver driver = persist_lake;
    driver.due_ms = due_ms;
    driver.read_bytes_max = rig.is_shared ? 40000 : driver.read_bytes_max;
    asked_reset();
    return persist_run(&driver, &rig.config, rig.bus, rig.progress, &failure);
}

static struct signal change(const char *id, const char *rest)
{
    return (struct signal){
        .id = str_of(id),
        .source = S("weir"),
        .type = S("weir.fact.change"),
        .time_us = 1772884800000000,
        .data = arena_printf(&rig.arena,
                             "{\"repository\":\"r\",\"id\":\"%s\",\"fact_id\":\"%32s\","
                             "\"fact_at\":\"2026-03-07T12:00:00.000000Z\"%s}",
                             id, id, rest)};
}

static int64_t rows_of(const char *model)
{
    struct lakes lakes;
    lakes_begin(&lakes, rig.folder);
    lakes.config = rig.config;
    const int64_t n = lakes_count(&lakes, model, "SELECT count(*)");
    lakes_end(&lakes);
    return n;
}

/* The dead letters of the lake for lane a, in their order. */
static size_t dead(struct record *out, size_t most)
{
    struct lane_ends *ends;
    size_t lanes = 0, n = 0;
    assert_int_equal(bus_ends(rig.bus, &rig.arena, STREAM_DEAD, &ends, &lanes, &failure), OK);
    for (size_t i = 0; i < lanes; i++) {
        struct batch batch = {.arena = &rig.arena};
        const struct span all = {ends[i].lane, ends[i].begin, ends[i].end};
        assert_int_equal(bus_look(rig.bus, all, 1 << 20, &batch, &failure), OK);
        for (size_t k = 0; batch.n > 0 && k < batch.slice[0].n && n < most; k++) {
            out[n++] = batch.slice[0].record[k];
        }
    }
    return n;
}

static bool note_id(void *to, const struct dead_letter *letter)
{
    struct buf *const ids = to;
    buf_add(ids, letter->signal->id);
    buf_add_byte(ids, ' ');
    return true;
}

/* The ids of the letters that `weir dead list` shows, each with a space behind it. */
static struct str listed(void)
{
    struct buf ids;
    buf_init(&ids, &rig.arena, 1 << 20);
    assert_int_equal(
        dead_each(rig.bus, (struct dead_visit){.letter = note_id, .to = &ids}, &failure), OK);
    return buf_str(&ids);
}

static int begin(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.config.lake = (struct config_lake){.path = arena_printf(&rig.arena, "%s/lake", rig.folder),
                                           .flush_ms = 300000,
                                           .keep_ms = INT64_MAX,
                                           .compact_ms = 3600000,
                                           .vacuum_ms = 3600000,
                                           .flush_bytes = 16 << 20,
                                           .memory_bytes_max = 256 << 20};
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void a_row_that_is_refused_becomes_a_dead_letter_and_the_rest_lands(void **state)
{
    (void)state;
    struct dice dice = {7};
    struct signal s[GOOD + 2];
    struct record letter[4];
    for (size_t i = 0; i < GOOD + 2; i++) {
        s[i] = fact_random(&dice, &rig.arena, model_find(i % 2 ? S("change") : S("deployment")),
                           1000000);
    }
    s[13] = change("13", ",\"number\":\"twelve\"");
    s[31] = change("31", ",\"created_at\":\"yesterday\"");
    rig_send(&rig, "a", s, GOOD + 2);
    assert_int_equal(run_lake(), OK);
    assert_int_equal(rows_of("change"), (GOOD + 2) / 2 - 2);
    assert_int_equal(rows_of("deployment"), (GOOD + 2) / 2);
    assert_int_equal(dead(letter, 4), 2);
    assert_true(str_eq(letter[0].signal.id, S("13")));
    assert_true(str_eq(letter[0].signal.stage, S("lake")));
    assert_true(str_eq(letter[0].signal.pointer, S("/number")));
    assert_non_null(strstr(arena_cstr(&rig.arena, letter[0].signal.reason), "twelve"));
    assert_true(str_eq(letter[1].signal.id, S("31")));
    assert_true(str_eq(letter[1].signal.pointer, S("/created_at")));
    assert_true(str_eq(letter[1].signal.data, s[31].data));
    assert_int_equal(rig_counter(&rig, "dead"), 2);
    assert_int_equal(run_lake(), OK); /* and again: its cursor is behind them */
    assert_int_equal(rows_of("change"), (GOOD + 2) / 2 - 2);
    assert_int_equal(dead(letter, 4), 2);
}

static int flushes; /* so many more before the process ends */

static enum outcome flush(struct persister *p, bool is_asked, struct failure *f)
{
    return flushes-- > 0 ? persist_lake.flush(p, is_asked, f) : failed(f, STOP, "it died");
}

/* The letters were written, the cursor has not moved: what comes again is known by its origin. */
static void a_letter_that_a_process_wrote_that_died_is_neither_written_nor_counted_again(
    void **state)
{
    (void)state;
    struct record letter[8];
    struct signal s[3] = {change("1", ""), change("2", ",\"number\":\"twelve\""),
                          change("3", ",\"created_at\":\"yesterday\"")};
    struct persister_driver driver = persist_lake;
    driver.due_ms = due_ms;
    driver.flush = flush;
    rig_send(&rig, "a", s, 3);
    for (int deaths = 0; deaths < 2; deaths++) {
        flushes = deaths == 0 ? 2 : 1; /* tables are made once; rows are refused, then buried */
        asked_reset();
        assert_int_equal(persist_run(&driver, &rig.config, rig.bus, rig.progress, &failure), STOP);
        assert_int_equal(dead(letter, 8), 2);
        assert_int_equal(rig_counter(&rig, "dead"), 2);
    }
    assert_int_equal(run_lake(), OK);
    assert_int_equal(rows_of("change"), 1);
    assert_int_equal(dead(letter, 8), 2);
    assert_int_equal(rig_counter(&rig, "dead"), 2);
}

static void lanes_that_go_and_come_back_leave_each_fact_once(void **state)
{
    enum { ROUNDS = 60, FACTS = 7 };
    (void)state;
    struct dice dice = {11};
    struct signal s[FACTS];
    int runs = 0;
    rig.is_shared = true;
    for (size_t i = 0; i < ROUNDS; i++) {
        for (size_t k = 0; k < FACTS; k++) {
            s[k] = fact_random(&dice, &rig.arena, model_find(S("change")), 1000000);
        }
        rig_send(&rig, i % 3 ? "a" : "b", s, FACTS);
    }
    while (runs++ < 100 && rows_of("change") < (int64_t)ROUNDS * FACTS) {
        assert_int_equal(run_lake(), OK);
    }
    assert_int_equal(rows_of("change"), ROUNDS * FACTS);
    assert_int_equal(run_lake(), OK);
    assert_int_equal(rows_of("change"), ROUNDS * FACTS);
}

/* Table by table, not in the order of the lane: every letter can be listed all the same. */
static void letters_of_several_tables_are_all_listed(void **state)
{
    (void)state;
    struct signal s[4] = {change("0", ""), change("1", ""), change("2", ",\"number\":\"twelve\""),
                          change("3", "")};
    s[1].type = s[3].type = S("weir.fact.deployment");
    for (size_t i = 1; i < 4; i += 2) {
        s[i].data = arena_printf(&rig.arena,
                                 "{\"source\":\"r\",\"id\":\"%zu\",\"fact_id\":\"%32zu\","
                                 "\"fact_at\":\"2026-03-07T12:00:00.000000Z\","
                                 "\"created_at\":\"yesterday\"}",
                                 i, i);
    }
    rig_send(&rig, "a", s, 4);
    assert_int_equal(run_lake(), OK);
    assert_int_equal(rows_of("change"), 1);
    assert_int_equal(rig_counter(&rig, "dead"), 3);
    const char *const ids = arena_cstr(&rig.arena, listed());
    assert_int_equal(strlen(ids), strlen("1 2 3 "));
    assert_non_null(strstr(ids, "1 "));
    assert_non_null(strstr(ids, "2 "));
    assert_non_null(strstr(ids, "3 "));
}

/* A wrong catalogue, a broken engine: these rows are well, and kept until a person has looked. */
static void when_too_many_are_refused_none_is_buried_and_nothing_moves(void **state)
{
    (void)state;
    struct lakes lakes;
    struct record *r;
    const struct lane lane = {STREAM_STANDARD, S("a")};
    lakes_begin(&lakes, rig.folder);
    r = arena_array(&lakes.arena, struct record, REFUSED_MAX + 1);
    for (size_t i = 0; i <= REFUSED_MAX; i++) {
        r[i].signal = change(arena_printf(&rig.arena, "%zu", i).at, ",\"number\":\"twelve\"");
    }
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    (void)lakes_cursor(&lakes, lane);
    assert_int_equal(lakes_take(&lakes, lane, r, REFUSED_MAX + 1, 0, &failure), OK);
    assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), RETRY);
    assert_int_equal(failure.cause, CAUSE_OTHER);
    assert_non_null(strstr(failure.text, "twelve"));
    persist_lake.drop(&lakes.persister);
    assert_int_equal(lakes_cursor(&lakes, lane), 0);
    assert_int_equal(lakes_take(&lakes, lane, r, 2, 0, &failure), OK); /* asserts: not rejected */
    lakes_close(&lakes);
    lakes_end(&lakes);
}

/* One fact of another day than its signal says does not stop the day's one file from being made. */
static void facts_land_in_the_folder_of_their_own_day_whatever_their_signal_says(void **state)
{
    (void)state;
    struct signal s[2] = {change("1", ""), change("2", "")};
    s[1].time_us -= DAY_US * 3;
    s[0].time_us = s[1].time_us;
    rig_send(&rig, "a", s, 2);
    assert_int_equal(run_lake(), OK);
    assert_int_equal(rows_of("change"), 2);
    const struct files files = files_at(rig.config.lake.path);
    struct delta log;
    assert_int_equal(delta_open(&rig.arena, &files, S("change"), &log, &failure), OK);
    assert_int_equal(log.files_n, 1);
    assert_true(str_eq(log.file[0].day, S("2026/03/07")));
}

/* `{"column":[one,one,…],…}`, dense as JSON can be. */
static const char *dense(const char *column, const char *one, size_t n)
{
    const size_t room = n * (strlen(one) + 1) + 64;
    char *const at = arena_alloc(&rig.arena, room, 1);
    size_t len = (size_t)snprintf(at, room, ",\"%s\":[%s", column, one);
    for (size_t i = 1; i < n; i++) {
        at[len++] = ',';
        memcpy(at + len, one, strlen(one));
        len += strlen(one);
    }
    memcpy(at + len, "]", 2);
    return at;
}

/* DuckDB makes a document of nested JSON, 16 bytes for each value of two. */
static void a_dense_event_lands_in_little_memory(void **state)
{
    enum { VALUES = 3 << 20 };
    (void)state;
    struct lakes lakes;
    const char *const all = arena_printf(&rig.arena, "%s%s", dense("original", "0", VALUES),
                                         dense("custom_data", "7", VALUES))
                                .at;
    struct signal s = change("1", all);
    s.type = S("weir.fact.event");
    rig.config.lake.memory_bytes_max = 64 << 20;
    rig_send(&rig, "a", &s, 1);
    assert_int_equal(run_lake(), OK);
    lakes_begin(&lakes, rig.folder);
    lakes.config = rig.config;
    assert_int_equal(rig_counter(&rig, "dead"), 0);
    assert_int_equal(lakes_count(&lakes, "event",
                                 "SELECT sum(length(original)) + count(*) FILTER "
                                 "(custom_data = replace(original, '0', '7'))"),
                     2 * VALUES + 1 + 1);
    lakes_end(&lakes);
}

static void rows_that_have_no_room_together_are_written_in_pieces(void **state)
{
    enum { ROWS = 24, VALUES = 300000 };
    (void)state;
    struct signal s[ROWS];
    const char *const large = dense("labels", "\"\"", VALUES);
    for (size_t i = 0; i < ROWS; i++) {
        s[i] = change(arena_printf(&rig.arena, "%zu", i).at, large);
    }
    rig.config.lake.memory_bytes_max = 64 << 20;
    rig_send(&rig, "a", s, ROWS);
    assert_int_equal(run_lake(), OK);
    assert_int_equal(rig_counter(&rig, "dead"), 0);
    assert_int_equal(rows_of("change"), ROWS);
    const struct files files = files_at(rig.config.lake.path);
    struct delta log;
    assert_int_equal(delta_open(&rig.arena, &files, S("change"), &log, &failure), OK);
    assert_true(log.files_n > 1);
}

static void a_row_that_has_no_room_alone_becomes_a_dead_letter_and_the_rest_lands(void **state)
{
    (void)state;
    struct record letter[2];
    struct signal s[3] = {change("1", ""), change("2", dense("labels", "\"\"", 8 << 20)),
                          change("3", "")};
    rig.config.lake.memory_bytes_max = 64 << 20;
    rig_send(&rig, "a", s, 3);
    assert_int_equal(run_lake(), OK);
    assert_int_equal(rows_of("change"), 2);
    assert_int_equal(dead(letter, 2), 1);
    assert_true(str_eq(letter[0].signal.id, S("2")));
    assert_non_null(
        strstr(arena_cstr(&rig.arena, letter[0].signal.reason), "raise lake.memory_bytes_max"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_row_that_is_refused_becomes_a_dead_letter_and_the_rest_lands),
        TEST(a_letter_that_a_process_wrote_that_died_is_neither_written_nor_counted_again),
        TEST(lanes_that_go_and_come_back_leave_each_fact_once),
        TEST(letters_of_several_tables_are_all_listed),
        TEST(when_too_many_are_refused_none_is_buried_and_nothing_moves),
        TEST(facts_land_in_the_folder_of_their_own_day_whatever_their_signal_says),
        TEST(a_dense_event_lands_in_little_memory),
        TEST(rows_that_have_no_room_together_are_written_in_pieces),
        TEST(a_row_that_has_no_room_alone_becomes_a_dead_letter_and_the_rest_lands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
