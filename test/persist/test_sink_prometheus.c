#include <arpa/inet.h>
#include <dirent.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "persist/sink/board.h"
#include "persist/sink/sink.h"
#include "test.h"

enum { ANSWER_BYTES_MAX = 1 << 20 };

static struct arena arena;
static struct prometheus_sink_options options;
static const struct section_type type = {.name = "prometheus", .driver = &sink_prometheus};
static struct sink_config config = {.name = STR("p"), .type = &type, .options = &options};
static struct sink *sink;
static struct failure f;
static int port;
static bool is_believed; /* the sink's clock */

/* A port that nobody has, claimed as free_port() of tool/blackbox.py claims it. */
static int free_port(void)
{
    for (int number = 10240 + getpid() % 20000;; number++) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        const int len = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "weir-test-port-%d",
                                 number);
        const struct sockaddr_in at = {.sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t)number)};
        const int claim = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const socklen_t name_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                                               (size_t)len);
        const bool is_free = bind(claim, (const struct sockaddr *)&name, name_len) == 0 &&
                             bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;
        (void)close(fd);
        if (is_free) {
            return number;
        }
        (void)close(claim);
    }
}

static int up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 30);
    port = port ? port : free_port();
    options = (struct prometheus_sink_options){
        .listen = arena_printf(&arena, "127.0.0.1:%d", port), .keep_ms = 300000, .series_max = 100};
    sink = NULL;
    is_believed = true;
    return 0;
}

static int down(void **state)
{
    (void)state;
    clock_set(TIME_NONE);
    sink_close(sink);
    arena_close(&arena);
    return 0;
}

static void start(const char *mark)
{
    if (sink_open(&arena, &config, str_of(mark), &sink, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

/* The whole answer, head and body. */
static const char *ask(const char *path)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((uint16_t)port)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char *const text = arena_array(&arena, char, ANSWER_BYTES_MAX);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    const struct str request = arena_printf(
        &arena, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    assert_int_equal(write(fd, request.at, request.len), (ssize_t)request.len);
    for (size_t n = 0; n < ANSWER_BYTES_MAX - 1;) {
        const ssize_t got = read(fd, text + n, ANSWER_BYTES_MAX - 1 - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    (void)close(fd);
    return text;
}

static const char *scrape(void)
{
    const char *const text = ask("/metrics"), *const body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static struct metric make(const char *name, double value, int64_t at_us)
{
    return (struct metric){.collector = S("c"),
                           .name = str_of(name),
                           .type = S("COUNT"),
                           .value = value,
                           .window_start_us = TIME_NONE,
                           .window_end_us = TIME_NONE,
                           .scheduled_us = at_us,
                           .at_us = at_us};
}

static enum outcome give(const struct metric *m)
{
    size_t done = 0;
    const struct sink_item item = {.key = S("k"), .model = S("metric"), .metric = m};
    sink->now_us = is_believed ? clock_now_us() : TIME_NONE;
    const enum outcome result = sink->driver->send(sink, &item, 1, &done, &f);
    return result != OK ? result : sink->driver->flush(sink, &f);
}

static void give_value(const char *name, double value, int64_t at_us)
{
    const struct metric m = make(name, value, at_us);
    if (give(&m) != OK) {
        fail_msg("%s", f.text);
    }
}

/* ---- the tests ---- */

static void the_last_value_of_each_series_is_there_as_the_format_has_it(void **state)
{
    struct metric_tag tag[] = {{STR("a.b"), STR("1")},
                               {STR("a_b"), STR("2")},
                               {STR("customer"), STR("Acme \"\\\n")},
                               {STR("empty"), STR("")},
                               {STR("__name__"), STR("n")}};
    struct metric m = make("core.users-total", 1.5, clock_now_us());
    (void)state;
    start("");
    assert_string_equal(scrape(), "");
    m.tag = tag;
    m.tags_n = sizeof tag / sizeof *tag;
    assert_int_equal(give(&m), OK);
    m.value = 1e21;
    assert_int_equal(give(&m), OK);
    give_value("core.users-total", -3, clock_now_us());
    give_value("9lives", 0.1, clock_now_us());
    assert_string_equal(scrape(), "# HELP _9lives The last value of 9lives.\n"
                                  "# TYPE _9lives gauge\n"
                                  "_9lives 0.1\n"
                                  "# HELP core_users_total The last value of core.users-total.\n"
                                  "# TYPE core_users_total gauge\n"
                                  "core_users_total -3\n"
                                  "core_users_total{_name__=\"n\",a_b=\"1;2\","
                                  "customer=\"Acme \\\"\\\\\\n\"} 1e+21\n");
    assert_non_null(strstr(ask("/metrics"), "Content-Type: text/plain; version=0.0.4"));
    assert_non_null(strstr(ask("/"), "404"));
}

static void an_older_window_that_comes_later_changes_nothing(void **state)
{
    struct metric m = make("m", 2, clock_now_us());
    (void)state;
    start("");
    m.window_start_us = 2 * (int64_t)MINUTE_US;
    assert_int_equal(give(&m), OK);
    m.window_start_us = MINUTE_US;
    m.value = 1;
    assert_int_equal(give(&m), OK);
    assert_non_null(strstr(scrape(), "\nm 2\n"));
    m.window_start_us = 2 * (int64_t)MINUTE_US;
    m.value = 3;
    assert_int_equal(give(&m), OK);
    assert_non_null(strstr(scrape(), "\nm 3\n"));
}

static void what_is_not_read_anew_goes_away(void **state)
{
    const int64_t now_us = clock_now_us();
    (void)state;
    options.keep_ms = 60000;
    start("");
    give_value("old", 1, now_us - 61 * (int64_t)1000000);
    give_value("fresh", 1, now_us - 30 * (int64_t)1000000);
    assert_null(strstr(scrape(), "old"));
    assert_non_null(strstr(scrape(), "\nfresh 1\n"));
    clock_set(now_us + 31 * (int64_t)1000000); /* the sink's clock: the child's goes on */
    give_value("other", 1, clock_now_us());
    assert_null(strstr(scrape(), "fresh"));
    assert_non_null(strstr(scrape(), "\nother 1\n"));
}

static void a_clock_that_is_wrong_for_a_moment_throws_nothing_away(void **state)
{
    static const int64_t wrong_us[] = {3650 * DAY_US, -3650 * DAY_US};
    (void)state;
    start("");
    for (size_t i = 0; i < sizeof wrong_us / sizeof *wrong_us; i++) {
        const int64_t now_us = clock_now_us();
        give_value("a", 1, now_us);
        give_value("b", 1, now_us);
        clock_set(now_us + wrong_us[i]);
        is_believed = false;
        give_value("b", 2, clock_now_us());
        give_value("c", 2, clock_now_us());
        give_value("d", 2, clock_now_us());
        clock_set(now_us + SECOND_US); /* right again, and not believed for five minutes */
        give_value("c", 3, clock_now_us());
        is_believed = true;
        give_value("b", 4, clock_now_us());
        clock_set(TIME_NONE);
        assert_non_null(strstr(scrape(), "\na 1\n"));
        assert_non_null(strstr(scrape(), "\nb 4\n"));
        sink->now_us = now_us + options.keep_ms * 1000 + MINUTE_US;
        assert_int_equal(sink->driver->flush(sink, &f), OK);
        assert_string_equal(scrape(), "");
    }
}

static void the_child_itself_takes_away_what_is_stale(void **state)
{
    const int64_t now_us = clock_now_us();
    (void)state;
    start("");
    is_believed = false; /* to the sink nothing is stale */
    give_value("first", 1, now_us - 600 * (int64_t)1000000);
    give_value("second", 1, now_us);
    assert_null(strstr(scrape(), "first"));
    assert_non_null(strstr(scrape(), "\nsecond 1\n"));
}

static void one_series_more_than_it_may_hold_is_refused_and_the_others_live(void **state)
{
    (void)state;
    options.series_max = 2;
    start("");
    give_value("a", 1, clock_now_us());
    give_value("b", 1, clock_now_us());
    const struct metric c = make("c", 1, clock_now_us());
    assert_int_equal(give(&c), REJECT);
    assert_non_null(strstr(f.text, "series_max"));
    give_value("b", 2, clock_now_us());
    assert_non_null(strstr(scrape(), "\na 1\n"));
    assert_non_null(strstr(scrape(), "\nb 2\n"));
    clock_set(clock_now_us() + 301 * (int64_t)1000000); /* they are stale: there is room */
    sink->now_us = clock_now_us();
    assert_int_equal(sink->driver->flush(sink, &f), OK);
    give_value("c", 1, clock_now_us());
}

static void names_of_more_bytes_than_a_board_holds_are_refused_and_the_others_live(void **state)
{
    enum { TEXT_BYTES = 60 << 10, BYTES = 32 << 20, MANY = 10000 };
    struct board *const b = board_open(&arena, MANY, 300000);
    char *const text = arena_array(&arena, char, TEXT_BYTES);
    struct metric_tag tag = {STR("t"), {text, TEXT_BYTES}};
    struct metric m = make("m", 1, clock_now_us());
    size_t n = 0;
    (void)state;
    memset(text, 'x', TEXT_BYTES);
    m.tag = &tag;
    m.tags_n = 1;
    do {
        (void)snprintf(text, 8, "%07zu", n);
        text[7] = 'x';
    } while (board_put(b, &m, m.at_us, m.at_us, &f) == OK && ++n < MANY);
    assert_non_null(strstr(f.text, "32 MiB"));
    assert_true(n * TEXT_BYTES < BYTES && (n + 2) * TEXT_BYTES > BYTES);
    memset(text, '0', 7);
    assert_int_equal(board_put(b, &m, m.at_us, m.at_us, &f), OK);
}

static void its_values_outlive_it_with_the_cursors(void **state)
{
    (void)state;
    start("");
    struct metric_tag tag = {STR("t"), STR("{\"")};
    struct metric m = make("m", 0.25, clock_now_us());
    m.tag = &tag;
    m.tags_n = 1;
    assert_int_equal(give(&m), OK);
    const char *const mark = arena_cstr(&arena, sink->mark);
    sink_close(sink);
    start(mark);
    assert_string_equal(scrape(), "# HELP m The last value of m.\n# TYPE m gauge\n"
                                  "m{t=\"{\\\"\"} 0.25\n");
}

static void a_text_with_a_zero_byte_spoils_no_page(void **state)
{
    struct metric_tag tag[] = {
        {STR("a.b"), STR("1\0x")}, {STR("a_b"), STR("2\0")}, {STR("t"), STR("\0")}};
    struct metric m = make("m", 1, clock_now_us());
    static const char page[] = "# HELP a The last value of a.\n# TYPE a gauge\na 2\n"
                               "# HELP m_ The last value of m\xef\xbf\xbd.\n# TYPE m_ gauge\n"
                               "m_{a_b=\"1\xef\xbf\xbdx;2\xef\xbf\xbd\",t=\"\xef\xbf\xbd\"} 1\n";
    (void)state;
    m.name = S("m\0");
    m.tag = tag;
    m.tags_n = sizeof tag / sizeof *tag;
    start("");
    assert_int_equal(give(&m), OK);
    give_value("a", 2, clock_now_us());
    assert_string_equal(scrape(), page);
    sink_close(sink);
    const char *const old = arena_printf(&arena,
                                         "[[\"m_{t=\\\"\\u0000\\\"}\",\"m\\u0000\",1,%lld,%lld]]",
                                         (long long)m.at_us, (long long)m.at_us)
                                .at; /* as it was kept before */
    start(old);
    assert_string_equal(scrape(), "# HELP m_ The last value of m\xef\xbf\xbd.\n# TYPE m_ gauge\n"
                                  "m_{t=\"\xef\xbf\xbd\"} 1\n");
}

static void many_series_are_found_again_and_sorted(void **state)
{
    enum { MANY = 3000 };
    (void)state;
    options.series_max = MANY;
    start("");
    struct sink_item *const item = arena_array(&arena, struct sink_item, MANY);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            struct metric *const m = arena_new(&arena, struct metric);
            *m = make(arena_printf(&arena, "m%d", i * 7919 % MANY).at, round, clock_now_us());
            item[i] = (struct sink_item){.metric = m};
        }
        size_t done = 0;
        assert_int_equal(sink->driver->send(sink, item, MANY, &done, &f), OK);
        assert_int_equal(done, MANY);
    }
    assert_int_equal(sink->driver->flush(sink, &f), OK);
    const char *at = scrape();
    for (int i = 0; i < MANY; i++) {
        at = strstr(at, " gauge\n");
        assert_non_null(at);
        at = strchr(at + 7, ' ');
        assert_true(strncmp(at, " 1\n", 3) == 0);
    }
    assert_null(strstr(at, " gauge\n"));
}

/* The one process that this one has. */
static pid_t child_of_this(void)
{
    int pid = 0;
    FILE *const file = fopen(arena_printf(&arena, "/proc/self/task/%d/children", getpid()).at, "r");
    assert_non_null(file);
    char text[40] = "";
    assert_non_null(fgets(text, sizeof text, file));
    pid = (int)strtol(text, NULL, 10);
    assert_int_equal(fclose(file), 0);
    return pid;
}

static void a_child_that_is_killed_comes_again_with_all_it_showed(void **state)
{
    (void)state;
    start("");
    give_value("a", 1, clock_now_us());
    assert_int_equal(kill(child_of_this(), SIGKILL), 0);
    give_value("b", 1, clock_now_us());
    assert_non_null(strstr(scrape(), "\na 1\n"));
    assert_non_null(strstr(scrape(), "\nb 1\n"));
}

static void an_address_that_another_has_is_waited_for(void **state)
{
    struct sink *other = NULL;
    (void)state;
    start("");
    assert_int_equal(sink_open(&arena, &config, S(""), &other, &f), RETRY);
    assert_non_null(strstr(f.text, "choose another port"));
    sink_close(other);
    sink_close(sink);
    start("");
}

static void a_text_and_another_model_are_no_series(void **state)
{
    struct metric m = make("m", 0, clock_now_us());
    const struct signal fact = {.id = S("i"), .type = S("weir.fact.change"), .data = S("{}")};
    const struct sink_item item = {.model = S("change"), .fact = &fact};
    size_t done = 0;
    (void)state;
    start("");
    m.body = S("text");
    assert_int_equal(give(&m), REJECT);
    assert_int_equal(sink->driver->send(sink, &item, 1, &done, &f), REJECT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_value_of_each_series_is_there_as_the_format_has_it),
        TEST(an_older_window_that_comes_later_changes_nothing),
        TEST(what_is_not_read_anew_goes_away),
        TEST(a_clock_that_is_wrong_for_a_moment_throws_nothing_away),
        TEST(the_child_itself_takes_away_what_is_stale),
        TEST(one_series_more_than_it_may_hold_is_refused_and_the_others_live),
        TEST(names_of_more_bytes_than_a_board_holds_are_refused_and_the_others_live),
        TEST(its_values_outlive_it_with_the_cursors),
        TEST(a_text_with_a_zero_byte_spoils_no_page),
        TEST(many_series_are_found_again_and_sorted),
        TEST(a_child_that_is_killed_comes_again_with_all_it_showed),
        TEST(an_address_that_another_has_is_waited_for),
        TEST(a_text_and_another_model_are_no_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
