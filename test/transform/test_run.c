/* The stage transform over a bus in memory: the seven cases of "once", totals. */
#include "transform/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "bus/memory.h"
#include "folder.h"
#include "refused.h"
#include "test.h"
#include "transform/repetitions.h"
#include "transform/staged.h"
#include "transform/transform.h"

static const struct section_type cdevents = {.name = "cdevents",
                                             .transformer = &transformer_cdevents};

static void the_same_delivery_again_after_success_is_a_repetition(void **state)
{
    struct staged *const x = *state;
    const struct signal s = staged_issue(x, "github", "d1", 1, true);
    staged_append(x, "intake-0", s);
    staged_turn(x);
    const size_t once = staged_all(x, STREAM_STANDARD, "intake-0").n;
    assert_int_equal(once, 2); /* an event and a ticket */
    staged_append(x, "intake-0", s);
    staged_append(x, "intake-1", s);
    staged_turn(x);
    assert_int_equal(staged_all(x, STREAM_STANDARD, "intake-0").n, once);
    assert_int_equal(staged_all(x, STREAM_STANDARD, "intake-1").n, 0);
    assert_int_equal(staged_counter(x, "ignored{repetition}"), 2);
    assert_int_equal(staged_counter(x, "stored"), 1);
}

static void the_same_delivery_again_after_dead_or_unmapped_is_processed(void **state)
{
    struct staged *const x = *state;
    for (int i = 1; i <= 2; i++) {
        staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, false));
        staged_append(x, "intake-0", staged_star(x, "d2"));
        staged_turn(x);
        assert_int_equal(staged_counter(x, "dead"), i);
        assert_int_equal(staged_counter(x, "unmapped{github/star/created}"), i);
    }
    staged_append(x, "intake-0",
                  staged_issue(x, "github", "d1", 1, true)); /* and once it is mended it counts */
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_counter(x, "ignored{repetition}"), 0);
    const struct slice dead = staged_all(x, STREAM_DEAD, "transform-raw-intake-0");
    assert_int_equal(dead.n, 2);
    assert_str(dead.record[0].signal.pointer, "/issue/created_at");
    assert_str(dead.record[0].signal.stage, "transform");
    assert_str(dead.record[0].signal.id, "d1");
    assert_true(dead.record[0].signal.reason.len > 0);
}

static void events_that_weir_has_not_heard_of_have_names_and_leave_room_for_real_ones(void **state)
{
    enum { INVENTED = 300, NAMED = 128 };
    struct staged *const x = *state;
    for (int i = 0; i < INVENTED; i++) {
        struct signal s = staged_star(x, arena_printf(&x->arena, "d%d", i).at);
        s.type = arena_printf(&x->arena, "github.invented_%d", i);
        staged_append(x, "intake-0", s);
    }
    staged_append(x, "intake-0", staged_star(x, "real"));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "unmapped{github/invented_0/created}"), 1);
    assert_int_equal(staged_counter(x, "unmapped{github/invented_127/created}"), 1);
    assert_int_equal(staged_counter(x, "unmapped{github/other}"), INVENTED - NAMED);
    assert_int_equal(staged_counter(x, "unmapped{github/star/created}"), 1);
}

/* A clock that goes a second further each time somebody asks; -1: the real one. */
static int64_t asked_n = -1;

int clock_gettime(clockid_t id, struct timespec *out)
{
    const int status = (int)syscall(SYS_clock_gettime, id, out);
    if (asked_n >= 0 && id == CLOCK_MONOTONIC) {
        out->tv_sec += asked_n++;
    }
    return status;
}

/* Each of a batch may take its mapping's whole time, and the batch is no hang. */
static void a_batch_is_heard_of_at_each_of_its_signals(void **state)
{
    enum { SIGNALS = 100 };
    struct staged *const x = *state;
    struct failure f = {0};
    size_t n = 0;
    for (int i = 0; i < SIGNALS; i++) {
        staged_append(x, "intake-0", staged_star(x, arena_printf(&x->arena, "d%d", i).at));
    }
    const int64_t begun_us = clock_mono_us();
    asked_n = 0;
    const enum outcome result = transform_turn(x->stage, 0, &n, &f);
    asked_n = -1;
    assert_int_equal(result, OK);
    assert_int_equal(n, SIGNALS);
    assert_true(progress_busy_since_us(x->progress) - begun_us >= SIGNALS * SECOND_US);
}

static void actions_that_a_sender_invents_leave_room_for_real_ones(void **state)
{
    enum { INVENTED = 300, NAMED = 128 };
    struct staged *const x = *state;
    for (int i = 0; i < INVENTED; i++) {
        struct signal s = staged_star(x, arena_printf(&x->arena, "d%d", i).at);
        s.data = arena_printf(&x->arena, "{\"action\":\"invented_%d\"}", i);
        s.type = i % 2 ? s.type : S("github.repository_dispatch");
        staged_append(x, "intake-0", s);
    }
    struct signal newer = staged_star(x, "newer");
    newer.type = S("github.newer");
    staged_append(x, "intake-0", newer);
    staged_append(x, "intake-0", staged_star(x, "real"));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "unmapped{github/star/invented_1}"), 1);
    assert_int_equal(staged_counter(x, "unmapped{github/star/other}"), (INVENTED - NAMED) / 2);
    assert_int_equal(staged_counter(x, "unmapped{github/repository_dispatch/other}"),
                     (INVENTED - NAMED) / 2);
    assert_int_equal(staged_counter(x, "unmapped{github/other}"), 1);
    assert_int_equal(staged_counter(x, "unmapped{github/star/created}"), 1);
}

/* As if a transform had died between the index and the step: the signal is known, its output is
 * not. */
static void note_as_seen(struct staged *x, const struct signal *s, struct position at)
{
    struct failure f = {0};
    struct repetitions *index = NULL;
    transform_close(x->stage);
    const struct str dir = arena_printf(&x->arena, "%.*s/repetitions", STR_ARG(x->config.data));
    const struct sighting here = {{STREAM_RAW, S("intake-0")}, at, hash_64(s->data, 0)};
    assert_int_equal(
        repetitions_open(&x->arena, dir, bus_id(x->bus), &x->config.repetitions, &index, &f), OK);
    assert_int_equal(repetitions_put(index, s, &here, s->received_us, &f), OK);
    repetitions_close(index);
    staged_open(x);
}

static void a_crash_between_index_and_output_is_no_repetition(void **state)
{
    struct staged *const x = *state;
    const struct signal s = staged_issue(x, "github", "d1", 1, true);
    note_as_seen(x, &s, staged_append(x, "intake-0", s));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_counter(x, "ignored{repetition}"), 0);
}

/* It was mapped by the configuration before the crash, and is not by the one after it. */
static void a_signal_without_output_after_all_leaves_the_index(void **state)
{
    struct staged *const x = *state;
    const struct signal s = staged_issue(x, "github", "d1", 1, false);
    note_as_seen(x, &s, staged_append(x, "intake-0", s));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "dead"), 1);
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_counter(x, "ignored{conflict}"), 0);
}

static void the_same_fact_through_two_agents_is_one_fact(void **state)
{
    struct staged *const x = *state;
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_append(x, "intake-0", staged_issue(x, "second", "d2", 1, true));
    staged_turn(x);
    const struct slice facts = staged_all(x, STREAM_STANDARD, "intake-0");
    assert_int_equal(facts.n, 4);
    assert_true(str_eq(facts.record[1].signal.type, facts.record[3].signal.type));
    assert_true(str_eq(facts.record[1].signal.id, facts.record[3].signal.id) ||
                str_eq(facts.record[0].signal.id, facts.record[2].signal.id));
    assert_false(str_eq(facts.record[1].signal.agent, facts.record[3].signal.agent));
    assert_int_equal(staged_counter(x, "stored"), 2);
}

static void a_known_identity_with_another_body_is_a_conflict(void **state)
{
    struct staged *const x = *state;
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 2, true));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_counter(x, "ignored{conflict}"), 1);
    assert_int_equal(staged_all(x, STREAM_STANDARD, "intake-0").n, 2);
}

static void what_the_index_forgets_before_its_time_is_counted(void **state)
{
    struct staged *const x = *state;
    transform_close(x->stage);
    x->config.repetitions.disk_bytes_max = 1; /* a bucket for each */
    staged_open(x);
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "repetitions_forgotten"), 0);
    staged_append(x, "intake-0", staged_issue(x, "github", "d2", 2, true));
    staged_append(x, "intake-0", staged_issue(x, "github", "d3", 3, true));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "repetitions_forgotten"), 2);
}

/* A CDEvent as an agent takes it. */
static struct signal event(struct staged *x, const char *body)
{
    x->agent[1] = (struct named){.name = S("builds"), .type = &cdevents};
    return (struct signal){.id = S("e1"),
                           .source = S("/ci"),
                           .type = S("dev.cdevents.taskrun.started.0.3.0"),
                           .agent = S("builds"),
                           .partitionkey = S("/ci"),
                           .time_us = TIME_NONE,
                           .received_us = clock_now_us(),
                           .data = str_of(body)};
}

/* In binary mode its bytes are the sender's, in structured mode they are written anew. */
static void an_event_that_comes_in_two_modes_is_a_repetition(void **state)
{
    struct staged *const x = *state;
    staged_append(x, "intake-0",
                  event(x,
                        "{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"e1\",\"source\":\"/ci\","
                        "\"type\":\"dev.cdevents.taskrun.started.0.3.0\","
                        "\"timestamp\":\"2026-03-02T10:05:00Z\"},"
                        "\"subject\":{\"id\":\"t\",\"content\":{}},"
                        "\"customData\":{\"a\":[1.0,-0,1e2,0.50,true],\"b\":\"\\u00e4/\"}}"));
    staged_append(x, "intake-0",
                  event(x, "{ \"subject\": {\"content\": {}, \"id\": \"t\"},"
                           "\"customData\":{\"b\":\"\xc3\xa4\\/\", \"a\":[1,0.0,100,0.5,true]},"
                           "\"context\":{\"type\":\"dev.cdevents.taskrun.started.0.3.0\","
                           "\"specversion\":\"0.5.1\",\"source\":\"/ci\",\"id\":\"e1\","
                           "\"timestamp\":\"2026-03-02T10:05:00Z\"}}"));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_counter(x, "ignored{repetition}"), 1);
    static const char *const others[] = {"[1,0.0,100,0.5,false]", "[0.0,1,100,0.5,true]",
                                         "[1,0.0,100,0.5]",       "[1,0.0,100,0.5,\"true\"]",
                                         "[-1,0.0,100,0.5,true]", "{\"x\":[1,0.0,100,0.5,true]}",
                                         "[[1,0.0,100,0.5,true]]"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        staged_append(x, "intake-0",
                      event(x, arena_printf(&x->arena,
                                            "{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"e1\","
                                            "\"source\":\"/ci\","
                                            "\"type\":\"dev.cdevents.taskrun.started.0.3.0\","
                                            "\"timestamp\":\"2026-03-02T10:05:00Z\"},"
                                            "\"subject\":{\"id\":\"t\",\"content\":{}},"
                                            "\"customData\":{\"a\":%s,\"b\":\"\\u00e4/\"}}",
                                            others[i])
                                   .at));
        staged_turn(x);
        assert_int_equal(staged_counter(x, "ignored{conflict}"), i + 1);
    }
    assert_int_equal(staged_counter(x, "stored"), 1);
}

static void a_retry_is_transformed_anew_and_enters_the_index(void **state)
{
    struct staged *const x = *state;
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, false));
    staged_turn(x);
    struct signal again = staged_issue(x, "github", "d1", 1, true);
    again.retry_of = S("dead/transform-raw-intake-0:0");
    again.first = S("intake-0:7");
    staged_append(x, "retry", again);
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    const struct slice given = staged_all(x, STREAM_STANDARD, "retry");
    assert_int_equal(given.n, 2);
    assert_non_null(
        strstr(arena_cstr(&x->arena, given.record[0].signal.data), "\"raw\":\"intake-0:7\""));
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "ignored{repetition}"), 1);
    struct signal for_store = staged_issue(x, "github", "d9", 9, true);
    for_store.retry_of = S("dead/store-standard-intake-0:0");
    for_store.stage = S("store");
    staged_append(x, "retry", for_store); /* passes as it is */
    struct signal drop = staged_issue(x, "github", "d1", 1, true);
    drop.retry_of = S("dead/transform-raw-intake-0:0");
    drop.type = S("weir.drop");
    staged_append(x, "retry", drop);
    staged_turn(x);
    const struct slice passed = staged_all(x, STREAM_STANDARD, "retry");
    assert_int_equal(passed.n, 3);
    assert_true(str_eq(passed.record[2].signal.data, for_store.data));
    assert_str(passed.record[2].signal.stage, "store");
    assert_int_equal(staged_counter(x, "ignored{dropped}"), 1);
    drop.type = S("weir.replayed"); /* a replay has stored it */
    staged_append(x, "retry", drop);
    staged_turn(x);
    assert_int_equal(staged_all(x, STREAM_STANDARD, "retry").n, 3);
    assert_int_equal(staged_counter(x, "ignored{replayed}"), 1);
}

static void a_replay_with_a_fresh_index_gives_the_same_facts(void **state)
{
    struct staged *const x = *state;
    struct failure f = {0};
    for (int i = 0; i < 20; i++) {
        staged_append(
            x, "intake-0",
            staged_issue(x, "github", arena_printf(&x->arena, "d%d", i).at, i % 7, i % 5 != 0));
    }
    staged_turn(x);
    const struct slice first = staged_all(x, STREAM_STANDARD, "intake-0");
    const struct slice raw = staged_all(x, STREAM_RAW, "intake-0");
    assert_true(first.n > 20);
    transform_close(x->stage);
    assert_int_equal(bus_open_driver(&x->arena, &bus_memory, NULL, &x->bus, &f), OK);
    for (size_t i = 0; i < raw.n; i++) {
        staged_append(x, "intake-0", raw.record[i].signal);
    }
    x->config.data = str_of(folder_path("replayed"));
    assert_int_equal(file_make_dirs(x->config.data.at, &f), OK);
    staged_open(x);
    staged_turn(x);
    const struct slice second = staged_all(x, STREAM_STANDARD, "intake-0");
    assert_int_equal(second.n, first.n);
    for (size_t i = 0; i < first.n; i++) {
        assert_true(str_eq(first.record[i].signal.id, second.record[i].signal.id));
    }
}

/* It is read again at once, not when something new comes. */
static void what_fails_before_the_step_is_tried_again_and_counted_once(void **state)
{
    struct staged *const x = *state;
    struct failure f = {0};
    size_t n = 0;
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_append(x, "intake-0", staged_issue(x, "github", "d2", 2, false));
    assert_int_equal(setenv("WEIR_FAILPOINT", "repetitions.sync.fails:1:fail", 1), 0);
    failpoint_reset();
    assert_int_equal(transform_turn(x->stage, 0, &n, &f), RETRY);
    assert_int_equal(n, 0);
    assert_int_equal(staged_counter(x, "stored"), 0);
    assert_int_equal(unsetenv("WEIR_FAILPOINT"), 0);
    failpoint_reset();
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_counter(x, "dead"), 1);
    assert_int_equal(staged_all(x, STREAM_STANDARD, "intake-0").n, 2);
    assert_int_equal(staged_all(x, STREAM_DEAD, "transform-raw-intake-0").n, 1);
}

/* Dense JSON: its values take many times its bytes. */
static struct signal large_ping(struct staged *x, const char *id)
{
    enum { LEN = (4 << 20) + 1 };
    char *const at = arena_array(&x->arena, char, LEN);
    struct signal s = staged_issue(x, "github", id, 1, true);
    s.type = S("github.ping");
    for (size_t i = 0; i < LEN; i++) {
        at[i] = (char)(i % 2 ? '1' : ',');
    }
    memcpy(at, "{\"z\":[ ", 7);
    memcpy(at + LEN - 4, "1 ]}", 4);
    s.data = (struct str){at, LEN};
    return s;
}

static int turn_until_empty(void *to)
{
    struct staged *const x = to;
    struct failure f = {0};
    size_t n = 0;
    enum outcome result = OK;
    do {
        result = transform_turn(x->stage, 0, &n, &f);
    } while (result == OK && n > 0);
    return result == RETRY ? 1 : result != OK || staged_counter(x, "dead") > 0 ? 2 : 0;
}

/* Ending the process would make it a signal that two processes died on. */
static void a_signal_waits_when_memory_is_short_for_it(void **state)
{
    struct staged *const x = *state;
    unsigned retries = 0;
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_append(x, "intake-0", large_ping(x, "d2"));
    for (unsigned n = 1; n < 24; n++) {
        const int status = without_block(n, turn_until_empty, x);
        assert_int_not_equal(status, 2);
        retries += status == 1;
    }
    assert_true(retries > 0);
}

/* Another worker on the same bus. */
static void open_other(struct staged *x, struct staged *other)
{
    struct failure f = {0};
    *other = *x;
    arena_init(&other->arena, (size_t)64 << 20);
    other->config.data = str_of(folder_path("other"));
    assert_int_equal(file_make_dirs(other->config.data.at, &f), OK);
    assert_int_equal(progress_open(&x->arena, other->config.data, S("x"), &other->progress, &f),
                     OK);
    staged_open(other);
}

static void close_other(struct staged *other)
{
    transform_close(other->stage);
    progress_close(other->progress);
    arena_close(&other->arena);
}

/* As after a kill between a step and the moment that it shows: what it did was done by another. */
static void a_fenced_step_tells_at_once_where_its_lanes_stand_now(void **state)
{
    struct staged *const x = *state;
    struct failure f = {0};
    size_t n = 0;
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_turn(x);
    struct staged other;
    open_other(x, &other);
    staged_append(x, "intake-0", staged_star(x, "d2"));
    staged_turn(&other);
    assert_int_equal(transform_turn(x->stage, 0, &n, &f), RETRY);
    assert_int_equal(f.cause, CAUSE_FENCED);
    staged_turn(x); /* nothing new has come */
    struct progress_cursor at;
    assert_true(progress_cursor_at(x->progress, 0, &at));
    assert_int_equal(at.lag_bytes, 0);
    assert_int_equal(staged_counter(x, "unmapped{github/star/created}"), 1);
    close_other(&other);
}

static void a_lane_that_another_worker_had_goes_on_from_its_cursor_and_totals(void **state)
{
    struct staged *const x = *state;
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_append(x, "intake-1", staged_issue(x, "github", "d2", 2, true));
    staged_turn(x);
    struct staged other;
    open_other(x, &other);
    staged_append(x, "intake-0", staged_issue(x, "github", "d3", 3, true));
    staged_append(x, "intake-0", staged_star(x, "d4"));
    staged_turn(&other);
    close_other(&other);
    x->is_away = true;
    staged_append(x, "intake-0", staged_issue(x, "github", "d5", 5, true));
    staged_append(x, "intake-1", staged_star(x, "d6"));
    staged_turn(x);
    assert_int_equal(staged_all(x, STREAM_STANDARD, "intake-0").n, 4);       /* d1 and d3 */
    assert_int_equal(staged_counter(x, "unmapped{github/star/created}"), 2); /* told: d4 as well */
    struct progress_cursor at = {0};
    for (size_t i = 0; strcmp(at.lane, "intake-0") != 0; i++) {
        assert_true(progress_cursor_at(x->progress, i, &at));
    }
    assert_int_equal(at.lag_bytes, UINT64_MAX); /* not for this one to tell */
    x->is_away = false;
    staged_append(x, "intake-0", staged_issue(x, "github", "d7", 7, false));
    staged_turn(x);
    assert_int_equal(staged_all(x, STREAM_STANDARD, "intake-0").n, 6);
    assert_int_equal(staged_counter(x, "stored"), 4);
    assert_int_equal(staged_counter(x, "dead"), 1);
    transform_close(x->stage);
    staged_open(x); /* what the last step of the lane left says the same */
    assert_int_equal(staged_counter(x, "stored"), 4);
    assert_int_equal(staged_counter(x, "unmapped{github/star/created}"), 2);
}

static void totals_come_back_with_the_cursor(void **state)
{
    struct staged *const x = *state;
    staged_append(x, "intake-0", staged_issue(x, "github", "d1", 1, true));
    staged_append(x, "intake-0", staged_star(x, "d2"));
    staged_append(x, "intake-0", staged_issue(x, "github", "d3", 1, false));
    staged_turn(x);
    transform_close(x->stage);
    staged_open(x);
    staged_append(x, "intake-0", staged_star(x, "d4"));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_counter(x, "dead"), 1);
    assert_int_equal(staged_counter(x, "unmapped{github/star/created}"), 2);
}

static void an_agent_that_is_gone_makes_dead_letters(void **state)
{
    struct staged *const x = *state;
    staged_append(x, "intake-0", staged_issue(x, "forgotten", "d1", 1, true));
    staged_turn(x);
    const struct slice dead = staged_all(x, STREAM_DEAD, "transform-raw-intake-0");
    assert_int_equal(dead.n, 1);
    assert_str(dead.record[0].signal.reason,
               "agent \"forgotten\" is not in the configuration: add it again, then retry");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, staged_set_up, staged_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_delivery_again_after_success_is_a_repetition),
        TEST(the_same_delivery_again_after_dead_or_unmapped_is_processed),
        TEST(a_batch_is_heard_of_at_each_of_its_signals),
        TEST(actions_that_a_sender_invents_leave_room_for_real_ones),
        TEST(events_that_weir_has_not_heard_of_have_names_and_leave_room_for_real_ones),
        TEST(a_crash_between_index_and_output_is_no_repetition),
        TEST(a_signal_without_output_after_all_leaves_the_index),
        TEST(the_same_fact_through_two_agents_is_one_fact),
        TEST(a_known_identity_with_another_body_is_a_conflict),
        TEST(what_the_index_forgets_before_its_time_is_counted),
        TEST(an_event_that_comes_in_two_modes_is_a_repetition),
        TEST(a_retry_is_transformed_anew_and_enters_the_index),
        TEST(a_replay_with_a_fresh_index_gives_the_same_facts),
        TEST(what_fails_before_the_step_is_tried_again_and_counted_once),
        TEST(a_signal_waits_when_memory_is_short_for_it),
        TEST(a_fenced_step_tells_at_once_where_its_lanes_stand_now),
        TEST(a_lane_that_another_worker_had_goes_on_from_its_cursor_and_totals),
        TEST(totals_come_back_with_the_cursor),
        TEST(an_agent_that_is_gone_makes_dead_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
