#include "collector/schedule.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "test.h"

enum { ARENA_BYTES = 1 << 20, RUNS_MAX = 64 };
#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static int64_t at(const char *text)
{
    int64_t us = 0;
    if (!clock_parse(str_of(text), &us)) {
        fail_msg("%s is no time", text);
    }
    return us;
}

/* Both clocks; the monotonic one began somewhere else. */
static struct schedule_now now_at(int64_t wall_us)
{
    return (struct schedule_now){wall_us, wall_us - at("2020-02-02T02:02:02Z")};
}

static struct schedule_now later(struct schedule_now now, int64_t us)
{
    return (struct schedule_now){now.wall_us + us, now.mono_us + us};
}

/* Past its run at the start, which took no time. */
static void begin(struct schedule *s, struct arena *a, const struct collector_schedule *of,
                  struct schedule_now now)
{
    struct failure f;
    assert_int_equal(schedule_init(s, a, of, now, &f), OK);
    assert_int_equal(schedule_wait_us(s, now), 0);
    assert_true(schedule_take(s, now));
    assert_int_equal(s->scheduled_us, now.wall_us);
    schedule_ended(s, now, OK);
}

/* All runs until `end`, each taking no time; their scheduled times. */
static size_t runs_until(struct schedule *s, struct schedule_now *now, int64_t end_us,
                         int64_t out[RUNS_MAX])
{
    size_t n = 0;
    for (;;) {
        const int64_t wait_us = schedule_wait_us(s, *now);
        if (now->wall_us + wait_us > end_us) {
            *now = later(*now, end_us - now->wall_us);
            return n;
        }
        *now = later(*now, wait_us);
        if (schedule_take(s, *now)) {
            assert_true(n < RUNS_MAX);
            out[n++] = s->scheduled_us;
            schedule_ended(s, *now, OK);
        }
    }
}

static void an_interval_begins_at_once_and_does_not_drift(void **state)
{
    struct arena a;
    struct schedule s;
    int64_t run[RUNS_MAX];
    const struct collector_schedule of = {.interval_us = 10 * SECOND};
    struct schedule_now now = now_at(at("2024-03-01T10:07:33.5Z"));
    const int64_t first_us = now.wall_us;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    begin(&s, &a, &of, now);
    assert_int_equal(runs_until(&s, &now, first_us + 35 * SECOND, run), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run[i], first_us + (i + 1) * 10 * SECOND);
    }
    now = later(now, 7 * SECOND); /* taken 2 s too late: scheduled for when it was due */
    assert_true(schedule_take(&s, now));
    assert_int_equal(s.scheduled_us, first_us + 40 * SECOND);
    schedule_ended(&s, now, OK);
    assert_int_equal(schedule_wait_us(&s, now), 8 * SECOND);
    arena_close(&a);
}

static void an_interval_is_counted_from_where_its_first_run_began(void **state)
{
    struct arena a;
    struct schedule s;
    struct failure f;
    const struct collector_schedule of = {.interval_us = 10 * SECOND};
    struct schedule_now now = now_at(at("2024-03-01T10:00:00Z"));
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(schedule_init(&s, &a, &of, now, &f), OK);
    now = later(now, 13 * SECOND); /* there was no room before */
    assert_true(schedule_take(&s, now));
    schedule_ended(&s, now, OK);
    assert_int_equal(schedule_wait_us(&s, now), 10 * SECOND);
    arena_close(&a);
}

static void who_is_still_at_work_skips_and_it_is_counted(void **state)
{
    struct arena a;
    struct schedule s;
    const struct collector_schedule of = {.interval_us = 10 * SECOND};
    struct schedule_now now = now_at(at("2024-03-01T10:00:00Z"));
    (void)state;
    arena_init(&a, ARENA_BYTES);
    begin(&s, &a, &of, now);
    now = later(now, 10 * SECOND);
    assert_true(schedule_take(&s, now));
    for (int i = 0; i < 2; i++) {
        now = later(now, schedule_wait_us(&s, now));
        assert_false(schedule_take(&s, now));
    }
    assert_int_equal(s.skipped_n, 2);
    now = later(now, 4 * SECOND);
    schedule_ended(&s, now, OK);
    assert_false(schedule_take(&s, now)); /* what was skipped is not made good */
    assert_int_equal(schedule_wait_us(&s, now), 6 * SECOND);
    arena_close(&a);
}

static void retry_comes_soon_under_its_time_and_the_next_regular_one_goes_before(void **state)
{
    struct arena a;
    struct schedule s;
    const struct collector_schedule of = {.interval_us = 10 * SECOND};
    struct schedule_now now = now_at(at("2024-03-01T10:00:00Z"));
    const int64_t first_us = now.wall_us;
    unsigned again = 0;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    struct failure f;
    assert_int_equal(schedule_init(&s, &a, &of, now, &f), OK);
    while (now.wall_us < first_us + 25 * SECOND) {
        assert_true(schedule_take(&s, now));
        const int64_t since_us = now.wall_us - first_us;
        assert_int_equal(s.scheduled_us, first_us + since_us / (10 * SECOND) * 10 * SECOND);
        schedule_ended(&s, now, RETRY);
        const int64_t wait_us = schedule_wait_us(&s, now);
        assert_in_range(wait_us, 1, 10 * SECOND);
        now = later(now, wait_us);
        again++;
    }
    assert_in_range(again, 8, 20); /* each wait up to twice the one before it */
    assert_true(schedule_take(&s, now));
    schedule_ended(&s, now, REJECT); /* what is wrong waits for the next regular time */
    assert_true(schedule_wait_us(&s, now) > 2 * SECOND);
    assert_int_equal(s.tries, 0);
    arena_close(&a);
}

static void who_is_refused_is_tried_again_in_half_a_minute_and_then_later_and_later(void **state)
{
    struct arena a;
    struct schedule s;
    struct failure f;
    const struct collector_schedule of = {.interval_us = 3600 * SECOND};
    struct schedule_now now = now_at(at("2024-03-01T10:00:00Z"));
    const int64_t first_us = now.wall_us;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(schedule_init(&s, &a, &of, now, &f), OK);
    for (int64_t most_us = 30 * SECOND, n = 0; n < 6; n++) {
        assert_true(schedule_take(&s, now));
        assert_int_equal(s.scheduled_us, first_us);
        schedule_ended(&s, now, STOP);
        const int64_t wait_us = schedule_wait_us(&s, now);
        assert_in_range(wait_us, most_us / 2, most_us);
        most_us = most_us < 480 * SECOND ? 2 * most_us : most_us;
        now = later(now, wait_us);
    }
    assert_true(schedule_take(&s, now));
    schedule_ended(&s, now, OK);
    assert_int_equal(schedule_next_us(&s, now), first_us + 3600 * SECOND);
    arena_close(&a);
}

/* What it is due for next, and how long that is, after it went on at `now`. */
static int64_t wait_after(const struct collector_schedule *of, const char *now_text,
                          const char *last_text, bool is_owed, int64_t *scheduled_us)
{
    struct arena a;
    struct schedule s;
    struct failure f;
    struct schedule_now now = now_at(at(now_text));
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(schedule_init(&s, &a, of, now, &f), OK);
    schedule_go_on(&s, now, at(last_text), is_owed);
    const int64_t wait_us = schedule_wait_us(&s, now);
    now = later(now, wait_us);
    assert_true(schedule_take(&s, now));
    *scheduled_us = s.scheduled_us;
    schedule_ended(&s, now, OK);
    assert_true(schedule_wait_us(&s, now) > 0);
    arena_close(&a);
    return wait_us;
}

static void who_has_run_goes_on_with_its_schedule(void **state)
{
    static const struct {
        const char *cron, *now, *last; /* cron NULL: each hour */
        bool is_owed;
        const char *scheduled;
    } goes_on[] = {
        {NULL, "2024-03-01T10:20:00Z", "2024-03-01T10:07:00Z", false, "2024-03-01T11:07:00Z"},
        {NULL, "2024-03-01T10:20:00Z", "2024-03-01T10:07:00Z", true, "2024-03-01T10:07:00Z"},
        {NULL, "2024-03-01T15:20:00Z", "2024-03-01T10:07:00Z", false, "2024-03-01T15:07:00Z"},
        {NULL, "2024-03-01T15:20:00Z", "2024-03-01T10:07:00Z", true, "2024-03-01T15:07:00Z"},
        {NULL, "2024-03-01T10:20:00Z", "2024-03-01T11:07:00Z", false, "2024-03-01T11:20:00Z"},
        {"0 6 * * *", "2024-03-01T10:20:00Z", "2024-03-01T06:00:00Z", false,
         "2024-03-02T06:00:00Z"},
        {"0 6 * * *", "2024-03-01T10:20:00Z", "2024-03-01T06:00:00Z", true, "2024-03-01T06:00:00Z"},
        {"0 6 * * *", "2024-03-02T06:00:03Z", "2024-03-01T06:00:00Z", false,
         "2024-03-02T06:00:00Z"},
        {"@every 90m", "2024-03-01T10:20:00Z", "2024-03-01T10:00:00Z", false,
         "2024-03-01T11:30:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof goes_on / sizeof *goes_on; i++) {
        const struct collector_schedule of = {
            .interval_us = goes_on[i].cron ? 0 : HOUR,
            .cron = str_of(goes_on[i].cron ? goes_on[i].cron : "")};
        int64_t scheduled_us = 0;
        const int64_t wait_us = wait_after(&of, goes_on[i].now, goes_on[i].last, goes_on[i].is_owed,
                                           &scheduled_us);
        const int64_t want_us = at(goes_on[i].scheduled) - at(goes_on[i].now);
        assert_int_equal(scheduled_us, at(goes_on[i].scheduled));
        assert_int_equal(wait_us, want_us > 0 ? want_us : 0);
    }
}

static void jitter_moves_a_run_and_not_its_scheduled_time(void **state)
{
    struct arena a;
    struct schedule s;
    struct failure f;
    const struct collector_schedule of = {.interval_us = 10 * SECOND, .jitter_ms = 3000};
    struct schedule_now now = now_at(at("2024-03-01T10:00:00Z"));
    int64_t first_us = now.wall_us;
    bool has_moved = false;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(schedule_init(&s, &a, &of, now, &f), OK);
    for (int i = 0; i < 40; i++) {
        now = later(now, schedule_wait_us(&s, now));
        const int64_t late_us = now.wall_us - (first_us + i * 10 * SECOND);
        assert_in_range(late_us, 0, 3 * SECOND);
        has_moved = has_moved || late_us > SECOND / 10;
        assert_true(schedule_take(&s, now));
        first_us = i == 0 ? now.wall_us : first_us; /* counted from there */
        assert_true(i == 0 || s.scheduled_us == first_us + i * 10 * SECOND);
        schedule_ended(&s, now, OK);
    }
    assert_true(has_moved);
    arena_close(&a);
}

static const struct {
    const char *cron, *from, *to;
    const char *run[8];
} changes[] = {
    /* spring, autumn: once a day, at the first minute there is, the first time it comes */
    {"TZ=Europe/Berlin 30 2 * * *",
     "2024-03-30T12:00:00Z",
     "2024-04-01T12:00:00Z",
     {"2024-03-31T01:00:00Z", "2024-04-01T00:30:00Z"}},
    {"TZ=Europe/Berlin 30 2 * * *",
     "2024-10-26T12:00:00Z",
     "2024-10-28T12:00:00Z",
     {"2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"}},
    {"TZ=America/New_York 30 2 * * *",
     "2024-03-09T12:00:00Z",
     "2024-03-11T12:00:00Z",
     {"2024-03-10T07:00:00Z", "2024-03-11T06:30:00Z"}},
    {"TZ=America/New_York 30 1 * * *",
     "2024-11-02T12:00:00Z",
     "2024-11-04T12:00:00Z",
     {"2024-11-03T05:30:00Z", "2024-11-04T06:30:00Z"}},
    {"TZ=Australia/Sydney 30 2 * * *",
     "2024-10-05T00:00:00Z",
     "2024-10-07T00:00:00Z",
     {"2024-10-05T16:00:00Z", "2024-10-06T15:30:00Z"}},
    {"TZ=Australia/Sydney 30 2 * * *",
     "2024-04-06T00:00:00Z",
     "2024-04-08T00:00:00Z",
     {"2024-04-06T15:30:00Z", "2024-04-07T16:30:00Z"}},
    /* by the real clock: each hour there is, none twice */
    {"TZ=Europe/Berlin 0 * * * *",
     "2024-03-30T23:30:00Z",
     "2024-03-31T03:30:00Z",
     {"2024-03-31T00:00:00Z", "2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z",
      "2024-03-31T03:00:00Z"}},
    {"TZ=Europe/Berlin 0 * * * *",
     "2024-10-26T23:30:00Z",
     "2024-10-27T03:30:00Z",
     {"2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z",
      "2024-10-27T03:00:00Z"}},
    {"TZ=America/New_York 0 * * * *",
     "2024-11-03T04:30:00Z",
     "2024-11-03T07:30:00Z",
     {"2024-11-03T05:00:00Z", "2024-11-03T06:00:00Z", "2024-11-03T07:00:00Z"}},
    {"TZ=Australia/Sydney */30 * * * *",
     "2024-10-05T15:15:00Z",
     "2024-10-05T16:45:00Z",
     {"2024-10-05T15:30:00Z", "2024-10-05T16:00:00Z", "2024-10-05T16:30:00Z"}},
    {"@every 90s",
     "2024-03-01T10:07:30Z",
     "2024-03-01T10:12:30Z",
     {"2024-03-01T10:09:00Z", "2024-03-01T10:10:30Z", "2024-03-01T10:12:00Z"}},
};

static void both_changes_of_the_clocks_in_three_zones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct arena a;
        struct schedule s;
        int64_t run[RUNS_MAX];
        size_t want = 0;
        arena_init(&a, ARENA_BYTES);
        const struct collector_schedule of = {.cron = str_of(changes[i].cron)};
        struct schedule_now now = now_at(at(changes[i].from));
        begin(&s, &a, &of, now);
        const size_t n = runs_until(&s, &now, at(changes[i].to), run);
        for (; want < 8 && changes[i].run[want]; want++) {
            char text[CLOCK_TEXT_BYTES] = "nothing";
            if (want < n) {
                (void)clock_text(run[want], text);
            }
            if (want >= n || run[want] != at(changes[i].run[want])) {
                fail_msg("%s: run %zu is %s and not %s", changes[i].cron, want, text,
                         changes[i].run[want]);
            }
        }
        assert_int_equal(n, want);
        arena_close(&a);
    }
}

static void a_clock_that_is_set_is_met_as_cron_does(void **state)
{
    static const struct {
        const char *cron;
        int64_t interval_us, step_us;
        const char *next[2]; /* after 12:00:30 and the step */
    } cases[] = {
        /* at 12:00 it has run. Back a little: not again; a new day: by the new time */
        {"0 12 * * *", 0, -30 * MINUTE, {"2024-03-02T12:00:00Z"}},
        {"0 12 * * *", 0, -5 * HOUR, {"2024-03-01T12:00:00Z"}},
        {"30 13 * * *", 0, 2 * HOUR, {"now", "2024-03-02T13:30:00Z"}},
        {"30 13 * * *", 0, 5 * HOUR, {"2024-03-02T13:30:00Z"}},
        /* by the real clock, at once */
        {"*/10 * * * *", 0, -30 * MINUTE, {"2024-03-01T11:40:00Z", "2024-03-01T11:50:00Z"}},
        {"*/10 * * * *", 0, 30 * MINUTE, {"now", "2024-03-01T12:40:00Z"}},
        {"*/10 * * * *", 0, 5 * HOUR, {"2024-03-01T17:10:00Z"}},
        /* intervals do not notice: due 29.5 minutes later, whatever the wall says */
        {"", 30 * MINUTE, -5 * HOUR, {"2024-03-01T07:30:00Z", "2024-03-01T08:00:00Z"}},
        {"@every 30m", 0, 5 * HOUR, {"2024-03-01T17:30:00Z", "2024-03-01T18:00:00Z"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct schedule s;
        arena_init(&a, ARENA_BYTES);
        const struct collector_schedule of = {.interval_us = cases[i].interval_us,
                                              .cron = str_of(cases[i].cron)};
        struct schedule_now now = now_at(at("2024-03-01T12:00:00Z"));
        begin(&s, &a, &of, now);
        now = later(now, 30 * SECOND);
        now.wall_us += cases[i].step_us;
        schedule_stepped(&s, now, cases[i].step_us);
        for (int k = 0; k < 2 && cases[i].next[k]; k++) {
            const bool is_now = strcmp(cases[i].next[k], "now") == 0;
            const int64_t want_us = is_now ? now.wall_us : at(cases[i].next[k]);
            char text[CLOCK_TEXT_BYTES];
            (void)clock_text(schedule_next_us(&s, now), text);
            if (schedule_next_us(&s, now) != want_us) {
                fail_msg("case %zu (%s): next %d is %s", i, cases[i].cron, k, text);
            }
            now = later(now, want_us - now.wall_us);
            assert_true(schedule_take(&s, now));
            schedule_ended(&s, now, OK);
        }
        arena_close(&a);
    }
}

int main(void)
{
    (void)setenv("TZ", "UTC", 1);
    const struct CMUnitTest all[] = {
        cmocka_unit_test(an_interval_begins_at_once_and_does_not_drift),
        cmocka_unit_test(an_interval_is_counted_from_where_its_first_run_began),
        cmocka_unit_test(who_is_still_at_work_skips_and_it_is_counted),
        cmocka_unit_test(retry_comes_soon_under_its_time_and_the_next_regular_one_goes_before),
        cmocka_unit_test(who_is_refused_is_tried_again_in_half_a_minute_and_then_later_and_later),
        cmocka_unit_test(who_has_run_goes_on_with_its_schedule),
        cmocka_unit_test(jitter_moves_a_run_and_not_its_scheduled_time),
        cmocka_unit_test(both_changes_of_the_clocks_in_three_zones),
        cmocka_unit_test(a_clock_that_is_set_is_met_as_cron_does),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
