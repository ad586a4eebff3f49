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
        cmocka_unit_test_setup(a_path_stops_where_nothing_is, empty),
    };
    arena_init(&arena, 16 << 20);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
