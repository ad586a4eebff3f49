/* What two readers could understand differently, or none can read: refused, and the last thing
 * read. */
#include "agent/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void framing_that_two_readers_could_understand_differently_is_400(void **state)
{
    struct server *const s = *state;
    static const char *const heads[] = {
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked \r\n", /* libmicrohttpd does not take it for chunked */
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length : 2\r\n",
        "Content-Length: 2\r\nHost: other\r\n",
        "Content-Length: 2\r\nX-A: a\x01\r\n",
        "Content-Length: 2\r\nX-A: a\x7f\r\n",
    };
    server_start(s);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const int fd = dial(s);
        send_text(fd, arena_printf(&s->arena,
                                   "POST /hooks/open HTTP/1.1\r\nHost: weir\r\n"
                                   "Content-Type: application/json\r\n%s\r\n{}",
                                   heads[i]));
        assert_problem(s, read_answer(&s->arena, fd), 400, "");
        assert_true(is_closed(fd, 10000)); /* what follows could be anybody's */
        (void)close(fd);
    }
    stop_with(s, 0);
    assert_int_equal(server_counter(s, "refused{agent=open,reason=framing}"),
                     sizeof heads / sizeof *heads);
}

/* libmicrohttpd refuses these by itself; it would send the head of its answer twice. */
static void a_length_that_is_no_number_is_400_once(void **state)
{
    struct server *const s = *state;
    static const char *const lengths[] = {"+2",  "-1", "2x", "0x2", "", "99999999999999999999",
                                          "0 \t"};
    enum { N = sizeof lengths / sizeof *lengths };
    server_start(s);
    for (size_t i = 0; i < N; i++) {
        const int fd = dial(s);
        send_text(fd, arena_printf(&s->arena,
                                   "POST /hooks/open HTTP/1.1\r\nHost: weir\r\n"
                                   "Content-Length: %s\r\n\r\n",
                                   lengths[i]));
        assert_problem(s, read_answer(&s->arena, fd), 400, "Content-Length");
        assert_true(is_closed(fd, 10000)); /* and nothing behind it */
        (void)close(fd);
    }
    stop_with(s, 0);
    assert_int_equal(server_counter(s, "closed{reason=head}"), N);
}

/* What libmicrohttpd answers, or ends without an answer, counts for what it was. */
static void what_cannot_be_read_is_closed_and_counted_by_its_reason(void **state)
{
    struct server *const s = *state;
    static const char *const heads[] = {
        "POST /hooks/open HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /hooks/open HTTP/1.1\r\nHost: weir\r\nno colon\r\n\r\n",
    };
    static const char *const chunks[] = {"zz\r\n{}\r\n", "2\r\n{}x\r\n", ";\r\n",
                                         "fffffffffffffffff\r\n"};
    enum { HEADS = sizeof heads / sizeof *heads, CHUNKS = sizeof chunks / sizeof *chunks };
    server_start(s);
    for (size_t i = 0; i < HEADS + CHUNKS; i++) {
        const int fd = dial(s);
        if (i >= HEADS) {
            send_text(fd, S("POST /hooks/open HTTP/1.1\r\nHost: weir\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n"));
        }
        send_text(fd, str_of(i < HEADS ? heads[i] : chunks[i - HEADS]));
        char byte = 0;
        while (recv(fd, &byte, 1, 0) == 1) {
        }
        (void)close(fd);
    }
    stop_with(s, 0);
    assert_int_equal(server_counter(s, "closed{reason=client}"), 0);
    assert_int_equal(server_counter(s, "closed{reason=head}"), HEADS);
    assert_int_equal(server_counter(s, "closed{reason=chunks}"), CHUNKS);
}

/* RFC 9110, section 2.5 */
static void a_higher_minor_version_is_read_as_1_1(void **state)
{
    struct server *const s = *state;
    const struct str event = cdevent(&s->arena, "minor");
    server_start(s);
    for (int minor = 1; minor <= 9; minor++) {
        const struct str request = arena_printf(
            &s->arena,
            "POST /hooks/open HTTP/1.%d\r\n%sContent-Type: application/json\r\n"
            "Content-Length: %zu\r\n\r\n%.*s",
            minor, "Host: weir\r\n", event.len, STR_ARG(event));
        assert_int_equal(ask(s, request).status, 202);
    }
    assert_refused(s, text_of(s, "POST /hooks/open HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"), 400,
                   "Host is missing");
    assert_refused(s, text_of(s, "POST /hooks/open HTTP/1.9\r\nContent-Length: 2\r\n\r\n{}"), 400,
                   "Host is missing");
    assert_refused(
        s, text_of(s, "POST /hooks/o pen HTTP/1.1\r\nHost: w\r\nContent-Length: 2\r\n\r\n{}"), 400,
        "more than one space");
    stop_with(s, 9);
}

static void a_401_says_how_to_prove_oneself(void **state)
{
    struct server *const s = *state;
    server_start(s);
    struct answer answer = ask(s, post(&s->arena, "/hooks/builds", "", S("{}")));
    assert_int_equal(answer.status, 401);
    assert_str(answer_header(answer, "WWW-Authenticate"), "Bearer realm=\"weir\"");
    answer = ask(s, post(&s->arena, "/hooks/github", "", S("{}")));
    assert_int_equal(answer.status, 401);
    assert_str(answer_header(answer, "WWW-Authenticate"), "X-Hub-Signature-256 realm=\"weir\"");
    stop_with(s, 0);
}

#define HIDDEN                                                                                     \
    "POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: 0\r\n"                             \
    "Content-Type: application/json\r\n\r\n"
#define TO_OPEN "POST /hooks/open HTTP/1.1\r\nHost: weir\r\n"

/* Each makes libmicrohttpd see less than was sent; the request behind it must not be answered. */
static void a_head_that_is_not_seen_whole_is_400_and_the_last_thing_read(void **state)
{
    struct server *const s = *state;
    static const struct str heads[] = {
        STR(TO_OPEN "Content-Length: 0\x00"
                    "99\r\nX-A: b\r\n\r\n" HIDDEN),
        STR(TO_OPEN "X-A: b\r\nContent-Length: 0\x00"
                    "99\r\n\r\n" HIDDEN),
        STR(TO_OPEN "Content-Length: 0\x00\x00\r\n\r\n" HIDDEN),
        STR(TO_OPEN "Content-Length: 0\r\nX-A:\x00"
                    "b\r\n\r\n" HIDDEN),
        STR(TO_OPEN "Content-Length: 0\r\nX-A: b\r\n c\r\nX-B: d\r\n\r\n" HIDDEN),
        STR(TO_OPEN "Content-Length: 0\nX-A: b\r\n\r\n" HIDDEN),
        STR(TO_OPEN "Content-Length: 0\n\r\n" HIDDEN),
        STR(TO_OPEN "Content-Length: 0\r\n\n" HIDDEN),
        STR("POST /hooks/open HTTP/1.1\nHost: weir\r\nContent-Length: 0\r\n\r\n" HIDDEN),
        STR("POST /hooks/open\x00/b HTTP/1.1\r\nHost: weir\r\nContent-Length: 0\r\n\r\n" HIDDEN),
        STR("POST /hooks/open%00 HTTP/1.1\r\nHost: weir\r\nContent-Length: 0\r\n\r\n" HIDDEN),
        STR("POST /hooks/open?a=%00 HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\n\r\n" HIDDEN),
        STR("POST\x00 /hooks/open HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\n\r\n" HIDDEN),
        STR("POST  /hooks/open HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\n\r\n" HIDDEN),
        STR("POST /hooks/open HTTP/1.0\r\nHost: w\r\nConnection: keep-alive\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN),
    };
    server_start(s);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const int fd = dial(s);
        send_text(fd, heads[i]);
        const struct answer answer = read_answer(&s->arena, fd);
        if (answer.status != 400 ||
            !str_eq_nocase(answer_header(answer, "Connection"), S("close"))) {
            fail_msg("head %zu: %d, %.*s", i, answer.status, STR_ARG(answer.head));
        }
        assert_true(is_closed(fd, 10000));
        (void)close(fd);
    }
    stop_with(s, 0);
    assert_int_equal(server_counter(s, "refused{agent=none,reason=framing}") +
                         server_counter(s, "refused{agent=open,reason=framing}"),
                     sizeof heads / sizeof *heads);
}

/* However the bytes come, and on the second request of a connection as well. */
static void a_sound_head_is_taken_in_whatever_pieces_it_comes(void **state)
{
    struct server *const s = *state;
    char *const filler = arena_array(&s->arena, char, 13001);
    memset(filler, 'a', 13000);
    const struct str request = post(
        &s->arena, "/hooks/open?access_token=a%20b&x=%41",
        arena_printf(
            &s->arena,
            "Content-Type:application/json\r\nX-Empty:\r\nX-Spaces: \t \r\nCookie: a=b; c\r\n"
            "X-Long: %s\r\nX-Last: b \r\n",
            filler)
            .at,
        cdevent(&s->arena, "pieces"));
    server_start(s);
    const int fd = dial(s);
    static const size_t sizes[] = {1u << 20, 1, 7, 4000, 1u << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t at = 0; at < request.len; at += sizes[i]) {
            send_text(fd, str_sub(request, at, sizes[i]));
        }
        assert_int_equal(read_answer(&s->arena, fd).status, 202);
    }
    (void)close(fd);
    stop_with(s, sizeof sizes / sizeof *sizes);
}

static void white_space_behind_a_value_is_no_part_of_it(void **state)
{
    struct server *const s = *state;
    static const char *const fields[] = {
        "Content-Type: application/json\r\nContent-Encoding: identity \t\r\n",
        "Content-Type: application/json\t\r\n"};
    const char *const body = cdevent(&s->arena, "spaces").at;
    server_start(s);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const int fd = dial(s);
        send_text(fd, arena_printf(&s->arena,
                                   "POST /hooks/open HTTP/1.1\r\nHost: weir\r\n%s"
                                   "Content-Length: %zu\r\n\r\n%s",
                                   fields[i], strlen(body), body));
        const struct answer answer = read_answer(&s->arena, fd);
        if (answer.status != 202) {
            fail_msg("%s: %d, %.*s", fields[i], answer.status, STR_ARG(answer.body));
        }
        (void)close(fd);
    }
    stop_with(s, sizeof fields / sizeof *fields);
}

#define T(name) cmocka_unit_test_setup_teardown(name, server_set_up, server_tear_down)

int main(void)
{
    const struct CMUnitTest all[] = {
        T(framing_that_two_readers_could_understand_differently_is_400),
        T(a_length_that_is_no_number_is_400_once),
        T(what_cannot_be_read_is_closed_and_counted_by_its_reason),
        T(a_higher_minor_version_is_read_as_1_1),
        T(a_401_says_how_to_prove_oneself),
        T(a_head_that_is_not_seen_whole_is_400_and_the_last_thing_read),
        T(white_space_behind_a_value_is_no_part_of_it),
        T(a_sound_head_is_taken_in_whatever_pieces_it_comes),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
