/* A row that takes no more: what would not fit is a dead letter, and nothing waits behind it. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "persist/rig.h"
#include "test.h"

enum { MIB = 1024 * 1024, TIME_US = 1000000 };

static struct rig rig;

static int up(void **state)
{
    (void)state;
    rig_open(&rig);
    return 0;
}

static int down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* An attribute of this many bytes, said of a change at `time_us`. */
static struct signal attribute(const char *change, const char *name, size_t bytes, int64_t time_us)
{
    struct arena *const a = &rig.arena;
    struct fact fact = fact_begin(a, model_find(S("change")), time_us);
    struct signal out;
    struct failure f = {0};
    struct buf value;
    const struct signal raw = {.source = S("/agents/x"), .agent = S("x"), .received_us = time_us};
    buf_init(&value, a, bytes + 2);
    buf_add_byte(&value, '"');
    memset(buf_take(&value, bytes), 'v', bytes);
    buf_add_byte(&value, '"');
    fact_text(&fact, "repository", S("r"));
    fact_text(&fact, "id", str_of(change));
    fact_member(&fact, "attributes_by", str_of(name), time_us, buf_str(&value));
    assert_int_equal(fact_end(&fact, &raw, S("intake-0:1"), &out, &f), OK);
    return out;
}

static void send(const char *change, const char *name, size_t bytes, bool is_kept)
{
    static int64_t time_us = TIME_US;
    const struct signal s = attribute(change, name, bytes, ++time_us);
    rig_send(&rig, "intake-0", &s, 1);
    if (is_kept) {
        rig_want(&rig, &s);
    }
}

static void run(size_t bytes)
{
    struct failure f = {0};
    if (rig_run(&rig, bytes, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

static const struct record *dead_letters(size_t *n)
{
    struct failure f = {0};
    struct lane_ends *ends = NULL;
    struct batch out = {.arena = &rig.arena};
    assert_int_equal(bus_ends(rig.bus, &rig.arena, STREAM_DEAD, &ends, n, &f), OK);
    if (*n == 0) {
        return NULL;
    }
    const struct span all = {ends[0].lane, ends[0].begin, ends[0].end};
    assert_int_equal(bus_look(rig.bus, all, 64 * MIB, &out, &f), OK);
    *n = out.slice->n;
    return out.slice->record;
}

static void check_one_dead(void)
{
    size_t n = 0;
    const struct record *const dead = dead_letters(&n);
    assert_int_equal(n, 1);
    assert_str(dead->signal.pointer, "/attributes_by");
    assert_true(str_starts(dead->signal.reason, S("with it the lists of the change would hold ")));
    assert_int_equal(rig_counter(&rig, "dead"), 1);
    rig_check(&rig);
}

/* In one batch, or each in one of its own: then it is the row in the store that is full. */
static void send_too_much(size_t batch_bytes)
{
    send("1", "a", 6 * MIB, true);
    send("1", "b", 6 * MIB, true);
    send("1", "c", 6 * MIB, false);
    send("2", "c", 6 * MIB, true); /* another row */
    send("1", "d", 100, true);     /* fits, still */
    send("1", "a", 5 * MIB, true); /* takes the place of what was said before */
    run(batch_bytes);
    check_one_dead();
}

static void a_fact_that_would_make_its_row_too_large_is_a_dead_letter(void **state)
{
    (void)state;
    send_too_much(64 * MIB);
}

static void so_is_one_where_most_of_the_row_is_in_the_store(void **state)
{
    (void)state;
    send_too_much(1);
}

static void what_a_large_row_says_already_can_be_said_again(void **state)
{
    (void)state;
    send("1", "a", 6 * MIB, true);
    send("1", "b", 6 * MIB, true);
    run(1);
    for (int i = 0; i < 3; i++) {
        send("1", "b", 6 * MIB, true);
        run(1);
    }
    rig_check(&rig);
    assert_int_equal(rig_counter(&rig, "dead"), 0);
}

/* Whatever the medium's own limit is. */
static void a_row_that_sqlite_does_not_take_makes_its_facts_dead_letters(void **state)
{
    (void)state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    send("1", "a", 100, false);
    send("2", "a", 100, true);
    const pid_t pid = fork();
    if (pid == 0) {
        setenv("WEIR_FAILPOINT", "store.too_big:1:fail", 1);
        failpoint_reset();
        run(64 * MIB);
        size_t n = 0;
        const struct record *const dead = dead_letters(&n);
        assert_int_equal(n, 1);
        assert_str(dead->signal.reason, "as a test asked");
        send("1", "b", 100, true);
        run(64 * MIB);
        rig_check(&rig);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fact_that_would_make_its_row_too_large_is_a_dead_letter,
                                        up, down),
        cmocka_unit_test_setup_teardown(so_is_one_where_most_of_the_row_is_in_the_store, up, down),
        cmocka_unit_test_setup_teardown(what_a_large_row_says_already_can_be_said_again, up, down),
        cmocka_unit_test_setup_teardown(
            a_row_that_sqlite_does_not_take_makes_its_facts_dead_letters, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
