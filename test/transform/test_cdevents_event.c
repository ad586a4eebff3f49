/* One CDEvent into its fact, and what the published examples do not show: 0.4.0, values that 0.5.1
 * does not take, versions that name no release. */
#include "base/buf.h"
#include "test.h"
#include "transform/cdevents/formats.h"
#include "transform/cdevents/upconvert.h"
#include "transform/transform.h"

static struct arena arena;

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct transform_out transformed(struct str event)
{
    const struct signal raw = {.id = S("1"),
                               .source = S("/ci"),
                               .type = S("dev.cdevents"),
                               .agent = S("builds"),
                               .time_us = TIME_NONE,
                               .received_us = 1704250000000000, /* 2024-01-03T02:46:40Z */
                               .data = event};
    const struct config config = {.rules = {.skew_ms = 24 * 3600 * 1000}};
    struct transform_out out = {.arena = &arena};
    transformer_cdevents.run(
        &(struct transform_in){
            .raw = &raw, .raw_at = S("intake-0:64"), .config = &config, .arena = &arena},
        &out);
    return out;
}

/* The named column of the first fact, which is the event, as text. */
static struct str column(struct str event, const char *name)
{
    const struct transform_out out = transformed(event);
    struct row row;
    struct failure f = {0};
    if (out.fate != FATE_STORED || out.facts_n == 0) {
        fail_msg("%s: %s", out.why.pointer, out.why.text);
    }
    if (fact_read(&arena, &out.fact[0], &row, &f) != OK) {
        fail_msg("%s", f.text);
    }
    const struct value v = row.value[model_column(row.model, str_of(name))];
    if (v.kind == VALUE_TIME) {
        char text[CLOCK_TEXT_BYTES];
        return arena_str(&arena, (struct str){text, clock_text(v.number, text)});
    }
    return v.kind == VALUE_LIST ? v.list.at[0] : v.kind == VALUE_NULL ? S("null") : v.text;
}

#define assert_dead(event, pointer_, text_)                                                        \
    do {                                                                                           \
        const struct transform_out out_ = transformed(event);                                      \
        assert_int_equal(out_.fate, FATE_DEAD);                                                    \
        assert_string_equal(out_.why.pointer, (pointer_));                                         \
        assert_string_equal(out_.why.text, (text_));                                               \
    } while (0)

#define RUN_04(context, content)                                                                   \
    S("{\"context\":{" context ",\"id\":\"1\",\"source\":\"https://ci.example.org/a/\","           \
      "\"type\":\"dev.cdevents.pipelinerun.finished.0.2.0\","                                      \
      "\"timestamp\":\"2024-01-02T03:04:05+01:00\"},\"subject\":{\"id\":\"7\","                    \
      "\"type\":\"pipelineRun\",\"content\":{" content "}}}")

/* The longest source that an intake takes, before each address that was relative. */
static void relative_addresses_take_a_long_source_before_them(void **state)
{
    enum { SOURCE_BYTES = 4096 };
    char path[SOURCE_BYTES];
    (void)state;
    memset(path, 'x', sizeof path);
    const struct str event = arena_printf(
        &arena,
        "{\"context\":{\"version\":\"0.4.1\",\"id\":\"r\",\"source\":\"http://h/%.*s/\",\"type\":"
        "\"dev.cdevents.repository.created.0.2.0\",\"timestamp\":\"2026-11-20T00:00:00Z\"},"
        "\"subject\":{\"id\":\"r1\",\"source\":\"/s\",\"type\":\"repository\",\"content\":{"
        "\"name\":\"n\",\"url\":\"a\",\"viewUrl\":\"b\"}}}",
        SOURCE_BYTES, path);
    const struct str want = arena_printf(
        &arena, "{\"name\":\"n\",\"uri\":\"http://h/%.*s/a\",\"viewUrl\":\"http://h/%.*s/b\"}",
        SOURCE_BYTES, path, SOURCE_BYTES, path);
    assert_true(str_eq(column(event, "content"), want));
}

static void an_event_becomes_a_fact_of_its_own(void **state)
{
    (void)state;
    const struct str event = S(
        "{ \"context\": {\"specversion\": \"0.5.1\", \"id\": \"a b\", \"source\": \"/ci\",\n"
        "  \"type\": \"dev.cdevents.taskrun.finished.0.3.0\", \"chainId\": \"c\",\n"
        "  \"timestamp\": \"2024-01-02T03:04:05.1234567Z\", \"links\": []},\n"
        "  \"subject\": {\"id\": \"7\", \"source\": \"/x\", \"content\": {\"errors\": \" a \\\" "
        "b\"}},\n"
        "  \"customData\": {\"n\": 1.50, \"big\": 123456789012345678901234567890}}");
    assert_str(column(event, "source"), "/ci");
    assert_str(column(event, "id"), "a b");
    assert_str(column(event, "type"), "dev.cdevents.taskrun.finished.0.3.0");
    assert_str(column(event, "subject_type"), "taskrun");
    assert_str(column(event, "predicate"), "finished");
    assert_str(column(event, "subject_id"), "7");
    assert_str(column(event, "subject_source"), "/x");
    assert_str(column(event, "occurred_at"), "2024-01-02T03:04:05.123456Z");
    assert_str(column(event, "chain_id"), "c");
    assert_str(column(event, "links"), "[]");
    assert_str(column(event, "content"), "{\"errors\":\" a \\\" b\"}");
    assert_str(column(event, "custom_data"), "{\"n\":1.50,\"big\":123456789012345678901234567890}");
    assert_str(column(event, "original_specversion"), "0.5.1");
    const struct transform_out out = transformed(event);
    assert_str(out.fact[0].type, "weir.fact.event");
    assert_int_equal(str_find(out.fact[0].data, '\n'), out.fact[0].data.len);
}

static bool holds(struct str text, struct str part)
{
    return memmem(text.at, text.len, part.at, part.len) != NULL;
}

static void numbers_stay_as_they_were_written(void **state)
{
    (void)state;
    const struct transform_out out = transformed(
        S("{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"1\",\"source\":\"/ci\",\"type\":"
          "\"dev.cdevents.build.queued.0.3.0\",\"timestamp\":\"2024-01-02T03:04:05Z\"},"
          "\"subject\":{\"id\":\"7\",\"content\":{}},\"customData\":{\"a\":1.50,"
          "\"b\":123456789012345678901234567890}}"));
    assert_true(holds(out.fact[0].data, S("\"custom_data\":{\"a\":1.50,"
                                          "\"b\":123456789012345678901234567890}")));
}

static void an_outcome_of_another_word_is_translated_and_noted(void **state)
{
    (void)state;
    assert_str(column(RUN_04("\"version\":\"0.4.1\"", "\"outcome\":\"Timed-Out\""), "content"),
               "{\"outcome\":\"failure\"}");
    assert_true(
        holds(column(RUN_04("\"version\":\"0.4.1\"", "\"outcome\":\"Timed-Out\""), "attributes_by"),
              S("[{\"pointer\":\"/subject/content/outcome\",\"old\":\"Timed-Out\","
                "\"new\":\"failure\"}]")));
    assert_str(
        column(RUN_04("\"version\":\"0.4.1\"", "\"outcome\":\"odd\",\"errors\":\"e\""), "content"),
        "{\"errors\":\"e\"}");
    assert_str(column(RUN_04("\"version\":\"0.4.1\"", "\"outcome\":\"success\""), "attributes_by"),
               "null");
}

static void a_url_becomes_a_uri_seen_from_its_source(void **state)
{
    (void)state;
    assert_str(column(RUN_04("\"version\":\"0.4.1\"", "\"url\":\"runs/7\""), "content"),
               "{\"uri\":\"https://ci.example.org/a/runs/7\"}");
    assert_str(column(RUN_04("\"version\":\"0.4.1\"", "\"url\":\"run 7\""), "content"), "{}");
    assert_str(
        column(S("{\"context\":{\"version\":\"0.3.0\",\"id\":\"1\",\"source\":\"/ci\",\"type\":"
                 "\"dev.cdevents.repository.created.0.1.1\",\"timestamp\":"
                 "\"2024-01-02T03:04:05Z\"},\"subject\":{\"id\":\"7\",\"type\":\"repository\","
                 "\"content\":{\"name\":\"n\",\"url\":\"a b\",\"viewUrl\":\"\"}}}"),
               "content"),
        "{\"name\":\"n\",\"uri\":\"urn:x-unresolved:a%20b\"}");
}

static void what_0_4_0_wrote_with_underscores_is_renamed(void **state)
{
    (void)state;
    const struct str event = RUN_04(
        "\"version\":\"0.4.0\",\"chain_id\":\"c\",\"links\":[{\"link_type\":\"RELATION\","
        "\"link_kind\":\"k\",\"target\":{\"context_id\":\"2\"},\"tags\":{\"link_type\":1}}]",
        "");
    assert_str(column(event, "chain_id"), "c");
    assert_str(column(event, "links"),
               "[{\"linkType\":\"RELATION\",\"linkKind\":\"k\",\"target\":{\"contextId\":\"2\"},"
               "\"tags\":{\"link_type\":1}}]");
    assert_str(column(event, "type"), "dev.cdevents.pipelinerun.finished.0.3.0");
    assert_str(
        column(S("{\"context\":{\"version\":\"0.4.0\",\"id\":\"1\",\"source\":\"/ci\",\"type\":"
                 "\"dev.cdeventsx.tool-thing.made\",\"timestamp\":\"2024-01-02T03:04:05Z\"},"
                 "\"subject\":{\"id\":\"7\",\"type\":\"tool-thing\",\"content\":{}}}"),
               "type"),
        "dev.cdeventsx.tool-thing.made.0.0.0");
    assert_dead(RUN_04("\"version\":\"0.4.1\",\"chain_id\":\"c\"", ""), "/context/chain_id",
                "is not known to CDEvents 0.4.1 here; known: version, id, source, type, timestamp, "
                "schemaUri, chainId, links");
}

static void a_version_of_no_release_leaves_it_to_the_type(void **state)
{
    (void)state;
    const struct str event = RUN_04("\"version\":\"0.9-draft\"", "");
    assert_str(column(event, "original_specversion"), "0.9-draft");
    assert_true(holds(column(event, "attributes_by"), S("\"old\":\"0.9-draft\"")));
    assert_dead(RUN_04("\"version\":\"0.2.0\"", ""), "/context/version",
                "CDEvents 0.2.0 is not supported: send 0.3, 0.4 or 0.5");
    assert_dead(RUN_04("\"version\":\"0.3.0\"", ""), "/context/type",
                "\"dev.cdevents.pipelinerun.finished.0.2.0\" is not of CDEvents 0.3.0, whose type "
                "is dev.cdevents.pipelinerun.finished.0.1.1");
}

static void every_violation_is_told_the_first_by_its_pointer(void **state)
{
    (void)state;
    assert_dead(
        S("{\"context\":{\"specversion\":\"0.5.0\",\"id\":\"\",\"source\":\"/ci\",\"type\":"
          "\"dev.cdevents.pipelinerun.finished.0.3.0\",\"timestamp\":\"2024-01-02\"},"
          "\"subject\":{\"id\":7,\"content\":{\"outcome\":\"cancelled\",\"a/b\":1}}}"),
        "/context/id",
        "must not be empty; /context/timestamp: \"2024-01-02\" is not a time like "
        "2026-11-22T05:53:00.123Z in the years 1900 to 9999 of UTC; /subject/id: must be text, is "
        "a number; "
        "/subject/content/outcome: \"cancelled\" is not one of success failure cancel error; "
        "/subject/content/a~1b: is not known to CDEvents 0.5.1 here; known: pipelineName, uri, "
        "outcome, errors");
    assert_dead(S("[]"), "", "a CDEvent is a JSON object");
    assert_dead(S("{\"context\":"), "", "not JSON: line 1, column 12: unexpected end of data");
    assert_dead(RUN_04("\"version\":\"0.4.1\"", "\"url\":\"a\",\"url\":\"b\""),
                "/subject/content/url", "stands twice");
}

/* RFC 3986 sections 5.4.1 and 5.4.2. */
#define BEGUN_AT(time)                                                                             \
    STR("{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"1\",\"source\":\"/ci\",\"type\":"        \
        "\"dev.cdevents.pipelinerun.started.0.3.0\",\"timestamp\":\"" time "\"},"                  \
        "\"subject\":{\"id\":\"7\",\"content\":{\"pipelineName\":\"p\",\"uri\":\"http://ci/"       \
        "1\"}}}")

/* Valid, and of no use: the models need to know when. */
static void what_a_model_lacks_is_told_where_it_stands_in_the_event(void **state)
{
    (void)state;
    static const struct {
        struct str event;
        const char *wanted;
    } lacking[] = {
        {BEGUN_AT("0001-01-01T00:00:00Z"), "/context/timestamp is unknown (year 1)"},
        {BEGUN_AT("0001-12-31T23:59:59Z"), "/context/timestamp is unknown (year 1)"},
        {BEGUN_AT("0002-01-01T00:00:00Z"),
         "/context/timestamp is before 1900: weir keeps the years"},
        {BEGUN_AT("1582-10-10T00:00:00Z"),
         "/context/timestamp is before 1900: weir keeps the years"},
        {BEGUN_AT("9999-12-31T23:59:59-23:59"), "in the years 1900 to 9999 of UTC"},
        {BEGUN_AT("0000-01-01T00:00:00Z"), "in the years 1900 to 9999 of UTC"},
    };
    for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
        const struct transform_out out = transformed(lacking[i].event);
        assert_int_equal(out.fate, FATE_DEAD);
        assert_string_equal(out.why.pointer, "/context/timestamp");
        assert_non_null(strstr(out.why.text, lacking[i].wanted));
    }
}

static void references_resolve_as_rfc_3986_shows(void **state)
{
    (void)state;
    static const char *const example[][2] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
    };
    for (size_t i = 0; i < sizeof example / sizeof *example; i++) {
        const struct str got = uri_resolve(&arena, S("http://a/b/c/d;p?q"), str_of(example[i][0]));
        if (!str_eq(got, str_of(example[i][1]))) {
            fail_msg("%s: %.*s is not %s", example[i][0], STR_ARG(got), example[i][1]);
        }
    }
    assert_int_equal(uri_resolve(&arena, S("/b"), S("g")).len, 0);
    assert_int_equal(uri_resolve(&arena, S("http://a"), S("a b")).len, 0);
}

static void every_type_is_found_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < cd_types_n; i++) {
        assert_ptr_equal(cd_type_find(cd_types[i].name), &cd_types[i]);
    }
    assert_null(cd_type_find(S("change")));
    assert_str(cdevents_type(&arena, S("change.created")), "dev.cdevents.change.created.0.4.0");
}

#define AT(time)                                                                                   \
    S("{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"1\",\"source\":\"/ci\",\"type\":"          \
      "\"dev.cdevents.build.queued.0.3.0\",\"timestamp\":\"" time "\"},"                           \
      "\"subject\":{\"id\":\"7\",\"content\":{}}}")

static void a_time_far_ahead_of_the_receipt_is_noted(void **state)
{
    (void)state;
    assert_str(column(AT("2024-01-04T02:46:40Z"), "attributes_by"), "null");
    assert_true(holds(column(AT("2024-01-04T02:46:41Z"), "attributes_by"), S("ahead_of_receipt")));
    assert_str(column(AT("2024-01-04T02:46:41Z"), "occurred_at"), "2024-01-04T02:46:41.000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(relative_addresses_take_a_long_source_before_them, empty),
        cmocka_unit_test_setup(an_event_becomes_a_fact_of_its_own, empty),
        cmocka_unit_test_setup(numbers_stay_as_they_were_written, empty),
        cmocka_unit_test_setup(an_outcome_of_another_word_is_translated_and_noted, empty),
        cmocka_unit_test_setup(a_url_becomes_a_uri_seen_from_its_source, empty),
        cmocka_unit_test_setup(what_0_4_0_wrote_with_underscores_is_renamed, empty),
        cmocka_unit_test_setup(a_version_of_no_release_leaves_it_to_the_type, empty),
        cmocka_unit_test_setup(every_violation_is_told_the_first_by_its_pointer, empty),
        cmocka_unit_test_setup(a_time_far_ahead_of_the_receipt_is_noted, empty),
        cmocka_unit_test_setup(what_a_model_lacks_is_told_where_it_stands_in_the_event, empty),
        cmocka_unit_test_setup(references_resolve_as_rfc_3986_shows, empty),
        cmocka_unit_test_setup(every_type_is_found_by_its_name, empty),
    };
    arena_init(&arena, 256 << 20);
    const int failed_n = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed_n;
}
