#include "collector/window.h"

#include <stdio.h>

#include "test.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* "01-02T03:04" of 2024, or a whole time. */
static int64_t at(const char *text)
{
    char whole[48];
    int64_t us = 0;
    (void)snprintf(whole, sizeof whole, "%s%s%s", text[2] == '-' ? "2024-" : "", text,
                   text[2] == '-' ? ":00Z" : "");
    if (!clock_parse(str_of(whole), &us)) {
        fail_msg("%s is no time", whole);
    }
    return us;
}

static void the_last_complete_window_is_cut_from_year_one(void **state)
{
    static const struct {
        const char *now;
        int64_t length_us;
        const char *start, *end;
    } golden[] = {
        {"01-02T00:00", 24 * HOUR, "01-01T00:00", "01-02T00:00"},
        {"01-02T01:15", 24 * HOUR, "01-01T00:00", "01-02T00:00"},
        {"01-03T12:00", 168 * HOUR, "2023-12-25T00:00:00Z", "01-01T00:00"},
        {"01-01T10:10", 7 * HOUR, "01-01T00:00", "01-01T07:00"},
        {"01-01T10:10", 90 * MINUTE, "01-01T07:30", "01-01T09:00"},
        {"01-01T01:01", MINUTE, "01-01T01:00", "01-01T01:01"},
        {"1969-12-31T23:59:59Z", 24 * HOUR, "1969-12-30T00:00:00Z", "1969-12-31T00:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        const struct window_span w = window_last(at(golden[i].now), golden[i].length_us);
        assert_int_equal(w.start_us, at(golden[i].start));
        assert_int_equal(w.end_us, at(golden[i].end));
    }
}

static void windows_since_the_last_follow_it_without_being_cut_anew(void **state)
{
    static const struct {
        const char *last, *now;
        int64_t length_us;
        uint64_t n;
        const char *first, *end;
    } golden[] = {
        {"01-01T01:00", "01-01T01:10", HOUR, 0, "01-01T01:00", "01-01T01:00"},
        {"01-01T01:00", "01-01T01:10", 5 * MINUTE, 2, "01-01T01:00", "01-01T01:10"},
        {"01-01T01:00", "01-01T01:10", 10 * MINUTE, 1, "01-01T01:00", "01-01T01:10"},
        {"01-01T01:00", "01-01T01:12", 10 * MINUTE, 1, "01-01T01:00", "01-01T01:10"},
        {"01-01T01:00", "01-01T01:12", 5 * MINUTE, 2, "01-01T01:00", "01-01T01:10"},
        {"01-01T01:07", "01-01T03:00", HOUR, 1, "01-01T01:07", "01-01T02:07"},
        {"01-01T02:00", "01-01T03:01", HOUR, 1, "01-01T02:00", "01-01T03:00"},
        {"01-01T02:00", "01-01T04:01", HOUR, 2, "01-01T02:00", "01-01T04:00"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct windows w;
        struct failure f;
        assert_int_equal(
            windows_due(at(golden[i].last), at(golden[i].now), golden[i].length_us, 1000, &w, &f),
            OK);
        assert_int_equal(w.n, golden[i].n);
        assert_int_equal(w.passed, 0);
        assert_int_equal(w.first_us, at(golden[i].first));
        assert_int_equal(windows_at(&w, w.n).start_us, at(golden[i].end));
    }
}

static void a_last_window_ahead_of_the_clock_waits_and_says_so(void **state)
{
    struct windows w;
    struct failure f;
    (void)state;
    assert_int_equal(windows_due(at("01-01T01:20"), at("01-01T01:00"), HOUR, 10, &w, &f), RETRY);
    assert_non_null(strstr(f.text, "start datetime (2024-01-01T01:20:00.000000Z) must be before "
                                   "end datetime (2024-01-01T01:00:00.000000Z)"));
}

static void without_state_the_last_complete_window_is_due(void **state)
{
    struct windows w;
    struct failure f;
    (void)state;
    assert_int_equal(windows_due(TIME_NONE, at("01-01T01:01"), MINUTE, 10, &w, &f), OK);
    assert_int_equal(w.n, 1);
    assert_int_equal(windows_at(&w, 0).start_us, at("01-01T01:00"));
    assert_int_equal(windows_at(&w, 0).end_us, at("01-01T01:01"));
}

static void the_oldest_beyond_the_most_are_passed_over_and_counted(void **state)
{
    struct windows w;
    struct failure f;
    (void)state;
    assert_int_equal(windows_due(at("01-01T00:00"), at("01-01T10:30"), HOUR, 3, &w, &f), OK);
    assert_int_equal(w.n, 3);
    assert_int_equal(w.passed, 7);
    assert_int_equal(w.first_us, at("01-01T07:00"));
    assert_int_equal(windows_at(&w, 2).end_us, at("01-01T10:00"));
}

static void a_range_holds_whole_and_complete_windows_alone(void **state)
{
    static const struct {
        const char *from, *to, *now, *first;
        uint64_t n;
    } range[] = {
        {"01-01T00:00", "01-04T00:00", "02-01T00:00", "01-01T00:00", 3},
        {"01-01T00:01", "01-03T23:59", "02-01T00:00", "01-02T00:00", 1},
        {"01-01T00:00", "01-04T00:00", "01-02T12:00", "01-01T00:00", 1},
        {"01-01T01:00", "01-01T02:00", "02-01T00:00", "01-02T00:00", 0},
        {"01-05T00:00", "01-09T00:00", "01-02T12:00", "01-05T00:00", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
        const struct windows w = windows_in(
            (struct window_span){at(range[i].from), at(range[i].to)}, at(range[i].now), 24 * HOUR);
        assert_int_equal(w.n, range[i].n);
        assert_int_equal(w.first_us, at(range[i].first));
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_last_complete_window_is_cut_from_year_one),
        cmocka_unit_test(windows_since_the_last_follow_it_without_being_cut_anew),
        cmocka_unit_test(a_last_window_ahead_of_the_clock_waits_and_says_so),
        cmocka_unit_test(without_state_the_last_complete_window_is_due),
        cmocka_unit_test(the_oldest_beyond_the_most_are_passed_over_and_counted),
        cmocka_unit_test(a_range_holds_whole_and_complete_windows_alone),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
