/* Stars in names. */
#include "test.h"
#include "transform/glob.h"

static void a_star_ends_at_a_slash_and_two_do_not(void **state)
{
    (void)state;
    static const struct {
        const char *glob, *text;
        bool is;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "abc", true},
        {"*", "a/b", false},
        {"**", "a/b/c", true},
        {"acme/*", "Acme/Shop", true},
        {"acme/*", "acme/shop/x", false},
        {"a?c", "aBc", true},
        {"a?c", "a/c", false},
        {"a?c", "ac", false},
        {"services/cart/**", "services/cart/src/a.c", true},
        {"services/cart/**", "services/cartoon/a.c", false},
        {"**/a*.c", "x/y/abc.c", true},
        {"**/a*.c", "x/a/bc.c", false},
        {"**/a*/*.c", "x/a/a/ab/b.c", true},
        {"a*b**c*d", "a1b/2/c3c/4c5d", true},
        {"a*b**c*d", "a1b/2/c3c/4c5/d", false},
        {"*ab", "aab", true},
        {"*a*b*", "xxayybzz", true},
        {"a**", "a", true},
        {"a*", "b", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (glob_matches(str_of(cases[i].glob), str_of(cases[i].text)) != cases[i].is) {
            fail_msg("%s and %s", cases[i].glob, cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_ends_at_a_slash_and_two_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
