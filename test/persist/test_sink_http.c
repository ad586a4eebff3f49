#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "folder.h"
#include "persist/sink/posting.h"
#include "test.h"
#include "wire/gzip.h"

/* ---- a server that does as it is told, request by request ---- */

enum { REQUEST_BYTES_MAX = 1 << 20 };

static pid_t server;
static int port;

/* The request and its body, as far as they came. */
static size_t read_request(int fd, char *at)
{
    size_t len = 0, wanted = SIZE_MAX;
    while (len < wanted && len < REQUEST_BYTES_MAX) {
        const ssize_t n = read(fd, at + len, REQUEST_BYTES_MAX - len);
        if (n <= 0) {
            return 0;
        }
        len += (size_t)n;
        at[len] = 0;
        const char *const end = strstr(at, "\r\n\r\n"), *length = strstr(at, "Content-Length: ");
        if (end && wanted == SIZE_MAX) {
            wanted = (size_t)(end + 4 - at) + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
    }
    return len;
}

/* Answer as `plan` says, its last word for ever: a status, `cut` or `silent`, and fields behind a
 * comma; `bad=WORD`: 400 to all that hold the word. */
static void answer(int fd, const char *request, char *plan)
{
    char text[512];
    char *const fields = strchr(plan, ',');
    char word[64] = "";
    const bool is_bad = strncmp(plan, "bad=", 4) == 0;
    (void)snprintf(word, sizeof word, "%s", is_bad ? plan + 4 : "");
    const int status = is_bad ? (strstr(request, word) ? 400 : 200) : (int)strtol(plan, NULL, 10);
    if (strcmp(plan, "silent") == 0) {
        (void)sleep(30);
    }
    if (status == 0) {
        return;
    }
    const int n = snprintf(text, sizeof text,
                           "HTTP/1.1 %d Word\r\nContent-Length: 4\r\n%s%s\r\nwhy?", status,
                           fields ? fields + 1 : "", fields ? "\r\n" : "");
    (void)!write(fd, text, (size_t)n);
}

static void serve(int listener, const char *log, char *plan)
{
    static char request[REQUEST_BYTES_MAX + 1];
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        for (size_t len = read_request(fd, request); len > 0; len = read_request(fd, request)) {
            char *const word = strdup(plan), *const space = strchr(plan, ' ');
            word[strcspn(word, " ")] = 0;
            plan = space ? space + 1 : plan;
            FILE *const file = fopen(log, "a");
            (void)fprintf(file, "[%s] ", word);
            (void)fwrite(request, 1, len, file);
            (void)fputs("\n", file);
            (void)fclose(file);
            answer(fd, request, word);
            if (strcmp(word, "cut") == 0 || strcmp(word, "silent") == 0) {
                break;
            }
        }
        (void)close(fd);
    }
}

static void server_start(const char *plan)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_port = htons((uint16_t)port);
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    port = ntohs(at.sin_port);
    server = fork();
    if (server == 0) {
        serve(listener, folder_path("log"), strdup(plan));
    }
    (void)close(listener);
}

static void server_stop(void)
{
    if (server > 0) {
        (void)kill(server, SIGKILL);
        (void)waitpid(server, NULL, 0);
    }
    server = 0;
}

/* ---- the sink ---- */

static struct arena arena;
static struct http_sink_options options;
static const struct section_type type = {.name = "http", .driver = &sink_http};
static struct sink_config config;
static struct sink *sink;

static int up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 30);
    assert_non_null(folder_make());
    port = 0;
    options = (struct http_sink_options){.method = S("POST"), .batch_size = 1, .timeout_ms = 20000};
    config = (struct sink_config){.name = S("h"), .type = &type, .options = &options};
    sink = NULL;
    return 0;
}

static int down(void **state)
{
    (void)state;
    sink_close(sink);
    server_stop();
    folder_drop();
    arena_close(&arena);
    return 0;
}

static void start(const char *plan)
{
    struct failure f = {0};
    server_start(plan);
    options.uri = arena_printf(&arena, "http://me:hidden@127.0.0.1:%d/in?x=1", port);
    assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), OK);
}

static size_t done;
static struct failure f;

static enum outcome give(const char *words)
{
    struct sink_item item[64];
    size_t n = 0;
    for (struct str rest = str_of(words); rest.len > 0; n++) {
        item[n] = (struct sink_item){.body = str_cut(rest, ' ', &rest),
                                     .type = S("application/json")};
    }
    f = (struct failure){0};
    return sink->driver->send(sink, item, n, &done, &f);
}

static struct str log_text(void)
{
    struct str text = S("");
    struct failure ignored;
    (void)file_read(&arena, folder_path("log"), 1 << 22, &text, &ignored);
    return text;
}

static size_t count(const char *what)
{
    size_t n = 0;
    const char *at = log_text().at;
    for (at = at ? strstr(at, what) : NULL; at; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

static bool has(const char *what)
{
    return count(what) > 0;
}

/* ---- the tests ---- */

static void a_record_is_one_post_with_its_type_and_the_headers_of_the_configuration(void **state)
{
    struct text_pair header[] = {{STR("X-Token"), STR("secret")}, {STR("X-Empty"), STR("")}};
    (void)state;
    options.headers = (struct pair_list){header, 2};
    start("200");
    assert_int_equal(give("{} [1]"), OK);
    assert_int_equal(done, 2);
    assert_true(has("POST /in?x=1 HTTP/1.1"));
    assert_true(has("\r\n\r\n{}\n") && has("\r\n\r\n[1]\n"));
    assert_int_equal(count("Content-Type: application/json\r\n"), 2);
    assert_int_equal(count("X-Token: secret\r\n"), 2);
    assert_int_equal(count("X-Empty:\r\n"), 2);
    assert_int_equal(count("Authorization: Basic "), 2);
}

static void a_header_of_the_configuration_takes_the_place_of_ours(void **state)
{
    struct text_pair header[] = {{STR("content-type"), STR("text/csv")}};
    (void)state;
    options.headers = (struct pair_list){header, 1};
    options.method = S("PUT");
    start("204");
    assert_int_equal(give("1"), OK);
    assert_true(has("PUT /in") && has("content-type: text/csv\r\n"));
    assert_int_equal(count("application/json"), 0);
}

static void batches_are_json_lines(void **state)
{
    (void)state;
    options.batch_size = 3;
    start("200");
    assert_int_equal(give("1 2 3 4"), OK);
    assert_true(has("\r\n\r\n1\n2\n3\n\n") && has("\r\n\r\n4\n"));
    assert_int_equal(count("application/x-ndjson"), 1);
}

static void gzip_shrinks_what_is_sent(void **state)
{
    struct str body;
    char out[256];
    (void)state;
    options.is_gzipped = true;
    start("200");
    assert_int_equal(give("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), OK);
    assert_true(has("Content-Encoding: gzip\r\n"));
    const struct str text = log_text();
    body.at = strstr(text.at, "\r\n\r\n") + 4;
    body.len = (size_t)(text.at + text.len - body.at) - 1;
    size_t size = 0;
    assert_int_equal(gzip_measure(body, sizeof out, &size, &f), OK);
    assert_int_equal(gzip_inflate(body, out, size, &f), OK);
    assert_true(str_eq((struct str){out, size}, S("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

static void what_an_answer_means(void **state)
{
    static const struct {
        const char *status;
        enum outcome outcome;
        const char *says;
    } cases[] = {{"200", OK, ""},
                 {"202", OK, ""},
                 {"301", STOP, "redirection"},
                 {"304", STOP, "redirection"},
                 {"400", REJECT, ": why?"},
                 {"401", RETRY, ": why?; check the credentials"},
                 {"403", RETRY, "credentials"},
                 {"404", RETRY, "check the address"},
                 {"405", RETRY, "the method"},
                 {"407", RETRY, "of the proxy"},
                 {"408", RETRY, ": why?"},
                 {"409", REJECT, ""},
                 {"410", RETRY, "check the address"},
                 {"413", REJECT, ""},
                 {"415", RETRY, "the headers"},
                 {"422", REJECT, ""},
                 {"425", RETRY, ""},
                 {"429", RETRY, ""},
                 {"500", RETRY, ""},
                 {"501", RETRY, ""},
                 {"503", RETRY, ""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(cases[i].status);
        assert_int_equal(give("1"), cases[i].outcome);
        assert_int_equal(done, cases[i].outcome == OK);
        assert_true(cases[i].outcome == OK || strstr(f.text, cases[i].status));
        assert_non_null(strstr(f.text, cases[i].says));
        assert_null(strstr(f.text, "hidden"));
        sink_close(sink);
        server_stop();
        port = 0;
    }
}

static void wrong_credentials_delay_all_and_kill_none(void **state)
{
    (void)state;
    options.batch_size = 2;
    start("200 401 403 200");
    assert_int_equal(give("1 2 3 4 5"), RETRY);
    assert_int_equal(done, 2);
    assert_int_equal(give("3 4 5"), RETRY);
    assert_int_equal(done, 0);
    assert_int_equal(give("3 4 5"), OK);
    assert_int_equal(count("\r\n\r\n3\n4\n"), 3);
}

static void retry_after_is_handed_on(void **state)
{
    (void)state;
    start("429,Retry-After:7 503 200");
    assert_int_equal(give("1 2"), RETRY);
    assert_int_equal(sink->retry_after_ms, 7000);
    assert_int_equal(give("1 2"), RETRY);
    assert_int_equal(sink->retry_after_ms, 0);
    assert_int_equal(give("1 2"), OK);
}

static void of_a_refused_batch_the_one_at_fault_is_found(void **state)
{
    (void)state;
    options.batch_size = 10;
    start("bad=x3");
    assert_int_equal(give("1 2 x3 4 5"), REJECT);
    assert_int_equal(done, 2);
    assert_int_equal(give("4 5"), OK); /* the rest, once x3 is a dead letter */
    assert_int_equal(count("\r\n\r\n1\n") - count("\r\n\r\n1\n2"), 1);
    assert_int_equal(count("\r\n\r\n4"), 1);
}

static void connections_that_are_cut_refused_or_silent_are_tried_again(void **state)
{
    (void)state;
    options.timeout_ms = 300;
    start("200 cut silent 200");
    assert_int_equal(give("1"), OK);
    assert_int_equal(give("2"), RETRY);
    assert_int_equal(give("2"), RETRY);
    assert_non_null(strstr(f.text, "timed out"));
    server_stop();
    assert_int_equal(give("2"), RETRY);
    server_start("200");
    assert_int_equal(give("2 3"), OK);
    assert_int_equal(count("[200] "), 3);
}

static void what_is_no_address_is_told_at_once(void **state)
{
    static const char *const wrong[] = {"file:///etc/passwd", "ftp://h/", "localhost:9", ""};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.uri = str_of(wrong[i]);
        assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), STOP);
        sink_close(sink);
    }
    sink = NULL;
}

static size_t made_n; /* items of the request that is made */

static enum outcome make_none(struct sink *s, struct arena *a, struct posting_items items,
                              struct posting_body *out, struct failure *why)
{
    (void)s;
    (void)a;
    (void)out;
    made_n = items.n;
    return failed(why, RETRY, "not now");
}

/* Nobody reads the bodies: they are as long as they say. */
static void a_request_holds_as_many_bytes_as_it_may_and_one_item_at_least(void **state)
{
    enum { MANY = 5 };
    static const struct {
        size_t bytes, together;
    } sizes[] = {{POSTING_BYTES_MAX / 4, 3},
                 {POSTING_BYTES_MAX / 2 - 1, 2},
                 {POSTING_BYTES_MAX / 2, 1},
                 {2 * (size_t)POSTING_BYTES_MAX, 1},
                 {1, MANY}};
    struct sink_item item[MANY];
    struct failure why;
    struct posting posting = {.careful_n = 0};
    const struct pair_list none = {.n = 0};
    const struct posting_to to = {.headers = &none, .batch_size = MANY, .make = make_none};
    size_t sent = 0;
    (void)state;
    arena_init(&posting.arena, 1 << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t k = 0; k < MANY; k++) {
            item[k] = (struct sink_item){.body = {"", sizes[i].bytes}};
        }
        const struct posting_items items = {item, MANY};
        assert_int_equal(posting_send(NULL, &posting, &to, items, &sent, &why), RETRY);
        assert_int_equal(made_n, sizes[i].together);
    }
    arena_close(&posting.arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_is_one_post_with_its_type_and_the_headers_of_the_configuration),
        TEST(a_header_of_the_configuration_takes_the_place_of_ours),
        TEST(batches_are_json_lines),
        TEST(gzip_shrinks_what_is_sent),
        TEST(what_an_answer_means),
        TEST(wrong_credentials_delay_all_and_kill_none),
        TEST(retry_after_is_handed_on),
        TEST(of_a_refused_batch_the_one_at_fault_is_found),
        TEST(connections_that_are_cut_refused_or_silent_are_tried_again),
        TEST(what_is_no_address_is_told_at_once),
        TEST(a_request_holds_as_many_bytes_as_it_may_and_one_item_at_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
