#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/asked.h"
#include "base/file.h"
#include "collector/asking.h"
#include "config/sources.h"
#include "folder.h"
#include "service.h"

static struct arena arena;

static const char script[] =
    "[{\"path\":\"/plain\",\"needs\":{\"Authorization\":\"Bearer "
    "t\",\"Accept\":\"application/json\"},"
    "\"body\":[{\"value\":1.50,\"big\":9007199254740993,\"n\":null},{\"value\":2}]},"
    "{\"path\":\"/one\",\"body\":{\"value\":7}},"
    "{\"path\":\"/link\",\"headers\":{\"Link\":\"<http://SELF/other>; rel=\\\"last\\\", "
    "<http://SELF/link?page=2>; title=\\\"2, of 4; x\\\"; "
    "rel=\\\"next\\\"\"},\"body\":[{\"value\":1}]},"
    "{\"path\":\"/link?page=2\",\"headers\":{\"Link\":\"</link?page=3>; rel=next\"},\"body\":[]},"
    "{\"path\":\"/link?page=3\",\"headers\":{\"Link\":\"</link>; rel=\\\"first\\\", "
    "</link?page=4>; rel=\\\"last next\\\"\"},\"body\":[{\"value\":3}]},"
    "{\"path\":\"/link?page=4\",\"headers\":{\"Link\":\"</link?page=9>; rel=\\\"nextto\\\"\"},"
    "\"body\":[{\"value\":4}]},"
    "{\"path\":\"/token?a=b\",\"body\":{\"items\":[{\"value\":1}],\"meta\":{\"next\":\"x&y=1\"}}},"
    "{\"path\":\"/"
    "token?a=b&after=x%26y%3D1\",\"body\":{\"items\":[{\"value\":2}],\"meta\":{\"next\":"
    "17}}},"
    "{\"path\":\"/"
    "token?a=b&after=17\",\"body\":{\"items\":[{\"value\":3}],\"meta\":{\"next\":null}}},"
    "{\"path\":\"/url\",\"body\":{\"items\":[{\"value\":1}],\"next\":\"url2?x=1\"}},"
    "{\"path\":\"/url2?x=1\",\"body\":{\"items\":[{\"value\":2}],\"next\":\"\"}},"
    "{\"path\":\"/number?page=1\",\"body\":[{\"value\":1}]},"
    "{\"path\":\"/number?page=2\",\"body\":[{\"value\":2}]},"
    "{\"path\":\"/number?page=3\",\"body\":[]},"
    "{\"path\":\"/some?page=1\",\"body\":{\"items\":[{\"ok\":1,\"value\":1}],\"tags\":[7]}},"
    "{\"path\":\"/some?page=2\",\"body\":{\"items\":[{\"ok\":0,\"value\":2}],\"tags\":[7]}},"
    "{\"path\":\"/some?page=3\",\"body\":{\"items\":[{\"ok\":1,\"value\":3}],\"tags\":[7]}},"
    "{\"path\":\"/some?page=4\",\"body\":{\"items\":[],\"tags\":[7]}},"
    "{\"path\":\"/bare?page=1\",\"body\":{\"d\":{\"items\":[{\"ok\":0}]},\"n\":2}},"
    "{\"path\":\"/bare?page=2\",\"body\":{\"d\":{\"items\":[{\"ok\":1,\"value\":5}]},\"n\":2}},"
    "{\"path\":\"/bare?page=3\",\"body\":{\"d\":{\"items\":[]},\"n\":2}},"
    "{\"path\":\"/since?at=2024-01-01T12%3A00%3A00%2B00%3A00\",\"body\":[{\"value\":8}]},"
    "{\"path\":\"/window?from=1970-01-01T00:00:00Z\",\"body\":[{\"value\":4}]},"
    "{\"path\":\"/post\",\"method\":\"POST\",\"body_needs\":\"until 1970-01-01T00:01:00Z\","
    "\"body\":[{\"value\":5}]},"
    "{\"path\":\"/away\",\"headers\":{\"Link\":\"<http://localhost:1/link>; "
    "rel=next\"},\"body\":[]},"
    "{\"path\":\"/self\",\"headers\":{\"Link\":\"</self>; rel=next\"},\"body\":[]},"
    "{\"path\":\"/busy\",\"status\":429,\"body\":\"later\"},"
    "{\"path\":\"/text\",\"body\":\"hello\"},"
    "{\"path\":\"/numbers\",\"body\":[1,2]},"
    "{\"path\":\"/large\",\"body\":\"0123456789\",\"times\":20000},"
    "{\"path\":\"/gone\",\"status\":302,\"headers\":{\"Location\":\"/one\"}},"
    "{\"path\":\"/elsewhere\",\"status\":302,\"headers\":{\"Location\":\"http://localhost:1/"
    "one\"}},"
    "{\"path\":\"/round\",\"status\":307,\"headers\":{\"Location\":\"/round\"}},"
    "{\"path\":\"/slow\",\"wait\":600}]";

static void ask(struct http_source_options o, const char *path, struct rows_of *out)
{
    const struct collector c = {.id = S("api"), .strategy = STRATEGY_WINDOW};
    o.uri = arena_printf(&arena, "%s%s", service_url("http"), path);
    o.method = o.method.len > 0 ? o.method : S("GET");
    o.paging.pages_max = o.paging.pages_max ? o.paging.pages_max : 10;
    o.paging.first = 1;
    o.page_bytes_max = 100000;
    const struct source_ask a = {.collector = &c,
                                 .options = &o,
                                 .now_us = 61000000,
                                 .start_us = 0,
                                 .end_us = 60000000,
                                 .arena = &arena,
                                 .row_bytes_max = 1 << 16};
    rows_of(&source_http, &a, out);
}

static void an_answers_items_are_rows(void **state)
{
    struct rows_of got;
    struct text_pair token[] = {{STR("Authorization"), STR("Bearer t")}};
    NEEDS_SERVICES();
    ask((struct http_source_options){.headers = {token, 1}}, "/plain", &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#1.5,big=#9007199254740993,n=~\nvalue=#2\n");
    ask((struct http_source_options){0}, "/gone", &got); /* elsewhere */
    assert_string_equal(got.text, "value=#7\n");
    (void)state;
}

static void a_program_makes_rows_of_an_answer(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask((struct http_source_options){.rows = S(".items[] | {value: (.value * 2), at: $received}")},
        "/url", &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "at=1970-01-01T00:01:01.000000Z,value=#2\n");
    ask((struct http_source_options){.rows = S(".items[] | .value | error(\"none\")")}, "/url",
        &got);
    assert_int_equal(got.outcome, REJECT);
    assert_non_null(strstr(got.why.text, "none"));
    ask((struct http_source_options){.rows = S("[limit(10; repeat(1))] | length")}, "/url", &got);
    assert_int_equal(got.outcome, REJECT); /* a number is no row */
    (void)state;
}

static void pages_follow_by_link_cursor_and_number(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask((struct http_source_options){.paging = {.by = PAGING_LINK}}, "/link", &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#1\nvalue=#3\nvalue=#4\n");
    ask(
        (struct http_source_options){
            .rows = S(".items[]"),
            .paging = {.by = PAGING_CURSOR, .next = S("/meta/next"), .parameter = S("after")}},
        "/token?a=b", &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#1\nvalue=#2\nvalue=#3\n");
    ask((struct http_source_options){.rows = S(".items"),
                                     .paging = {.by = PAGING_CURSOR, .next = S("/next")}},
        "/url", &got);
    assert_string_equal(got.text, "value=#1\nvalue=#2\n");
    ask((struct http_source_options){.paging = {.by = PAGING_NUMBER}}, "/number", &got);
    assert_string_equal(got.text, "value=#1\nvalue=#2\n");
    (void)state;
}

static void pages_by_number_end_where_the_items_do(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask((struct http_source_options){.rows = S(".d.items[] | select(.ok == 1) | {value}"),
                                     .paging = {.by = PAGING_NUMBER}},
        "/bare", &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#5\n");
    struct http_source_options o = {.rows = S(".items[] | select(.ok == 1) | {value}"),
                                    .paging = {.by = PAGING_NUMBER, .pages_max = 4}};
    ask(o, "/some", &got); /* the list beside the items never ends */
    assert_int_equal(got.outcome, REJECT);
    assert_non_null(strstr(got.why.text, "paging.items"));
    o.paging.items = S("/items");
    ask(o, "/some", &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#1\nvalue=#3\n");
    (void)state;
}

static void a_bookmark_stands_in_an_address_as_it_is_meant(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    const struct http_source_options o = {
        .uri = arena_printf(&arena, "%s/since?at={{.Bookmark}}", service_url("http")),
        .method = S("GET"),
        .paging = {.pages_max = 1},
        .page_bytes_max = 100000};
    struct source_ask a = ask_of(&arena, &ask_growing, &o);
    a.bookmark = S("2024-01-01T12:00:00+00:00");
    rows_of(&source_http, &a, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#8\n");
    (void)state;
}

static void a_first_run_has_an_empty_bookmark(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    const struct http_source_options o = {
        .uri = arena_printf(&arena, "%s/one{{ with .Bookmark }}?at={{ . }}{{ end }}{{.Bookmark}}",
                            service_url("http")),
        .method = S("GET"),
        .paging = {.pages_max = 1},
        .page_bytes_max = 100000};
    const struct source_ask a = ask_of(&arena, &ask_growing, &o);
    rows_of(&source_http, &a, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#7\n");
    (void)state;
}

static void a_window_stands_in_address_and_body(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask((struct http_source_options){0}, "/window?from={{.Start}}", &got);
    assert_string_equal(got.text, "value=#4\n");
    ask((struct http_source_options){.method = S("POST"), .body = S("until {{.End}}")}, "/post",
        &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#5\n");
    (void)state;
}

static void failures_say_what_helps(void **state)
{
    static const struct {
        const char *path, *why;
        struct http_paging_options paging;
        enum outcome outcome;
    } cases[] = {
        {"/plain", "HTTP 401: who are you?", {0}, STOP},
        {"/nowhere", "HTTP 404", {0}, STOP},
        {"/busy", "HTTP 429: later", {0}, RETRY},
        {"/text", "no JSON", {0}, REJECT},
        {"/numbers", "row 1 of a page", {0}, REJECT},
        {"/large", "larger than 100000 bytes", {0}, REJECT},
        {"/away", "another server", {.by = PAGING_LINK}, REJECT},
        {"/elsewhere", "a redirection to another server", {0}, STOP},
        {"/round", "more than 5 redirections", {0}, STOP},
        {"/self", "its own next", {.by = PAGING_LINK}, REJECT},
        {"/link", "more than 2 pages", {.by = PAGING_LINK, .pages_max = 2}, REJECT},
    };
    NEEDS_SERVICES();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        ask((struct http_source_options){.paging = cases[i].paging}, cases[i].path, &got);
        if (got.outcome != cases[i].outcome || !strstr(got.why.text, cases[i].why)) {
            fail_msg("%s: %s, %s", cases[i].path, outcome_name(got.outcome), got.why.text);
        }
    }
    (void)state;
}

static void a_run_that_waits_is_ended_by_a_stop(void **state)
{
    int fd = -1;
    NEEDS_SERVICES();
    const struct http_source_options o = {
        .uri = arena_printf(&arena, "%s/slow", service_url("http")),
        .method = S("GET"),
        .paging = {.pages_max = 1},
        .page_bytes_max = 100000};
    const pid_t pid = run_begin(&source_http, &o, &fd);
    (void)usleep(500000); /* it shall wait by then; a stop that comes sooner must do, too */
    assert_stops(pid, fd);
    (void)state;
}

static int start(void **state)
{
    struct failure f;
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    asked_install(NULL, NULL);
    if (!folder_make() || file_replace(folder_path("script"), str_of(script), 0644, &f) != OK) {
        return -1;
    }
    (void)services_start(arena_printf(&arena, "http=%s", folder_path("script")).at);
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
        cmocka_unit_test(an_answers_items_are_rows),
        cmocka_unit_test(a_program_makes_rows_of_an_answer),
        cmocka_unit_test(pages_follow_by_link_cursor_and_number),
        cmocka_unit_test(pages_by_number_end_where_the_items_do),
        cmocka_unit_test(a_bookmark_stands_in_an_address_as_it_is_meant),
        cmocka_unit_test(a_first_run_has_an_empty_bookmark),
        cmocka_unit_test(a_window_stands_in_address_and_body),
        cmocka_unit_test(failures_say_what_helps),
        cmocka_unit_test(a_run_that_waits_is_ended_by_a_stop),
    };
    return cmocka_run_group_tests(all, start, stop);
}
