/* One folder a CDEvent: test/golden/cdevents_models/CASE/{input.json,config.yaml,want.json}, where
 * want.json holds what the event says of the models besides the event itself. In any order, each
 * any number of times, they fold to the same rows, and to the right ones.
 * WEIR_GOLDEN=write writes want.json anew: read the difference before you keep it. */
#include "base/file.h"
#include "golden/shown.h"
#include "signal/fold.h"
#include "test.h"
#include "transform/cdevents/table.h"
#include "transform/deliveries.h"
#include "transform/stories.h"
#include "wire/json.h"

enum { FILE_BYTES_MAX = 1 << 20, ROUNDS = 60, TOLD_MAX = 200 };

static const char folder[] = "test/golden/cdevents_models";
static struct arena arena;
static struct arena kept;

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct str read_case(const char *name, const char *file)
{
    struct str text = {0};
    struct failure f = {0};
    const struct str path = arena_printf(&arena, "%s/%s/%s", folder, name, file);
    return file_read(&arena, path.at, FILE_BYTES_MAX, &text, &f) == OK ? text : S("");
}

static struct transform_out of_case(const char *name)
{
    const struct str yaml = read_case(name, "config.yaml");
    const struct str event = read_case(name, "input.json");
    if (event.len == 0) {
        fail_msg("%s has no input.json", name);
    }
    return take_event(&arena, yaml.len > 0 ? config_of(&arena, yaml) : NULL, event);
}

static void each_event_says_of_the_models_what_its_folder_wants(void **state)
{
    (void)state;
    const struct str_list names = names_in(&kept, folder);
    unsigned differences = 0;
    assert_true(names.n >= 40);
    for (size_t i = 0; i < names.n; i++) {
        const struct transform_out out = of_case(names.at[i].at);
        differences += !is_wanted(&arena, folder, names.at[i].at, shown(&arena, &out, true));
        arena_reset(&arena);
    }
    assert_int_equal(differences, 0);
}

/* Of the types that no model takes in, each for a reason: builds, environments and repositories
 * have no model; of a service that was removed or published, and of an artifact that was signed or
 * downloaded, the model has nothing to say; an output belongs to its case. */
static void every_type_of_event_folds_but_those_that_no_model_has_a_place_for(void **state)
{
    (void)state;
    static const char none[] = " artifact.downloaded artifact.signed build.finished build.queued "
                               "build.started environment.created environment.deleted "
                               "environment.modified repository.created repository.deleted "
                               "repository.modified service.published service.removed "
                               "testoutput.published ";
    for (size_t i = 0; i < cd_types_n; i++) {
        const char *const name = cd_types[i].name.at;
        const bool is_none = strstr(none, arena_printf(&arena, " %s ", name).at) != NULL;
        if (is_none) {
            continue;
        }
        const struct transform_out out = of_case(name);
        if (out.facts_n != 2) {
            fail_msg("%s gives %zu facts: %s", name, out.facts_n, out.why.text);
        }
    }
}

static struct told tell_case(const char *name)
{
    const struct transform_out out = of_case(name);
    return told_by(&arena, &out);
}

static void any_order_and_repetition_gives_the_same_rows(void **state)
{
    (void)state;
    const struct str_list names = names_in(&kept, folder);
    struct told told[TOLD_MAX];
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++) {
        told[n++] = tell_case(names.at[i].at);
    }
    assert_order_cannot_matter(&arena, told, n, ROUNDS);
}

/* clang-format off */
static const struct story stories[] = {
    {"pipelinerun.queued pipelinerun.started pipelinerun.finished", "pipeline_run", {
        {"name", "build"}, {"url", "https://ci.acme.example/7"}, {"outcome", "failure"},
        {"queue_s", "60"}, {"duration_s", "300"}, {"errors", "exit code 2"}}},
    {"pipelinerun.queued pipelinerun.started-of-a-user pipelinerun.finished", "pipeline_run", {
        {"actor", "ines"}, {"outcome", "failure"}, {"duration_s", "300"}}},
    {"taskrun.started taskrun.finished", "task_run", {
        {"name", "compile"}, {"pipeline_run_id", "run-7"}, {"outcome", "failure"},
        {"original_result", "error"}, {"url", "https://ci.acme.example/7/1"}, {"duration_s", "180"}}},
    {"testcaserun.queued testcaserun.started testcaserun.finished", "test_run", {
        {"outcome", "failure"}, {"failed", "1"}, {"suite_run_id", "suite-1"}, {"type", "unit"},
        {"duration_s", "20"}, {"severity", "high"}}},
    {"testsuiterun.queued testsuiterun.started testsuiterun.finished", "test_run", {
        {"outcome", "success"}, {"kind", "suite"}, {"duration_s", "120"}, {"name", "unit"},
        {"test_id", "s-1"}}},
    {"incident.detected incident.reported incident.resolved", "incident", {
        {"state", "resolved"}, {"service", "shop"}, {"title", "Checkout is down"},
        {"detected_at", "2026-03-02T12:20:00.000000Z"}, {"linked", "d-1"},
        {"resolved_at", "2026-03-02T12:50:00.000000Z"},
        {"url", "https://jira.acme.example/INC-1"}}},
    {"incident.detected incident.resolved incident.detected-again", "incident", {
        {"state", "open"}, {"resolved_at", "null"}, {"service", "shop"}}},
    {"ticket.created ticket.updated ticket.closed", "ticket", {
        {"state", "closed"}, {"assignees", "rosa omar"}, {"author", "ines"}, {"type", "bug"},
        {"resolution", "completed"}, {"closed_at", "2026-03-02T17:00:00.000000Z"}}},
    {"change.created change.updated change.reviewed change.merged", "change", {
        {"repository", "gitlab.acme.example/acme/shop"}, {"title", "Round prices"},
        {"state", "merged"}, {"first_review_at", "2026-03-02T09:30:00.000000Z"},
        {"merged_at", "2026-03-02T09:40:00.000000Z"}}},
    {"branch.created branch.deleted", "branch", {
        {"name", "feature/cents"}, {"deleted_at", "2026-03-02T10:00:00.000000Z"},
        {"created_at", "2026-03-02T09:00:00.000000Z"}}},
    {"artifact.packaged artifact.published artifact.deleted", "release", {
        {"change_id", "!17"}, {"author", "rosa"}, {"deleted_at", "2026-03-02T18:00:00.000000Z"},
        {"published_at", "2026-03-02T10:11:00.000000Z"}}},
};
/* clang-format on */

static void each_story_ends_as_it_happened_whatever_the_order(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof stories / sizeof *stories; s++) {
        struct told told[16];
        size_t n = 0;
        for (struct str rest = str_of(stories[s].deliveries); rest.len > 0;) {
            told[n++] = tell_case(arena_cstr(&arena, str_cut(rest, ' ', &rest)));
        }
        assert_story(&arena, &stories[s], told, n, ROUNDS);
        arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_event_says_of_the_models_what_its_folder_wants, empty),
        cmocka_unit_test_setup(every_type_of_event_folds_but_those_that_no_model_has_a_place_for,
                               empty),
        cmocka_unit_test_setup(any_order_and_repetition_gives_the_same_rows, empty),
        cmocka_unit_test_setup(each_story_ends_as_it_happened_whatever_the_order, empty),
    };
    arena_init(&arena, 256 << 20);
    arena_init(&kept, 16 << 20);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    arena_close(&kept);
    return failed;
}
