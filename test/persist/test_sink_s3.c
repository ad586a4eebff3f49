/* Against versitygw, which checks signatures; its objects are plain files. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "persist/sink/sink.h"
#include "service.h"
#include "test.h"
#include "wire/duckdb.h"
#include "wire/upload.h"

static struct arena arena;
static struct s3_sink_options options;
static const struct section_type type = {.name = "s3", .driver = &sink_s3};
static struct sink_config config;
static struct sink *sink;
static struct failure f;
static unsigned buckets;

/* ---- the bucket ---- */

static struct {
    struct str key, text;
} object[64];
static size_t objects_n;
static size_t root_len;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    struct failure ignored;
    (void)walk;
    if (kind == FTW_F && st->st_size >= 0 && !strstr(path, "/.sgwtmp")) {
        object[objects_n].key = arena_str(&arena, str_of(path + root_len));
        assert_int_equal(file_read(&arena, path, 1 << 28, &object[objects_n].text, &ignored), OK);
        objects_n++;
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct str *const x = a, *const y = b;
    return str_cmp(*x, *y);
}

static void look(void)
{
    const struct str root = arena_printf(&arena, "%s/%.*s/", service_url("s3.data"),
                                         STR_ARG(options.bucket));
    objects_n = 0;
    root_len = root.len;
    assert_int_equal(nftw(root.at, visit, 8, FTW_PHYS), 0);
    qsort(object, objects_n, sizeof *object, by_key);
}

static size_t lines_n(void)
{
    size_t n = 0;
    look();
    for (size_t i = 0; i < objects_n; i++) {
        for (size_t k = 0; k < object[i].text.len; k++) {
            n += object[i].text.at[k] == '\n';
        }
    }
    return n;
}

static void bucket_make(void)
{
    struct uploader *u = NULL;
    struct upload_answer answer;
    const struct upload_aws aws = {S("weirtest"), S("weirsecret"), S(""), S("us-east-1"), S("s3")};
    options.bucket = arena_printf(&arena, "bucket-%u", buckets++);
    const struct upload_request r = {
        .url = arena_printf(&arena, "%s/%.*s", service_url("s3"), STR_ARG(options.bucket)),
        .method = S("PUT"),
        .time_ms = 20000,
        .aws = &aws};
    assert_int_equal(uploader_open(&arena, &u, &f), OK);
    assert_int_equal(upload(u, &arena, &r, &answer, &f), OK);
    assert_int_equal(answer.status, 200);
    uploader_close(u);
}

/* ---- the sink ---- */

static int up(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)2 << 30);
    sink = NULL;
    if (services_lack()) {
        return 0;
    }
    assert_int_equal(setenv("AWS_ACCESS_KEY_ID", "weirtest", 1), 0);
    assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "weirsecret", 1), 0);
    options = (struct s3_sink_options){.region = S("us-east-1"),
                                       .prefix = S("a b/total"),
                                       .endpoint = str_of(service_url("s3")),
                                       .is_path_style = true,
                                       .partition = S("year={{.Year}}/month={{.Month}}"),
                                       .batch_size = 10000,
                                       .batch_bytes = 16 << 20,
                                       .batch_ms = 60000};
    config = (struct sink_config){.name = S("s"), .type = &type, .options = &options};
    bucket_make();
    return 0;
}

static int down(void **state)
{
    (void)state;
    sink_close(sink);
    arena_close(&arena);
    return 0;
}

static void start(void)
{
    if (services_lack()) {
        skip_because(services_lack());
    }
    if (sink) {
        sink_close(sink);
    }
    assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), OK);
    sink->bus = S("bus");
}

static struct sink_item item_of(size_t i, int64_t at_us)
{
    return (struct sink_item){.key = arena_printf(&arena, "key%zu", i),
                              .body = arena_printf(&arena, "{\"n\":%zu}", i),
                              .lane = S("collect"),
                              .position = 10 * i,
                              .at_us = at_us};
}

/* Records from..to, one a month of 1970 in turn. */
static enum outcome give(size_t from, size_t to)
{
    static const int64_t month_us = 32LL * 24 * 3600 * 1000000;
    static struct sink_item item[1000];
    size_t done = 0;
    for (size_t i = from; i < to; i++) {
        item[i - from] = item_of(i, (int64_t)(i % 2) * month_us);
    }
    const enum outcome result = sink->driver->send(sink, item, to - from, &done, &f);
    assert_true(result != OK || done == to - from);
    return result;
}

static enum outcome flush(void)
{
    return sink->driver->flush(sink, &f);
}

/* ---- the tests ---- */

static void records_stand_in_an_object_of_their_partition_as_lines(void **state)
{
    (void)state;
    start();
    assert_int_equal(sink->driver->due_ms(sink), -1);
    assert_int_equal(give(1, 5), OK);
    assert_true(sink->driver->due_ms(sink) > 0);
    look();
    assert_int_equal(objects_n, 0);
    assert_int_equal(flush(), OK);
    look();
    assert_int_equal(objects_n, 2);
    assert_true(
        str_starts(object[0].key, S("a b/total/year=1970/month=1/collect-0000000000000000020-")));
    assert_true(str_ends(object[0].key, S(".json")));
    assert_str(object[0].text, "{\"n\":2}\n{\"n\":4}\n");
    assert_str(object[1].text, "{\"n\":1}\n{\"n\":3}\n");
    assert_int_equal(sink->driver->due_ms(sink), -1);
}

static void nothing_makes_no_object(void **state)
{
    (void)state;
    start();
    assert_int_equal(flush(), OK);
    look();
    assert_int_equal(objects_n, 0);
}

static void what_comes_again_behind_a_kill_is_there_once(void **state)
{
    static const size_t ends[] = {5, 9, 7, 40};
    (void)state;
    options.batch_size = 3;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        start(); /* the cursors did not move: the same from the beginning, further or less far */
        assert_int_equal(give(0, ends[i]), OK);
        assert_int_equal(flush(), OK);
    }
    assert_int_equal(lines_n(), 40);
    start();
    assert_int_equal(give(40, 50), OK);
    assert_int_equal(flush(), OK);
    assert_int_equal(lines_n(), 50);
}

static void a_full_object_is_written_before_its_time(void **state)
{
    (void)state;
    options.batch_size = 4;
    options.partition = S("");
    start();
    assert_int_equal(give(0, 3), OK);
    assert_true(sink->driver->due_ms(sink) > 0);
    assert_int_equal(give(3, 10), OK);
    look();
    assert_int_equal(objects_n, 2);
    assert_true(sink->driver->due_ms(sink) > 0);
    assert_int_equal(give(10, 12), OK);
    assert_int_equal(sink->driver->due_ms(sink), 0);
    assert_int_equal(flush(), OK);
    assert_int_equal(lines_n(), 12);
    assert_int_equal(objects_n, 3);
}

static void an_old_record_is_written(void **state)
{
    (void)state;
    options.batch_ms = 0;
    start();
    assert_int_equal(give(0, 1), OK);
    assert_int_equal(sink->driver->due_ms(sink), 0);
}

static void what_is_dropped_comes_again_and_is_there_once(void **state)
{
    (void)state;
    start();
    assert_int_equal(give(0, 3), OK);
    sink->driver->drop(sink);
    assert_int_equal(sink->driver->due_ms(sink), -1);
    assert_int_equal(give(0, 3), OK);
    assert_int_equal(flush(), OK);
    assert_int_equal(lines_n(), 3);
}

static void a_failed_upload_loses_nothing(void **state)
{
    (void)state;
    const struct str real = options.endpoint;
    options.endpoint = S("http://127.0.0.1:9");
    options.batch_size = 2;
    start();
    assert_int_equal(give(0, 6), RETRY);
    assert_int_equal(flush(), RETRY);
    options.endpoint = real;
    assert_int_equal(flush(), OK);
    assert_int_equal(lines_n(), 4); /* of each partition two were taken; the fifth never was */
}

static void wrong_credentials_and_buckets_are_a_matter_of_the_set_up(void **state)
{
    (void)state;
    start();
    assert_int_equal(give(0, 1), OK);
    assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1), 0);
    assert_int_equal(flush(), STOP);
    assert_non_null(strstr(f.text, "SignatureDoesNotMatch"));
    assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "weirsecret", 1), 0);
    const struct str real = options.bucket;
    options.bucket = S("not-there");
    assert_int_equal(flush(), STOP);
    assert_non_null(strstr(f.text, "NoSuchBucket"));
    options.bucket = real;
    assert_int_equal(flush(), OK);
    assert_int_equal(lines_n(), 1);
}

static void a_large_object_goes_in_parts(void **state)
{
    struct sink_item item = {.lane = S("l"), .key = S("k")};
    size_t done = 0;
    (void)state;
    options.batch_bytes = 100 << 20;
    options.partition = S("");
    start();
    char *const body = arena_array(&arena, char, 1 << 20);
    memset(body, 'x', 1 << 20);
    for (size_t i = 0; i < 20; i++) {
        item.position = i;
        item.body = (struct str){body, (1 << 20) - i};
        assert_int_equal(sink->driver->send(sink, &item, 1, &done, &f), OK);
    }
    assert_int_equal(flush(), OK);
    assert_int_equal(lines_n(), 20);
    assert_int_equal(objects_n, 1);
}

/* ---- Parquet ---- */

static struct str query(const char *what)
{
    struct duck *duck = NULL;
    struct str out = S("");
    const struct duck_options o = {.memory_bytes_max = 256 << 20, .threads = 1};
    look();
    assert_int_equal(objects_n, 1);
    assert_true(str_ends(object[0].key, S(".parquet")));
    if (duck_open(&arena, &o, &duck, &f) != OK ||
        duck_first_text(duck, &arena,
                        arena_printf(&arena, "SELECT %s FROM read_parquet('%s/%.*s/%.*s')", what,
                                     service_url("s3.data"), STR_ARG(options.bucket),
                                     STR_ARG(object[0].key))
                            .at,
                        &out, &f) != OK) {
        fail_msg("%s", f.text);
    }
    duck_close(duck);
    return out;
}

static const char *const records[] = {
    "{\"name\":\"u\",\"tag.customer\":\"go\\\"ogle\",\"timestamp\":\"2024-01-02T03:04:05.5Z\","
    "\"type\":\"COUNT\",\"uuid\":\"x\",\"value\":3,\"window\":null}",
    "{\"name\":\"u\",\"tag.customer\":\"amazon\",\"tag.env\":\"prod\",\"timestamp\":"
    "\"2024-01-02T03:04:06Z\",\"type\":\"COUNT\",\"uuid\":\"y\",\"value\":2.5,\"window\":null}"};

static void give_records(void)
{
    size_t done = 0;
    start();
    for (size_t i = 0; i < 2; i++) {
        struct sink_item item = item_of(i, 0);
        item.body = str_of(records[i]);
        assert_int_equal(sink->driver->send(sink, &item, 1, &done, &f), OK);
    }
    if (flush() != OK) {
        fail_msg("%s", f.text);
    }
}

static void parquet_has_the_columns_of_its_schema_and_no_others(void **state)
{
    struct sink_column column[] = {
        {S("uuid"), COLUMN_BYTE_ARRAY, S("")},     {S("tags_customer"), COLUMN_BYTE_ARRAY, S("")},
        {S("tags_env"), COLUMN_BYTE_ARRAY, S("")}, {S("amount"), COLUMN_DOUBLE, S("value")},
        {S("timestamp"), COLUMN_INT64, S("")},     {S("wrong"), COLUMN_BOOLEAN, S("name")}};
    (void)state;
    options.encoding = (struct sink_encoding){
        .type = ENCODING_PARQUET, .config = {.compression = S("zstd"), .schema = {column, 6}}};
    give_records();
    assert_str(query("string_agg(concat_ws('|', uuid, tags_customer, coalesce(tags_env, '-'), "
                     "amount, timestamp, coalesce(wrong, false)), ',' ORDER BY uuid)"),
               "x|go\"ogle|-|3.0|1704164645500000|false,y|amazon|prod|2.5|1704164646000000|false");
}

static void parquet_without_a_schema_has_all_that_records_have(void **state)
{
    (void)state;
    options.encoding = (struct sink_encoding){.type = ENCODING_PARQUET,
                                              .config = {.compression = S("none")}};
    give_records();
    assert_str(query("string_agg(concat_ws('|', \"tag.customer\", coalesce(\"tag.env\", '-'), "
                     "value, epoch_us(timestamp), typeof(\"window\")), ',' ORDER BY uuid)"),
               "go\"ogle|-|3.0|1704164645500000|TIMESTAMP WITH TIME ZONE,"
               "amazon|prod|2.5|1704164646000000|TIMESTAMP WITH TIME ZONE");
}

/* Records of these bodies, as far as they are taken; the first that is not is passed over. */
static enum outcome give_bodies(const char *const *body, size_t n)
{
    enum outcome refused = OK;
    size_t done = 0;
    start();
    for (size_t i = 0; i < n; i++) {
        struct sink_item item = item_of(i, 0);
        item.body = str_of(body[i]);
        const enum outcome result = sink->driver->send(sink, &item, 1, &done, &f);
        refused = result != OK ? result : refused;
        assert_int_equal(done, result == OK);
    }
    struct failure other;
    if (sink->driver->flush(sink, &other) != OK) {
        fail_msg("%s", other.text);
    }
    return refused;
}

static void parquet_refuses_the_one_record_that_its_schema_cannot_hold(void **state)
{
    static const char *const wrong[] = {"1e19", "2.5", "9223372036854775808"};
    static struct sink_column column[] = {{STR("value"), COLUMN_INT64, STR("")}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *const body[] = {
            "{\"value\":-9223372036854775808}",
            arena_printf(&arena, "{\"value\":%s}", wrong[i]).at,
            "{\"value\":2.0}",
        };
        bucket_make();
        options.encoding = (struct sink_encoding){.type = ENCODING_PARQUET,
                                                  .config = {.schema = {column, 1}}};
        assert_int_equal(give_bodies(body, 3), REJECT);
        assert_non_null(strstr(f.text, "no INT64"));
        assert_str(query("string_agg(value, ',' ORDER BY value)"), "-9223372036854775808,2");
    }
}

static void parquet_without_a_schema_changes_no_value(void **state)
{
    static const struct {
        const char *first, *second, *is; /* and which type it has */
    } values[] = {
        {"0", "\"text 1\"", "0,text 1 VARCHAR"},
        {"9007199254740993", "1", "9007199254740993,1 BIGINT"},
        {"9007199254740993", "1.5", "9007199254740993,1.5 VARCHAR"},
        {"18446744073709551615", "1", "18446744073709551615,1 VARCHAR"},
        {"1", "1.5", "1.0,1.5 DOUBLE"},
        {"true", "null", "true BOOLEAN"},
        {"true", "1", "true,1 VARCHAR"},
        {"[1]", "null", "[1] VARCHAR"},
    };
    (void)state;
    options.encoding = (struct sink_encoding){.type = ENCODING_PARQUET};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const char *const body[] = {
            arena_printf(&arena, "{\"n\":1,\"v\":%s}", values[i].first).at,
            arena_printf(&arena, "{\"n\":2,\"v\":%s}", values[i].second).at};
        bucket_make();
        assert_int_equal(give_bodies(body, 2), OK);
        const struct str got = query(
            "string_agg(v, ',' ORDER BY n) || ' ' || any_value(typeof(v))");
        assert_string_equal(arena_cstr(&arena, got), values[i].is);
    }
}

static void parquet_has_times_only_where_all_are_times(void **state)
{
    static const char *const body[] = {"{\"n\":1,\"time\":1700000000,\"window\":\"24h\"}",
                                       "{\"n\":2,\"time\":\"2024-01-02T03:04:05Z\"}"};
    (void)state;
    options.encoding = (struct sink_encoding){.type = ENCODING_PARQUET};
    assert_int_equal(give_bodies(body, 2), OK);
    assert_str(query("string_agg(concat_ws('|', time, \"window\"), ',' ORDER BY n)"),
               "1700000000|24h,2024-01-02T03:04:05Z");
}

/* So many members, counted from one. */
static const char *wide(size_t from, size_t n)
{
    struct buf b;
    buf_init(&b, &arena, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&b, "%s\"tag.k%zu\":\"%zu\"", i > 0 ? "," : "{", from + i, i);
    }
    buf_add(&b, (struct str){"}", 2});
    return buf_str(&b).at;
}

static void parquet_takes_a_thousand_columns_and_refuses_a_record_of_more(void **state)
{
    enum { ROWS = 20 }; /* whose values repeat: DuckDB writes a dictionary for each column */
    const char *body[ROWS];
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        body[i] = wide(0, i == 1 ? 1001 : 1000);
    }
    options.encoding = (struct sink_encoding){.type = ENCODING_PARQUET};
    assert_int_equal(give_bodies(body, ROWS), REJECT);
    assert_non_null(strstr(f.text, "more than 1000 members"));
    assert_str(query("count(\"tag.k999\")::VARCHAR"), "19");
}

static void parquet_refuses_a_member_that_can_be_no_column(void **state)
{
    static const char *const wrong[] = {"{\"\":1}", "{\"a\\u0000b\":1}", "{}", "[]"};
    (void)state;
    options.encoding = (struct sink_encoding){.type = ENCODING_PARQUET};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *const body[] = {wrong[i], "{\"v\":\"a\\u0000b\"}"};
        bucket_make();
        assert_int_equal(give_bodies(body, 2), REJECT);
        assert_str(query("length(v)::VARCHAR"), "3");
    }
}

static size_t parquet_rows(void)
{
    struct duck *duck = NULL;
    struct str rows = S("");
    const struct duck_options o = {.memory_bytes_max = 256 << 20, .threads = 1};
    const struct str sql = arena_printf(
        &arena, "SELECT count(*)::VARCHAR FROM read_parquet('%s/%.*s/**/*.parquet')",
        service_url("s3.data"), STR_ARG(options.bucket));
    assert_int_equal(duck_open(&arena, &o, &duck, &f), OK);
    assert_int_equal(duck_first_text(duck, &arena, sql.at, &rows, &f), OK);
    duck_close(duck);
    return strtoul(arena_cstr(&arena, rows), NULL, 10);
}

/* Of 600 columns each, that two of them share none of; the same from the beginning, further. */
static void parquet_of_too_many_columns_is_several_objects_in_which_each_record_is_once(
    void **state)
{
    static const size_t ends[] = {5, 3, 6};
    const char *body[6];
    (void)state;
    options.encoding = (struct sink_encoding){.type = ENCODING_PARQUET};
    for (size_t i = 0; i < sizeof body / sizeof *body; i++) {
        body[i] = wide(1000 * (i / 2), 600);
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        assert_int_equal(give_bodies(body, ends[i]), OK);
    }
    look();
    assert_int_equal(objects_n, 3);
    assert_int_equal(parquet_rows(), 6);
}

static int start_all(void **state)
{
    (void)state;
    (void)services_start("s3");
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    services_stop();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_stand_in_an_object_of_their_partition_as_lines),
        TEST(nothing_makes_no_object),
        TEST(what_comes_again_behind_a_kill_is_there_once),
        TEST(a_full_object_is_written_before_its_time),
        TEST(an_old_record_is_written),
        TEST(what_is_dropped_comes_again_and_is_there_once),
        TEST(a_failed_upload_loses_nothing),
        TEST(wrong_credentials_and_buckets_are_a_matter_of_the_set_up),
        TEST(a_large_object_goes_in_parts),
        TEST(parquet_has_the_columns_of_its_schema_and_no_others),
        TEST(parquet_without_a_schema_has_all_that_records_have),
        TEST(parquet_refuses_the_one_record_that_its_schema_cannot_hold),
        TEST(parquet_without_a_schema_changes_no_value),
        TEST(parquet_has_times_only_where_all_are_times),
        TEST(parquet_of_too_many_columns_is_several_objects_in_which_each_record_is_once),
        TEST(parquet_refuses_a_member_that_can_be_no_column),
        TEST(parquet_takes_a_thousand_columns_and_refuses_a_record_of_more),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
