#include "wire/json.h"

#include "base/buf.h"
#include "test.h"

static struct arena arena;

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static enum outcome read(struct str text)
{
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    return json_read(&arena, text, &doc, &f);
}

/* `open` n times, `inner`, `close` n times. */
static struct str nested(const char *open, const char *inner, const char *close, size_t n)
{
    struct buf b;
    buf_init(&b, &arena, SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_add(&b, str_of(open));
    }
    buf_add(&b, str_of(inner));
    for (size_t i = 0; i < n; i++) {
        buf_add(&b, str_of(close));
    }
    return buf_str(&b);
}

static void as_deep_as_the_limit_is_read_and_one_deeper_is_not(void **state)
{
    (void)state;
    assert_int_equal(read(nested("[", "1", "]", JSON_DEPTH_MAX)), OK);
    assert_int_equal(read(nested("[", "1", "]", JSON_DEPTH_MAX + 1)), REJECT);
    assert_int_equal(read(nested("[", "", "]", JSON_DEPTH_MAX)), OK);
    assert_int_equal(read(nested("[", "", "]", JSON_DEPTH_MAX + 1)), REJECT);
    assert_int_equal(read(nested("{\"a\":", "{}", "}", JSON_DEPTH_MAX - 1)), OK);
    assert_int_equal(read(nested("{\"a\":", "{}", "}", JSON_DEPTH_MAX)), REJECT);
    /* what ends does not count: neighbours, before and behind */
    assert_int_equal(read(nested("[[],{},", "[]", ",[],{}]", JSON_DEPTH_MAX - 1)), OK);
    assert_int_equal(read(nested("[[],{},", "[[]]", ",[],{}]", JSON_DEPTH_MAX - 1)), REJECT);
}

static void brackets_inside_texts_are_no_levels(void **state)
{
    (void)state;
    assert_int_equal(read(nested("[", "\"]\\\"[[[[[{{{{\"", "]", JSON_DEPTH_MAX)), OK);
    assert_int_equal(read(S("\"[[[\"")), OK);
    assert_int_equal(read(S("7")), OK);
}

static void what_is_no_json_is_rejected_with_its_place(void **state)
{
    (void)state;
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&arena, S("{\n \"a\": nul}"), &doc, &f), REJECT);
    assert_non_null(strstr(f.text, "line 2"));
    assert_int_equal(json_read(&arena, S(""), &doc, &f), REJECT);
    assert_non_null(strstr(f.text, "empty"));
}

/* [1,1,…]: a value in two bytes */
static struct str dense(size_t len)
{
    char *const at = arena_array(&arena, char, len);
    for (size_t i = 0; i < len; i++) {
        at[i] = (char)(i % 2 ? '1' : ',');
    }
    at[0] = '[';
    at[len - 1] = ']';
    return (struct str){at, len};
}

static void the_densest_text_is_read_in_the_memory_that_is_promised(void **state)
{
    (void)state;
    enum { LEAST = 100 * 1024 };
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    for (size_t len = 200001; len < 4000000; len = len * 5 / 4 | 1) { /* where growing stops */
        struct arena own;
        arena_init(&own, JSON_FACTOR * len + LEAST);
        assert_int_equal(json_read(&own, dense(len), &doc, &f), OK);
        arena_close(&own);
        arena_init(&own, len);
        assert_int_equal(json_read(&own, dense(len), &doc, &f), REJECT); /* never, here */
        assert_non_null(strstr(f.text, "memory"));
        arena_close(&own);
        arena_reset(&arena);
    }
}

static void what_a_double_cannot_hold_is_told_from_what_is_no_json(void **state)
{
    (void)state;
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&arena, S("{\"a\":1e400}"), &doc, &f), REJECT);
    assert_non_null(strstr(f.text, "line 1, column 6: the number is JSON, but beyond"));
    assert_int_equal(json_read(&arena, S("{\"a\":01}"), &doc, &f), REJECT);
    assert_non_null(strstr(f.text, "not JSON"));
}

static void what_the_grammar_allows_is_read_for_a_look_at_it(void **state)
{
    (void)state;
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    static const char *const mended[][2] = {
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\uDC00x\"", "\xef\xbf\xbdx"},
        {"\"\\ud83d\\ud83d\\ude00\\u0041\"", "\xef\xbf\xbd\xf0\x9f\x98\x80\x41"},
        {"\"\\ud83d\\n\\ude00\"", "\xef\xbf\xbd\n\xef\xbf\xbd"},
        {"\"\\\\ud83d\"", "\\ud83d"},
    };
    for (size_t i = 0; i < sizeof mended / sizeof *mended; i++) {
        assert_int_equal(json_try_read_lax(&arena, str_of(mended[i][0]), &doc, &f), OK);
        assert_true(str_eq(json_text(yyjson_doc_get_root(doc)), str_of(mended[i][1])));
    }
    assert_int_equal(json_try_read_lax(&arena, nested("{\"a\":", "1e400", "}", 5000), &doc, &f),
                     OK);
    assert_int_equal(json_try_read_lax(&arena, S("\"\\ud83\""), &doc, &f), REJECT);
    assert_int_equal(json_try_read_lax(&arena, S("\"\\ud83d"), &doc, &f), REJECT);
    assert_int_equal(json_try_read_lax(&arena, S("\"\xff\""), &doc, &f), REJECT);
    assert_int_equal(json_try_read_lax(&arena, S("\\ud83d"), &doc, &f), REJECT);
    assert_int_equal(json_try_read_lax(&arena, S(""), &doc, &f), REJECT);
}

static enum outcome unique(struct str text, struct failure *f)
{
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&arena, text, &doc, f), OK);
    return json_check_unique(&arena, yyjson_doc_get_root(doc), f);
}

/* An object with `n` keys, and at its end one of them again. */
static void a_key_that_stands_twice_is_found_in_objects_of_every_size(void **state)
{
    (void)state;
    struct failure f = {0};
    static const size_t sizes[] = {1, 2, 3, 4, 7, 8, 100, 255, 256, 257, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t again = 0; again <= sizes[i]; again += 1 + sizes[i] / 7) {
            struct buf b;
            buf_init(&b, &arena, SIZE_MAX);
            buf_add(&b, S("[{\"a\":"));
            for (size_t k = 0; k < sizes[i]; k++) { /* "": the first; the same ends */
                buf_printf(&b, "%s\"%.*s\":1", k ? "," : "{", k ? 99 : 0,
                           arena_printf(&arena, "aaaaaaaa%zubbbbbbbb", k).at);
            }
            if (again < sizes[i]) {
                buf_printf(&b, ",\"%.*s\":1", again ? 99 : 0,
                           arena_printf(&arena, "aaaaaaaa%zubbbbbbbb", again).at);
            }
            buf_add(&b, S("}}]"));
            assert_int_equal(unique(buf_str(&b), &f), again < sizes[i] ? REJECT : OK);
            arena_reset(&arena);
        }
    }
}

/* The hash looks at a key's ends alone: whatever it sees, two keys are one only where all is equal.
 */
static void keys_of_every_length_are_told_apart(void **state)
{
    (void)state;
    struct failure f = {0};
    for (size_t len = 0; len < 20; len++) {
        for (size_t at = 0; at <= len; at++) { /* where they differ; at the end: nowhere */
            struct buf b;
            buf_init(&b, &arena, SIZE_MAX);
            buf_add(&b, S("[{},[0,{}],{\"x\":{}},{\"n\":[{}],\""));
            for (size_t i = 0; i < 2 * len; i++) {
                buf_add(&b, i == len ? S("\":1,\"") : S(""));
                buf_add_byte(&b, i == len + at ? 'b' : 'a');
            }
            buf_add(&b, len ? S("\":2}]") : S("\":1,\"\":2}]"));
            assert_int_equal(unique(buf_str(&b), &f), at == len ? REJECT : OK);
            arena_reset(&arena);
        }
    }
}

static void a_path_stops_where_nothing_is(void **state)
{
    (void)state;
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&arena, S("{\"a\":{\"b\":\"x\",\"c\":null}}"), &doc, &f), OK);
    yyjson_val *const root = yyjson_doc_get_root(doc);
    assert_str(json_text(json_at(root, S("a.b"))), "x");
    assert_null(json_at(root, S("a.c")));
    assert_null(json_at(root, S("a.b.c")));
    assert_null(json_at(root, S("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(as_deep_as_the_limit_is_read_and_one_deeper_is_not, empty),
        cmocka_unit_test_setup(brackets_inside_texts_are_no_levels, empty),
        cmocka_unit_test_setup(what_is_no_json_is_rejected_with_its_place, empty),
        cmocka_unit_test_setup(the_densest_text_is_read_in_the_memory_that_is_promised, empty),
        cmocka_unit_test_setup(what_a_double_cannot_hold_is_told_from_what_is_no_json, empty),
        cmocka_unit_test_setup(what_the_grammar_allows_is_read_for_a_look_at_it, empty),
        cmocka_unit_test_setup(a_key_that_stands_twice_is_found_in_objects_of_every_size, empty),
        cmocka_unit_test_setup(keys_of_every_length_are_told_apart, empty),
        cmocka_unit_test_setup(a_path_stops_where_nothing_is, empty),
    };
    arena_init(&arena, 16 << 20);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
