#include "collector/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ARENA_BYTES = 1 << 16 };

static void a_time_is_read_as_sources_write_it(void **state)
{
    static const struct {
        const char *text, *rfc;
    } yes[] = {{"2024-01-01T12:00:00Z", "2024-01-01T12:00:00Z"},
               {"2024-01-01 12:00:00", "2024-01-01T12:00:00Z"},
               {"2024-01-01 12:00:00.5", "2024-01-01T12:00:00.5Z"},
               {"2024-01-01T12:00:00.123456", "2024-01-01T12:00:00.123456Z"},
               {"2024-01-01 12:00", "2024-01-01T12:00:00Z"},
               {"2024-01-01 12:00+02:00", "2024-01-01T10:00:00Z"},
               {"2024-01-01 12:00:00.25-01:30", "2024-01-01T13:30:00.25Z"},
               {"2024-01-01", "2024-01-01T00:00:00Z"}};
    static const char *const no[] = {
        "",
        "7",
        "1704110400",
        "2024-01-01Z",
        "2024-01-01 ",
        "2024-01-01 12",
        "2024-01-01x12:00:00",
        "2024-13-01 12:00:00",
        "2024-01-01 12:00:00 UTC",
        "2024-01-01 12:00:00.",
        "2024-01-01 12:00:00+00",
        "2024-01-01 12:00:00.000000000000000000000000000000000000000000000000000000000000000000"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        int64_t us = 0, want = 0;
        assert_true(clock_parse(str_of(yes[i].rfc), &want));
        if (!moment_read(str_of(yes[i].text), &us) || us != want) {
            fail_msg("%s: %lld", yes[i].text, (long long)us);
        }
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        int64_t us = 0;
        if (moment_read(str_of(no[i]), &us)) {
            fail_msg("%s is taken for a time", no[i]);
        }
    }
}

static void a_time_before_another_is_written_like_it(void **state)
{
    static const struct {
        const char *text, *before;
    } cases[] = {{"2024-01-03T12:00:00Z", "2024-01-01T12:00:00Z"},
                 {"2024-01-03 12:00:00", "2024-01-01 12:00:00"},
                 {"2024-01-03 12:00", "2024-01-01 12:00"},
                 {"2024-01-03", "2024-01-01"},
                 {"2024-01-03T12:00:00.510000Z", "2024-01-01T12:00:00.510000Z"},
                 {"2024-01-03 12:00:00.51", "2024-01-01 12:00:00.51"},
                 {"2024-01-03 12:00:00.123456789", "2024-01-01 12:00:00.123456"},
                 {"2024-01-03 01:00:00+02:00", "2024-01-01 01:00:00+02:00"}};
    struct arena a;
    struct str out;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(moment_before(&a, str_of(cases[i].text), 2 * DAY_US, &out));
        assert_string_equal(out.at, cases[i].before);
    }
    assert_true(moment_before(&a, S("2024-01-03"), HOUR_US, &out)); /* rather too many late rows */
    assert_string_equal(out.at, "2024-01-02");
    assert_false(moment_before(&a, S("1704110400"), HOUR_US, &out));
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_time_is_read_as_sources_write_it),
        cmocka_unit_test(a_time_before_another_is_written_like_it),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
