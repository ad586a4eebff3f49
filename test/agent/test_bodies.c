/* What bodies may hold: a share of the budget for what has come of them, and only while it is
 * needed. */
#include "agent/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

enum { LONG_MS = 15000, MIB = 1 << 20 };

#ifdef __SANITIZE_ADDRESS__
enum { CEILING_KIB = 512 * 1024 }; /* what is freed stays in quarantine, 256 MiB of it */
#else
/* bodies 32 MiB, and for each of 1,000 connections its head and first block: 24 and 64 KiB */
enum { CEILING_KIB = 124 * 1024 };
#endif

/* What the process itself has written to: not what it shares with the test it was forked from. */
static uint64_t own_kib(struct server *s)
{
    return server_proc(s, "smaps_rollup", "Private_Dirty");
}

/* Bytes on their way to it: not sent yet, or not read (proc(5), /proc/net/tcp: tx_queue, rx_queue).
 */
static uint64_t bytes_unread(const struct server *s)
{
    char line[256];
    uint64_t bytes = 0;
    FILE *const file = fopen("/proc/net/tcp", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        enum { HERE = 1, THERE = 3, STATE, SENT, COME, FIELDS, LISTEN = 10 };
        unsigned long field[FIELDS] = {0};
        char *at = strchr(line, ':');
        for (size_t i = 0; at && i < FIELDS; i++) { /* hexadecimal, parted by colons and spaces */
            field[i] = strtoul(at + 1, &at, 16);
        }
        bytes += field[HERE] == (unsigned long)s->port && field[STATE] != LISTEN ? field[COME] : 0;
        bytes += field[THERE] == (unsigned long)s->port ? field[SENT] : 0;
    }
    (void)fclose(file);
    return bytes;
}

static void wait_until_read(const struct server *s)
{
    for (int ms = 0; ms < LONG_MS && bytes_unread(s) > 0; ms += 10) {
        nap(10);
    }
    assert_int_equal(bytes_unread(s), 0);
    nap(20); /* from its socket to its memory */
}

/* Until it has written to so much memory: what was sent to it has been read. */
static void wait_for_kib(struct server *s, uint64_t kib)
{
    for (int ms = 0; ms < LONG_MS && own_kib(s) < kib; ms += 10) {
        nap(10);
    }
    assert_true(own_kib(s) >= kib);
}

/* Ask until nobody else holds the budget. */
static void ask_until_taken(struct server *s, struct str request)
{
    int status = 503;
    for (int ms = 0; ms < LONG_MS && status == 503; ms += 10) {
        status = ask(s, request).status;
        nap(status == 503 ? 10 : 0);
    }
    assert_int_equal(status, 202);
}

#define LARGE                                                                                      \
    "POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: 4194304\r\n"                       \
    "Content-Type: application/json\r\n\r\n"

static struct str spaces(struct server *s, size_t n)
{
    char *const at = arena_array(&s->arena, char, n);
    memset(at, ' ', n);
    return (struct str){at, n};
}

/* A connection whose body is here but for its last byte, and is paid for. */
static int hold(struct server *s, size_t bytes)
{
    const int fd = dial(s);
    send_text(fd, arena_printf(&s->arena,
                               "POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: %zu\r\n"
                               "Content-Type: application/json\r\n\r\n",
                               bytes));
    send_text(fd, spaces(s, bytes - 1));
    return fd;
}

static void who_declares_a_body_and_sends_none_costs_nothing(void **state)
{
    struct server *const s = *state;
    enum { N = 40 };
    int fd[N];
    server_start(s);
    for (int i = 0; i < N; i++) {
        fd[i] = dial(s);
        send_text(fd[i], S(LARGE));
    }
    nap(50); /* so that what is wrong would show; it holds at any time */
    const struct str body = arena_printf(&s->arena, "%.*s{}", STR_ARG(spaces(s, 3 * MIB)));
    assert_int_equal(ask(s, github_post(&s->arena, "push", "1", body)).status, 202);
    for (int i = 0; i < N; i++) {
        (void)close(fd[i]);
    }
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, 1);
}

static void bodies_beyond_the_budget_are_503_before_they_are_read(void **state)
{
    struct server *const s = *state;
    enum { N = 3 };
    int fd[N];
    s->config.intake.bodies_bytes_max = 16 * MIB;
    server_start(s);
    for (int i = 0; i < N; i++) {
        fd[i] = hold(s, 4 * MIB);
    }
    const int last = hold(s, MIB);
    wait_until_read(s);
    const struct answer answer = ask(s, S(LARGE));
    assert_int_equal(answer.status, 503);
    assert_true(answer_header(answer, "Retry-After").len > 0);
    (void)close(fd[0]); /* its share is free again */
    (void)close(last);
    const struct str body = arena_printf(&s->arena, "%.*s{}", STR_ARG(spaces(s, 2 * MIB)));
    ask_until_taken(s, github_post(&s->arena, "push", "1", body));
    (void)close(fd[1]);
    (void)close(fd[2]);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(server_counter(s, "refused{agent=open,reason=budget}"), 1);
}

/* What is refused in its middle gives its share back at once: the others can end. */
static void a_body_that_finds_no_room_in_its_middle_makes_room_for_the_others(void **state)
{
    struct server *const s = *state;
    enum { N = 12, HALF = 2 * MIB };
    struct arena *const a = &s->arena;
    int fd[N];
    int taken = 0;
    const struct str event = cdevent(a, "1");
    const struct str body = arena_printf(a, "%.*s%.*s", STR_ARG(event),
                                         STR_ARG(spaces(s, 2 * HALF)));
    const struct str request = post(a, "/hooks/open", "Content-Type: application/json\r\n",
                                    str_sub(body, 0, 2 * HALF));
    s->config.intake.bodies_bytes_max = 16 * MIB;
    server_start(s);
    for (int i = 0; i < N; i++) {
        fd[i] = dial(s);
        send_text(fd[i], str_sub(request, 0, HALF / 2));
    }
    for (int i = 0; i < N; i++) {
        send_text(fd[i], str_sub(request, HALF / 2, request.len));
        const int status = read_answer(a, fd[i]).status;
        assert_true(status == 202 || status == 503);
        taken += status == 202;
        (void)close(fd[i]);
    }
    assert_in_range(taken, 1, N - 1);
    ask_until_taken(s, request); /* all is free again */
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, taken + 1);
}

#define ONE "Content-Type: application/json\r\n"
#define MANY "Content-Type: application/cloudevents-batch+json\r\n"
#define ZIP "Content-Encoding: gzip\r\n"

static struct str in_chunks(struct arena *a, struct str body)
{
    return arena_printf(a,
                        "POST /hooks/open HTTP/1.1\r\nHost: weir\r\nTransfer-Encoding: chunked\r\n"
                        "Content-Type: application/json\r\n\r\n%zx\r\n%.*s\r\n0\r\n\r\n",
                        body.len, STR_ARG(body));
}

/* The length told, not told, and of what it inflates to: 3 MiB each, of which 4 MiB are left for
 * the body and the driver's copy of it. */
static void every_kind_of_body_is_charged_to_the_budget(void **state)
{
    struct server *const s = *state;
    enum { HELD = 3, BODY = 3 * MIB, EVENTS = 4500 };
    struct arena *const a = &s->arena;
    int fd[HELD];
    const struct str event = cdevent(a, "1");
    const struct str body = arena_printf(a, "%.*s%.*s", STR_ARG(event),
                                         STR_ARG(spaces(s, BODY - event.len)));
    const struct str requests[] = {
        post(a, "/hooks/open", ONE, body),
        in_chunks(a, body),
        post(a, "/hooks/open", ONE ZIP, gzip(s, body)),
        /* less than 4 MiB with its copy, but for what each event of it holds */
        post(a, "/hooks/open", MANY ZIP, gzip(s, cdevents_batch(a, "", EVENTS))),
    };
    enum { REQUESTS = sizeof requests / sizeof *requests };
    s->config.intake.bodies_bytes_max = 16 * MIB;
    s->config.intake.batch_events_max = EVENTS;
    server_start(s);
    for (int i = 0; i < HELD; i++) {
        fd[i] = hold(s, 4 * MIB);
    }
    wait_for_kib(s, 4 * HELD * 1024);
    for (size_t i = 0; i < REQUESTS; i++) {
        assert_int_equal(ask(s, requests[i]).status, 503);
    }
    for (int i = 0; i < HELD; i++) {
        (void)close(fd[i]);
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        ask_until_taken(s, requests[i]);
    }
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, 3 + EVENTS);
}

/* The least budget that is allowed holds the largest body of every kind, alone. */
static void the_largest_body_of_every_kind_fits_into_the_least_budget(void **state)
{
    struct server *const s = *state;
    enum { MOST = 4 * MIB };
    struct arena *const a = &s->arena;
    const struct str event = cdevent(a, "1");
    const struct str body = arena_printf(a, "%.*s%.*s", STR_ARG(event),
                                         STR_ARG(spaces(s, MOST - event.len)));
    /* noise, which does not compress: hexadecimal digits do by half */
    char *const noise = arena_array(a, char, MOST);
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < MOST - 1; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        noise[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[x % 64];
    }
    const struct str noisy = arena_printf(a, "{\"a\":\"%.*s\",%.*s", MOST - 2000, noise,
                                          STR_ARG(str_sub(event, 1, event.len)));
    const struct str batch = cdevents_batch(a, "", 10000);
    const struct str full = arena_printf(a, "%.*s%.*s", STR_ARG(batch),
                                         STR_ARG(spaces(s, MOST - batch.len)));
    assert_in_range(batch.len, MOST * 3 / 4, MOST);
    const struct str requests[] = {
        post(a, "/hooks/open", ONE, body),  in_chunks(a, body),
        post(a, "/hooks/open", ONE, noisy), post(a, "/hooks/open", ONE ZIP, gzip(s, noisy)),
        post(a, "/hooks/open", MANY, full), post(a, "/hooks/open", MANY ZIP, gzip(s, full)),
    };
    enum { REQUESTS = sizeof requests / sizeof *requests };
    s->config.intake.bodies_bytes_max = 4 * s->config.intake.body_bytes_max;
    s->config.intake.batch_events_max = 10000;
    server_start(s);
    for (size_t i = 0; i < REQUESTS; i++) {
        const struct answer answer = ask(s, requests[i]);
        if (answer.status != 202) {
            fail_msg("request %zu: %d, %.*s", i, answer.status, STR_ARG(answer.body));
        }
    }
    assert_int_equal(server_stop(s), OK);
}

/* [1,1,…] wants five times the memory that a webhook of its length wants. */
static void the_densest_body_is_read_at_every_length(void **state)
{
    struct server *const s = *state;
    enum { MOST = 26 * MIB };
    s->config.intake.body_bytes_max = MOST;
    s->config.intake.bodies_bytes_max = (size_t)128 * MIB;
    s->record_bytes_max = 2 * (size_t)MOST;
    server_start(s);
    for (size_t len = MOST; len > 8 * MIB; len = len / 16 * 15) {
        struct arena own;
        arena_init(&own, (size_t)256 * MIB);
        char *const at = arena_array(&own, char, len);
        for (size_t i = 0; i < len; i++) {
            at[i] = (char)(i % 2 ? '1' : ',');
        }
        memcpy(at, "{\"z\":[ ", 7); /* and a 1 behind it */
        memcpy(at + len - 2, "]}", 2);
        at[len - 3] = ' ';
        at[len - 4] = '1';
        const struct answer answer = ask(s, github_post(&own, "ping", "1", (struct str){at, len}));
        if (answer.status != 202) {
            fail_msg("%zu bytes: %d, %.*s", len, answer.status, STR_ARG(answer.body));
        }
        arena_close(&own);
    }
    assert_int_equal(server_stop(s), OK);
}

static void a_refused_body_without_end_is_not_read_for_ever(void **state)
{
    struct server *const s = *state;
    const struct str part = spaces(s, MIB);
    server_start(s);
    const int fd = dial(s);
    send_text(fd,
              S("POST /hooks/nobody HTTP/1.1\r\nHost: weir\r\nTransfer-Encoding: chunked\r\n\r\n"
                "FFFFFFFFFF\r\n"));
    for (int i = 0; i < 64 && !is_closed(fd, 0); i++) { /* 64 MiB; 4 MiB are a body */
        send_text(fd, part);
    }
    assert_true(is_closed(fd, LONG_MS));
    (void)close(fd);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(server_counter(s, "closed{reason=body}"), 1);
}

static void memory_of_large_bodies_is_given_back(void **state)
{
    struct server *const s = *state;
    enum { N = 6, BODY = 25 * MIB, LEFT_KIB = 8 * 1024 };
    int fd[N];
    s->config.intake.body_bytes_max = 26 * MIB;
    s->config.intake.bodies_bytes_max = (size_t)512 * MIB;
    server_start(s);
    const struct str small = github_post(&s->arena, "push", "1", S("["));
    assert_int_equal(ask(s, small).status, 400);
    const uint64_t before_kib = own_kib(s);
    const struct str large = github_post(&s->arena, "push", "1", spaces(s, BODY));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            fd[i] = dial(s);
            send_text(fd[i], str_sub(large, 0, large.len - 1));
        }
        wait_for_kib(s, before_kib + N * (BODY / 1024));
        for (int i = 0; i < N; i++) {
            send_text(fd[i], str_sub(large, large.len - 1, 1));
            assert_int_equal(read_answer(&s->arena, fd[i]).status, 400); /* not JSON: read whole */
            (void)close(fd[i]);
        }
        assert_int_equal(ask(s, small).status, 400);
    }
    const uint64_t after_kib = own_kib(s);
    print_message("its own: %llu KiB before, %llu KiB after\n", (unsigned long long)before_kib,
                  (unsigned long long)after_kib);
#ifdef __SANITIZE_ADDRESS__
    skip_because("the address sanitizer keeps what is freed");
#endif
    assert_in_range(after_kib, 1, before_kib + LEFT_KIB);
    assert_int_equal(server_stop(s), OK);
}

static void thousand_connections_that_drip_large_bodies_stay_under_the_ceiling(void **state)
{
    struct server *const s = *state;
    enum { N = 1000, PART = 65536 };
    static int fd[N];
    static char part[PART];
    const struct rlimit many = {4096, 4096};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    if (before.rlim_cur < N + 100 && setrlimit(RLIMIT_NOFILE, &many) != 0) {
        skip_because("not enough open files are allowed (ulimit -n)");
    }
    memset(part, ' ', sizeof part);
    s->config.intake.body_bytes_max = 8 * MIB;
    s->config.intake.bodies_bytes_max = 32 * MIB;
    s->config.intake.connections_max = N + 10;
    server_start(s);
    for (int i = 0; i < N; i++) {
        fd[i] = dial(s);
        send_text(fd[i], i % 2 ? S("POST /hooks/open HTTP/1.1\r\nHost: weir\r\n"
                                   "Content-Length: 8000000\r\n"
                                   "Content-Type: application/json\r\n\r\n")
                               : S("POST /hooks/open HTTP/1.1\r\nHost: weir\r\n"
                                   "Transfer-Encoding: chunked\r\n"
                                   "Content-Type: application/json\r\n\r\n7A1200\r\n"));
    }
    uint64_t peak_kib = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < N; i++) {
            (void)send(fd[i], part, sizeof part, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (i % 100 == 0) {
                const uint64_t kib = own_kib(s);
                peak_kib = kib > peak_kib ? kib : peak_kib;
            }
        }
    }
    print_message("peak of its memory: %llu KiB\n", (unsigned long long)peak_kib);
    assert_in_range(peak_kib, 1, CEILING_KIB);
    for (int i = 0; i < N; i++) {
        (void)close(fd[i]);
    }
    ask_until_taken(s, github_post(&s->arena, "push", "1", S("{}"))); /* before any deadline */
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, server_set_up, server_tear_down)

int main(int argc, char **argv)
{
    /* The test runner lets malloc fill what it gives; here it is counted what weir itself touches.
     */
    if (argc > 0 && getenv("MALLOC_PERTURB_")) {
        (void)unsetenv("MALLOC_PERTURB_");
        (void)execv("/proc/self/exe", argv);
    }
    const struct CMUnitTest all[] = {
        T(who_declares_a_body_and_sends_none_costs_nothing),
        T(bodies_beyond_the_budget_are_503_before_they_are_read),
        T(a_body_that_finds_no_room_in_its_middle_makes_room_for_the_others),
        T(every_kind_of_body_is_charged_to_the_budget),
        T(the_largest_body_of_every_kind_fits_into_the_least_budget),
        T(the_densest_body_is_read_at_every_length),
        T(a_refused_body_without_end_is_not_read_for_ever),
        T(memory_of_large_bodies_is_given_back),
        T(thousand_connections_that_drip_large_bodies_stay_under_the_ceiling),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
