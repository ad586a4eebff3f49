/* Every answer of the intake, over a real socket. */
#include "agent/server.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "refused.h"
#include "wire/json.h"

static void a_signed_delivery_is_durable_before_202(void **state)
{
    struct server *const s = *state;
    server_start(s);
    const struct str body = S(
        "{\"zen\":\"Keep it logically awesome.\",\"repository\":{\"full_name\":\"acme/shop\"}}");
    const struct answer answer = ask(s, github_post(&s->arena, "ping", "72d3162e-cc78", body));
    assert_int_equal(answer.status, 202);
    assert_str(answer.body, "{\"id\":\"72d3162e-cc78\"}");
    assert_int_equal(atomic_load(&s->control->appends), 1);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, 1);
    assert_str(s->signal->id, "72d3162e-cc78");
    assert_str(s->signal->type, "github.ping");
    assert_str(s->signal->source, "/agents/github");
    assert_str(s->signal->agent, "github");
    assert_str(s->signal->partitionkey, "acme/shop");
    assert_true(str_eq(s->signal->data, body));
    assert_int_equal(server_counter(s, "accepted{agent=github}"), 1);
}

static void paths_and_methods_that_are_not_there_are_404_and_405(void **state)
{
    struct server *const s = *state;
    server_start(s);
    assert_refused(s, post(&s->arena, "/hooks/nobody", "", S("{}")), 404, "/hooks/NAME");
    assert_refused(s, post(&s->arena, "/hooks/github/", "", S("{}")), 404, "agent");
    assert_refused(s, post(&s->arena, "/", "", S("{}")), 404, "agent");
    const struct answer answer = ask(
        s, text_of(s, "GET /hooks/github HTTP/1.1\r\nHost: weir\r\n\r\n"));
    assert_problem(s, answer, 405, "POST");
    assert_str(answer_header(answer, "Allow"), "POST, OPTIONS");
    assert_refused(
        s, text_of(s, "PUT /hooks/github HTTP/1.1\r\nHost: w\r\nContent-Length: 2\r\n\r\n{}"), 405,
        "POST");
    stop_with(s, 0);
    assert_int_equal(server_counter(s, "refused{agent=none,reason=agent}"), 3);
    assert_int_equal(server_counter(s, "refused{agent=github,reason=method}"), 2);
}

static struct str signed_by(struct server *s, const char *signature)
{
    return post(&s->arena, "/hooks/github",
                arena_printf(&s->arena,
                             "Content-Type: application/json\r\nX-GitHub-Event: ping\r\n"
                             "X-GitHub-Delivery: 1\r\nX-Hub-Signature-256: %s\r\n",
                             signature)
                    .at,
                S("Hello, World!"));
}

/* The test vector of GitHub's documentation; its body is no JSON, which is found out afterwards. */
#define VECTOR "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

static void a_signature_that_does_not_fit_is_401_whatever_its_length(void **state)
{
    struct server *const s = *state;
    static const char *const wrong[] = {
        "",
        "sha256",
        "sha256=",
        "sha256=00",
        "sha1=" VECTOR,
        VECTOR,
        "sha256=" VECTOR "00",
        "sha256=857107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "sha256=zz7107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"};
    char huge[8000];
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = 0;
    server_start(s);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_refused(s, signed_by(s, wrong[i]), 401, "X-Hub-Signature-256");
    }
    assert_refused(s, signed_by(s, huge), 401, "X-Hub-Signature-256");
    assert_refused(s, signed_by(s, "sha256=" VECTOR), 400, "not JSON");
    stop_with(s, 0);
}

static void a_secret_being_rotated_out_still_signs(void **state)
{
    struct server *const s = *state;
    struct github_options *const options = s->config.agents.at[0].options;
    const struct str now = options->secret.at[1];
    options->secret.at[1] = S("the next secret");
    options->secret.at[0] = now;
    server_start(s);
    assert_int_equal(ask(s, github_post(&s->arena, "push", "1", S("{}"))).status, 202);
    stop_with(s, 1);
}

static void what_github_never_sends_is_400_or_415(void **state)
{
    struct server *const s = *state;
    server_start(s);
    assert_refused(s, github_post(&s->arena, "push", "", S("{}")), 400, "X-GitHub-Delivery");
    assert_refused(s, github_post(&s->arena, "push", "a b", S("{}")), 400, "X-GitHub-Delivery");
    assert_refused(s, github_post(&s->arena, "push", "1\r\nX-GitHub-Delivery: 2", S("{}")), 400,
                   "X-GitHub-Delivery stands twice");
    assert_refused(s, github_post(&s->arena, "push\r\nx-github-event: pull_request", "1", S("{}")),
                   400, "X-GitHub-Event stands twice");
    assert_refused(s, github_post(&s->arena, "push\r\nContent-Type: text/plain", "1", S("{}")), 400,
                   "Content-Encoding or Authorization stands twice");
    assert_refused(
        s, github_post(&s->arena, "push\r\nAuthorization: a\r\nauthorization: a", "1", S("{}")),
        400, "Content-Encoding or Authorization stands twice");
    assert_refused(s, github_post(&s->arena, "", "1", S("{}")), 400, "X-GitHub-Event");
    assert_refused(s, github_post(&s->arena, "../push", "1", S("{}")), 400, "X-GitHub-Event");
    assert_refused(s, github_post(&s->arena, "push", "1", S("{\"a\":")), 400, "line 1, column");
    assert_refused(s, github_post(&s->arena, "push", "1", S("")), 400, "empty");
    struct str request = github_post(&s->arena, "push", "1", S("{}"));
    char *const type = memmem(request.at, request.len, "application/json", 16);
    memcpy(type, "application/jsox", 16);
    const struct answer answer = ask(s, request);
    assert_problem(s, answer, 415, "application/jsox");
    assert_str(answer_header(answer, "Accept"),
               "application/json, application/x-www-form-urlencoded");
    assert_int_equal(answer_header(answer, "Accept-Encoding").len, 0);
    request = github_post(&s->arena, "push", "1", S("{}"));
    const size_t at = (size_t)((const char *)memmem(request.at, request.len, "/json", 5) -
                               request.at) +
                      5;
    assert_refused(s,
                   arena_printf(&s->arena, "%.*s; charset=utf-16%.*s", (int)at, request.at,
                                (int)(request.len - at), request.at + at),
                   415, "leave the charset out");
    stop_with(s, 0);
}

/* Nobody sends again what was answered 400; the transform says what is wrong with it. */
static void signed_json_that_nobody_can_use_is_kept(void **state)
{
    struct server *const s = *state;
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    const struct str bodies[] = {S("[]"),
                                 S("7"),
                                 S("{\"a\":1e400}"),
                                 S("{\"a\":\"\\\\\\udc00\\ud83d\\ude00\"}"),
                                 S("{\"a\":1,\"a\":2}"),
                                 {deep, sizeof deep}};
    const struct str broken[] = {S("{\"a\":\"\\ud83d\""), S("{\"a\":\"\xed\xa0\x80\"}")};
    server_start(s);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(ask(s, github_post(&s->arena, "push", "1", bodies[i])).status, 202);
    }
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_refused(s, github_post(&s->arena, "push", "1", broken[i]), 400, "not JSON");
    }
    stop_with(s, sizeof bodies / sizeof *bodies);
}

/* The request with `by` in place of the first `word`. */
static struct str with(struct server *s, struct str request, const char *word, struct str by)
{
    const char *const at = memmem(request.at, request.len, word, strlen(word));
    const size_t before = (size_t)(at - request.at);
    const size_t behind = before + strlen(word);
    struct buf b;
    buf_init(&b, &s->arena, request.len + by.len);
    buf_add(&b, str_sub(request, 0, before));
    buf_add(&b, by);
    buf_add(&b, str_sub(request, behind, request.len));
    return buf_str(&b);
}

/* A delivery as a form, signed. */
static struct str form_of(struct server *s, struct str form)
{
    return with(s, github_post(&s->arena, "push", "1", form), "application/json",
                S("application/x-www-form-urlencoded"));
}

/* A signed delivery to this target. */
static struct str github_post_to(struct arena *a, const char *target)
{
    const struct str request = github_post(a, "ping", "1", S("{}"));
    const struct str prefix = S("POST /hooks/github");
    return arena_printf(a, "POST %s%.*s", target,
                        STR_ARG(str_sub(request, prefix.len, request.len)));
}

/* RFC 9112, section 3.2.2 */
static void a_target_may_name_the_host_too(void **state)
{
    struct server *const s = *state;
    struct arena *const a = &s->arena;
    server_start(s);
    assert_int_equal(ask(s, github_post_to(a, "http://weir/hooks/github")).status, 202);
    assert_int_equal(ask(s, github_post_to(a, "HTTPS://weir:80/hooks/github")).status, 202);
    assert_refused(s, github_post_to(a, "http://weir"), 404, "/hooks/NAME");
    assert_refused(s, github_post_to(a, "http:///hooks/nobody"), 404, "/hooks/NAME");
    stop_with(s, 2);
}

static void a_form_is_taken_and_its_signature_covers_the_encoded_body(void **state)
{
    struct server *const s = *state;
    server_start(s);
    const struct str request = form_of(s, S("x=1&payload=%7B%22a%22%3A+%22%C3%A9%2B%22%7D"));
    assert_int_equal(ask(s, request).status, 202);
    char *const broken = memmem(request.at, request.len, "%7B", 3);
    broken[1] = 'Z';
    assert_refused(s, request, 401, "Signature");
    stop_with(s, 1);
    assert_str(s->signal->data, "{\"a\": \"\xC3\xA9+\"}");
}

static void what_readers_could_take_for_either_of_two_is_refused(void **state)
{
    struct server *const s = *state;
    server_start(s);
    assert_refused(s, form_of(s, S("payload=%7B%7D&payload=%7B%22a%22%3A1%7D")), 400, "twice");
    assert_refused(s, form_of(s, S("x=1")), 400, "no field");
    stop_with(s, 0);
}

/* A signed delivery. returns the status of its refusal / 100, or 2. */
static int take_ping(void *to)
{
    const struct server *const s = to;
    struct arena kept;
    struct arena scratch;
    struct taken taken;
    struct refusal why = {0};
    unsigned char mac[SHA256_BYTES];
    char hex[7 + 2 * SHA256_BYTES] = "sha256=";
    const struct str body = S("{\"zen\":[1,2,3]}");
    arena_init(&kept, 1 << 20);
    arena_init(&scratch, 1 << 20);
    hash_hmac_sha256(S(SECRET), body, mac);
    hex_write(mac, sizeof mac, hex + 7);
    const struct header header[] = {{S("X-GitHub-Event"), S("ping")},
                                    {S("X-GitHub-Delivery"), S("1")},
                                    {S("Content-Type"), S("application/json")},
                                    {S("X-Hub-Signature-256"), {hex, sizeof hex}}};
    const struct request q = {.agent = S("github"),
                              .options = s->config.agents.at[0].options,
                              .header = header,
                              .headers_n = sizeof header / sizeof *header,
                              .sent = body,
                              .body = body,
                              .arena = &kept,
                              .scratch = &scratch};
    return agent_github.prove(&q, &why) && agent_github.take(&q, &taken, &why)
               ? 2
               : (int)why.status / 100;
}

/* GitHub does not send again what was refused: who is short of memory may not blame the body. */
static void a_body_is_never_at_fault_when_memory_is_short(void **state)
{
    int n_503 = 0;
    for (unsigned n = 1; n < 20; n++) {
        const int status = without_block(n, take_ping, *state);
        assert_int_not_equal(status, 4);
        n_503 += status == 5;
    }
    assert_int_equal(without_block(0, take_ping, *state), 2);
    assert_true(n_503 > 0);
}

static void headers_are_kept_as_json_without_secrets(void **state)
{
    struct server *const s = *state;
    server_start(s);
    struct str request = github_post(&s->arena, "push", "1", S("{}"));
    struct buf b;
    struct str rest;
    buf_init(&b, &s->arena, 8192);
    buf_add(&b, str_cut(request, '\n', &rest));
    buf_add(&b, S("\nAuthorization: Basic aGk6aGk=\r\nCookie: a=b\r\nX-Api-Token: t\r\n"
                  "X-Thing: one\r\nUser-Agent: GitHub-Hookshot/1\r\nx-thing: \"two\"\r\n"));
    buf_add(&b, rest);
    assert_int_equal(ask(s, buf_str(&b)).status, 202);
    stop_with(s, 1);
    assert_str(s->signal->headers,
               "{\"x-thing\":\"one, \\\"two\\\"\",\"user-agent\":\"GitHub-Hookshot/1\","
               "\"host\":\"weir\",\"content-length\":\"2\",\"content-type\":\"application/json\","
               "\"x-github-event\":\"push\",\"x-github-delivery\":\"1\"}");
}

/* ---- sizes and encodings ---- */

static void a_body_that_is_too_large_is_413_before_it_is_read(void **state)
{
    struct server *const s = *state;
    server_start(s);
    assert_refused(s,
                   text_of(s,
                           "POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: 4194305\r\n"
                           "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"),
                   413, "body_bytes_max");
    assert_refused(s,
                   text_of(s, "POST /hooks/open HTTP/1.1\r\nHost: weir\r\n"
                              "Content-Length: 18446744073709551615\r\n\r\n"),
                   413, "body_bytes_max");
    stop_with(s, 0);
}

static struct str chunked(struct server *s, size_t bytes)
{
    struct buf b;
    buf_init(&b, &s->arena, bytes + 4096);
    buf_printf(&b,
               "POST /hooks/open HTTP/1.1\r\nHost: weir\r\nTransfer-Encoding: chunked\r\n"
               "Content-Type: application/json\r\n\r\n%zx\r\n",
               bytes);
    char *const body = buf_take(&b, bytes);
    memset(body, ' ', bytes);
    const struct str event = cdevent(&s->arena, "chunked");
    memcpy(body, event.at, event.len);
    buf_add(&b, S("\r\n0\r\n\r\n"));
    return buf_str(&b);
}

static void a_chunked_body_is_counted_as_it_comes_and_drained(void **state)
{
    struct server *const s = *state;
    server_start(s);
    assert_int_equal(ask(s, chunked(s, s->config.intake.body_bytes_max)).status, 202);
    const int fd = dial(s);
    send_text(fd, chunked(s, s->config.intake.body_bytes_max + 1));
    assert_problem(s, read_answer(&s->arena, fd), 413, "body_bytes_max");
    send_text(fd, chunked(s, 1000)); /* the connection lives */
    assert_int_equal(read_answer(&s->arena, fd).status, 202);
    (void)close(fd);
    stop_with(s, 2);
}

static void headers_that_are_too_long_are_431(void **state)
{
    struct server *const s = *state;
    char *const long_value = arena_array(&s->arena, char, 17000);
    struct buf b;
    memset(long_value, 'a', 16990);
    server_start(s);
    assert_refused(s,
                   post(&s->arena, "/hooks/open",
                        arena_printf(&s->arena, "X-Long: %s\r\n", long_value).at, S("{}")),
                   431, "headers_bytes_max");
    buf_init(&b, &s->arena, 64 * 1024);
    for (int i = 0; i < 250; i++) {
        buf_printf(&b, "X-%d: a\r\n", i);
    }
    buf_add_byte(&b, 0);
    assert_refused(s, post(&s->arena, "/hooks/open", buf_str(&b).at, S("{}")), 431, "200");
    stop_with(s, 0);
}

#define ZIPPED "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"

static void a_compressed_body_is_inflated_up_to_the_limit(void **state)
{
    struct server *const s = *state;
    const struct str event = cdevent(&s->arena, "packed");
    const struct str packed = gzip(s, event);
    char *const zeros = arena_array(&s->arena, char, s->config.intake.body_bytes_max + 1);
    server_start(s);
    assert_int_equal(ask(s, post(&s->arena, "/hooks/open", ZIPPED, packed)).status, 202);
    const struct str bomb = gzip(s, (struct str){zeros, s->config.intake.body_bytes_max + 1});
    assert_refused(s, post(&s->arena, "/hooks/open", ZIPPED, bomb), 413, "inflates");
    assert_refused(s, post(&s->arena, "/hooks/open", ZIPPED, str_sub(packed, 0, packed.len - 9)),
                   400, "gzip");
    assert_refused(s, post(&s->arena, "/hooks/open", ZIPPED, event), 400, "gzip");
    assert_refused(s, post(&s->arena, "/hooks/open", ZIPPED, S("")), 400, "gzip");
    const struct answer answer = ask(
        s, post(&s->arena, "/hooks/open",
                "Content-Type: application/json\r\nContent-Encoding: br\r\n", event));
    assert_problem(s, answer, 415, "gzip");
    assert_str(answer_header(answer, "Accept-Encoding"), "gzip");
    assert_int_equal(answer_header(answer, "Accept").len, 0);
    stop_with(s, 1);
    assert_true(str_eq(s->signal->data, event));
}

/* A coding is part of what is sent: whoever checks a signature needs to inflate nothing. */
static void a_signature_covers_the_body_as_it_was_sent(void **state)
{
    struct server *const s = *state;
    struct arena *const a = &s->arena;
    const struct str zipped = S("application/json\r\nContent-Encoding: gzip");
    const struct str event = S("{\"zen\":\"Design for failure.\"}");
    const struct str packed = gzip(s, event);
    char *const zeros = arena_array(a, char, s->config.intake.body_bytes_max + 1);
    const struct str bomb = gzip(s, (struct str){zeros, s->config.intake.body_bytes_max + 1});
    server_start(s);
    const struct str request = with(s, github_post(a, "ping", "1", packed), "application/json",
                                    zipped);
    assert_int_equal(ask(s, request).status, 202);
    const struct str head = str_sub(github_post(a, "ping", "1", event), 0,
                                    github_post(a, "ping", "1", event).len - event.len);
    char length[64];
    (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", packed.len);
    char old[64];
    (void)snprintf(old, sizeof old, "Content-Length: %zu\r\n", event.len);
    const struct str inner = with(s, with(s, head, "application/json", zipped), old,
                                  str_of(length));
    struct buf b;
    buf_init(&b, a, inner.len + packed.len);
    buf_add(&b, inner);
    buf_add(&b, packed);
    assert_refused(s, buf_str(&b), 401, "does not fit");
    const struct str forged = with(s, github_post(a, "ping", "1", bomb), "application/json",
                                   zipped);
    assert_refused(s, forged, 413, "inflates"); /* its sender is known */
    assert_refused(s, with(s, forged, "sha256=", S("sha256=0")), 401, "does not fit");
    stop_with(s, 1);
    assert_true(str_eq(s->signal->data, event));
}

static void a_body_is_asked_for_when_it_is_expected(void **state)
{
    struct server *const s = *state;
    const struct str event = cdevent(&s->arena, "expected");
    server_start(s);
    const int fd = dial(s);
    send_text(fd, arena_printf(&s->arena,
                               "POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: %zu\r\n"
                               "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n",
                               event.len));
    assert_int_equal(read_answer(&s->arena, fd).status, 100);
    send_text(fd, event);
    assert_int_equal(read_answer(&s->arena, fd).status, 202);
    (void)close(fd);
    assert_refused(s,
                   text_of(s, "POST /hooks/builds HTTP/1.1\r\nHost: weir\r\nContent-Length: 10\r\n"
                              "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"),
                   401, "token");
    stop_with(s, 1);
}

/* ---- groups ---- */

static void pipelined_requests_are_all_answered_in_order(void **state)
{
    struct server *const s = *state;
    enum { N = 20 };
    struct buf b;
    buf_init(&b, &s->arena, 1 << 20);
    for (int i = 0; i < N; i++) {
        buf_add(&b, github_post(&s->arena, "push", arena_printf(&s->arena, "d%d", i).at,
                                i == 7 ? S("[") : S("{}")));
    }
    server_start(s);
    const int fd = dial(s);
    send_text(fd, buf_str(&b));
    for (int i = 0; i < N; i++) {
        const struct answer answer = read_answer(&s->arena, fd);
        assert_int_equal(answer.status, i == 7 ? 400 : 202);
        if (i != 7) {
            assert_str(answer.body, arena_printf(&s->arena, "{\"id\":\"d%d\"}", i).at);
        }
    }
    (void)close(fd);
    stop_with(s, N - 1);
}

static void nothing_is_2xx_when_the_bus_does_not_say_ok(void **state)
{
    struct server *const s = *state;
    server_start(s);
    atomic_store(&s->control->outcome, RETRY);
    struct answer answer = ask(s, github_post(&s->arena, "push", "1", S("{}")));
    assert_problem(s, answer, 503, "durable");
    assert_true(answer_header(answer, "Retry-After").len > 0);
    atomic_store(&s->control->cause, CAUSE_FULL);
    answer = ask(s, github_post(&s->arena, "push", "1", S("{}")));
    assert_problem(s, answer, 429, "disk budget");
    assert_true(answer_header(answer, "Retry-After").len > 0);
    atomic_store(&s->control->outcome, OK);
    assert_int_equal(ask(s, github_post(&s->arena, "push", "1", S("{}"))).status, 202);
    stop_with(s, 1);
    assert_int_equal(server_counter(s, "refused{agent=github,reason=append}"), 1);
    assert_int_equal(server_counter(s, "refused{agent=github,reason=full}"), 1);
}

static void assert_no_answer_while(struct server *s, _Atomic bool *is_held, unsigned appends)
{
    enum { EARLY_MS = 200 };
    atomic_store(is_held, true);
    const int fd = dial(s);
    send_text(fd, github_post(&s->arena, "push", "1", S("{}")));
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (atomic_load(&s->control->appends) < appends) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(poll(&p, 1, EARLY_MS), 0);
    assert_true(server_receiving_us(s) > 0); /* and nothing is called complete beyond that */
    atomic_store(is_held, false);
    assert_int_equal(read_answer(&s->arena, fd).status, 202);
    assert_int_equal(server_receiving_us(s), 0);
    (void)close(fd);
}

static void no_answer_leaves_before_the_append_has_returned(void **state)
{
    struct server *const s = *state;
    server_start(s);
    assert_no_answer_while(s, &s->control->is_held, 1);
    assert_no_answer_while(s, &s->control->is_end_held, 2);
    stop_with(s, 2);
}

static void readyz_is_told_yes_again_though_nobody_sends_any_more(void **state)
{
    enum { PATIENCE_MS = 20000, STEP_MS = 20 };
    struct server *const s = *state;
    server_start(s);
    assert_int_equal(ask(s, github_post(&s->arena, "push", "1", S("{}"))).status, 202);
    assert_int_equal(server_state(s), DUTY_RUNNING);
    atomic_store(&s->control->outcome, RETRY);
    assert_refused(s, github_post(&s->arena, "push", "2", S("{}")), 503, "durable");
    assert_int_equal(server_state(s), DUTY_RETRYING);
    for (int ms = 0; ms < PATIENCE_MS && server_state(s) != DUTY_RUNNING; ms += STEP_MS) {
        (void)poll(NULL, 0, STEP_MS);
    }
    assert_int_equal(server_state(s), DUTY_RUNNING);
    assert_int_equal(atomic_load(&s->control->appends), 2);
    stop_with(s, 1);
}

static void a_bus_whose_setup_is_wrong_ends_the_process_after_an_answer(void **state)
{
    struct server *const s = *state;
    server_start(s);
    atomic_store(&s->control->outcome, STOP);
    assert_refused(s, github_post(&s->arena, "push", "1", S("{}")), 503, "durable");
    assert_int_equal(server_stop(s), STOP);
    assert_int_equal(s->signals_n, 0);
}

/* A turn takes one request of a connection: so one each, and all of them there when it begins. */
static void one_record_that_the_bus_rejects_fails_alone(void **state)
{
    enum { REQUESTS = 3, BIG = 1, BIG_BYTES = 5000 };
    struct server *const s = *state;
    int fd[REQUESTS];
    s->record_bytes_max = 4000;
    char *const big = arena_array(&s->arena, char, BIG_BYTES);
    memset(big, ' ', BIG_BYTES);
    big[0] = '{';
    big[BIG_BYTES - 1] = '}';
    server_start(s);
    for (int i = 0; i < REQUESTS; i++) {
        fd[i] = dial(s);
        send_text(fd[i], S("POST /hooks/nobody HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
        assert_int_equal(read_answer(&s->arena, fd[i]).status, 404);
    }
    assert_int_equal(kill(s->pid, SIGSTOP), 0);
    for (int i = 0; i < REQUESTS; i++) {
        const struct str body = i == BIG ? (struct str){big, BIG_BYTES} : S("{}");
        send_text(fd[i], github_post(&s->arena, "push", i == 0 ? "first" : "other", body));
    }
    assert_int_equal(kill(s->pid, SIGCONT), 0);
    for (int i = 0; i < REQUESTS; i++) {
        if (i == BIG) {
            assert_problem(s, read_answer(&s->arena, fd[i]), 413, "4000");
        } else {
            assert_int_equal(read_answer(&s->arena, fd[i]).status, 202);
        }
        (void)close(fd[i]);
    }
    assert_int_equal(atomic_load(&s->control->appends), 1);
    stop_with(s, 2);
}

/* ---- CDEvents over HTTP ---- */

static void the_handshake_consents_to_allowed_origins_alone(void **state)
{
    struct server *const s = *state;
    server_start(s);
    struct answer answer = ask(
        s,
        text_of(s, "OPTIONS /hooks/builds HTTP/1.1\r\nHost: weir\r\n"
                   "WebHook-Request-Origin: ci.example.com\r\nWebHook-Request-Rate: 120\r\n\r\n"));
    assert_int_equal(answer.status, 200);
    assert_str(answer_header(answer, "WebHook-Allowed-Origin"), "ci.example.com");
    assert_str(answer_header(answer, "WebHook-Allowed-Rate"), "*");
    assert_str(answer_header(answer, "Allow"), "POST");
    assert_int_equal(answer.body.len, 0);
    static const char *const others[] = {
        "OPTIONS /hooks/builds HTTP/1.1\r\nHost: weir\r\nWebHook-Request-Origin: evil.org\r\n\r\n",
        "OPTIONS /hooks/builds HTTP/1.1\r\nHost: weir\r\n\r\n",
        "OPTIONS /hooks/github HTTP/1.1\r\nHost: weir\r\nWebHook-Request-Origin: a.org\r\n\r\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        answer = ask(s, text_of(s, others[i]));
        assert_int_equal(answer.status, 200);
        assert_str(answer_header(answer, "Allow"), "POST");
        assert_true(answer_header(answer, "WebHook-Allowed-Origin").at == NULL);
        assert_true(answer_header(answer, "WebHook-Allowed-Rate").at == NULL);
    }
    assert_refused(s, text_of(s, "OPTIONS /hooks/nobody HTTP/1.1\r\nHost: weir\r\n\r\n"), 404, "");
    stop_with(s, 0);
}

#define JSON "Content-Type: application/json\r\n"

static void a_token_comes_as_bearer_or_in_the_query(void **state)
{
    struct server *const s = *state;
    const struct str event = cdevent(&s->arena, "t");
    server_start(s);
    assert_refused(s, post(&s->arena, "/hooks/builds", JSON, event), 401, "token");
    assert_refused(s, post(&s->arena, "/hooks/builds?access_token=", JSON, event), 401, "token");
    assert_refused(s,
                   post(&s->arena, "/hooks/builds", JSON "Authorization: Bearer open\r\n", event),
                   401, "token");
    assert_refused(
        s, post(&s->arena, "/hooks/builds", JSON "Authorization: Basic " TOKEN "\r\n", event), 401,
        "token");
    struct answer answer = ask(
        s, post(&s->arena, "/hooks/builds", JSON "Authorization: bearer " TOKEN "\r\n", event));
    assert_int_equal(answer.status, 202);
    assert_true(answer_header(answer, "Cache-Control").at == NULL);
    answer = ask(s, post(&s->arena, "/hooks/builds?access_token=open%20sesame", JSON, event));
    assert_int_equal(answer.status, 202);
    assert_str(answer_header(answer, "Cache-Control"), "private");
    stop_with(s, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_null(memmem(s->signal[i].headers.at, s->signal[i].headers.len, "sesame", 6));
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, server_set_up, server_tear_down)

int main(void)
{
    const struct CMUnitTest all[] = {
        T(a_signed_delivery_is_durable_before_202),
        T(paths_and_methods_that_are_not_there_are_404_and_405),
        T(a_signature_that_does_not_fit_is_401_whatever_its_length),
        T(a_secret_being_rotated_out_still_signs),
        T(what_github_never_sends_is_400_or_415),
        T(signed_json_that_nobody_can_use_is_kept),
        T(a_target_may_name_the_host_too),
        T(a_form_is_taken_and_its_signature_covers_the_encoded_body),
        T(what_readers_could_take_for_either_of_two_is_refused),
        T(a_body_is_never_at_fault_when_memory_is_short),
        T(headers_are_kept_as_json_without_secrets),
        T(a_body_that_is_too_large_is_413_before_it_is_read),
        T(a_chunked_body_is_counted_as_it_comes_and_drained),
        T(headers_that_are_too_long_are_431),
        T(a_compressed_body_is_inflated_up_to_the_limit),
        T(a_signature_covers_the_body_as_it_was_sent),
        T(a_body_is_asked_for_when_it_is_expected),
        T(pipelined_requests_are_all_answered_in_order),
        T(nothing_is_2xx_when_the_bus_does_not_say_ok),
        T(no_answer_leaves_before_the_append_has_returned),
        T(readyz_is_told_yes_again_though_nobody_sends_any_more),
        T(a_bus_whose_setup_is_wrong_ends_the_process_after_an_answer),
        T(one_record_that_the_bus_rejects_fails_alone),
        T(the_handshake_consents_to_allowed_origins_alone),
        T(a_token_comes_as_bearer_or_in_the_query),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
