/* Columns of JSON hold JSON, whatever a sender put there. */
#include <stdio.h>

#include "folder.h"
#include "persist/lakes.h"
#include "test.h"

static struct lakes lakes;
static struct failure failure;
static const struct lane lane = {STREAM_STANDARD, STR("intake-0")};

/* customData as CDEvents allow it: a text or an object; each a row, by its id. */
static const char *const sent[] = {
    "\"aGk=\"", "\"{\\\"k\\\":1}\"", "\"1\"", "\"\"", "\"a \\\"b\\\", }\"", "{\"k\":1}", "null",
};
enum { SENT = sizeof sent / sizeof *sent };

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    return 0;
}

static int end(void **state)
{
    (void)state;
    lakes_close(&lakes);
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static void keep(void)
{
    struct record r[SENT];
    for (size_t i = 0; i < SENT; i++) {
        r[i] = (struct record){
            .signal = {
                .id = arena_printf(&lakes.arena, "f%zu", i),
                .source = S("/s"),
                .type = S("weir.fact.event"),
                .time_us = 1,
                .data = arena_printf(&lakes.arena,
                                     "{\"id\":\"%zu\",\"custom_data\":%s,\"fact_id\":\"f%zu\","
                                     "\"fact_at\":\"1970-01-01T00:00:00Z\"}",
                                     i, sent[i], i)}};
    }
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    assert_int_equal(lakes_cursor(&lakes, lane), 0);
    assert_int_equal(lakes_take(&lakes, lane, r, SENT, 0, &failure), OK);
    if (persist_lake.flush(&lakes.persister, true, &failure) != OK) {
        fail_msg("%s", failure.text);
    }
}

/* The row of this id has this custom_data, as SQL writes it. */
static void assert_custom_data(size_t id, const char *value)
{
    const struct str sql = arena_printf(
        &lakes.arena, "SELECT count(*) FILTER (id = '%zu' AND custom_data IS NOT DISTINCT FROM %s)",
        id, value);
    if (lakes_count(&lakes, "event", sql.at) != 1) {
        fail_msg("%s is not kept as %s", sent[id], value);
    }
}

static void json_of_any_kind_is_kept_as_its_text(void **state)
{
    (void)state;
    keep();
    for (size_t i = 0; i + 1 < SENT; i++) {
        assert_custom_data(i, arena_printf(&lakes.arena, "'%s'", sent[i]).at);
    }
    assert_custom_data(SENT - 1, "NULL");
    assert_int_equal(lakes_count(&lakes, "event", "SELECT count(custom_data->>'k')"), 1);
}

/* The one live file of the table with other values in the column. */
static void rewrite(const char *values)
{
    struct delta log;
    const struct files files = files_at(lakes.config.lake.path);
    assert_int_equal(delta_open(&lakes.arena, &files, S("event"), &log, &failure), OK);
    assert_int_equal(log.files_n, 1);
    const char *const key = arena_printf(&lakes.arena, "event/%.*s", STR_ARG(log.file[0].path)).at;
    const char *const at = files_path(&files, &lakes.arena, str_of(key)).at;
    const struct str sql = arena_printf(
        &lakes.arena,
        "COPY (SELECT * REPLACE (CAST(CASE id %s END AS VARCHAR) AS custom_data) FROM "
        "read_parquet('%s', hive_partitioning = false)) TO '%s.new' (FORMAT parquet)",
        values, at, at);
    if (duck_run(lakes_duck(&lakes), sql.at, &failure) != OK) {
        fail_msg("%s", failure.text);
    }
    assert_int_equal(rename(arena_printf(&lakes.arena, "%s.new", at).at, at), 0);
}

static void a_text_that_an_older_weir_kept_without_its_quotes_is_one(void **state)
{
    (void)state;
    keep();
    rewrite("WHEN '0' THEN 'aGk=' WHEN '3' THEN '' WHEN '4' THEN 'a \"b\", }' WHEN '5' THEN "
            "'{\"k\":1}'");
    assert_custom_data(0, "'\"aGk=\"'");
    assert_custom_data(3, "'\"\"'");
    assert_custom_data(4, "'\"a \\\"b\\\", }\"'");
    assert_custom_data(5, "'{\"k\":1}'");
    assert_custom_data(6, "NULL");
    assert_int_equal(lakes_count(&lakes, "event", "SELECT count(custom_data->>'k')"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(json_of_any_kind_is_kept_as_its_text),
        TEST(a_text_that_an_older_weir_kept_without_its_quotes_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
