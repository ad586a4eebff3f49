/* The sentence of a failure: cut where it is too long, and still a text. */
#include "base/failure.h"

#include "test.h"

#include <errno.h>

#include "base/str.h"

enum { CHARACTERS = 400 };

/* So many characters of two bytes each. */
static const char *long_text(void)
{
    static char text[2 * CHARACTERS + 1];
    for (size_t i = 0; i < CHARACTERS; i++) {
        text[2 * i] = '\xC3';
        text[2 * i + 1] = '\xA9';
    }
    return text;
}

static void a_sentence_that_is_too_long_is_cut_in_no_character(void **state)
{
    (void)state;
    struct failure f;
    const char *const text = long_text();
    for (int before = 0; before < 2; before++) {
        assert_int_equal(failed(&f, STOP, "%.*s%s", before, "x", text), STOP);
        assert_true(str_is_utf8(str_of(f.text)) && strlen(f.text) >= sizeof f.text - 2);
        assert_int_equal(failed_at(&f, REJECT, text + (before ? 0 : 1), "%s", "it is"), REJECT);
        assert_int_equal(strlen(f.pointer), sizeof f.pointer - 1 - (before ? 1 : 0));
    }
}

static void what_the_system_says_is_never_cut_away(void **state)
{
    (void)state;
    struct failure f;
    const char *const name = long_text();
    for (int before = 0; before < 2; before++) {
        errno = ENOSPC;
        assert_int_equal(failed_errno(&f, RETRY, "%.*swrite %s", before, "x", name), RETRY);
        assert_true(str_is_utf8(str_of(f.text)));
        assert_true(str_ends(str_of(f.text), S(": No space left on device")));
        assert_true(strlen(f.text) >= sizeof f.text - 2);
    }
    errno = ENOENT;
    assert_int_equal(failed_errno(&f, STOP, "open %s", "a"), STOP);
    assert_string_equal(f.text, "open a: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_that_is_too_long_is_cut_in_no_character),
        cmocka_unit_test(what_the_system_says_is_never_cut_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
