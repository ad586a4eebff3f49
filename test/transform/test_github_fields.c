/* What a payload lacks or has in another shape: the dead letter names that field, and nothing else
 * happens. Every member of every recorded delivery is taken away, and made something else, in turn.
 */
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "transform/deliveries.h"
#include "wire/json.h"

static struct arena kept;
static struct arena arena;
static size_t variants;
static size_t dead;

enum { WITHOUT, OTHERS = 10 };
#define WRAPPED "-1000000" /* what 2^64 - 1000000 is as a signed number */

/* The member at `pointer` is taken away, or becomes something of another shape. */
static struct str variant(yyjson_doc *from, struct str pointer, size_t how)
{
    yyjson_mut_doc *const doc = yyjson_doc_mut_copy(from, NULL);
    yyjson_mut_val *const others[OTHERS] = {
        [1] = yyjson_mut_null(doc),
        [2] = yyjson_mut_obj(doc),
        [3] = yyjson_mut_arr(doc),
        [4] = yyjson_mut_int(doc, -7),
        [5] = yyjson_mut_str(doc, "\n~"),
        [6] = yyjson_mut_bool(doc, true),
        [7] = yyjson_mut_real(doc, 1e300),
        [8] = yyjson_mut_str(doc, ""),
        [9] = yyjson_mut_uint(doc, UINT64_MAX - 999999),
    };
    if (how == WITHOUT) {
        assert_non_null(yyjson_mut_doc_ptr_removen(doc, pointer.at, pointer.len));
    } else {
        assert_true(yyjson_mut_doc_ptr_setn(doc, pointer.at, pointer.len, others[how]));
    }
    size_t len = 0;
    char *const text = yyjson_mut_write(doc, 0, &len);
    const struct str body = arena_str(&arena, (struct str){text, len});
    free(text);
    yyjson_mut_doc_free(doc);
    return body;
}

/* Dead only at this field, at what holds it or at what is in it. */
static void deliver_variants(const struct recorded *r, yyjson_doc *doc, struct str pointer)
{
    for (size_t how = WITHOUT; how < OTHERS; how++) {
        const struct transform_out out = deliver(&arena, r->config, r->event, r->id,
                                                 variant(doc, pointer, how));
        variants++;
        if (out.fate == FATE_DEAD) {
            const struct str named = str_of(out.why.pointer);
            dead++;
            if (!str_starts(named, pointer) && !str_starts(pointer, named)) {
                fail_msg("variant %zu of %.*s: the dead letter names %s", how, STR_ARG(pointer),
                         out.why.pointer);
            }
            assert_true(named.len > 0);
            assert_int_equal(out.facts_n, 0);
        } else if (out.fate == FATE_STORED) {
            assert_true(out.facts_n > 0);
        }
        for (size_t i = 0; i < out.facts_n; i++) {
            assert_null(strstr(arena_cstr(&arena, out.fact[i].data), WRAPPED));
        }
        arena_reset(&arena);
    }
}

static void vary(const struct recorded *r, yyjson_doc *doc, yyjson_val *at, struct str pointer)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    if (pointer.len > 0) {
        deliver_variants(r, doc, pointer);
    }
    if (yyjson_is_obj(at)) {
        yyjson_obj_foreach(at, i, n, key, value)
        {
            vary(r, doc, value, arena_printf(&kept, "%s/%s", pointer.at, yyjson_get_str(key)));
        }
    } else if (yyjson_is_arr(at)) {
        yyjson_arr_foreach(at, i, n, value)
        {
            vary(r, doc, value, arena_printf(&kept, "%s/%zu", pointer.at, i));
        }
    }
}

static void a_dead_letter_names_the_field_that_is_missing_or_wrong(void **state)
{
    (void)state;
    const struct str_list names = names_in(&kept, "test/golden/github");
    assert_true(names.n > 0);
    for (size_t i = 0; i < names.n; i++) {
        struct failure f = {0};
        yyjson_doc *doc = NULL;
        const struct recorded r = recorded_read(&kept, names.at[i].at);
        if (str_starts(names.at[i], S("dead"))) {
            continue;
        }
        assert_int_equal(json_read(&kept, r.body, &doc, &f), OK);
        vary(&r, doc, yyjson_doc_get_root(doc), S(""));
    }
    assert_true(variants > 10000 && dead > 1000);
}

static void what_is_no_json_object_is_dead(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "{", "[]", "7", "null", "\"x\""};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct transform_out out = deliver(&arena, NULL, S("push"), S("a-guid"),
                                                 str_of(bodies[i]));
        assert_int_equal(out.fate, FATE_DEAD);
        assert_string_equal(out.why.pointer, "");
        assert_true(out.why.text[0] != '\0');
    }
}

static void json_that_cannot_be_used_is_dead_and_says_why(void **state)
{
    (void)state;
    static const char *const bodies[][2] = {
        {"{\"ref\":\"\\ud83d\"}", "low surrogate"},
        {"{\"ref\":1e400}", "beyond"},
        {"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", "\"b\" stands twice"}};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct transform_out out = deliver(&arena, NULL, S("push"), S("a-guid"),
                                                 str_of(bodies[i][0]));
        assert_int_equal(out.fate, FATE_DEAD);
        assert_non_null(strstr(out.why.text, bodies[i][1]));
    }
}

/* A delivery's body with `json` at the pointer. */
static struct str body_with(struct str body, const char *pointer, const char *json)
{
    size_t len = 0;
    yyjson_doc *const doc = yyjson_read(body.at, body.len, 0);
    yyjson_doc *const other = yyjson_read(json, strlen(json), 0);
    yyjson_mut_doc *const changed = yyjson_doc_mut_copy(doc, NULL);
    yyjson_mut_val *const put = yyjson_val_mut_copy(changed, yyjson_doc_get_root(other));
    assert_true(yyjson_mut_doc_ptr_set(changed, pointer, put));
    char *const text = yyjson_mut_write(changed, 0, &len);
    const struct str result = arena_str(&arena, (struct str){text, len});
    free(text);
    yyjson_mut_doc_free(changed);
    yyjson_doc_free(other);
    yyjson_doc_free(doc);
    return result;
}

static void a_dead_letter_says_what_was_found_and_what_is_needed(void **state)
{
    (void)state;
    static const struct {
        const char *name, *pointer, *json, *named, *why;
    } cases[] = {
        {"PR1", "/pull_request/title", "{}", "", "is an object, and the row needs a text"},
        {"PR1", "/pull_request/title", "[1.5]", "", "is a list, and the row needs a text"},
        {"PR1", "/pull_request/title", "true", "", "is true, and the row needs a text"},
        {"PR1", "/pull_request/commits", "\"many\"", "",
         "is the text \"many\", and the row needs a whole number"},
        {"PR1", "/pull_request/commits", "1.5", "",
         "is 1.5, and the row needs a whole number of at most 64 bits"},
        {"PR1", "/pull_request/title", "1.5", "",
         "is 1.5, and the row needs a text, or a whole number of at most 64 bits"},
        {"PR1", "/pull_request/title", "18446744073709551616", "",
         "and the row needs a text, or a whole number of at most 64 bits"},
        {"PR1", "/pull_request/labels/1/name", "1.5", "/pull_request/labels",
         "name of its element 1 is no whole number of at most 64 bits: the row needs a text"},
        {"PR1", "/pull_request/draft", "\"yes\"", "",
         "is the text \"yes\", and the row needs true or false"},
        {"PR1", "/pull_request/updated_at", "\"Monday\"", "",
         "is the text \"Monday\", and the row needs a time as RFC 3339 has it"},
        {"PR1", "/pull_request/updated_at", "[]", "",
         "is a list, and the row needs a time as RFC 3339 has it"},
        {"PR1", "/pull_request/created_at",
         "\"01234567890123456789012345678901234567\xc3\xa4\xc3\xa4\"", "",
         "is the text \"01234567890123456789012345678901234567\xc3\xa4\", and"},
        {"PR1", "/pull_request/created_at", "\"012345678901234567890123456789012345678\xc3\xa4\"",
         "", "is the text \"012345678901234567890123456789012345678\", and"},
        {"PR1", "/pull_request/labels", "{}", "", "is an object, and the row needs a list"},
        {"PR1", "/pull_request/labels", "\"bug\"", "",
         "is the text \"bug\", and the row needs a list"},
        {"PR1", "/pull_request/labels/1/name", "{}", "/pull_request/labels",
         "is a list, and name of its element 1 is an object: the row needs a text of each"},
        {"PR1", "/pull_request/labels/1", "{}", "/pull_request/labels",
         "is a list, and name of its element 1 is not there: the row needs a text of each"},
        {"PU1", "/commits", "7", "", "is 7, and the row needs a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct recorded r = recorded_read(&kept, cases[i].name);
        const struct str body = body_with(r.body, cases[i].pointer, cases[i].json);
        const struct transform_out out = deliver(&arena, r.config, r.event, r.id, body);
        assert_int_equal(out.fate, FATE_DEAD);
        assert_string_equal(out.why.pointer, cases[i].named[0] ? cases[i].named : cases[i].pointer);
        if (!strstr(out.why.text, cases[i].why)) {
            fail_msg("\"%s\" does not say \"%s\"", out.why.text, cases[i].why);
        }
    }
}

static void a_name_that_is_no_word_is_not_repeated(void **state)
{
    (void)state;
    const struct str body = S("{\"action\":\"<x>/\\n\"}");
    const struct transform_out known = deliver(&arena, NULL, S("star"), S("a-guid"), body);
    assert_int_equal(known.fate, FATE_UNMAPPED);
    assert_str(known.name, "github/star/other");
    const struct transform_out invented = deliver(&arena, NULL, S("a b"), S("a-guid"), body);
    assert_int_equal(invented.fate, FATE_UNMAPPED);
    assert_str(invented.name, "github/other");
    const struct transform_out wordless = deliver(&arena, NULL, S("newer_event"), S("a-guid"),
                                                  body);
    assert_str(wordless.name, "github/newer_event/other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_letter_names_the_field_that_is_missing_or_wrong),
        cmocka_unit_test(what_is_no_json_object_is_dead),
        cmocka_unit_test(a_dead_letter_says_what_was_found_and_what_is_needed),
        cmocka_unit_test(json_that_cannot_be_used_is_dead_and_says_why),
        cmocka_unit_test(a_name_that_is_no_word_is_not_repeated),
    };
    arena_init(&arena, 64 << 20);
    arena_init(&kept, 512 << 20);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    arena_close(&kept);
    return failed;
}
