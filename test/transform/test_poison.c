/* What a process of the stage died on, and what would make one die. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "test.h"
#include "transform/staged.h"
#include "transform/transform.h"

static void a_signal_that_two_processes_died_on_is_buried(void **state)
{
    struct staged *const x = *state;
    const struct position at = staged_append(x, "intake-0",
                                             staged_issue(x, "github", "d1", 1, true));
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    for (unsigned death = 0; death < 2; death++) {
        assert_int_equal(progress_hand(x->progress, lane, at).deaths, death);
        progress_hand_died(x->progress, false);
    }
    transform_close(x->stage);
    staged_open(x);
    staged_append(x, "intake-0", staged_issue(x, "github", "d2", 2, true));
    staged_turn(x);
    assert_int_equal(staged_counter(x, "dead"), 1);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_str(staged_all(x, STREAM_DEAD, "transform-raw-intake-0").record[0].signal.reason,
               "2 processes in a row died on this signal");
}

static void a_signal_in_hand_when_all_of_weir_was_killed_is_not_suspected(void **state)
{
    struct staged *const x = *state;
    const struct position at = staged_append(x, "intake-0",
                                             staged_issue(x, "github", "d1", 1, true));
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    for (int kill = 1; kill <= 20; kill++) {
        const struct hand_past past = progress_hand(x->progress, lane, at);
        assert_int_equal(past.deaths + past.kills, 0);
        transform_close(x->stage);
        staged_open(x);
        progress_hand_died(x->progress, kill % 2 == 0); /* before it took anything up */
    }
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_counter(x, "dead"), 0);
}

static void a_signal_that_was_in_hand_at_eight_kills_is_buried(void **state)
{
    struct staged *const x = *state;
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    const struct position at = staged_append(x, "intake-0",
                                             staged_issue(x, "github", "d1", 1, true));
    for (int kill = 1; kill <= 7; kill++) {
        (void)progress_hand(x->progress, lane, at);
        progress_hand_died(x->progress, true);
    }
    const struct hand_past past = progress_hand(x->progress, lane, at);
    assert_int_equal(past.kills, 7);
    assert_int_equal(past.deaths, 0);
    progress_hand_died(x->progress, true);
    staged_turn(x);
    assert_int_equal(staged_counter(x, "dead"), 1);
    assert_str(staged_all(x, STREAM_DEAD, "transform-raw-intake-0").record[0].signal.reason,
               "8 processes in a row died on this signal, killed from outside: is the machine out "
               "of memory?");
}

/* A push of this many commits to a branch with a name of this length, which each fact repeats. */
static struct signal push(struct staged *x, const char *id, size_t commits, size_t name_bytes)
{
    struct buf b;
    buf_init(&b, &x->arena, (size_t)64 << 20);
    buf_add(&b, S("{\"ref\":\"refs/heads/"));
    memset(buf_take(&b, name_bytes), 'b', name_bytes);
    buf_add(&b, S("\",\"before\":\"0\",\"after\":\"1\",\"created\":false,\"deleted\":false,"
                  "\"forced\":false,\"base_ref\":null,\"compare\":\"https://x\","
                  "\"head_commit\":null,\"pusher\":{\"name\":\"ann\"},\"sender\":{\"login\":"
                  "\"ann\"},\"repository\":{\"full_name\":\"acme/shop\",\"pushed_at\":1700000000,"
                  "\"html_url\":\"https://github.com/acme/shop\"},\"commits\":["));
    for (size_t i = 0; i < commits; i++) {
        buf_printf(&b,
                   "%s{\"id\":\"%s-%zu\",\"message\":\"\",\"timestamp\":\"2026-03-01T10:00:00Z\","
                   "\"author\":{\"name\":\"ann\"},\"committer\":{\"name\":\"ann\"},"
                   "\"distinct\":true,\"added\":[],\"removed\":[],\"modified\":[]}",
                   i ? "," : "", id, i);
    }
    buf_add(&b, S("]}"));
    struct signal s = staged_issue(x, "github", id, 1, true);
    s.type = S("github.push");
    s.data = buf_str(&b);
    return s;
}

static void a_signal_whose_facts_take_too_much_memory_is_buried_and_the_next_one_passes(
    void **state)
{
    struct staged *const x = *state;
    staged_append(x, "intake-0", push(x, "large", 900, 100 * 1000));
    staged_append(x, "intake-0", push(x, "small", 3, 4000));
    staged_turn(x);
    const struct slice dead = staged_all(x, STREAM_DEAD, "transform-raw-intake-0");
    assert_int_equal(dead.n, 1);
    assert_str(dead.record[0].signal.id, "large");
    assert_true(str_starts(dead.record[0].signal.reason, S("its facts together take more than ")));
    assert_true(str_starts(dead.record[0].signal.pointer, S("/commits/")));
    assert_int_equal(staged_counter(x, "stored"), 1);
    assert_int_equal(staged_all(x, STREAM_STANDARD, "intake-0").n, 5); /* event, branch, commits */
}

static void what_one_signal_gives_has_a_limit_that_its_size_says_nothing_about(void **state)
{
    struct staged *const x = *state;
    const struct signal raw = push(x, "d1", 2, 10);
    const struct transform_in in = {
        .raw = &raw, .raw_at = S("intake-0:0"), .config = &x->config, .arena = &x->arena};
    struct transform_out all = {.arena = &x->arena};
    transform_signal(&in, &all);
    assert_int_equal(all.fate, FATE_STORED);
    struct transform_out fits = {.arena = &x->arena,
                                 .bytes = TRANSFORM_GIVEN_BYTES_MAX - all.bytes};
    transform_signal(&in, &fits);
    assert_int_equal(fits.fate, FATE_STORED);
    struct transform_out over = {.arena = &x->arena,
                                 .bytes = TRANSFORM_GIVEN_BYTES_MAX - all.bytes + 1};
    transform_signal(&in, &over);
    assert_int_equal(over.fate, FATE_DEAD);
    assert_string_equal(over.why.text, "its facts together exceed 268435456 bytes");
    assert_string_equal(over.why.pointer, "/commits/1");
}

static void signals_that_give_much_are_stepped_over_a_few_at_a_time(void **state)
{
    enum { SIGNALS = 7 };
    struct staged *const x = *state;
    struct failure f = {0};
    size_t n = 0;
    for (int i = 0; i < SIGNALS; i++) {
        const char *const id = arena_printf(&x->arena, "d%d", i).at;
        staged_append(x, i % 2 ? "intake-1" : "intake-0", push(x, id, 200, 60 * 1000));
    }
    assert_int_equal(transform_turn(x->stage, 0, &n, &f), OK); /* the lanes are gained */
    while (n == 0) {
        assert_int_equal(transform_turn(x->stage, 0, &n, &f), OK);
    }
    assert_in_range(n, 1, SIGNALS - 1);
    assert_int_equal(staged_counter(x, "stored"), n);
    staged_turn(x);
    assert_int_equal(staged_counter(x, "stored"), SIGNALS);
    assert_int_equal(staged_counter(x, "dead") + staged_counter(x, "ignored{repetition}"), 0);
}

/* The next process of the stage ends, by itself, where the failpoint is. */
static void die_at(struct staged *x, const char *where)
{
    int status = 0;
    transform_close(x->stage);
    const pid_t child = fork();
    if (child == 0) {
        struct failure f = {0};
        size_t n = 0;
        setenv("WEIR_FAILPOINT", where, 1);
        failpoint_reset();
        staged_open(x);
        for (int i = 0; i < 10; i++) {
            (void)transform_turn(x->stage, 0, &n, &f);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    progress_hand_died(x->progress, false);
    staged_open(x);
}

static void a_signal_is_in_hand_until_all_that_it_gives_is_noted(void **state)
{
    struct staged *const x = *state;
    const struct position at = staged_append(x, "intake-0",
                                             staged_issue(x, "github", "d1", 1, true));
    for (unsigned deaths = 1; deaths <= 2; deaths++) {
        die_at(x, "transform.given:1:kill");
        const struct lane lane = {STREAM_RAW, S("intake-0")};
        assert_int_equal(progress_hand(x->progress, lane, at).deaths, deaths);
    }
    staged_turn(x);
    assert_int_equal(staged_counter(x, "dead"), 1);
}

/* The turn that takes something; the lanes are gained first. */
static size_t one_turn(struct staged *x)
{
    struct failure f = {0};
    size_t n = 0;
    for (int i = 0; i < 10 && n == 0; i++) {
        assert_int_equal(transform_turn(x->stage, 0, &n, &f), OK);
    }
    return n;
}

static void append_issues(struct staged *x, int from, int to)
{
    for (int i = from; i <= to; i++) {
        const char *const id = arena_printf(&x->arena, "d%d", i).at;
        staged_append(x, "intake-0", staged_issue(x, "github", id, i, true));
    }
}

static void after_a_death_signals_are_taken_one_by_one_until_it_is_passed(void **state)
{
    struct staged *const x = *state;
    append_issues(x, 1, 3);
    die_at(x, "transform.before_step:1:kill");
    append_issues(x, 4, 8);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(one_turn(x), 1);
    }
    assert_int_equal(one_turn(x), 5);
    assert_int_equal(staged_counter(x, "stored"), 8);
    die_at(x, "transform.before_index_sync:1:kill"); /* with nothing to do: nobody is at fault */
    append_issues(x, 9, 10);
    assert_int_equal(one_turn(x), 2);
}

static void a_signal_that_two_steps_died_on_is_buried(void **state)
{
    struct staged *const x = *state;
    append_issues(x, 1, 3);
    for (int deaths = 0; deaths < 3; deaths++) { /* at the first nobody knew which of the three */
        die_at(x, "transform.before_step:1:kill");
    }
    staged_turn(x);
    const struct slice dead = staged_all(x, STREAM_DEAD, "transform-raw-intake-0");
    assert_int_equal(dead.n, 1);
    assert_str(dead.record[0].signal.id, "d1");
    assert_str(dead.record[0].signal.reason, "2 processes in a row died on this signal");
    assert_int_equal(staged_counter(x, "stored"), 2);
}

/* Who dies while it waits did not die on what it did last. */
static void a_signal_that_is_done_is_not_suspected_of_a_death_behind_it(void **state)
{
    struct staged *const x = *state;
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    const struct position at = staged_append(x, "intake-0",
                                             staged_issue(x, "github", "d1", 1, true));
    staged_turn(x);
    for (int death = 1; death <= 2; death++) {
        progress_hand_died(x->progress, false);
    }
    assert_int_equal(progress_hand(x->progress, lane, at).deaths, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, staged_set_up, staged_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signal_that_two_processes_died_on_is_buried),
        TEST(a_signal_in_hand_when_all_of_weir_was_killed_is_not_suspected),
        TEST(a_signal_that_was_in_hand_at_eight_kills_is_buried),
        TEST(a_signal_whose_facts_take_too_much_memory_is_buried_and_the_next_one_passes),
        TEST(what_one_signal_gives_has_a_limit_that_its_size_says_nothing_about),
        TEST(signals_that_give_much_are_stepped_over_a_few_at_a_time),
        TEST(a_signal_is_in_hand_until_all_that_it_gives_is_noted),
        TEST(after_a_death_signals_are_taken_one_by_one_until_it_is_passed),
        TEST(a_signal_that_two_steps_died_on_is_buried),
        TEST(a_signal_that_is_done_is_not_suspected_of_a_death_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
