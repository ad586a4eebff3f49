/* Every example webhook that GitHub publishes, of github.com and of five GitHub Enterprise Servers:
 * each is mapped, ignored or unmapped by name, and none is dead. */
#include "transform/deliveries.h"

#include <stdlib.h>

#include "test.h"
#include "wire/json.h"

static struct arena arena;
static struct arena scratch;
static struct examples examples;

enum { FATES = FATE_DEAD + 1 };

static int read_all(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    arena_init(&scratch, 64 << 20);
    examples = examples_read(&arena);
    return 0;
}

static int forget_all(void **state)
{
    (void)state;
    arena_close(&arena);
    arena_close(&scratch);
    return 0;
}

static void need_examples(void)
{
    if (examples.n == 0) {
        skip_because("GitHub's example webhooks are not in .deps (tools/setup test)");
    }
}

/* How many of a product's examples (of one event, or of all) ended how. */
static void count(const char *product, const char *event, size_t n[FATES])
{
    for (size_t i = 0; i < examples.n; i++) {
        const struct example *const e = examples.at + i;
        if (!str_starts(e->product, str_of(product)) ||
            (event && !str_eq(e->event, str_of(event)))) {
            continue;
        }
        const struct transform_out out = deliver(&scratch, NULL, e->event, S("a-guid"), e->body);
        n[out.fate]++;
        if (out.fate == FATE_DEAD) {
            print_message("%.*s, %.*s, example %zu: %s\n", STR_ARG(e->product), STR_ARG(e->event),
                          e->index, out.why.text);
        }
        arena_reset(&scratch);
    }
}

/* Source: the package's own index, and the mapping table's column n. */
static void each_is_mapped_ignored_or_unmapped_and_none_is_dead(void **state)
{
    (void)state;
    static const struct {
        const char *product;
        size_t n[FATES]; /* stored, unmapped, ignored, dead */
    } want[] = {
        {"api.github.com", {143, 164, 22, 0}},
        {"ghes-31", {16, 29, 4, 0}},
        {"ghes-32", {16, 29, 4, 0}},
        {"ghes-33", {17, 29, 4, 0}},
        {"ghes-34", {46, 70, 8, 0}},
        {"ghes-35", {46, 71, 8, 0}},
        {"", {284, 392, 50, 0}},
    };
    need_examples();
    assert_int_equal(examples.n, 726);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        size_t n[FATES] = {0};
        count(want[i].product, NULL, n);
        for (size_t fate = 0; fate < FATES; fate++) {
            if (n[fate] != want[i].n[fate]) {
                fail_msg("%s: %zu, %zu, %zu, %zu", want[i].product, n[0], n[1], n[2], n[3]);
            }
        }
    }
}

/* Of each event as many are mapped, on github.com and on its servers, as its rows say. */
static void as_many_match_a_row_as_the_mapping_table_counts(void **state)
{
    (void)state;
    static const struct {
        const char *event;
        size_t github, ghes;
    } want[] = {
        {"pull_request", 29, 17},
        {"pull_request_review", 4, 7},
        {"push", 7, 7},
        {"workflow_run", 5, 5},
        {"workflow_job", 8, 3},
        {"deployment", 4, 7},
        {"release", 13, 7},
        {"deployment_status", 4, 7},
        {"issues", 29, 21},
        {"check_suite", 3, 7},
        {"check_run", 5, 9},
        {"repository", 13, 13},
        {"pull_request_review_comment", 5, 7},
        {"pull_request_review_thread", 3, 5},
        {"code_scanning_alert", 6, 7},
        {"secret_scanning_alert", 0, 7},
        {"dependabot_alert", 3, 0},
    };
    need_examples();
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        size_t github[FATES] = {0};
        size_t ghes[FATES] = {0};
        count("api.github.com", want[i].event, github);
        count("ghes-", want[i].event, ghes);
        if (github[FATE_STORED] != want[i].github || ghes[FATE_STORED] != want[i].ghes) {
            fail_msg("%s: %zu and %zu", want[i].event, github[FATE_STORED], ghes[FATE_STORED]);
        }
    }
}

/* So that nobody's invention takes its place: an example without a mapping is of an event and an
 * action that weir has heard of. Whoever dispatches an event to a repository names it. */
static void what_github_sends_is_known_as_its_own(void **state)
{
    (void)state;
    need_examples();
    size_t others_n = 0;
    for (size_t i = 0; i < examples.n; i++) {
        const struct example *const e = examples.at + i;
        const struct transform_out out = deliver(&scratch, NULL, e->event, S("a-guid"), e->body);
        const bool is_dispatched = str_eq(e->event, S("repository_dispatch"));
        if (out.others.len > 0 && !is_dispatched) {
            fail_msg("%.*s", STR_ARG(out.name));
        }
        others_n += out.others.len > 0;
        arena_reset(&scratch);
    }
    assert_true(others_n > 0);
}

static struct str event_id(struct str action_from, struct str action_to)
{
    for (size_t i = 0; i < examples.n; i++) {
        const struct example *const e = examples.at + i;
        yyjson_doc *doc = NULL;
        struct failure f = {0};
        if (str_eq(e->event, S("pull_request")) && json_read(&scratch, e->body, &doc, &f) == OK &&
            str_eq(json_text(json_get(yyjson_doc_get_root(doc), S("action"))), action_from)) {
            yyjson_mut_doc *const patched = yyjson_doc_mut_copy(doc, NULL);
            yyjson_mut_val *const root = yyjson_mut_doc_get_root(patched);
            yyjson_mut_obj_put(root, yyjson_mut_str(patched, "action"),
                               yyjson_mut_strn(patched, action_to.at, action_to.len));
            yyjson_mut_val *const label = yyjson_mut_obj(patched);
            yyjson_mut_obj_add_str(patched, label, "name", "bug");
            yyjson_mut_obj_put(root, yyjson_mut_str(patched, "label"), label);
            char *const body = yyjson_mut_write(patched, 0, NULL);
            const struct transform_out out = deliver(&scratch, NULL, e->event, S("a-guid"),
                                                     str_of(body));
            free(body);
            yyjson_mut_doc_free(patched);
            struct row row;
            assert_int_equal(out.fate, FATE_STORED);
            assert_int_equal(fact_read(&scratch, out.fact, &row, &f), OK);
            return row.value[model_column(row.model, S("id"))].text;
        }
    }
    return S("");
}

/* The two test vectors of the rule for ids: an event told again, later and by another way, has the
 * id that it had. */
static void ids_are_those_of_the_rule(void **state)
{
    (void)state;
    need_examples();
    assert_str(event_id(S("opened"), S("opened")), "d8b8b270c3e5e2f3b306f58da5eddc80");
    assert_str(event_id(S("opened"), S("labeled")), "d09822032a3daa3102e3cf6ecbe82c24");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_mapped_ignored_or_unmapped_and_none_is_dead),
        cmocka_unit_test(as_many_match_a_row_as_the_mapping_table_counts),
        cmocka_unit_test(what_github_sends_is_known_as_its_own),
        cmocka_unit_test(ids_are_those_of_the_rule),
    };
    return cmocka_run_group_tests(tests, read_all, forget_all);
}
