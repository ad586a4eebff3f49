/* One folder a row of the GitHub mapping: test/golden/github/ROW/{headers,input.json,want.json};
 * and where GitHub's own examples show none of a row, one of them patched:
 * test/golden/github_examples/ROW/{from,patch.json,want.json}, `from` naming product, event, index.
 * WEIR_GOLDEN=write writes want.json anew: read the difference before you keep it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "golden/shown.h"
#include "test.h"
#include "transform/cdevents/validate.h"
#include "transform/deliveries.h"
#include "wire/json.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static const char own[] = "test/golden/github";
static const char patched[] = "test/golden/github_examples";
static struct arena arena;
static struct arena kept; /* over the resets of `arena` */

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct str read_file(const char *folder, const char *name, const char *file)
{
    struct str text;
    struct failure f = {0};
    const struct str path = arena_printf(&arena, "%s/%s/%s", folder, name, file);
    if (file_read(&arena, path.at, FILE_BYTES_MAX, &text, &f) != OK) {
        fail_msg("%s", f.text);
    }
    return text;
}

static struct transform_out of_folder(const char *name)
{
    const struct recorded r = recorded_read(&arena, name);
    assert_true(r.event.len > 0 && r.id.len > 0);
    return deliver(&arena, r.config, r.event, r.id, r.body);
}

static unsigned differences;

static void each_row_gives_what_its_folder_says(void **state)
{
    (void)state;
    const struct str_list names = names_in(&kept, own);
    differences = 0;
    assert_true(names.n >= 48);
    for (size_t i = 0; i < names.n; i++) {
        const struct transform_out out = of_folder(names.at[i].at);
        differences += !is_wanted(&arena, own, names.at[i].at, shown(&arena, &out, false));
        arena_reset(&arena);
    }
    assert_int_equal(differences, 0);
}

/* RFC 7396 */
static struct str merged(struct str body, struct str patch)
{
    struct failure f = {0};
    yyjson_doc *from = NULL;
    yyjson_doc *by = NULL;
    assert_int_equal(json_read(&arena, body, &from, &f), OK);
    assert_int_equal(json_read(&arena, patch, &by, &f), OK);
    yyjson_mut_doc *const doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(
        doc, yyjson_merge_patch(doc, yyjson_doc_get_root(from), yyjson_doc_get_root(by)));
    char *const text = yyjson_mut_write(doc, 0, NULL);
    const struct str out = arena_str(&arena, str_of(text));
    free(text);
    yyjson_mut_doc_free(doc);
    return out;
}

/* The example that the folder's `from` names, patched. */
static struct transform_out of_example(const struct examples *examples, const char *name)
{
    struct str rest = str_trim(read_file(patched, name, "from"));
    const struct str product = str_cut(rest, ' ', &rest);
    const struct str event = str_cut(rest, ' ', &rest);
    uint64_t index = 0;
    assert_true(str_to_u64(str_cut(rest, '\n', &rest), &index));
    for (size_t i = 0; i < examples->n; i++) {
        const struct example *const e = examples->at + i;
        if (str_eq(e->product, product) && str_eq(e->event, event) && e->index == index) {
            return deliver(&arena, NULL, event, S("a-guid"),
                           merged(e->body, read_file(patched, name, "patch.json")));
        }
    }
    fail_msg("%s: there is no such example", name);
    return (struct transform_out){0};
}

static void each_patched_example_gives_what_its_folder_says(void **state)
{
    (void)state;
    const struct examples examples = examples_read(&kept);
    const struct str_list names = names_in(&kept, patched);
    if (examples.n == 0) {
        skip_because("GitHub's example webhooks are not in .deps (tools/setup test)");
    }
    differences = 0;
    assert_true(names.n > 0);
    for (size_t i = 0; i < names.n; i++) {
        const struct transform_out out = of_example(&examples, names.at[i].at);
        assert_int_equal(out.fate, FATE_STORED);
        differences += !is_wanted(&arena, patched, names.at[i].at, shown(&arena, &out, false));
        arena_reset(&arena);
    }
    assert_int_equal(differences, 0);
}

/* The fact of model `event` as the CDEvent that it stands for. */
static yyjson_doc *event_of(const struct signal *fact)
{
    struct row row;
    struct failure f = {0};
    assert_int_equal(fact_read(&arena, fact, &row, &f), OK);
    const struct value *const v = row.value;
    char time[CLOCK_TEXT_BYTES];
    struct buf b;
    buf_init(&b, &arena, SIZE_MAX);
    buf_add(&b, S("{\"context\":{\"specversion\":\"0.5.1\",\"id\":"));
    buf_add_json(&b, v[model_column(row.model, S("id"))].text);
    buf_add(&b, S(",\"source\":"));
    buf_add_json(&b, v[model_column(row.model, S("source"))].text);
    buf_add(&b, S(",\"type\":"));
    buf_add_json(&b, v[model_column(row.model, S("type"))].text);
    const size_t len = clock_text(v[model_column(row.model, S("occurred_at"))].number, time);
    buf_printf(&b, ",\"timestamp\":\"%.*s\"},\"subject\":{\"id\":", (int)len, time);
    buf_add_json(&b, v[model_column(row.model, S("subject_id"))].text);
    buf_add(&b, S(",\"content\":"));
    buf_add(&b, v[model_column(row.model, S("content"))].text);
    buf_add(&b, S("},\"customData\":"));
    buf_add(&b, v[model_column(row.model, S("custom_data"))].text);
    buf_add_byte(&b, '}');
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&arena, buf_str(&b), &doc, &f), OK);
    return doc;
}

/* How many events it gave; each is held against the schema of its type. */
static size_t check_events(const struct transform_out *out, const char *from)
{
    size_t n = 0;
    for (size_t i = 0; i < out->facts_n; i++) {
        struct cd_event event;
        struct failure f = {0};
        if (!str_eq(out->fact[i].type, S("weir.fact.event"))) {
            continue;
        }
        if (cd_validate(&arena, yyjson_doc_get_root(event_of(out->fact + i)), &event, &f) != OK) {
            fail_msg("%s: %s: %s", from, f.pointer, f.text);
        }
        n++;
    }
    return n;
}

static void each_event_is_valid_by_the_schema_of_its_type(void **state)
{
    (void)state;
    const struct str_list names = names_in(&kept, own);
    const struct examples examples = examples_read(&kept);
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++) {
        const struct transform_out out = of_folder(names.at[i].at);
        n += check_events(&out, names.at[i].at);
        arena_reset(&arena);
    }
    assert_true(n >= 48);
    for (size_t i = 0; i < examples.n; i++) {
        const struct example *const e = examples.at + i;
        const struct transform_out out = deliver(&arena, NULL, e->event, S("a-guid"), e->body);
        (void)check_events(&out, arena_cstr(&arena, e->event));
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_row_gives_what_its_folder_says, empty),
        cmocka_unit_test_setup(each_patched_example_gives_what_its_folder_says, empty),
        cmocka_unit_test_setup(each_event_is_valid_by_the_schema_of_its_type, empty),
    };
    arena_init(&arena, 64 << 20);
    arena_init(&kept, 256 << 20);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    arena_close(&kept);
    return failed;
}
