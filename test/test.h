/* test.h - cmocka with what its header needs first, and what the tests of weir share. */
#ifndef WEIR_TEST_H
#define WEIR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

/* A struct str has exactly these bytes; prints both when it has not. */
#define assert_str(actual, literal)                                                                \
    do {                                                                                           \
        const struct str actual_ = (actual);                                                       \
        if (!str_eq(actual_, S(literal))) {                                                        \
            fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(actual_), (literal));                       \
        }                                                                                          \
    } while (0)

/* Leave the test, which cannot run here; tools/test-run tells why. */
#define skip_because(why)                                                                          \
    do {                                                                                           \
        print_message("skipped: %s\n", (why));                                                     \
        skip();                                                                                    \
    } while (0)

#endif
