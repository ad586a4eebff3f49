#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/asked.h"
#include "base/file.h"
#include "collector/asking.h"
#include "config/sources.h"
#include "folder.h"
#include "service.h"

#define SECOND INT64_C(1000000)
#define END (1704067200 * SECOND) /* 2024-01-01T00:00:00Z */

static struct arena arena;

static const char samples[] =
    "# TYPE runs gauge\n"
    "runs{collector_name=\"mongo.users.10s\",result_status_code=\"OK\"} 8555.054635645161 "
    "1704067200\n"
    "runs{collector_name=\"postgres.users.total.1m\",result_status_code=\"OK\"} 1472.9032501210243 "
    "1704067200\n"
    "runs{collector_name=\"postgres.users.total.24h\",result_status_code=\"ERROR\"} 0 1704067200\n"
    "runs{collector_name=\"postgres.users.total.24h\",result_status_code=\"OK\"} "
    "1.0012938478049112 1704067200\n"
    "runs{collector_name=\"postgres.users.total.30s\",result_status_code=\"ERROR\"} 0 1704067200\n"
    "runs{collector_name=\"postgres.users.total.30s\",result_status_code=\"OK\"} "
    "2940.800031003024 1704067200\n"
    "# TYPE odd gauge\n"
    "odd{who=\"o'clock \\\"x\\\" ä\"} NaN 1704067200\n"
    "# TYPE steps gauge\n"
    "steps 0 1704066900\nsteps 1 1704066960\nsteps 2 1704067020\nsteps 3 1704067080\n"
    "steps 4 1704067140\nsteps 5 1704067200\n"
    "# EOF\n";

/* Answers that a real one gives at bad times alone. */
static const char script[] =
    "[{\"path\":\"/busy?query=x\",\"status\":503,\"body\":\"shutting down\"},"
    "{\"path\":\"/page?query=x\",\"body\":\"<html>\"},"
    "{\"path\":\"/wrong?query=x\",\"body\":{\"status\":\"error\",\"errorType\":\"timeout\","
    "\"error\":\"too slow\"}},"
    "{\"path\":\"/histogram?query=x\",\"body\":{\"status\":\"success\",\"data\":{\"resultType\":"
    "\"vector\",\"result\":[{\"metric\":{},\"histogram\":[1,{}]}]}}},"
    "{\"path\":\"/cut?query=x\",\"body\":{\"status\":\"success\"},\"cut\":5},"
    "{\"path\":\"/token?a=b&query=x\",\"needs\":{\"Authorization\":\"Bearer t\"},\"body\":{"
    "\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1.5,\"+Inf\"]}}},"
    "{\"path\":\"/slow?query=x\",\"wait\":600}]";

static void ask(const struct collector *c, const struct prometheus_options *o, struct rows_of *out)
{
    const bool has_window = c->strategy == STRATEGY_WINDOW;
    const struct source_ask a = {.collector = c,
                                 .options = o,
                                 .now_us = END + 3600 * SECOND,
                                 .start_us = has_window ? END - 300 * SECOND : TIME_NONE,
                                 .end_us = has_window ? END : TIME_NONE,
                                 .arena = &arena,
                                 .row_bytes_max = 1 << 20};
    rows_of(&source_prometheus, &a, out);
}

static struct str at(const char *service, const char *path)
{
    return arena_printf(&arena, "%s%s", service_url(service), path);
}

static void the_golden_case_comes_out(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    const struct prometheus_options o = {
        .uri = at("prometheus", "/api/v1/query"),
        .query = S("runs"),
        .sql = S("SELECT metric->>'collector_name' as collector_name, CASE WHEN "
                 "metric->>'result_status_code' = 'OK' THEN false ELSE true END as error, "
                 "round(value::DOUBLE, 0) as value FROM prom_metrics;\n")};
    ask(&ask_window, &o, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text,
                        "collector_name=mongo.users.10s,error=?false,value=#8555.0\n"
                        "collector_name=postgres.users.total.1m,error=?false,value=#1473.0\n"
                        "collector_name=postgres.users.total.24h,error=?true,value=#0.0\n"
                        "collector_name=postgres.users.total.24h,error=?false,value=#1.0\n"
                        "collector_name=postgres.users.total.30s,error=?true,value=#0.0\n"
                        "collector_name=postgres.users.total.30s,error=?false,value=#2941.0\n");
    ask(&ask_tick, &o, &got); /* as of now there is nothing */
    assert_string_equal(got.text, "");
    assert_int_equal(got.outcome, OK);
    struct prometheus_options day = o;
    day.time_expression = S("$start_of_day"); /* of the run: END */
    day.sql = S("SELECT count(*) AS value FROM prom_metrics");
    ask(&ask_tick, &day, &got);
    assert_string_equal(got.text, "value=#6\n");
    (void)state;
}

static void labels_and_values_are_never_sql(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    const struct prometheus_options o = {
        .uri = at("prometheus", "/api/v1/query"),
        .query = S("odd"),
        .sql = S("SELECT metric->>'who' AS who, value AS text, value::DOUBLE AS value, time, "
                 "1.50::DECIMAL(5,2) AS d, 170141183460469231731687303715884105727 AS h, "
                 "[1,2] AS l, NULL AS n, DATE '2024-01-02' AS day FROM prom_metrics")};
    ask(&ask_window, &o, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text,
                        "who=o'clock \"x\" ä,text=NaN,value=#nan,time=@2024-01-01T00:00:00Z,"
                        "d=#1.50,h=#170141183460469231731687303715884105727,l=[1, 2],n=~,"
                        "day=@2024-01-02T00:00:00Z\n");
    (void)state;
}

static void a_range_takes_each_step_of_the_window_once(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    struct prometheus_options o = {.uri = at("prometheus", "/api/v1/query_range"),
                                   .query = S("steps"),
                                   .step_ms = 60000,
                                   .sql = S("SELECT value, time FROM prom_metrics ORDER BY time")};
    ask(&ask_window, &o, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=1,time=@2023-12-31T23:56:00Z\n"
                                  "value=2,time=@2023-12-31T23:57:00Z\n"
                                  "value=3,time=@2023-12-31T23:58:00Z\n"
                                  "value=4,time=@2023-12-31T23:59:00Z\n"
                                  "value=5,time=@2024-01-01T00:00:00Z\n");
    o.step_ms = 10; /* 30,000 points: three requests */
    o.sql = S("SELECT count(*) AS value, count(DISTINCT time) AS times FROM prom_metrics");
    ask(&ask_window, &o, &got);
    assert_string_equal(got.text, "value=#30000,times=#30000\n");
    o.uri = at("prometheus", "/api/v1/query");
    ask(&ask_window, &o, &got);
    assert_int_equal(got.outcome, STOP);
    (void)state;
}

static void failures_say_what_helps(void **state)
{
    NEEDS_SERVICES();
    const struct {
        struct str uri;
        const char *query, *sql, *why;
        enum outcome outcome;
    } cases[] = {
        {at("prometheus", "/api/v1/query"), "sum(", "SELECT 1", "bad_data", REJECT},
        {at("prometheus", "/api/v1/query"), "\"x\"", "SELECT 1", "gives a string", REJECT},
        {at("prometheus", "/api/v2/query"), "x", "SELECT 1", "HTTP 404", STOP},
        {at("prometheus", "/api/v1/query"), "x", "SELECT * FROM read_csv('/etc/passwd')",
         "disabled", REJECT},
        {at("prometheus", "/api/v1/query"), "x", "COPY prom_metrics TO '/nowhere'", "disabled",
         REJECT},
        {at("prometheus", "/api/v1/query"), "x", "SELECT 1; SELECT 2", "one SELECT", REJECT},
        {at("prometheus", "/api/v1/query"), "x", "CREATE TABLE t (a INT)", "one SELECT", REJECT},
        {at("prometheus", "/api/v1/query"), "1", "SELECT nothing FROM prom_metrics", "nothing",
         REJECT},
        {at("prometheus", "/api/v1/query"), "1", "SELECT error('a') AS value FROM prom_metrics",
         "Invalid Input", REJECT},
        {S("http://127.0.0.1:1/api/v1/query"), "x", "SELECT 1", "127.0.0.1", RETRY},
        {S("ftp://127.0.0.1/api/v1/query"), "x", "SELECT 1", "rotocol", STOP},
        {at("http", "/busy"), "x", "SELECT 1", "HTTP 503: shutting down", RETRY},
        {at("http", "/page"), "x", "SELECT 1", "no JSON", REJECT},
        {at("http", "/wrong"), "x", "SELECT 1", "timeout: too slow", REJECT},
        {at("http", "/histogram"), "x", "SELECT 1", "histogram", REJECT},
        {at("http", "/cut"), "x", "SELECT 1", "/cut: ", RETRY},
        {at("http", "/token?a=b"), "x", "SELECT 1", "HTTP 401", STOP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        const struct prometheus_options o = {
            .uri = cases[i].uri, .query = str_of(cases[i].query), .sql = str_of(cases[i].sql)};
        ask(&ask_tick, &o, &got);
        if (got.outcome != cases[i].outcome || !strstr(got.why.text, cases[i].why)) {
            fail_msg("%.*s %s: %s, %s", STR_ARG(cases[i].uri), cases[i].sql,
                     outcome_name(got.outcome), got.why.text);
        }
    }
    (void)state;
}

static void headers_go_along_and_a_scalar_is_one_row(void **state)
{
    struct rows_of got;
    struct text_pair token[] = {{STR("Authorization"), STR("Bearer t")}};
    NEEDS_SERVICES();
    const struct prometheus_options o = {.uri = at("http", "/token?a=b"),
                                         .query = S("x"),
                                         .headers = {token, 1},
                                         .sql = S("SELECT value::DOUBLE AS value, time FROM "
                                                  "prom_metrics")};
    ask(&ask_tick, &o, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#inf,time=@1970-01-01T00:00:01.5Z\n");
    (void)state;
}

static void a_run_that_waits_is_ended_by_a_stop(void **state)
{
    /* for the server, and in the engine */
    const struct prometheus_options waits[] = {
        {.uri = at("http", "/slow"), .query = S("x"), .sql = S("SELECT 1 AS value")},
        {.uri = at("prometheus", "/api/v1/query"),
         .query = S("1"),
         .sql = S("SELECT count(*) AS value FROM range(1000000) a, range(1000000) b "
                  "WHERE hash(a.range, b.range) = 0")}};
    NEEDS_SERVICES();
    for (size_t i = 0; i < 2; i++) {
        int fd = -1;
        const pid_t pid = run_begin(&source_prometheus, &waits[i], &fd);
        (void)usleep(1000000); /* it shall wait by then; a stop that comes sooner must do, too */
        assert_stops(pid, fd);
    }
    (void)state;
}

static int start(void **state)
{
    struct failure f;
    (void)state;
    arena_init(&arena, (size_t)512 << 20);
    asked_install(NULL, NULL);
    if (!folder_make() || file_replace(folder_path("samples"), str_of(samples), 0644, &f) != OK ||
        file_replace(folder_path("script"), str_of(script), 0644, &f) != OK) {
        return -1;
    }
    (void)services_start(
        arena_printf(&arena, "prometheus=%s http=%s", folder_path("samples"), folder_path("script"))
            .at);
    return 0;
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
        cmocka_unit_test(the_golden_case_comes_out),
        cmocka_unit_test(labels_and_values_are_never_sql),
        cmocka_unit_test(a_range_takes_each_step_of_the_window_once),
        cmocka_unit_test(failures_say_what_helps),
        cmocka_unit_test(headers_go_along_and_a_scalar_is_one_row),
        cmocka_unit_test(a_run_that_waits_is_ended_by_a_stop),
    };
    return cmocka_run_group_tests(all, start, stop);
}
