/* What strangers cannot do: hold connections, memory or the stop of the process. */
#include "agent/server.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 15000, HOUR_MS = 3600000, MIB = 1 << 20 };

static uint64_t times_woken(struct server *s)
{
    return server_proc(s, "status", "voluntary_ctxt_switches");
}

/* Send one byte again and again; true when the server ends the connection. */
static bool drip_until_closed(int fd, const char *byte)
{
    for (int ms = 0; ms < LONG_MS; ms += 20) {
        if (send(fd, byte, 1, MSG_NOSIGNAL) < 0 || is_closed(fd, 20)) {
            return true;
        }
    }
    return false;
}

static void a_request_that_drips_is_closed_at_its_deadline(void **state)
{
    struct server *const s = *state;
    s->config.intake.request_ms = 300;
    server_start(s);
    const int head = dial(s);
    send_text(head, S("POST /hooks/open HTTP/1.1\r\nHost: weir\r\nX-Slow: "));
    assert_true(drip_until_closed(head, "a"));
    const int body = dial(s);
    send_text(body, S("POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: 100000\r\n"
                      "Content-Type: application/json\r\n\r\n"));
    struct pollfd p = {.fd = body, .events = POLLIN};
    assert_int_equal(poll(&p, 1, LONG_MS), 1);
    const struct answer answer = read_answer(&s->arena, body);
    assert_int_equal(answer.status, 408);
    assert_true(str_eq_nocase(answer_header(answer, "Connection"), S("close")));
    assert_true(is_closed(body, LONG_MS));
    (void)close(head);
    (void)close(body);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(server_counter(s, "closed{reason=deadline}"), 2);
}

static void a_connection_without_a_request_is_closed_when_it_is_idle_too_long(void **state)
{
    struct server *const s = *state;
    s->config.intake.idle_ms = 300;
    server_start(s);
    const int silent = dial(s);
    const int dripping = dial(s); /* never a whole request line */
    assert_true(is_closed(silent, LONG_MS));
    assert_true(drip_until_closed(dripping, "P"));
    (void)close(silent);
    (void)close(dripping);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(server_counter(s, "closed{reason=idle}"), 2);
}

static void who_leaves_in_the_middle_is_counted_and_forgotten(void **state)
{
    struct server *const s = *state;
    server_start(s);
    const int fd = dial(s);
    send_text(fd, S("POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: 100\r\n"
                    "Content-Type: application/json\r\n\r\n{"));
    nap(50);
    (void)close(fd);
    assert_int_equal(ask(s, github_post(&s->arena, "push", "1", S("{}"))).status, 202);
    nap(50);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(server_counter(s, "closed{reason=client}"), 1);
    assert_int_equal(s->signals_n, 1);
}

/* libmicrohttpd waits for an event that came together with the last bytes, and is past. */
static void who_leaves_together_with_their_last_bytes_is_noticed(void **state)
{
    struct server *const s = *state;
    static const struct str starts[] = {
        STR("POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: 100\r\n"
            "Content-Type: application/json\r\n\r\n{"),
        STR("POST /hooks/open HTTP/1.1\r\nHost: weir\r\nX-Half: "),
        STR("POST /hoo"),
    };
    s->config.intake.connections_max = 1;
    s->config.intake.request_ms = s->config.intake.idle_ms = HOUR_MS;
    server_start(s);
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        const int fd = dial(s);
        send_text(fd, starts[i]);
        nap(50);
        assert_int_equal(kill(s->pid, SIGSTOP), 0);
        send_text(fd, S("a"));
        (void)close(fd);
        assert_int_equal(kill(s->pid, SIGCONT), 0);
        assert_int_equal(ask(s, github_post(&s->arena, "push", "1", S("{}"))).status, 202);
    }
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(server_counter(s, "closed{reason=client}"), 2);
}

static void who_has_sent_all_and_only_listens_is_answered(void **state)
{
    struct server *const s = *state;
    struct buf b;
    char *const big = arena_array(&s->arena, char, MIB);
    memset(big, ' ', MIB);
    memcpy(big, "{}", 2);
    server_start(s);
    buf_init(&b, &s->arena, 8 * MIB);
    for (int i = 0; i < 3; i++) {
        buf_add(&b, github_post(&s->arena, "push",
                                i == 0   ? "1"
                                : i == 1 ? "2"
                                         : "3",
                                (struct str){big, MIB}));
    }
    const int fd = dial(s);
    send_text(fd, buf_str(&b));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_answer(&s->arena, fd).status, 202);
    }
    assert_true(is_closed(fd, LONG_MS));
    (void)close(fd);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, 3);
}

static void more_connections_than_allowed_wait_until_one_leaves(void **state)
{
    struct server *const s = *state;
    enum { N = 4 };
    int fd[N + 1];
    s->config.intake.connections_max = N;
    server_start(s);
    const struct str request = github_post(&s->arena, "push", "1", S("{}"));
    for (int i = 0; i < N; i++) {
        fd[i] = dial(s);
        send_text(fd[i], request);
        assert_int_equal(read_answer(&s->arena, fd[i]).status, 202);
    }
    fd[N] = dial(s);
    send_text(fd[N], request);
    struct pollfd p = {.fd = fd[N], .events = POLLIN};
    assert_int_equal(poll(&p, 1, 100), 0);
    (void)close(fd[0]);
    assert_int_equal(read_answer(&s->arena, fd[N]).status, 202);
    for (int i = 1; i <= N; i++) {
        (void)close(fd[i]);
    }
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, N + 1);
}

static void one_address_is_told_429_and_then_not_even_that(void **state)
{
    struct server *const s = *state;
    enum { ALLOWED = 2, TOLD = 2 * ALLOWED + 8 };
    int fd[TOLD];
    s->config.intake.connections_per_address_max = ALLOWED;
    server_start(s);
    for (int i = 0; i < TOLD; i++) {
        fd[i] = dial(s);
    }
    const int beyond = dial(s);
    assert_true(is_closed(beyond, LONG_MS));
    (void)close(beyond);
    const struct str request = github_post(&s->arena, "push", "1", S("{}"));
    for (int i = 0; i < TOLD; i++) {
        send_text(fd[i], request);
        const struct answer answer = read_answer(&s->arena, fd[i]);
        assert_int_equal(answer.status, i < ALLOWED ? 202 : 429);
        assert_int_equal(answer_header(answer, "Retry-After").len > 0, i >= ALLOWED);
        (void)close(fd[i]);
    }
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(server_counter(s, "refused{agent=github,reason=address}"), TOLD - ALLOWED);
    assert_int_equal(server_counter(s, "closed{reason=address}"), 1);
}

enum { BATCHES = 3, EVENTS = 2100, CLIENTS = BATCHES + 2 };

/* Batches that become whole in one turn, any two of them more than one group may hold, and two
 * more clients that have sent nothing yet. */
static void send_batches(struct server *s, int fd[CLIENTS])
{
    struct str request[BATCHES];
    s->config.intake.batch_events_max = EVENTS;
    server_start(s);
    for (int i = 0; i < BATCHES; i++) {
        const struct str prefix = arena_printf(&s->arena, "%d-", i);
        request[i] = post(&s->arena, "/hooks/open",
                          "Content-Type: application/cloudevents-batch+json\r\n",
                          cdevents_batch(&s->arena, prefix.at, EVENTS));
        fd[i] = dial(s);
        send_text(fd[i], str_sub(request[i], 0, request[i].len - 1));
    }
    for (int i = BATCHES; i < CLIENTS; i++) {
        fd[i] = dial(s);
    }
    nap(200);
    assert_int_equal(kill(s->pid, SIGSTOP), 0); /* so that it sees both ends at once */
    for (int i = 0; i < BATCHES; i++) {
        send_text(fd[i], str_sub(request[i], request[i].len - 1, 1));
    }
    assert_int_equal(kill(s->pid, SIGCONT), 0);
}

static void a_group_is_cut_before_it_has_too_many_records(void **state)
{
    struct server *const s = *state;
    int fd[CLIENTS];
    send_batches(s, fd);
    for (int i = 0; i < CLIENTS; i++) {
        if (i < BATCHES) {
            assert_int_equal(read_answer(&s->arena, fd[i]).status, 202);
        }
        (void)close(fd[i]);
    }
    assert_int_equal(atomic_load(&s->control->appends), BATCHES);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, BATCHES * EVENTS);
}

/* Else one append would take as long as the disk takes for all that waits. */
static void a_group_is_cut_before_it_has_too_many_bytes(void **state)
{
    enum { BODIES = 3, BODY_BYTES = 5 << 20 }; /* two of them are more than a group's 8 MiB */
    struct server *const s = *state;
    int fd[BODIES];
    struct str request[BODIES];
    struct buf body;
    s->config.intake.body_bytes_max = 8 << 20;
    s->config.intake.bodies_bytes_max = 128 << 20;
    s->config.intake.request_ms = HOUR_MS;
    server_start(s);
    buf_init(&body, &s->arena, BODY_BYTES + 100);
    buf_printf(&body, "{\"zen\":\"%0*d\"}", BODY_BYTES, 0);
    for (int i = 0; i < BODIES; i++) {
        request[i] = github_post(&s->arena, "ping", arena_printf(&s->arena, "big-%d", i).at,
                                 buf_str(&body));
        fd[i] = dial(s);
        send_text(fd[i], str_sub(request[i], 0, request[i].len - 1));
    }
    nap(200);
    assert_int_equal(kill(s->pid, SIGSTOP), 0); /* so that it sees all ends at once */
    for (int i = 0; i < BODIES; i++) {
        send_text(fd[i], str_sub(request[i], request[i].len - 1, 1));
    }
    assert_int_equal(kill(s->pid, SIGCONT), 0);
    for (int i = 0; i < BODIES; i++) {
        assert_int_equal(read_answer(&s->arena, fd[i]).status, 202);
        (void)close(fd[i]);
    }
    assert_int_equal(atomic_load(&s->control->appends), BODIES); /* however slow the machine is */
    assert_int_equal(server_stop(s), OK);
}

/* While the first of three groups is being appended a client breaks off. The same turn sees two
 * others come, one of them behind it, whatever order libmicrohttpd takes them in. */
static void leave_and_ask_others(struct server *s, size_t who)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd[CLIENTS];
    atomic_store(&s->control->is_held, true);
    send_batches(s, fd);
    while (atomic_load(&s->control->appends) == 0) {
        nap(1);
    }
    send_text(fd[BATCHES], github_post(&s->arena, "push", "before", S("{}")));
    assert_int_equal(setsockopt(fd[who], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    (void)close(fd[who]);
    send_text(fd[BATCHES + 1], github_post(&s->arena, "push", "behind", S("{}")));
    atomic_store(&s->control->is_held, false);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (i != who) {
            assert_int_equal(read_answer(&s->arena, fd[i]).status, 202);
            (void)close(fd[i]);
        }
    }
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(server_counter(s, "accepted{agent=open}") +
                         server_counter(s, "accepted{agent=github}"),
                     s->signals_n);
    assert_int_equal(server_counter(s, "closed{reason=client}"), 1);
}

/* Nothing was promised to it, and those behind it are not forgotten. */
static void a_client_that_leaves_while_it_waits_for_its_group_is_not_appended(void **state)
{
    struct server *const s = *state;
    leave_and_ask_others(s, 1);
    assert_int_equal(s->signals_n, 2 * EVENTS + 2);
}

/* Also not whoever comes next. */
static void the_last_that_waits_may_leave(void **state)
{
    struct server *const s = *state;
    leave_and_ask_others(s, BATCHES - 1);
    assert_int_equal(s->signals_n, (BATCHES - 1) * EVENTS + 2);
}

static void a_client_that_leaves_while_its_group_goes_to_the_disk_hurts_nobody(void **state)
{
    struct server *const s = *state;
    leave_and_ask_others(s, 0);
    assert_int_equal(s->signals_n, BATCHES * EVENTS + 2);
}

/* ---- waiting and stopping ---- */

static void an_idle_intake_is_not_woken(void **state)
{
    struct server *const s = *state;
    server_start(s);
    assert_int_equal(ask(s, github_post(&s->arena, "push", "1", S("{}"))).status, 202);
    nap(100);
    const uint64_t before = times_woken(s);
    nap(500);
    assert_int_equal(times_woken(s), before);
    assert_int_equal(server_stop(s), OK);
}

static void a_stop_finishes_what_is_in_flight(void **state)
{
    struct server *const s = *state;
    const struct str request = github_post(&s->arena, "push", "1", S("{\"a\":1}"));
    server_start(s);
    const int idle = dial(s);
    const int busy = dial(s);
    send_text(busy, str_sub(request, 0, request.len - 3));
    nap(50);
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    assert_true(is_closed(idle, LONG_MS));
    const int64_t whole_us = clock_now_us();
    send_text(busy, str_sub(request, request.len - 3, 3));
    const struct answer answer = read_answer(&s->arena, busy);
    assert_int_equal(answer.status, 202);
    assert_true(str_eq_nocase(answer_header(answer, "Connection"), S("close")));
    (void)close(idle);
    (void)close(busy);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, 1);
    assert_true(s->signal->received_us >= whole_us); /* not when its head came */
}

static void a_stop_does_not_wait_for_ever(void **state)
{
    struct server *const s = *state;
    s->config.stop_ms = 200;
    s->config.intake.request_ms = s->config.intake.idle_ms = HOUR_MS; /* nothing else ends it */
    server_start(s);
    const int fd = dial(s);
    send_text(fd, S("POST /hooks/open HTTP/1.1\r\nHost: weir\r\nContent-Length: 100\r\n"
                    "Content-Type: application/json\r\n\r\n{"));
    nap(50);
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    struct pollfd p = {.fd = s->report, .events = POLLIN};
    assert_int_equal(poll(&p, 1, LONG_MS), 1); /* it reports its end while the client holds on */
    assert_int_equal(server_stop(s), OK);
    assert_true(is_closed(fd, LONG_MS));
    (void)close(fd);
    assert_int_equal(s->signals_n, 0);
}

static void descriptors_that_run_out_come_back(void **state)
{
    struct server *const s = *state;
    struct rlimit limit;
    server_start(s);
    const struct str request = github_post(&s->arena, "push", "1", S("{}"));
    assert_int_equal(ask(s, request).status, 202);
    assert_int_equal(prlimit(s->pid, RLIMIT_NOFILE, NULL, &limit), 0);
    const struct rlimit none = {3, limit.rlim_max};
    assert_int_equal(prlimit(s->pid, RLIMIT_NOFILE, &none, NULL), 0);
    const int fd = dial(s);
    send_text(fd, request);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 200), 0);
    const uint64_t before = times_woken(s);
    nap(200);
    assert_in_range(times_woken(s) - before, 0, 3); /* no busy loop */
    assert_int_equal(prlimit(s->pid, RLIMIT_NOFILE, &limit, NULL), 0);
    assert_int_equal(read_answer(&s->arena, fd).status, 202);
    (void)close(fd);
    assert_int_equal(server_stop(s), OK);
}

static void it_listens_at_several_addresses_of_every_kind(void **state)
{
    struct server *const s = *state;
    const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = ""};
    struct sockaddr_un at = to;
    const struct str path = arena_printf(&s->arena, "/tmp/weir-socket-%d", (int)getpid());
    memcpy(at.sun_path, path.at, path.len);
    s->address[1] = arena_printf(&s->arena, "unix:%s", path.at);
    s->address[2] = S("[::1]:0");
    s->addresses_n = 3;
    server_start(s);
    const struct str request = github_post(&s->arena, "push", "1", S("{}"));
    assert_int_equal(ask(s, request).status, 202);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    send_text(fd, request);
    assert_int_equal(read_answer(&s->arena, fd).status, 202);
    (void)close(fd);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, 2);
    (void)unlink(path.at);
}

static void limits_that_contradict_each_other_stop_it(void **state)
{
    struct server *const s = *state;
    s->config.intake.bodies_bytes_max = s->config.intake.body_bytes_max;
    server_start(s);
    assert_int_equal(server_stop(s), STOP);
}

static struct str batch_of(struct server *s, const char *const ids[], size_t n)
{
    struct buf b;
    buf_init(&b, &s->arena, 1 << 20);
    buf_add_byte(&b, '[');
    for (size_t i = 0; i < n; i++) {
        buf_printf(&b,
                   "%s{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/ci/main\",\"type\":"
                   "\"dev.cdevents.pipelinerun.queued.0.3.0\",\"data\":",
                   i ? "," : "", ids[i]);
        buf_add(&b, cdevent(&s->arena, i == 1 ? "b" : ids[i]));
        buf_add_byte(&b, '}');
    }
    buf_add_byte(&b, ']');
    return buf_str(&b);
}

#define BATCH "Content-Type: application/cloudevents-batch+json; charset=utf-8\r\n"

static void a_batch_is_taken_whole_or_refused_whole(void **state)
{
    struct server *const s = *state;
    s->config.intake.batch_events_max = 3;
    server_start(s);
    struct answer answer = ask(s, post(&s->arena, "/hooks/open", BATCH,
                                       batch_of(s, (const char *const[]){"a", "b", "c"}, 3)));
    assert_int_equal(answer.status, 202);
    assert_str(answer.body, "{\"ids\":[\"a\",\"b\",\"c\"]}");
    answer = ask(s, post(&s->arena, "/hooks/open", BATCH, S("[]")));
    assert_int_equal(answer.status, 202);
    assert_str(answer.body, "{\"ids\":[]}");
    assert_refused(s,
                   post(&s->arena, "/hooks/open", BATCH,
                        batch_of(s, (const char *const[]){"d", "not b", "f"}, 3)),
                   400, "event 1: the CloudEvents attribute id and the body");
    assert_refused(s,
                   post(&s->arena, "/hooks/open", BATCH,
                        batch_of(s, (const char *const[]){"g", "b", "h", "i"}, 4)),
                   413, "batch_events_max");
    assert_refused(s, post(&s->arena, "/hooks/open", BATCH, S("{}")), 400, "array");
    stop_with(s, 3);
    assert_int_equal(server_counter(s, "accepted{agent=open}"), 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, server_set_up, server_tear_down)

int main(void)
{
    const struct CMUnitTest all[] = {
        T(a_request_that_drips_is_closed_at_its_deadline),
        T(a_connection_without_a_request_is_closed_when_it_is_idle_too_long),
        T(who_leaves_in_the_middle_is_counted_and_forgotten),
        T(who_leaves_together_with_their_last_bytes_is_noticed),
        T(who_has_sent_all_and_only_listens_is_answered),
        T(more_connections_than_allowed_wait_until_one_leaves),
        T(one_address_is_told_429_and_then_not_even_that),
        T(a_batch_is_taken_whole_or_refused_whole),
        T(a_group_is_cut_before_it_has_too_many_records),
        T(a_group_is_cut_before_it_has_too_many_bytes),
        T(a_client_that_leaves_while_it_waits_for_its_group_is_not_appended),
        T(the_last_that_waits_may_leave),
        T(a_client_that_leaves_while_its_group_goes_to_the_disk_hurts_nobody),
        T(an_idle_intake_is_not_woken),
        T(a_stop_finishes_what_is_in_flight),
        T(a_stop_does_not_wait_for_ever),
        T(descriptors_that_run_out_come_back),
        T(it_listens_at_several_addresses_of_every_kind),
        T(limits_that_contradict_each_other_stop_it),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
