#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "test.h"

static int64_t parsed(const char *text)
{
    int64_t us = 0;
    return clock_parse(str_of(text), &us) ? us : TIME_NONE;
}

/* timegm knows nothing of our arithmetic. */
static void dates_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t s = -62135596800; s < 253402300799; s += 7919 * 86400 / 7 + 13) {
        const time_t t = (time_t)s;
        struct tm tm;
        char text[CLOCK_TEXT_BYTES];
        char want[96];
        gmtime_r(&t, &tm);
        snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.000042Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_int_equal(clock_text(s * 1000000 + 42, text), strlen(want));
        assert_string_equal(text, want);
        assert_true(parsed(want) == s * 1000000 + 42);
    }
}

static void rfc_3339_is_read_with_all_its_freedoms(void **state)
{
    (void)state;
    const int64_t us = parsed("2018-04-05T17:31:00Z");
    assert_true(us == INT64_C(1522949460000000));
    assert_true(parsed("2018-04-05T17:31:00.000+00:00") == us);
    assert_true(parsed("2018-04-05t19:01:00.0+01:30") == us);
    assert_true(parsed("2018-04-05T17:31:00z") == us);
    assert_true(parsed("2018-04-05T00:01:00-17:30") == us);
    assert_true(parsed("2018-04-05T17:31:00.1234567890123Z") == us + 123456);
    assert_true(parsed("2016-12-31T23:59:60Z") == parsed("2017-01-01T00:00:00Z"));
    assert_true(parsed("2017-01-01T08:59:60+09:00") == parsed("2017-01-01T00:00:00Z"));
    assert_true(parsed("2024-02-29T00:00:00Z") != TIME_NONE);
    assert_true(parsed("2000-02-29T00:00:00Z") != TIME_NONE);
    assert_true(parsed("0001-01-01T00:00:00Z") == INT64_C(-62135596800000000));
    assert_true(parsed("9999-12-31T23:59:59.999999Z") != TIME_NONE);
}

static void what_is_no_date_time_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        "2018-04-05",
        "2018-04-05 17:31:00Z",
        "2018-04-05T17:31:00",
        "2018-04-05T17:31Z",
        "2018-04-05T17:31:00.Z",
        "2018-04-05T17:31:00ZZ",
        "2018-04-05T24:00:00Z",
        "2018-04-05T17:60:00Z",
        "2018-04-05T17:31:60Z",
        "2018-04-05T17:31:61Z",
        "2018-04-05T17:31:00+24:00",
        "2018-04-05T17:31:00+01:60",
        "2018-04-05T17:31:00+0100",
        "2018-00-05T17:31:00Z",
        "2018-13-05T17:31:00Z",
        "2018-04-31T17:31:00Z",
        "2018-04-00T17:31:00Z",
        "2023-02-29T17:31:00Z",
        "1900-02-29T17:31:00Z",
        "18-04-05T17:31:00Z",
        "+2018-04-05T17:31:00Z",
        "2018-4-05T17:31:00Z",
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "2018-04-05T1a:31:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parsed(bad[i]) != TIME_NONE) {
            fail_msg("taken for a date-time: %s", bad[i]);
        }
    }
}

static void the_clock_can_be_set_and_given_back(void **state)
{
    (void)state;
    clock_set(42);
    assert_int_equal(clock_now_us(), 42);
    clock_set(TIME_NONE);
    assert_true(clock_now_us() > INT64_C(1700000000000000));
    const int64_t before = clock_mono_us();
    assert_true(clock_mono_us() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(rfc_3339_is_read_with_all_its_freedoms),
        cmocka_unit_test(what_is_no_date_time_is_refused),
        cmocka_unit_test(the_clock_can_be_set_and_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
