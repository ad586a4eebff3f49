#include "base/cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

enum { ARENA_BYTES = 1 << 20, NEXT_MAX = 5 };

static int64_t us_of(const char *text)
{
    int64_t us = 0;
    assert_true(clock_parse(str_of(text), &us));
    return us;
}

static void check(const char *expression, const char *from, const char *const *next)
{
    struct arena a;
    struct cron *c = NULL;
    struct failure f = {0};
    arena_init(&a, ARENA_BYTES);
    const int64_t begun = us_of(from);
    int64_t at = begun;
    if (cron_parse(&a, str_of(expression), &c, &f) != OK) {
        fail_msg("%s: %s", expression, f.text);
    }
    for (size_t i = 0; i < NEXT_MAX && next[i]; i++) {
        char text[CLOCK_TEXT_BYTES];
        at = cron_next_us(c, begun, at);
        (void)clock_text(at, text);
        if (at != us_of(next[i])) {
            fail_msg("%s from %s: %zu. is %s, not %s", expression, from, i + 1, text, next[i]);
        }
    }
    arena_close(&a);
}

static void the_next_ones_are_those_of_the_calendar(void **state)
{
    static const struct {
        const char *expression, *next[NEXT_MAX];
    } cases[] = {
        {"* * * * *", {"2024-03-01T10:08:00Z", "2024-03-01T10:09:00Z", "2024-03-01T10:10:00Z"}},
        {"5/20 * * * *", {"2024-03-01T10:25:00Z", "2024-03-01T10:45:00Z", "2024-03-01T11:05:00Z"}},
        {"1-5/2 * * * *", {"2024-03-01T11:01:00Z", "2024-03-01T11:03:00Z", "2024-03-01T11:05:00Z"}},
        {"*/15 9-17 * JAN,mar *",
         {"2024-03-01T10:15:00Z", "2024-03-01T10:30:00Z", "2024-03-01T10:45:00Z"}},
        {"0 0 * * SUN", {"2024-03-03T00:00:00Z", "2024-03-10T00:00:00Z", "2024-03-17T00:00:00Z"}},
        {"0 0 13 * FRI", {"2024-03-08T00:00:00Z", "2024-03-13T00:00:00Z", "2024-03-15T00:00:00Z"}},
        {"0 0 */2 * FRI",
         {"2024-03-03T00:00:00Z", "2024-03-05T00:00:00Z", "2024-03-07T00:00:00Z",
          "2024-03-08T00:00:00Z"}},
        {"0 0 ? * 1", {"2024-03-04T00:00:00Z", "2024-03-11T00:00:00Z", "2024-03-18T00:00:00Z"}},
        {"@weekly", {"2024-03-03T00:00:00Z"}},
        {"@monthly", {"2024-04-01T00:00:00Z"}},
        {"@yearly", {"2025-01-01T00:00:00Z"}},
        {"@annually", {"2025-01-01T00:00:00Z"}},
        {"@daily", {"2024-03-02T00:00:00Z"}},
        {"@midnight", {"2024-03-02T00:00:00Z"}},
        {"@hourly", {"2024-03-01T11:00:00Z", "2024-03-01T12:00:00Z"}},
        {"@every 90s", {"2024-03-01T10:09:00Z", "2024-03-01T10:10:30Z", "2024-03-01T10:12:00Z"}},
        {"@every 300ms", {"2024-03-01T10:07:31Z"}},
        {"@every 2.9s", {"2024-03-01T10:07:32Z"}},
        {"TZ=Europe/Berlin 30 2 * * *",
         {"2024-03-02T01:30:00Z", "2024-03-03T01:30:00Z", "2024-03-04T01:30:00Z"}},
        {"CRON_TZ=America/New_York 0 9 * * *",
         {"2024-03-01T14:00:00Z", "2024-03-02T14:00:00Z", "2024-03-03T14:00:00Z"}},
        {"0 0 29 2 *", {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
        {"0 0 31 2 MON", {"2025-02-03T00:00:00Z"}},
        {"  7   10 1 3   * ", {"2025-03-01T10:07:00Z"}},
        {"\t7\t10 \t1 3\t*\t", {"2025-03-01T10:07:00Z"}},
        {"TZ=CET\t30 2 * *\t*", {"2024-03-02T01:30:00Z"}},
        {"@every\t90s", {"2024-03-01T10:09:00Z"}},
        {"TZ=Asia/Kathmandu 0 0 * * *", {"2024-03-01T18:15:00Z"}},
        {"TZ=Asia/Kathmandu */20 3 * * *",
         {"2024-03-01T21:15:00Z", "2024-03-01T21:35:00Z", "2024-03-01T21:55:00Z",
          "2024-03-02T21:15:00Z"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(cases[i].expression, "2024-03-01T10:07:30Z", cases[i].next);
    }
}

/* A daily time once on each day; what follows the clock at every real minute or hour. */
static void both_changes_of_the_clocks_in_three_zones(void **state)
{
    static const struct {
        const char *expression, *from, *next[NEXT_MAX];
    } cases[] = {
        {"TZ=Europe/Berlin 30 2 * * *",
         "2024-03-30T00:00:00Z",
         {"2024-03-30T01:30:00Z", "2024-03-31T01:00:00Z", "2024-04-01T00:30:00Z"}},
        {"TZ=Europe/Berlin 30 2 * * *",
         "2024-10-26T00:00:00Z",
         {"2024-10-26T00:30:00Z", "2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z"}},
        {"TZ=Europe/Berlin 10,30 2,3 * * *",
         "2024-03-31T00:00:00Z",
         {"2024-03-31T01:00:00Z", "2024-03-31T01:10:00Z", "2024-03-31T01:30:00Z",
          "2024-04-01T00:10:00Z"}},
        {"TZ=Europe/Berlin 0 * * * *",
         "2024-03-31T00:00:00Z",
         {"2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z"}},
        {"TZ=Europe/Berlin 0 * * * *",
         "2024-10-27T00:00:00Z",
         {"2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z"}},
        {"TZ=Europe/Berlin 0 */2 * * *",
         "2024-10-26T22:30:00Z",
         {"2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z", "2024-10-27T03:00:00Z"}},
        {"TZ=America/New_York 30 2 * * *",
         "2024-03-10T00:00:00Z",
         {"2024-03-10T07:00:00Z", "2024-03-11T06:30:00Z"}},
        {"TZ=America/New_York 30 1 * * *",
         "2024-11-03T00:00:00Z",
         {"2024-11-03T05:30:00Z", "2024-11-04T06:30:00Z"}},
        {"TZ=America/New_York */30 1 * * *",
         "2024-11-03T05:00:00Z",
         {"2024-11-03T05:30:00Z", "2024-11-03T06:00:00Z", "2024-11-03T06:30:00Z",
          "2024-11-04T06:00:00Z"}},
        {"TZ=Australia/Lord_Howe 15 2 * * *",
         "2024-10-05T00:00:00Z", /* half an hour, at 02:00 */
         {"2024-10-05T15:30:00Z", "2024-10-06T15:15:00Z"}},
        {"TZ=Australia/Lord_Howe 45 1 * * *",
         "2024-04-06T00:00:00Z",
         {"2024-04-06T14:45:00Z", "2024-04-07T15:15:00Z"}},
        {"TZ=Australia/Lord_Howe 0 * * * *",
         "2024-10-05T14:45:00Z",
         {"2024-10-05T16:00:00Z", "2024-10-05T17:00:00Z"}},
        {"TZ=UTC 30 2 * * *",
         "2024-03-30T03:00:00Z",
         {"2024-03-31T02:30:00Z", "2024-04-01T02:30:00Z"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(cases[i].expression, cases[i].from, cases[i].next);
    }
}

static void the_hosts_own_zone_is_the_default(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
    check("0 9 * * *", "2024-03-01T10:07:30Z",
          (const char *const[NEXT_MAX]){"2024-03-01T14:00:00Z"});
    check("TZ=Europe/Berlin 0 9 * * *", "2024-03-01T10:07:30Z",
          (const char *const[NEXT_MAX]){"2024-03-02T08:00:00Z"});
    assert_string_equal(getenv("TZ"), "America/New_York");
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
}

static void what_is_no_expression_is_refused_and_says_why(void **state)
{
    static const struct {
        const char *expression, *why;
    } cases[] = {
        {"0 0 * * 7", "weekday is 7"},
        {"60 * * * *", "minute is 60"},
        {"0 24 * * *", "hour is 24"},
        {"0 0 0 * *", "day is 0"},
        {"0 0 * * 5-1", "goes upwards"},
        {"* * * *", "has 4 fields"},
        {"0 0 0 * * *", "has 6 fields"},
        {"0 0 L * *", "day is L"},
        {"@reboot", "not known"},
        {"@EVERY 1h", "not known"},
        {"@every 1d", "duration"},
        {"0 0 31 2 *", "never comes"},
        {"", "empty"},
        {"*/0 * * * *", "step"},
        {"1,,2 * * * *", "minute is"},
        {"TZ=Mars/Base * * * * *", "zone"},
        {"TZ=America/Argentina * * * * *", "zone"}, /* a folder of them */
        {"TZ=zone.tab * * * * *", "zone"},
        {"TZ=posix/Europe/Rome * * * * *", "zone"},
        {"TZ=../etc/passwd * * * * *", "zone"},
        {"TZ=UTC", "empty"},
        {"TZ=UTC\t", "empty"},
        {" \t", "empty"},
        {"@every", "duration"},
        {"@every -5s", "duration"},
        {"0 0 30 2 *", "never comes"},
        {"JAN * * * *", "minute is JAN"},
        {"1- * * * *", "minute is 1-"},
        {"@daily x", "not known"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct cron *c = NULL;
        struct failure f = {0};
        arena_init(&a, ARENA_BYTES);
        const char *const why = cases[i].why;
        if (cron_parse(&a, str_of(cases[i].expression), &c, &f) != REJECT || !strstr(f.text, why)) {
            fail_msg("\"%s\": %s", cases[i].expression, f.text);
        }
        arena_close(&a);
    }
}

int main(void)
{
    (void)setenv("TZ", "UTC", 1);
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_next_ones_are_those_of_the_calendar),
        cmocka_unit_test(both_changes_of_the_clocks_in_three_zones),
        cmocka_unit_test(the_hosts_own_zone_is_the_default),
        cmocka_unit_test(what_is_no_expression_is_refused_and_says_why),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
