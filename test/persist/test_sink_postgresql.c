#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/asked.h"
#include "persist/sink/sink.h"
#include "service.h"
#include "test.h"

static struct arena arena;
static struct postgresql_options options;
static const struct section_type type = {.name = "postgresql", .driver = &sink_postgresql};
static struct sink_config config;
static struct sink *sink;
static struct failure f;
static size_t done;
static unsigned tables;

/* Rows of one column, by comma; `%` is the table. */
static struct str ask(const char *sql)
{
    struct buf b;
    struct buf text;
    buf_init(&text, &arena, 1 << 16);
    for (; *sql; sql++) {
        buf_add(&text, *sql == '%' ? options.table : (struct str){sql, 1});
    }
    buf_add_byte(&text, '\0');
    PGconn *const c = PQconnectdb(service_url("postgres"));
    PGresult *const r = PQexec(c, buf_str(&text).at);
    const ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        fail_msg("%s", PQerrorMessage(c));
    }
    buf_init(&b, &arena, 1 << 20);
    for (int i = 0; i < PQntuples(r); i++) {
        buf_printf(&b, "%s%s", i > 0 ? "," : "", PQgetvalue(r, i, 0));
    }
    PQclear(r);
    PQfinish(c);
    return buf_str(&b);
}

static int up(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)1 << 30);
    sink = NULL;
    if (services_lack()) {
        return 0;
    }
    options = (struct postgresql_options){.uri = str_of(service_url("postgres")),
                                          .table = arena_printf(&arena, "public.t%u", tables++)};
    config = (struct sink_config){
        .name = S("p"), .type = &type, .options = &options, .is_for_collectors = true};
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
    if (sink_open(&arena, &config, S(""), &sink, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

static struct sink_item item_of(const char *name, double value)
{
    static struct metric_tag tag = {STR("a\"b"), STR("tab\there \\ and\nline")};
    struct metric *const m = arena_new(&arena, struct metric);
    *m = (struct metric){.collector = S("c"),
                         .name = str_of(name),
                         .type = S("COUNT"),
                         .value = value,
                         .tag = &tag,
                         .tags_n = 1,
                         .window_start_us = 0,
                         .window_end_us = 60000000,
                         .scheduled_us = TIME_NONE,
                         .at_us = 61000000};
    return (struct sink_item){.key = metric_key(&arena, m),
                              .model = S("metric"),
                              .body = S("{\"v\":\"a\\tb\"}"),
                              .type = S("application/json"),
                              .metric = m};
}

static enum outcome give(const struct sink_item *item, size_t n)
{
    return sink->driver->send(sink, item, n, &done, &f);
}

static void a_record_is_a_row_with_all_its_columns(void **state)
{
    (void)state;
    start();
    const struct sink_item item = item_of("users", 2.5);
    assert_int_equal(give(&item, 1), OK);
    assert_str(ask("SELECT concat_ws('|', name, type, value, tags->>'a\"b', window_start_at AT "
                   "TIME ZONE 'UTC', window_end_at AT TIME ZONE 'UTC', at AT TIME ZONE 'UTC', "
                   "collector, record->>'v') FROM %"),
               "users|COUNT|2.5|tab\there \\ and\nline|1970-01-01 00:00:00|1970-01-01 00:01:00|"
               "1970-01-01 00:01:01|c|a\tb");
}

static void the_same_key_again_is_the_same_row_with_the_last_value(void **state)
{
    (void)state;
    start();
    const struct sink_item item[] = {item_of("a", 1), item_of("b", 2), item_of("a", 3)};
    assert_int_equal(give(item, 3), OK);
    assert_int_equal(give(item + 1, 1), OK);
    assert_str(ask("SELECT name || value FROM % ORDER BY 1"), "a3,b2");
}

/* The same one, read then. */
static struct sink_item item_at(double value, int64_t at_us)
{
    const struct sink_item item = item_of("a", value);
    struct metric *const m = arena_new(&arena, struct metric);
    *m = *item.metric;
    m->at_us = at_us;
    struct sink_item out = item;
    out.metric = m;
    return out;
}

static void a_record_that_comes_late_takes_no_newer_ones_place(void **state)
{
    const int64_t now_us = clock_now_us();
    const struct sink_item batch[] = {item_at(5, 400), item_at(4, 300)};
    const struct sink_item ahead[] = {item_at(8, now_us), item_at(7, now_us + HOUR_US)};
    const struct {
        struct sink_item item;
        const char *is;
    } steps[] = {
        {item_at(2, 200), "2"},
        {item_at(1, 100), "2"},
        {item_at(3, 200), "3"}, /* what is read at the same time is another reading of it */
        {item_at(6, now_us + HOUR_US), "6"},
        {item_at(4, now_us), "4"}, /* the clock was wrong */
    };
    (void)state;
    start();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_int_equal(give(&steps[i].item, 1), OK);
        assert_string_equal(arena_cstr(&arena, ask("SELECT value FROM %")), steps[i].is);
    }
    assert_int_equal(give(ahead, 2), OK);
    assert_str(ask("SELECT value FROM %"), "8");
    (void)ask("DELETE FROM %");
    assert_int_equal(give(batch, 2), OK);
    assert_str(ask("SELECT value FROM %"), "5");
}

static void in_a_table_that_does_not_tell_the_age_the_last_one_counts(void **state)
{
    const struct sink_item item[] = {item_at(2, 200), item_at(1, 100)};
    (void)state;
    if (services_lack()) {
        skip_because(services_lack());
    }
    (void)ask("CREATE TABLE % (\"key\" text PRIMARY KEY, value numeric, at text)");
    start();
    assert_int_equal(give(item, 1), OK);
    assert_int_equal(give(item + 1, 1), OK);
    assert_str(ask("SELECT value FROM %"), "1");
}

static void of_a_refused_batch_the_one_at_fault_is_found(void **state)
{
    (void)state;
    start();
    struct sink_item item[] = {item_of("a", 1), item_of("b", 2), item_of("c", 3)};
    item[1].body = S("{\"v\":\"\\u0000\"}"); /* no text of PostgreSQL's */
    assert_int_equal(give(item, 3), REJECT);
    assert_int_equal(done, 1);
    assert_int_equal(give(item + 2, 1), OK);
    assert_str(ask("SELECT name FROM % ORDER BY 1"), "a,c");
}

static void a_table_of_somebody_else_gets_the_columns_that_it_has(void **state)
{
    (void)state;
    if (services_lack()) {
        skip_because(services_lack());
    }
    (void)ask("CREATE TABLE % (id serial, \"key\" varchar(40) UNIQUE, value numeric, note text)");
    start();
    const struct sink_item item = item_of("a", 1.5);
    assert_int_equal(give(&item, 1), OK);
    assert_str(ask("SELECT value FROM %"), "1.5");
}

static void a_table_that_cannot_be_is_told_with_the_way_out(void **state)
{
    (void)state;
    if (services_lack()) {
        skip_because(services_lack());
    }
    (void)ask("CREATE TABLE % (value numeric)");
    assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), STOP);
    assert_non_null(strstr(f.text, "`key`"));
    sink_close(sink);
    (void)ask("ALTER TABLE % ADD COLUMN \"key\" text");
    start();
    const struct sink_item item = item_of("a", 1);
    assert_int_equal(give(&item, 1), STOP);
    assert_non_null(strstr(f.text, "ON CONFLICT"));
}

static void a_session_that_the_server_ends_is_begun_anew_and_each_is_there_once(void **state)
{
    (void)state;
    start();
    const struct sink_item item[] = {item_of("a", 1), item_of("b", 2)};
    assert_int_equal(give(item, 1), OK);
    (void)ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
              "'weir' AND '%' <> ''");
    assert_int_equal(give(item, 2), RETRY);
    assert_int_equal(give(item, 2), OK);
    assert_str(ask("SELECT name FROM % ORDER BY 1"), "a,b");
    (void)ask("DROP TABLE %");
    assert_int_equal(give(item, 2), RETRY);
    assert_int_equal(give(item, 2), OK);
    assert_str(ask("SELECT name FROM % ORDER BY 1"), "a,b");
}

static void a_stop_does_not_wait_for_who_holds_the_table(void **state)
{
    (void)state;
    start();
    const struct sink_item item = item_of("a", 1);
    assert_int_equal(give(&item, 1), OK);
    PGconn *const other = PQconnectdb(service_url("postgres"));
    PQclear(PQexec(other, "BEGIN"));
    PGresult *const r = PQexec(other,
                               arena_printf(&arena, "LOCK TABLE %.*s", STR_ARG(options.table)).at);
    assert_int_equal(PQresultStatus(r), PGRES_COMMAND_OK);
    PQclear(r);
    ask_to_stop();
    assert_int_equal(give(&item, 1), RETRY);
    assert_non_null(strstr(f.text, "before the stop"));
    asked_reset();
    PQfinish(other);
    assert_int_equal(give(&item, 1), OK);
    assert_str(ask("SELECT name FROM %"), "a");
}

static void a_fact_of_a_model_is_a_row_with_its_cloudevent(void **state)
{
    const struct signal fact = {.id = S("i"),
                                .source = S("/s"),
                                .type = S("weir.fact.change"),
                                .time_us = 0,
                                .data = S("{\"a\":1}")};
    struct sink_item item;
    (void)state;
    config.is_for_collectors = false;
    start();
    sink_item_of_fact(&arena, &fact, &item);
    item.model = S("change");
    assert_int_equal(give(&item, 1), OK);
    assert_str(ask("SELECT concat_ws('|', key, model, source, type, record->'data'->>'a') FROM "
                   "%"),
               "i|change|/s|weir.fact.change|1");
}

static void nobody_there_and_a_wrong_password_are_told_apart(void **state)
{
    (void)state;
    if (services_lack()) {
        skip_because(services_lack());
    }
    options.uri = S("postgresql://weir:secret@127.0.0.1:9/postgres");
    assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), RETRY);
    sink_close(sink);
    const struct str url = str_of(service_url("postgres"));
    const size_t at = str_find(url, '@');
    options.uri = arena_printf(&arena, "postgresql://weir:wrong%.*s",
                               STR_ARG(str_sub(url, at, url.len)));
    assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), STOP);
    assert_null(strstr(f.text, "wrong"));
    sink_close(sink);
    options.uri = S("postgresql://weir:wrong/er@127.0.0.1:9/postgres");
    assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), STOP);
    assert_null(strstr(f.text, "wrong"));
}

static int start_all(void **state)
{
    (void)state;
    (void)services_start("postgres");
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
        TEST(a_record_is_a_row_with_all_its_columns),
        TEST(the_same_key_again_is_the_same_row_with_the_last_value),
        TEST(a_record_that_comes_late_takes_no_newer_ones_place),
        TEST(in_a_table_that_does_not_tell_the_age_the_last_one_counts),
        TEST(of_a_refused_batch_the_one_at_fault_is_found),
        TEST(a_table_of_somebody_else_gets_the_columns_that_it_has),
        TEST(a_table_that_cannot_be_is_told_with_the_way_out),
        TEST(a_session_that_the_server_ends_is_begun_anew_and_each_is_there_once),
        TEST(a_stop_does_not_wait_for_who_holds_the_table),
        TEST(a_fact_of_a_model_is_a_row_with_its_cloudevent),
        TEST(nobody_there_and_a_wrong_password_are_told_apart),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
