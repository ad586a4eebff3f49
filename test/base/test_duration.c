#include "base/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void durations_are_what_go_reads(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } yes[] = {
        {"0", 0},
        {"30s", 30000000},
        {"1h30m", 5400000000},
        {"1.5h", 5400000000},
        {".5s", 500000},
        {"5.s", 5000000},
        {"300ms", 300000},
        {"7us", 7},
        {"7\xc2\xb5s", 7},
        {"7\xce\xbcs", 7},
        {"1999ns", 1},
        {"-2m", -120000000},
        {"+1s", 1000000},
        {"1s1s", 2000000},
        {"24h", 86400000000},
        {"0.1234567890123456789s", 123456},
        {"1m0.000001s", 60000001},
    };
    static const char *const no[] = {"",  "1",    "1d",         "s",  ".s",   "1 s", "1h 30m",
                                     "-", "1m30", "300000000h", "1S", "--1s", "1hs"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        int64_t us = -1;
        if (!duration_go(str_of(yes[i].text), &us) || us != yes[i].us) {
            fail_msg("%s is taken for %lld us", yes[i].text, (long long)us);
        }
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        int64_t us = 0;
        if (duration_go(str_of(no[i]), &us)) {
            fail_msg("\"%s\" is taken for %lld us", no[i], (long long)us);
        }
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(durations_are_what_go_reads)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
