#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "collector/rows_of.h"
#include "config/sources.h"
#include "folder.h"
#include "service.h"

#define MARCH INT64_C(1709425800000000) /* 2024-03-03T00:30:00Z */

static struct arena arena;

static struct source_ask ask_of(const struct collector *c, const void *options)
{
    return (struct source_ask){.collector = c,
                               .options = options,
                               .now_us = MARCH,
                               .start_us = TIME_NONE,
                               .end_us = TIME_NONE,
                               .arena = &arena,
                               .row_bytes_max = 1 << 20};
}

static const struct collector tick = {.strategy = STRATEGY_TICK};

static void put(struct str folder, const char *name, const char *text)
{
    struct failure f;
    const struct str path = arena_printf(&arena, "%.*s/%s", STR_ARG(folder), name);
    size_t dir = path.len;
    while (path.at[dir - 1] != '/') {
        dir--;
    }
    if (file_make_dirs(arena_printf(&arena, "%.*s", (int)dir - 1, path.at).at, &f) != OK ||
        file_replace(path.at, str_of(text), 0644, &f) != OK) {
        fail_msg("%s: %s", path.at, f.text);
    }
}

static const char daily[] = "year={{.Year}}/month={{.Month}}/day={{.Day}}/**/*.json";

static void put_events(struct str folder)
{
    put(folder, "events/year=2024/month=3/day=3/hour=0/a.json",
        "{\"user_id\":1,\"customer_id\":\"o'clock\"}\n{\"user_id\":2,\"customer_id\":\"b\"}\n");
    put(folder, "events/year=2024/month=3/day=3/hour=1/b.json",
        "{\"user_id\":1,\"customer_id\":\"o'clock\"}\n{\"user_id\":3,\"customer_id\":\"o'clock\"}"
        "\n");
    put(folder, "events/year=2024/month=3/day=4/hour=1/b.json",
        "{\"user_id\":9,\"customer_id\":\"c\"}\n");
}

/* ---- a folder ---- */

static void files_of_the_partition_are_read(void **state)
{
    struct rows_of got;
    const struct str folder = str_of(folder_path("files"));
    (void)state;
    put_events(folder);
    put(folder, "prices.csv", "item,price\na,1.5\nb,2\n");
    struct files_options o = {
        .path = folder,
        .partition = arena_printf(&arena, "events/%s", daily),
        .sql = S("SELECT customer_id AS customer, COUNT(DISTINCT user_id) AS value FROM "
                 "read_json_auto('{{.Partition}}') GROUP BY 1 ORDER BY 2, 1;")};
    const struct source_ask ask = ask_of(&tick, &o);
    rows_of(&source_files, &ask, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "customer=b,value=#1\ncustomer=o'clock,value=#2\n");
    struct source_ask window = ask;
    window.start_us = MARCH + INT64_C(86400000000);
    rows_of(&source_files, &window, &got);
    assert_string_equal(got.text, "customer=c,value=#1\n");
    window.start_us = MARCH + 2 * INT64_C(86400000000); /* nothing was written that day */
    rows_of(&source_files, &window, &got);
    assert_int_equal(got.outcome, OK);
    assert_int_equal(got.n, 0);
    o.partition = S("prices.csv");
    o.sql = S("SELECT item, price AS value FROM '{{.Partition}}'");
    rows_of(&source_files, &ask, &got);
    assert_string_equal(got.text, "item=a,value=#1.5\nitem=b,value=#2.0\n");
}

static void behind_the_statement_there_may_be_comments(void **state)
{
    static const struct {
        const char *sql, *rows;
    } good[] = {{"SELECT 1 AS value; -- the end", "value=#1\n"},
                {"SELECT 1 AS value -- the; end", "value=#1\n"},
                {"-- first; one\nSELECT 1 AS value;\n/* the; end */ ; \n-- x;", "value=#1\n"},
                {"SELECT 'a; -- b' AS t, 1 AS value; -- c", "t=a; -- b,value=#1\n"},
                {"SELECT 'a;' AS t, /* ; */ 1 AS value /* ;*/;--", "t=a;,value=#1\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct rows_of got;
        const struct files_options o = {.path = str_of(folder_path("files")),
                                        .sql = str_of(good[i].sql)};
        const struct source_ask ask = ask_of(&tick, &o);
        rows_of(&source_files, &ask, &got);
        assert_string_equal(got.why.text, "");
        assert_string_equal(got.text, good[i].rows);
    }
}

static void files_outside_of_the_folder_are_not_read(void **state)
{
    static const char *const wrong[] = {
        "SELECT 1 AS value FROM read_text('{{.Partition}}../other/secret')",
        "SELECT 1 AS value FROM read_text('/etc/passwd')",
        "SELECT 1 AS value FROM glob('/etc/*')",
        "SELECT 1 AS value; SELECT 2 AS value",
        "COPY (SELECT 1) TO '/nowhere'",
        "ATTACH '/nowhere/x.db'",
        "SET enable_external_access = true",
    };
    const struct str folder = str_of(folder_path("files"));
    put(str_of(folder_path("other")), "secret", "x");
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rows_of got;
        const struct files_options o = {.path = folder, .sql = str_of(wrong[i])};
        const struct source_ask ask = ask_of(&tick, &o);
        rows_of(&source_files, &ask, &got);
        if (got.outcome == OK || got.outcome == RETRY || got.n > 0) {
            fail_msg("%s: %s, %s", wrong[i], outcome_name(got.outcome), got.why.text);
        }
    }
}

static void what_a_writer_has_not_finished_is_told(void **state)
{
    struct rows_of got;
    const struct str folder = str_of(folder_path("files"));
    (void)state;
    put(folder, "bad/a.json", "{\"a\":1}\n{\"a\":");
    const struct files_options o = {
        .path = folder,
        .partition = S("bad/*.json"),
        .sql = S("SELECT a AS value FROM read_json_auto('{{.Partition}}')")};
    const struct source_ask ask = ask_of(&tick, &o);
    rows_of(&source_files, &ask, &got);
    assert_int_equal(got.outcome, REJECT);
    assert_non_null(strstr(got.why.text, "a.json"));
}

/* ---- S3 ---- */

static void identity(const char *key)
{
    (void)setenv("AWS_ACCESS_KEY_ID", key, 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "weirsecret", 1);
}

static void objects_of_the_partition_are_read(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    identity("weirtest");
    put_events(arena_printf(&arena, "%s/team-events", service_url("s3.data")));
    struct s3_options o = {
        .region = S("us-east-1"),
        .bucket = S("team-events"),
        .prefix = S("events"),
        .endpoint = str_of(service_url("s3")),
        .is_path_style = true,
        .partition = str_of(daily),
        .sql = S("SELECT COUNT(DISTINCT user_id) AS value, customer_id AS customer FROM "
                 "read_json_auto('s3://team-events/events/{{.Partition}}') GROUP BY 2 ORDER BY 1")};
    const struct source_ask ask = ask_of(&tick, &o);
    rows_of(&source_s3, &ask, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#1,customer=b\nvalue=#2,customer=o'clock\n");
    o.sql = S(
        "SELECT count(*) AS value FROM read_json_auto('{{.Partition}}')"); /* bucket, prefix */
    rows_of(&source_s3, &ask, &got);
    assert_string_equal(got.text, "value=#4\n");
    o.bucket = S("elsewhere"); /* SQL that names its own is told nothing by it */
    o.sql = S("SELECT count(*) AS value FROM "
              "read_json_auto('s3://team-events/events/{{.Partition}}')");
    rows_of(&source_s3, &ask, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#4\n");
    o.bucket = S("team-events");
    struct source_ask none = ask;
    none.start_us = MARCH + 9 * INT64_C(86400000000);
    rows_of(&source_s3, &none, &got);
    assert_int_equal(got.n, 0);
    assert_int_equal(got.outcome, OK);
    (void)state;
}

static void what_s3_refuses_is_a_wrong_configuration_and_what_is_away_is_not(void **state)
{
    static const struct {
        const char *key, *bucket, *endpoint, *sql;
        enum outcome outcome;
    } cases[] = {
        {"wrongkey", "team-events", NULL, "SELECT 1 AS value FROM read_text('{{.Partition}}*')",
         STOP},
        {"weirtest", "no-such-bucket", NULL, "SELECT 1 AS value FROM read_text('{{.Partition}}*')",
         STOP},
        {"weirtest", "team-events", "http://127.0.0.1:1",
         "SELECT 1 AS value FROM read_text('{{.Partition}}*')", RETRY},
        {"weirtest", "team-events", NULL,
         "SELECT 1 AS value FROM read_text('s3://other-bucket/x*')", STOP},
        {"weirtest", "team-events", NULL,
         "SELECT 1 AS value FROM read_text(['s3://team-events/x', '/etc/passwd'])", REJECT},
        {"weirtest", "team-events", NULL, "SELECT 1 AS value FROM read_text('/etc/passwd')",
         REJECT},
    };
    NEEDS_SERVICES();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        identity(cases[i].key);
        const struct s3_options o = {
            .region = S("us-east-1"),
            .bucket = str_of(cases[i].bucket),
            .endpoint = str_of(cases[i].endpoint ? cases[i].endpoint : service_url("s3")),
            .sql = str_of(cases[i].sql)};
        const struct source_ask ask = ask_of(&tick, &o);
        rows_of(&source_s3, &ask, &got);
        if (got.outcome != cases[i].outcome || strstr(got.why.text, "weirsecret")) {
            fail_msg("%zu %s: %s, %s", i, cases[i].sql, outcome_name(got.outcome), got.why.text);
        }
    }
    (void)state;
}

static void a_profile_names_who_asks(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    put(str_of(folder_path("aws")), "credentials",
        "[default]\naws_access_key_id = nobody\naws_secret_access_key = x\n\n# ours\n[team]\n"
        "aws_access_key_id=weirtest\naws_secret_access_key = weirsecret\n");
    put(str_of(folder_path("aws")), "config", "[profile team]\nregion = us-east-1\n");
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)setenv("AWS_PROFILE", "team", 1);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", folder_path("aws/credentials"), 1);
    (void)setenv("AWS_CONFIG_FILE", folder_path("aws/config"), 1);
    const struct s3_options o = {
        .bucket = S("team-events"),
        .endpoint = str_of(service_url("s3")),
        .partition = S("events/**/*.json"),
        .sql = S("SELECT count(*) AS value FROM read_json_auto('{{.Partition}}')")};
    const struct source_ask ask = ask_of(&tick, &o);
    rows_of(&source_s3, &ask, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#5\n");
    (void)setenv("AWS_PROFILE", "nobodys", 1);
    rows_of(&source_s3, &ask, &got);
    assert_int_equal(got.outcome, STOP);
    (void)unsetenv("AWS_PROFILE");
    (void)state;
}

static void a_partition_is_one_uri(void **state)
{
    struct rows_of got;
    (void)state;
    const struct partition_s3_options o = {
        .bucket = S("test-bucket"),
        .region = S("us-east-2"),
        .prefix = S("prefix-1/prefix-2"),
        .partition = S(
            "year={{.Year}}/month={{.Month}}/day={{.Day}}/hour={{.Hour}}/min={{.Minute}}")};
    struct source_ask ask = ask_of(&tick, &o);
    ask.start_us = INT64_C(1704070861000000); /* 2024-01-01T01:01:01Z */
    rows_of(&source_partition_s3, &ask, &got);
    assert_string_equal(got.text,
                        "uri=https://test-bucket.s3.us-east-2.amazonaws.com/prefix-1/prefix-2/"
                        "year=2024/month=1/day=1/hour=1/min=1\n");
}

static int start(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    (void)services_start("s3");
    return folder_make() ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    services_stop();
    folder_drop();
    arena_close(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(files_of_the_partition_are_read),
        cmocka_unit_test(behind_the_statement_there_may_be_comments),
        cmocka_unit_test(files_outside_of_the_folder_are_not_read),
        cmocka_unit_test(what_a_writer_has_not_finished_is_told),
        cmocka_unit_test(objects_of_the_partition_are_read),
        cmocka_unit_test(what_s3_refuses_is_a_wrong_configuration_and_what_is_away_is_not),
        cmocka_unit_test(a_profile_names_who_asks),
        cmocka_unit_test(a_partition_is_one_uri),
    };
    return cmocka_run_group_tests(all, start, stop);
}
