#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/progress.h"
#include "folder.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return folder_make_fast() ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_close(&arena);
    folder_drop();
    return 0;
}

static struct progress *page(const char *duty)
{
    struct progress *p = NULL;
    struct failure f;
    assert_int_equal(progress_open(&arena, str_of(folder_path(".")), str_of(duty), &p, &f), OK);
    return p;
}

static void what_hinders_a_duty_is_told_until_it_runs_again(void **state)
{
    struct progress *const p = page("store");
    struct progress *const q = page("store");
    struct failure f = {0};
    char why[PROGRESS_WHY_BYTES] = "before";
    (void)state;
    progress_why(q, why);
    assert_string_equal(why, "");
    (void)failed(&f, RETRY, "write %s:\n%s", "a", "No space left on device");
    progress_trouble(p, DUTY_RETRYING, &f);
    progress_why(q, why);
    assert_string_equal(why, "write a: No space left on device");
    assert_int_equal(progress_state_is(q), DUTY_RETRYING);
    (void)failed(&f, RETRY, "%0*d\xc3\xa4", PROGRESS_WHY_BYTES - 2, 0);
    progress_trouble(p, DUTY_RETRYING, &f); /* of its last character there is room for a half */
    progress_why(q, why);
    assert_int_equal(strlen(why), PROGRESS_WHY_BYTES - 2);
    progress_state(p, DUTY_STARTING);
    progress_why(q, why);
    assert_true(why[0] == '0');
    progress_state(p, DUTY_RUNNING);
    progress_why(q, why);
    assert_string_equal(why, "");
    progress_close(p);
    progress_close(q);
}

static void what_one_process_writes_another_sees(void **state)
{
    struct progress *const p = page("store");
    struct progress *const q = page("store");
    struct progress_cursor c;
    const struct lane lane = {STREAM_STANDARD, S("intake-0")};
    (void)state;
    progress_state(p, DUTY_RETRYING);
    progress_beat(p, true);
    progress_cursor(p, lane, (struct position){4096}, (struct position){4000}, 17, 123);
    progress_cursor(p, lane, (struct position){8192}, (struct position){4000}, 0, 456);
    assert_int_equal(progress_state_is(q), DUTY_RETRYING);
    assert_true(progress_busy_since_us(q) > 0);
    assert_true(progress_cursor_at(q, 0, &c));
    assert_true(c.at.at == 8192 && c.restart.at == 4000 && c.lag_bytes == 0 && c.time_us == 456);
    assert_true(c.stream == STREAM_STANDARD && strcmp(c.lane, "intake-0") == 0);
    assert_false(progress_cursor_at(q, 1, &c));
    progress_beat(p, false);
    assert_int_equal(progress_busy_since_us(q), 0);
    progress_close(p);
    progress_close(q);
}

static void a_page_that_outlived_its_process_goes_on(void **state)
{
    struct progress *p = page("intake-0");
    const char *name = NULL;
    uint64_t value = 0;
    (void)state;
    *progress_counter(p, "accepted{agent=%s}", "github") += 5;
    progress_close(p);
    p = page("intake-0");
    *progress_counter(p, "accepted{agent=%s}", "github") += 2;
    assert_true(progress_counter_at(p, 0, &name, &value));
    assert_string_equal(name, "accepted{agent=github}");
    assert_int_equal(value, 7);
    assert_false(progress_counter_at(p, 1, &name, &value));
    progress_close(p);
}

static void what_a_full_page_has_no_room_for_is_counted_as_other(void **state)
{
    struct progress *const p = page("transform");
    const char *name = NULL;
    uint64_t value = 0;
    uint64_t sum = 0;
    size_t n = 0;
    (void)state;
    for (int i = 0; i < PROGRESS_COUNTERS + 50; i++) {
        *progress_counter(p, "unmapped{name=%d}", i) += 1;
    }
    while (progress_counter_at(p, n, &name, &value)) {
        sum += value;
        n++;
    }
    assert_int_equal(n, PROGRESS_COUNTERS);
    assert_string_equal(name, "other");
    assert_int_equal(value, 51);
    assert_int_equal(sum, PROGRESS_COUNTERS + 50);
    progress_close(p);
}

static void a_page_of_another_layout_begins_anew(void **state)
{
    struct progress *p = page("lake");
    const char *name = NULL;
    uint64_t value = 0;
    const uint32_t version = 99;
    (void)state;
    *progress_counter(p, "flushes") += 1;
    progress_close(p);
    const int fd = open(folder_path("lake.page"), O_WRONLY);
    assert_int_equal(pwrite(fd, &version, sizeof version, sizeof version), sizeof version);
    close(fd);
    assert_false(progress_peek(&arena, str_of(folder_path(".")), S("lake"), S(""), &p));
    p = page("lake");
    assert_false(progress_counter_at(p, 0, &name, &value));
    progress_close(p);
}

static bool shows_cursors_of(struct str bus_id)
{
    struct progress *p = NULL;
    struct progress_cursor c;
    assert_true(progress_peek(&arena, str_of(folder_path(".")), S("store"), bus_id, &p));
    const bool is = progress_cursor_at(p, 0, &c);
    progress_close(p);
    return is;
}

static void where_a_duty_stood_in_other_streams_says_nothing_of_these(void **state)
{
    static const struct str old = STR("0123456789abcdef0123456789abcdef");
    static const struct str new = STR("0123456789abcdef0123456789abcde0");
    const struct lane lane = {STREAM_STANDARD, S("intake-0")};
    struct progress *const p = page("store");
    struct progress_cursor c;
    (void)state;
    progress_join(p, old);
    *progress_counter(p, "facts") = 7;
    progress_cursor(p, lane, (struct position){8}, (struct position){8}, 0, 1);
    progress_read(p, lane, (struct position){16});
    (void)progress_hand(p, lane, (struct position){8});
    progress_hand_died(p, false);
    assert_true(progress_is_careful(p));
    progress_join(p, old); /* the next process, of the same streams */
    assert_true(progress_is_careful(p));
    assert_true(shows_cursors_of(old) && shows_cursors_of(S("")) && !shows_cursors_of(new));
    progress_join(p, new);
    assert_false(progress_cursor_at(p, 0, &c) || shows_cursors_of(S("")));
    assert_false(progress_is_careful(p));
    assert_int_equal(progress_hand(p, lane, (struct position){8}).deaths, 0);
    progress_cursor(p, lane, (struct position){4}, (struct position){4}, 0, 1);
    assert_false(progress_is_careful(p));
    assert_true(shows_cursors_of(new) && !shows_cursors_of(old));
    assert_int_equal(*progress_counter(p, "facts"), 7);
    progress_close(p);
}

/* Some pages of the file reached the disk, others did not. */
static void a_page_that_a_power_cut_left_half_written_begins_anew(void **state)
{
    static char bytes[256 * 1024];
    struct progress *const p = page("store");
    const char *name = NULL;
    uint64_t value = 0;
    (void)state;
    *progress_counter(p, "accepted{agent=a}") = 7;
    progress_cursor(p, (struct lane){STREAM_RAW, S("intake-0")}, (struct position){8},
                    (struct position){8}, 0, 1);
    progress_close(p);
    const int fd = open(folder_path("store.page"), O_RDWR);
    const ssize_t n = read(fd, bytes, sizeof bytes);
    char *const at = memmem(bytes, (size_t)n, "accepted", 8);
    assert_non_null(at);
    assert_int_equal(pwrite(fd, "\0", 1, at - bytes), 1);
    close(fd);
    struct progress *const q = page("store");
    struct progress_cursor c;
    assert_false(progress_counter_at(q, 0, &name, &value));
    assert_false(progress_cursor_at(q, 0, &c));
    *progress_counter(q, "accepted{agent=a}") = 1;
    assert_true(progress_counter_at(q, 0, &name, &value) && value == 1);
    progress_close(q);
}

static void who_died_or_was_killed_for_nothing_is_followed_by_a_careful_one(void **state)
{
    struct progress *const p = page("transform");
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    (void)state;
    progress_cursor(p, lane, (struct position){10}, (struct position){10}, 0, TIME_NONE);
    progress_read(p, lane, (struct position){30});
    assert_false(progress_is_careful(p)); /* nobody died */
    progress_hand_died(p, false);
    assert_true(progress_is_careful(p));
    progress_read(p, lane, (struct position){15});
    progress_cursor(p, lane, (struct position){29}, (struct position){29}, 0, TIME_NONE);
    assert_true(progress_is_careful(p));
    progress_cursor(p, lane, (struct position){30}, (struct position){30}, 0, TIME_NONE);
    assert_false(progress_is_careful(p));
    progress_read(p, lane, (struct position){50});
    for (unsigned kill = 0; kill < 6; kill++) { /* it gets on: each time a little */
        progress_hand_died(p, true);
        assert_false(progress_is_careful(p));
        const struct position at = {31 + kill};
        progress_cursor(p, lane, at, at, 0, TIME_NONE);
    }
    for (int kill = 1; kill <= 3; kill++) {
        assert_false(progress_is_careful(p));
        progress_hand_died(p, true);
    }
    assert_true(progress_is_careful(p));
    progress_careful_done(p);
    assert_false(progress_is_careful(p));
    progress_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_hinders_a_duty_is_told_until_it_runs_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_one_process_writes_another_sees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_that_outlived_its_process_goes_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_full_page_has_no_room_for_is_counted_as_other,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            who_died_or_was_killed_for_nothing_is_followed_by_a_careful_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_of_another_layout_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_a_duty_stood_in_other_streams_says_nothing_of_these,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_that_a_power_cut_left_half_written_begins_anew,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
