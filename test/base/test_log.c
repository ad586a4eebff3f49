/* The line of an event: what stands in it as it is, and what is escaped. */
#include "base/log.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wire/json.h"

enum { LINE_BYTES = 4096 }; /* what log.c writes at most */

/* What is written to stderr of one event with `value`; without its time. */
static const char *line_of(struct str value, char out[LINE_BYTES])
{
    int ends[2];
    const int before = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(before >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    log_event(LOG_INFO, "said", log_s("value", value)); /* less than a pipe holds */
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    assert_int_equal(close(ends[1]) + close(before), 0);
    const ssize_t n = read(ends[0], out, LINE_BYTES - 1);
    assert_true(n > 0);
    out[n] = '\0';
    assert_int_equal(close(ends[0]), 0);
    const char *const at = strstr(out, "event");
    assert_non_null(at);
    return at;
}

static void a_value_is_quoted_where_it_has_to_be(void **state)
{
    (void)state;
    static const struct {
        const char *value, *line;
    } wanted[] = {
        {"plain", "event=said value=plain\n"},
        {"\xC3\xA9\xE6\x97\xA5", "event=said value=\xC3\xA9\xE6\x97\xA5\n"},
        {"", "event=said value=\"\"\n"},
        {"a b", "event=said value=\"a b\"\n"},
        {"a\033[31m", "event=said value=\"a\\u001b[31m\"\n"},
        {"a\x7F", "event=said value=\"a\\u007f\"\n"},
        {"a\xC2\x9B"
         "2J",
         "event=said value=\"a\\u009b2J\"\n"},
        {"a\xC2\x85z", "event=said value=\"a\\u0085z\"\n"},
        {"a\xE2\x80\xA8z", "event=said value=\"a\\u2028z\"\n"},
        {"a\xE2\x80\xA9z", "event=said value=\"a\\u2029z\"\n"},
        {"a\xE2\x80\xAEz", "event=said value=\"a\\u202ez\"\n"},
        {"a\xE2\x81\xA6z", "event=said value=\"a\\u2066z\"\n"},
        {"a\xD8\x9Cz", "event=said value=\"a\\u061cz\"\n"},
        {"a\x9B"
         "2J",
         "event=said value=\"a\xEF\xBF\xBD"
         "2J\"\n"},
    };
    char out[LINE_BYTES];
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_string_equal(line_of(str_of(wanted[i].value), out), wanted[i].line);
    }
    assert_string_equal(line_of(S("a\0b"), out), "event=said value=\"a\\u0000b\"\n");
}

static void a_line_of_json_is_json_and_says_the_same(void **state)
{
    (void)state;
    struct arena a;
    struct failure f;
    yyjson_doc *doc = NULL;
    char out[LINE_BYTES];
    const struct str value = S("a\0\xC2\x9B\xE2\x80\xA8\xE2\x80\xAE\xC3\xA9");
    arena_init(&a, 1 << 20);
    log_set_json(true);
    (void)line_of(value, out);
    log_set_json(false);
    assert_null(strstr(out, "\xC2\x9B"));
    assert_null(strstr(out, "\xE2\x80"));
    assert_int_equal(json_read(&a, str_of(out), &doc, &f), OK);
    assert_true(str_eq(json_text(json_get(yyjson_doc_get_root(doc), S("value"))), value));
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_quoted_where_it_has_to_be),
        cmocka_unit_test(a_line_of_json_is_json_and_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
