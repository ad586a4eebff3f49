/* The facts of CDEvents' schemas; reference: cdevents/spec, schemas of the tags v0.3.0, v0.4.1 and
 * v0.5.1. */
#include "transform/cdevents/table.h"

#include <assert.h>

#define BIT(release) (1U << (release))
#define BEFORE_05 (BIT(CD_03) | BIT(CD_04))
#define ALWAYS (BEFORE_05 | BIT(CD_05))

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* A shape of the members below it: `SHAPE(ref);` makes `ref` of `ref_members`. */
#define SHAPE(name)                                                                                \
    static const struct cd_shape name = {name##_members, COUNT(name##_members), false}
#define OPEN_SHAPE(name)                                                                           \
    static const struct cd_shape name = {name##_members, COUNT(name##_members), true}

#define MAY(key, what) {.name = STR(key), .rule = (what)}
#define MUST(key, what) {.name = STR(key), .rule = (what), .needed_in = ALWAYS}
#define MAY_OBJECT(key, of) {.name = STR(key), .rule = CD_OBJECT, .shape = &(of)}
#define MUST_OBJECT(key, of)                                                                       \
    {.name = STR(key), .rule = CD_OBJECT, .needed_in = ALWAYS, .shape = &(of)}
#define MAY_WORDS(key, list) {.name = STR(key), .rule = CD_WORDS, .words = (list)}
#define MUST_WORDS(key, list)                                                                      \
    {.name = STR(key), .rule = CD_WORDS, .needed_in = ALWAYS, .words = (list)}
#define SINCE_04(key, what) {.name = STR(key), .rule = (what), .missing_in = BIT(CD_03)}
/* A text of a few usual words. */
#define USUAL(key, list) {.name = STR(key), .rule = CD_TEXT, .usual = (list)}
/* `uri` was `url`, and any text. */
#define URI_WAS_URL(needed)                                                                        \
    {.name = STR("uri"),                                                                           \
     .before = STR("url"),                                                                         \
     .rule = CD_URI,                                                                               \
     .rule_before = CD_TEXT,                                                                       \
     .change = CD_TO_URI,                                                                          \
     .needed_in = (needed)}
#define VIEW_URL                                                                                   \
    {.name = STR("viewUrl"), .rule = CD_URI, .rule_before = CD_TEXT, .change = CD_TO_URI}

#define OUTCOMES "success failure cancel error"
#define TEST_OUTCOME                                                                               \
    {.name = STR("outcome"),                                                                       \
     .rule = CD_WORDS,                                                                             \
     .change = CD_TO_TEST_OUTCOME,                                                                 \
     .needed_in = ALWAYS,                                                                          \
     .words = OUTCOMES,                                                                            \
     .words_before = "pass fail cancel error"}

/* ---- objects inside contents ---- */

static const struct cd_member ref_members[] = {MUST("id", CD_TEXT1),
                                               MAY("source", CD_URI_REFERENCE1)};
SHAPE(ref);
static const struct cd_member test_ref_members[] = {MUST("id", CD_TEXT1), MAY("source", CD_TEXT)};
SHAPE(test_ref);
static const struct cd_member sbom_members[] = {MUST("uri", CD_URI_REFERENCE1)};
SHAPE(sbom);
static const struct cd_member trigger_members[] = {
    MAY_WORDS("type", "manual pipeline event schedule other"), MAY("uri", CD_URI)};
OPEN_SHAPE(trigger);
static const struct cd_member test_suite_members[] = {MUST("id", CD_TEXT1), MAY("version", CD_TEXT),
                                                      MAY("name", CD_TEXT), MAY("uri", CD_URI)};
SHAPE(test_suite);
static const struct cd_member queued_test_suite_members[] = {
    MUST("id", CD_TEXT1),
    MAY("version", CD_TEXT),
    MAY("name", CD_TEXT),
    {.name = STR("uri"), .before = STR("url"), .rule = CD_URI},
};
SHAPE(queued_test_suite);
static const struct cd_member test_case_members[] = {
    MUST("id", CD_TEXT1),
    MAY("version", CD_TEXT),
    MAY("name", CD_TEXT),
    MAY_WORDS("type", "performance functional unit security compliance integration e2e other"),
    MAY("uri", CD_URI),
};
SHAPE(test_case);

/* ---- contents ---- */

static const struct cd_shape empty = {NULL, 0, false};
static const struct cd_shape anything = {NULL, 0, true};

static const struct cd_member user_members[] = {MAY("user", CD_TEXT1)};
SHAPE(user);
static const struct cd_member packaged_members[] = {
    MUST_OBJECT("change", ref),
    {.name = STR("sbom"), .rule = CD_OBJECT, .missing_in = BIT(CD_03), .shape = &sbom},
};
SHAPE(packaged);
static const struct cd_member published_members[] = {
    {.name = STR("sbom"), .rule = CD_OBJECT, .missing_in = BIT(CD_03), .shape = &sbom},
    SINCE_04("user", CD_TEXT1),
};
SHAPE(published);
static const struct cd_member signature_members[] = {MUST("signature", CD_TEXT1)};
SHAPE(signature);
static const struct cd_member in_repository_members[] = {MAY_OBJECT("repository", ref)};
SHAPE(in_repository);
static const struct cd_member change_created_members[] = {SINCE_04("description", CD_TEXT1),
                                                          MAY_OBJECT("repository", ref)};
SHAPE(change_created);
static const struct cd_member build_finished_members[] = {MAY("artifactId", CD_TEXT)};
SHAPE(build_finished);
static const struct cd_member environment_members[] = {MAY("name", CD_TEXT), URI_WAS_URL(0)};
SHAPE(environment);
static const struct cd_member environment_deleted_members[] = {MAY("name", CD_TEXT)};
SHAPE(environment_deleted);

static const struct cd_member incident_members[] = {
    MAY("description", CD_TEXT),
    MUST_OBJECT("environment", ref),
    MAY_OBJECT("service", ref),
    MAY("artifactId", CD_TEXT1),
};
SHAPE(incident);
static const struct cd_member incident_reported_members[] = {
    MAY("description", CD_TEXT), MUST_OBJECT("environment", ref), MUST("ticketURI", CD_URI1),
    MAY_OBJECT("service", ref),  MAY("artifactId", CD_TEXT1),
};
SHAPE(incident_reported);

static const struct cd_member pipeline_finished_members[] = {
    MAY("pipelineName", CD_TEXT),
    URI_WAS_URL(0),
    {.name = STR("outcome"),
     .rule = CD_WORDS,
     .rule_before = CD_TEXT,
     .change = CD_TO_OUTCOME,
     .words = OUTCOMES},
    MAY("errors", CD_TEXT),
};
SHAPE(pipeline_finished);
static const struct cd_member pipeline_queued_members[] = {MAY("pipelineName", CD_TEXT),
                                                           URI_WAS_URL(0)};
SHAPE(pipeline_queued);
static const struct cd_member pipeline_started_members[] = {MUST("pipelineName", CD_TEXT),
                                                            URI_WAS_URL(ALWAYS)};
SHAPE(pipeline_started);

static const struct cd_member repository_created_members[] = {
    MUST("name", CD_TEXT1),
    MAY("owner", CD_TEXT),
    {.name = STR("uri"),
     .before = STR("url"),
     .rule = CD_URI,
     .rule_before = CD_TEXT1,
     .change = CD_TO_URI,
     .needed_in = ALWAYS},
    VIEW_URL,
};
SHAPE(repository_created);
static const struct cd_member repository_members[] = {MAY("name", CD_TEXT), MAY("owner", CD_TEXT),
                                                      URI_WAS_URL(0), VIEW_URL};
SHAPE(repository);

static const struct cd_member deployed_members[] = {MUST_OBJECT("environment", ref),
                                                    MUST("artifactId", CD_TEXT1)};
SHAPE(deployed);
static const struct cd_member in_environment_members[] = {MAY_OBJECT("environment", ref)};
SHAPE(in_environment);

static const struct cd_member task_finished_members[] = {
    MAY("taskName", CD_TEXT),
    URI_WAS_URL(0),
    MAY_OBJECT("pipelineRun", ref),
    {.name = STR("outcome"), .rule = CD_TEXT, .change = CD_TO_OUTCOME, .usual = OUTCOMES},
    MAY("errors", CD_TEXT),
};
SHAPE(task_finished);
static const struct cd_member task_started_members[] = {MAY("taskName", CD_TEXT), URI_WAS_URL(0),
                                                        MAY_OBJECT("pipelineRun", ref)};
SHAPE(task_started);

#define SEVERITY MAY_WORDS("severity", "low medium high critical")
#define TEST_CASE MAY_OBJECT("testSuiteRun", test_ref), MAY_OBJECT("testCase", test_case)
static const struct cd_member test_case_finished_members[] = {
    TEST_OUTCOME, SEVERITY, MAY("reason", CD_TEXT), MUST_OBJECT("environment", ref), TEST_CASE};
SHAPE(test_case_finished);
static const struct cd_member test_case_begun_members[] = {
    MAY_OBJECT("trigger", trigger), MUST_OBJECT("environment", ref), TEST_CASE};
SHAPE(test_case_begun);
static const struct cd_member test_case_skipped_members[] = {
    MAY("reason", CD_TEXT), MAY_OBJECT("environment", ref), TEST_CASE};
SHAPE(test_case_skipped);
static const struct cd_member test_output_members[] = {
    MUST_WORDS("outputType", "report video image log other"), MUST("format", CD_TEXT),
    MAY("uri", CD_URI), MAY_OBJECT("testCaseRun", test_ref)};
SHAPE(test_output);
static const struct cd_member test_suite_finished_members[] = {
    MUST_OBJECT("environment", ref), MAY_OBJECT("testSuite", test_suite), TEST_OUTCOME, SEVERITY,
    MAY("reason", CD_TEXT)};
SHAPE(test_suite_finished);
static const struct cd_member test_suite_queued_members[] = {
    MAY_OBJECT("trigger", trigger), MUST_OBJECT("environment", ref),
    MAY_OBJECT("testSuite", queued_test_suite)};
SHAPE(test_suite_queued);
static const struct cd_member test_suite_started_members[] = {MAY_OBJECT("trigger", trigger),
                                                              MUST_OBJECT("environment", ref),
                                                              MAY_OBJECT("testSuite", test_suite)};
SHAPE(test_suite_started);

#define TICKET_TYPE USUAL("ticketType", "bug enhancement incident task question")
#define TICKET_REST                                                                                \
    MAY("assignees", CD_TEXTS), USUAL("priority", "low medium high"), MAY("labels", CD_TEXTS),     \
        MAY("milestone", CD_TEXT), MUST("uri", CD_URI_REFERENCE1)
static const struct cd_member ticket_closed_members[] = {
    MAY("summary", CD_TEXT),
    TICKET_TYPE,
    MAY("group", CD_TEXT),
    MAY("creator", CD_TEXT1),
    TICKET_REST,
    {.name = STR("resolution"),
     .rule = CD_TEXT1,
     .needed_in = ALWAYS,
     .usual = "completed withdrawn duplicate"},
    MAY("updatedBy", CD_TEXT),
};
SHAPE(ticket_closed);
static const struct cd_member ticket_created_members[] = {MUST("summary", CD_TEXT), TICKET_TYPE,
                                                          MAY("group", CD_TEXT),
                                                          MUST("creator", CD_TEXT1), TICKET_REST};
SHAPE(ticket_created);
static const struct cd_member ticket_updated_members[] = {
    MAY("summary", CD_TEXT),  TICKET_TYPE, MAY("group", CD_TEXT),
    MAY("creator", CD_TEXT1), TICKET_REST, MAY("updatedBy", CD_TEXT)};
SHAPE(ticket_updated);

/* ---- the envelope: one shape, and one for tests, whose sources have no format ---- */

#define VERSION(key, missing)                                                                      \
    {.name = STR(key), .rule = CD_TEXT1, .missing_in = (missing), .needed_in = ALWAYS & ~(missing)}
#define CONTEXT(source_rule)                                                                       \
    {                                                                                              \
        VERSION("specversion", BEFORE_05),                                                         \
        VERSION("version", BIT(CD_05)),                                                            \
        MUST("id", CD_TEXT1),                                                                      \
        MUST("source", source_rule),                                                               \
        MUST("type", CD_TEXT),                                                                     \
        MUST("timestamp", CD_TIME),                                                                \
        SINCE_04("schemaUri", CD_URI1),                                                            \
        SINCE_04("chainId", CD_TEXT1),                                                             \
        SINCE_04("links", CD_LINKS)}
/* The content is checked by the type's own shape. */
#define SUBJECT(source_rule, kind_missing_in)                                                      \
    {MUST("id", CD_TEXT1),                                                                         \
     MAY("source", source_rule),                                                                   \
     {.name = STR("type"),                                                                         \
      .rule = CD_KIND,                                                                             \
      .missing_in = (kind_missing_in),                                                             \
      .needed_in = BEFORE_05},                                                                     \
     MUST("content", CD_OBJECT)}
#define EVENT(context, subject)                                                                    \
    {MUST_OBJECT("context", context), MUST_OBJECT("subject", subject),                             \
     MAY("customData", CD_CUSTOM), MAY("customDataContentType", CD_TEXT)}

static const struct cd_member context_members[] = CONTEXT(CD_URI_REFERENCE1);
SHAPE(context);
static const struct cd_member test_context_members[] = CONTEXT(CD_TEXT1);
SHAPE(test_context);
static const struct cd_member subject_members[] = SUBJECT(CD_URI_REFERENCE1, BIT(CD_05));
SHAPE(subject);
static const struct cd_member test_subject_members[] = SUBJECT(CD_TEXT, BIT(CD_05));
SHAPE(test_subject);
/* ticket.closed of 0.5.x alone still has it */
static const struct cd_member closed_subject_members[] = SUBJECT(CD_URI_REFERENCE1, 0);
SHAPE(closed_subject);

static const struct cd_member event_members[] = EVENT(context, subject);
SHAPE(event);
static const struct cd_member test_event_members[] = EVENT(test_context, test_subject);
SHAPE(test_event);
static const struct cd_member closed_event_members[] = EVENT(context, closed_subject);
SHAPE(closed_event);

/* ---- links, an item of context.links each ---- */

static const struct cd_member node_members[] = {MUST("contextId", CD_TEXT1)};
OPEN_SHAPE(node);
static const struct cd_member target_members[] = {MAY("contextId", CD_TEXT1)};
OPEN_SHAPE(target);
static const struct cd_member path_members[] = {MUST_WORDS("linkType", "PATH"),
                                                MUST_OBJECT("from", node), MAY("tags", CD_ANY)};
SHAPE(path);
static const struct cd_member end_members[] = {MUST_WORDS("linkType", "END"),
                                               MAY_OBJECT("from", node), MAY("tags", CD_ANY)};
SHAPE(end);
static const struct cd_member relation_members[] = {
    MUST_WORDS("linkType", "RELATION"), MUST("linkKind", CD_TEXT1), MUST_OBJECT("target", target),
    MAY("tags", CD_ANY)};
SHAPE(relation);

/* ---- the types ---- */

#define TYPE(label, word, v03, v04, v05, in, holds)                                                \
    {.name = STR(label),                                                                           \
     .version = {STR(v03), STR(v04), STR(v05)},                                                    \
     .kind = STR(word),                                                                            \
     .event = &(in),                                                                               \
     .content = &(holds)}
/* As most came through the releases; new in 0.4. */
#define OLD(label, word, v03, holds) TYPE(label, word, v03, "0.2.0", "0.3.0", event, holds)
#define NEW(label, word, holds) TYPE(label, word, "", "0.1.0", "0.2.0", event, holds)
#define TEST(label, word, holds) TYPE(label, word, "0.1.0", "0.2.0", "0.3.0", test_event, holds)

/* The three that went other ways. */
#define CREATED(label, word, holds) TYPE(label, word, "0.1.2", "0.3.0", "0.4.0", event, holds)
#define SKIPPED(label, word, holds) TYPE(label, word, "", "0.1.0", "0.2.0", test_event, holds)
#define CLOSED(label, word, holds) TYPE(label, word, "", "0.1.0", "0.2.0", closed_event, holds)

/* clang-format off */
const struct cd_type cd_types[] = {
    NEW("artifact.deleted",       "artifact",                user),
    NEW("artifact.downloaded",    "artifact",                user),
    OLD("artifact.packaged",      "artifact",       "0.1.1", packaged),
    OLD("artifact.published",     "artifact",       "0.1.1", published),
    OLD("artifact.signed",        "artifact",       "0.1.0", signature),
    OLD("branch.created",         "branch",         "0.1.2", in_repository),
    OLD("branch.deleted",         "branch",         "0.1.2", in_repository),
    OLD("build.finished",         "build",          "0.1.1", build_finished),
    OLD("build.queued",           "build",          "0.1.1", empty),
    OLD("build.started",          "build",          "0.1.1", empty),
    OLD("change.abandoned",       "change",         "0.1.2", in_repository),
    CREATED("change.created",     "change",                  change_created),
    OLD("change.merged",          "change",         "0.1.2", in_repository),
    OLD("change.reviewed",        "change",         "0.1.2", in_repository),
    OLD("change.updated",         "change",         "0.1.2", in_repository),
    OLD("environment.created",    "environment",    "0.1.1", environment),
    OLD("environment.deleted",    "environment",    "0.1.1", environment_deleted),
    OLD("environment.modified",   "environment",    "0.1.1", environment),
    OLD("incident.detected",      "incident",       "0.1.0", incident),
    OLD("incident.reported",      "incident",       "0.1.0", incident_reported),
    OLD("incident.resolved",      "incident",       "0.1.0", incident),
    OLD("pipelinerun.finished",   "pipelineRun",    "0.1.1", pipeline_finished),
    OLD("pipelinerun.queued",     "pipelineRun",    "0.1.1", pipeline_queued),
    OLD("pipelinerun.started",    "pipelineRun",    "0.1.1", pipeline_started),
    OLD("repository.created",     "repository",     "0.1.1", repository_created),
    OLD("repository.deleted",     "repository",     "0.1.1", repository),
    OLD("repository.modified",    "repository",     "0.1.1", repository),
    OLD("service.deployed",       "service",        "0.1.1", deployed),
    OLD("service.published",      "service",        "0.1.1", in_environment),
    OLD("service.removed",        "service",        "0.1.1", in_environment),
    OLD("service.rolledback",     "service",        "0.1.1", deployed),
    OLD("service.upgraded",       "service",        "0.1.1", deployed),
    OLD("taskrun.finished",       "taskRun",        "0.1.1", task_finished),
    OLD("taskrun.started",        "taskRun",        "0.1.1", task_started),
    TEST("testcaserun.finished",  "testCaseRun",             test_case_finished),
    TEST("testcaserun.queued",    "testCaseRun",             test_case_begun),
    SKIPPED("testcaserun.skipped", "testCaseRun",            test_case_skipped),
    TEST("testcaserun.started",   "testCaseRun",             test_case_begun),
    TEST("testoutput.published",  "testOutput",              test_output),
    TEST("testsuiterun.finished", "testSuiteRun",            test_suite_finished),
    TEST("testsuiterun.queued",   "testSuiteRun",            test_suite_queued),
    TEST("testsuiterun.started",  "testSuiteRun",            test_suite_started),
    CLOSED("ticket.closed",       "ticket",                  ticket_closed),
    NEW("ticket.created",         "ticket",                  ticket_created),
    NEW("ticket.updated",         "ticket",                  ticket_updated),
};
/* clang-format on */
const size_t cd_types_n = COUNT(cd_types);

const struct cd_type cd_custom_type = {.event = &event, .content = &anything};

const struct cd_type *cd_type_find(struct str name)
{
    size_t low = 0;
    size_t high = cd_types_n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = str_cmp(cd_types[middle].name, name);
        if (order == 0) {
            return &cd_types[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

struct str cdevents_type(struct arena *a, struct str name)
{
    const struct cd_type *const type = cd_type_find(name);
    assert(type && "CDEvents has such a type");
    return arena_printf(a, "dev.cdevents.%.*s.%.*s", STR_ARG(name), STR_ARG(type->version[CD_05]));
}

const struct cd_shape *cd_link_shape(struct str link_type)
{
    return str_eq(link_type, S("PATH"))       ? &path
           : str_eq(link_type, S("RELATION")) ? &relation
           : str_eq(link_type, S("END"))      ? &end
                                              : NULL;
}

struct str cd_name_in(const struct cd_member *m, enum cd_release r)
{
    return r != CD_05 && m->before.len ? m->before : m->name;
}

bool cd_is_in(const struct cd_member *m, enum cd_release r)
{
    return !(m->missing_in & BIT(r));
}

bool cd_is_needed_in(const struct cd_member *m, enum cd_release r)
{
    return (m->needed_in & BIT(r)) != 0;
}

const struct cd_member *cd_member_find(const struct cd_shape *shape, enum cd_release r,
                                       struct str name)
{
    for (size_t i = 0; i < shape->n; i++) {
        if (cd_is_in(&shape->member[i], r) && str_eq(cd_name_in(&shape->member[i], r), name)) {
            return &shape->member[i];
        }
    }
    return NULL;
}

bool cd_words_hold(const char *words, struct str word)
{
    struct str rest = str_of(words);
    while (rest.len > 0) {
        if (str_eq(str_cut(rest, ' ', &rest), word)) {
            return true;
        }
    }
    return false;
}
