/* What a mapping may do, what it may not, and what becomes of what it gives. Every program runs in
 * a real child. */
#include "config/agents.h"
#include "test.h"
#include "transform/transform.h"
#include "wire/jq/jq.h"

#include <stdlib.h>

static struct arena arena, lasting;
static struct jq_pool *pool;

static int open_pool(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    arena_init(&lasting, 1 << 20);
    pool = jq_pool_open(&lasting);
    return 0;
}

static int close_pool(void **state)
{
    (void)state;
    arena_close(&lasting);
    arena_close(&arena);
    return 0;
}

static struct mapping *mapping_of(const char *program)
{
    struct mapping *const m = arena_new(&lasting, struct mapping);
    *m = (struct mapping){.name = S("./own.jq"),
                          .program = str_of(program),
                          .limits = {.memory_bytes = (size_t)64 << 20,
                                     .output_bytes = 1 << 16,
                                     .time_ms = 500,
                                     .depth = 8,
                                     .outputs = 100}};
    return m;
}

static enum outcome run(const char *program, const char *body, struct str *out, struct failure *f)
{
    const struct jq_input in = {
        .mapping = mapping_of(program),
        .body = str_of(body),
        .context = S("{\"agent\":\"pager\",\"headers\":{\"x-a\":\"b\"},\"id\":\"1\","
                     "\"received\":\"2024-01-02T03:04:05.000000Z\"}")};
    return jq_run(pool, &arena, &in, out, f);
}

static void assert_gives(const char *program, const char *body, const char *wanted)
{
    struct str out = {0};
    struct failure f = {0};
    if (run(program, body, &out, &f) != OK) {
        fail_msg("%s: %s", program, f.text);
    }
    if (!str_eq(out, str_of(wanted))) {
        fail_msg("%s gives %.*s, not %s", program, STR_ARG(out), wanted);
    }
}

static void assert_fails(const char *program, const char *body, const char *pointer,
                         const char *text)
{
    struct str out = {0};
    struct failure f = {0};
    assert_int_equal(run(program, body, &out, &f), REJECT);
    assert_string_equal(f.pointer, pointer);
    if (!strstr(f.text, text)) {
        fail_msg("\"%s\" does not say \"%s\"", f.text, text);
    }
}

/* ---- programs ---- */

static void outputs_are_spread_and_kept_in_order(void **state)
{
    (void)state;
    assert_gives(".a, [2, [3]], {b: 4, a: null}", "{\"a\":1}", "[1,2,[3],{\"a\":null,\"b\":4}]");
    assert_gives("empty", "{}", "[]");
    assert_gives("# nothing but a comment behind\n$headers[\"x-a\"], $agent, $id, $received # end",
                 "{}", "[\"b\",\"pager\",\"1\",\"2024-01-02T03:04:05.000000Z\"]");
}

static void numbers_that_no_double_holds_are_text(void **state)
{
    (void)state;
    assert_gives(".",
                 "[9007199254740992,-9007199254740992,9007199254740993,-9007199254740993,"
                 "18446744073709551616,1.5,1e3,0.1,1e400]",
                 "[9007199254740992,-9007199254740992,\"9007199254740993\",\"-9007199254740993\","
                 "\"18446744073709551616\",1.5,1000,0.1,\"1e400\"]");
}

static void times_of_every_common_form_are_made_one(void **state)
{
    (void)state;
    assert_gives(".[] | when",
                 "[\"2013-12-03 17:23:34 UTC\",\"2024-01-31T09:00:00.000+0100\","
                 "\"2024-01-31T09:00:00Z\",\"2024-01-31 09:00:00 +0100\",1706691600,1706691600007,"
                 "null,\"\"]",
                 "[\"2013-12-03T17:23:34Z\",\"2024-01-31T09:00:00.000+01:00\","
                 "\"2024-01-31T09:00:00Z\",\"2024-01-31T09:00:00+01:00\",\"2024-01-31T09:00:00Z\","
                 "\"2024-01-31T09:00:00.007Z\",null,null]");
    assert_gives(".[] | when",
                 "[\"2024-01-31\",\"2024-01-31T09:00Z\",\"2024-01-31 09:00\","
                 "\"2024-01-31 09:00:00+01\",\"2024-01-31 09:00:00.5 GMT\",\"1706691600\","
                 "\"1706691600007\",1706691600000000,1706691600007000000,1706691599.9999]",
                 "[\"2024-01-31T00:00:00Z\",\"2024-01-31T09:00:00Z\",\"2024-01-31T09:00:00Z\","
                 "\"2024-01-31T09:00:00+01:00\",\"2024-01-31T09:00:00.5Z\","
                 "\"2024-01-31T09:00:00Z\",\"2024-01-31T09:00:00.007Z\","
                 "\"2024-01-31T09:00:00Z\",\"2024-01-31T09:00:00.007Z\",\"2024-01-31T09:00:00Z\"]");
    assert_fails("when", "{}", "", "when: a time is a text or a number, no object");
}

static void an_error_is_the_programs_own_message_at_its_pointer(void **state)
{
    (void)state;
    assert_fails("error(\"no such thing\")", "{}", "", "mapping own: no such thing");
    assert_fails("dead(\"/a/b\"; \"is odd\")", "{}", "/a/b", "is odd");
    assert_fails("need(\"/a/1/b\")", "{\"a\":[{},{}]}", "/a/1/b", "is missing");
    assert_gives("need(\"/7/a~1b\"), need(\"/c/0\")", "{\"7\":{\"a/b\":1},\"c\":[2]}", "[1,2]");
    assert_fails("need(\"/c/x\")", "{\"c\":[2]}", "/c/x", "is missing");
    assert_fails("need(\"/c/x\")", "{\"c\":2}", "/c/x", "is missing");
    assert_fails("1, .a.b", "{\"a\":3}", "", "Cannot index number");
    assert_fails("error({n: 1})", "{}", "", "{\"n\":1}");
    assert_fails("halt_error", "{}", "", "halts");
    assert_fails(".", "{", "", "not JSON");
}

static void a_program_that_cannot_be_compiled_says_where(void **state)
{
    (void)state;
    assert_fails("1 |\n nope", "{}", "", "line 2: nope/0 is not defined");
    assert_fails("{", "{}", "", "line 1: syntax error");
    assert_fails("import \"a\" as a; 1", "{}", "", "syntax error, unexpected import");
    assert_fails("include \"a\"; 1", "{}", "", "syntax error, unexpected include");
}

static void limits_hold(void **state)
{
    (void)state;
    assert_fails("[range(101)]", "{}", "", "gives more than 100 events and rows (limits.outputs)");
    assert_fails("[[[[[[[[[[1]]]]]]]]]]", "{}", "", "nested deeper than 8 levels (limits.depth)");
    assert_fails("\"x\" * 70000", "{}", "", "gives more than 65536 bytes (limits.output_bytes)");
    assert_fails("def f: f; f", "{}", "",
                 "died twice in a row on this signal: it ran longer than 500 ms (limits.time)");
    assert_fails("[limit(1e9; repeat(1))]", "{}", "", "died twice in a row on this signal");
    assert_fails("reduce range(40) as $i (\"x\"; . + .)", "{}", "",
                 "died twice in a row on this signal");
}

static void the_next_signal_is_mapped_after_a_death(void **state)
{
    (void)state;
    struct mapping *const m = mapping_of("if .a then def f: f; f else 7 end");
    struct str out = {0};
    struct failure f = {0};
    struct jq_input in = {.mapping = m, .context = S("{}"), .body = S("{\"a\":true}")};
    assert_int_equal(jq_run(pool, &arena, &in, &out, &f), REJECT);
    in.body = S("{}");
    assert_int_equal(jq_run(pool, &arena, &in, &out, &f), OK);
    assert_str(out, "[7]");
}

static void a_program_sees_nothing_of_the_machine(void **state)
{
    (void)state;
    assert_int_equal(setenv("WEIR_TEST_SECRET", "x", 1), 0);
    assert_gives("env, $ENV", "{}", "[{},{}]");
    assert_fails("now", "{}", "", "no clock");
    assert_fails("input", "{}", "", "one input");
    assert_fails("\"a\" | modulemeta", "{}", "", "");
    assert_gives("\"a\" | debug | stderr", "{}", "[\"a\"]");
}

/* ---- facts ---- */

static struct config config;

static struct transform_out transformed(const char *program, const char *body)
{
    const struct signal raw = {.id = S("1"),
                               .source = S("/agents/pager"),
                               .type = S("webhook.incident triggered"),
                               .agent = S("pager"),
                               .time_us = TIME_NONE,
                               .received_us = INT64_C(1700000000000000),
                               .headers = S("{}"),
                               .data = str_of(body)};
    struct webhook_options *const o = arena_new(&lasting, struct webhook_options);
    o->mapping = *mapping_of(program);
    struct transform_out out = {.arena = &arena};
    transformer_webhook.run(&(struct transform_in){.raw = &raw,
                                                   .raw_at = S("intake-0:64"),
                                                   .config = &config,
                                                   .arena = &arena,
                                                   .options = o,
                                                   .pool = pool},
                            &out);
    return out;
}

static void assert_dead(const char *program, const char *pointer, const char *text)
{
    const struct transform_out out = transformed(program, "{}");
    assert_int_equal(out.fate, FATE_DEAD);
    assert_string_equal(out.why.pointer, pointer);
    if (!strstr(out.why.text, text)) {
        fail_msg("\"%s\" does not say \"%s\"", out.why.text, text);
    }
}

/* A column of the n-th fact as text. */
static struct str column(const struct transform_out *out, size_t n, const char *name)
{
    struct row row;
    struct failure f = {0};
    if (out->fate != FATE_STORED || n >= out->facts_n) {
        fail_msg("%s: %s", out->why.pointer, out->why.text);
    }
    assert_int_equal(fact_read(&arena, &out->fact[n], &row, &f), OK);
    const struct value v = row.value[model_column(row.model, str_of(name))];
    switch (v.kind) {
    case VALUE_TEXT:
    case VALUE_JSON: return v.text;
    case VALUE_INT: return arena_printf(&arena, "%lld", (long long)v.number);
    case VALUE_BOOL: return v.is ? S("true") : S("false");
    case VALUE_LIST: return v.list.n ? v.list.at[0] : S("[]");
    case VALUE_TIME: {
        char text[CLOCK_TEXT_BYTES];
        return arena_str(&arena, (struct str){text, clock_text(v.number, text)});
    }
    case VALUE_NULL:
    case VALUE_REAL: break;
    }
    return S("null");
}

#define AT "at: \"2024-01-02T03:04:05Z\""
#define DEPLOYMENT "model: \"deployment\", " AT ", source: \"s\", id: 7"

static void a_row_becomes_a_fact(void **state)
{
    (void)state;
    const struct transform_out out = transformed(
        "{" DEPLOYMENT ", environment: \"production\", is_production: true, state: \"succeeded\","
        "ordinal: 3, finished_at: \"2024-01-02T04:04:05+01:00\", attributes: {a: {b: 1}}}",
        "{}");
    assert_str(column(&out, 0, "id"), "7");
    assert_str(column(&out, 0, "environment"), "production");
    assert_str(column(&out, 0, "is_production"), "true");
    assert_str(column(&out, 0, "finished_at"), "2024-01-02T03:04:05.000000Z");
    assert_true(str_find(column(&out, 0, "attributes_by"), '{') > 0);
    assert_str(str_sub(column(&out, 0, "state_rank"), 16, 2), "03");
}

static void the_configuration_says_which_service_and_what_is_production(void **state)
{
    (void)state;
    static const char program[] = "{" DEPLOYMENT ", repository: \"h/acme/shop\", environment: "
                                  "\"live-eu\", is_production: .is, service: .service}";
    struct str repository = S("acme/*");
    struct str production = S("live-eu");
    struct config_service shop = {.repositories = {&repository, 1}};
    struct named named = {.name = S("shop"), .options = &shop};
    struct transform_out out = transformed(program, "{\"is\":true}");
    assert_str(column(&out, 0, "service"), "acme/shop");
    assert_str(column(&out, 0, "is_production"), "true");
    config.services = (struct named_list){&named, 1};
    out = transformed(program, "{\"is\":null}");
    assert_str(column(&out, 0, "service"), "shop");
    assert_str(column(&out, 0, "is_production"), "false");
    shop.production = (struct str_list){&production, 1};
    out = transformed(program, "{\"is\":false}");
    assert_str(column(&out, 0, "is_production"), "true");
    production = S("LIVE-*");
    out = transformed(program, "{\"is\":false}");
    assert_str(column(&out, 0, "is_production"), "true");
    production = S("live");
    out = transformed(program, "{\"is\":true}");
    assert_str(column(&out, 0, "is_production"), "false");
    out = transformed(program, "{\"is\":false,\"service\":\"cart\"}");
    assert_str(column(&out, 0, "service"), "cart");
    assert_str(column(&out, 0, "is_production"), "false");
    config = (struct config){0};
}

#define COMMIT "{model: \"commit\", " AT ", repository: \"h/acme/shop\", sha: \"c1\""

/* How the row of this push ranks in the group. */
static struct str rank_of(const char *pushed, const char *group)
{
    static const char program[] = COMMIT ", author: \"Ada\", branch: .branch} + .push";
    const struct transform_out out = transformed(
        program, arena_printf(&arena, "{\"branch\":\"b\",\"push\":%s}", pushed).at);
    return column(&out, 0, group);
}

static void a_commit_is_of_the_branch_of_the_push_that_brought_it_first(void **state)
{
    (void)state;
    static const char first[] = "{\"pushed_at\":\"2024-01-03T00:00:00.000001Z\"}";
    static const char later[] = "{\"pushed_at\":\"2024-01-03T00:00:00.000002Z\"}";
    assert_true(str_cmp(rank_of(first, "push_rank"), rank_of(later, "push_rank")) > 0);
    assert_true(str_eq(rank_of(first, "commit_rank"), rank_of(later, "commit_rank")));
    /* when it was pushed is not told: the row's own time is the push's */
    assert_true(str_cmp(rank_of("{}", "push_rank"), rank_of(first, "push_rank")) > 0);
    assert_true(str_cmp(rank_of("{\"at\":\"2024-01-04T00:00:00Z\"}", "push_rank"),
                        rank_of(later, "push_rank")) < 0);
}

static void a_commit_is_of_the_services_whose_paths_it_touches(void **state)
{
    (void)state;
    static const char program[] = COMMIT ", files: .files} + .more";
    struct str repository = S("acme/shop");
    struct str paths = S("cart/**");
    struct config_service cart = {.repositories = {&repository, 1}, .paths = {&paths, 1}};
    struct named named = {.name = S("cart"), .options = &cart};
    struct transform_out out = transformed(program, "{\"files\":[\"cart/a.c\"]}");
    assert_str(column(&out, 0, "services"), "acme/shop");
    config.services = (struct named_list){&named, 1};
    out = transformed(program, "{\"files\":[\"doc/a\",\"cart/a.c\"]}");
    assert_str(column(&out, 0, "services"), "cart");
    out = transformed(program, "{\"files\":[\"doc/a\"]}");
    assert_str(column(&out, 0, "services"), "acme/shop");
    out = transformed(program, "{\"files\":null}"); /* nobody knows */
    assert_str(column(&out, 0, "services"), "null");
    out = transformed(program, "{\"files\":[\"cart/a.c\"],\"more\":{\"services\":[\"mine\"]}}");
    assert_str(column(&out, 0, "services"), "mine");
    config = (struct config){0};
}

#define INCIDENT "{model: \"incident\", " AT ", source: \"s\", id: 7, "

static void the_rules_of_incidents_hold_for_every_source(void **state)
{
    (void)state;
    config.rules.incidents = (struct config_incidents){.environment = S("live"),
                                                       .service = S("service:"),
                                                       .severity = S("severity:"),
                                                       .environment_prefix = S("environment:"),
                                                       .cause = S("caused-by:"),
                                                       .fix = S("fixed-by:"),
                                                       .within_ms = 3600 * 1000};
    static const char labels[] =
        "{\"labels\":[\"a\",\"Caused-By: 202\",\"caused-by:203\",\"fixed-by:204\","
        "\"environment:staging\",\"service:checkout\",\"severity:high\"]}";
    static const char title[] = INCIDENT "title: \"Cart\", labels: .labels, detected_at: "
                                         "\"2024-01-02T03:00:00Z\"}";
    struct transform_out out = transformed(title, labels);
    assert_str(column(&out, 0, "causes"), "202 203");
    assert_str(column(&out, 0, "fixed_by"), "204");
    assert_str(column(&out, 0, "environment"), "staging");
    assert_str(column(&out, 0, "service"), "checkout");
    assert_str(column(&out, 0, "severity"), "high");
    assert_str(column(&out, 0, "blame_from_at"), "2024-01-02T02:00:00.000000Z");
    out = transformed(title, "{\"labels\":null}");
    assert_str(column(&out, 0, "causes"), "null");
    assert_str(column(&out, 0, "environment"), "live");
    out = transformed(INCIDENT "labels: .labels, environment: \"e\", service: \"s\", severity: "
                               "\"low\", causes: \"1\", fixed_by: \"2\", detected_at: null}",
                      labels);
    assert_str(column(&out, 0, "causes"), "1");
    assert_str(column(&out, 0, "fixed_by"), "2");
    assert_str(column(&out, 0, "environment"), "e");
    assert_str(column(&out, 0, "service"), "s");
    assert_str(column(&out, 0, "severity"), "low");
    assert_str(column(&out, 0, "blame_from_at"), "null");
    /* what tells of its state alone does not say that it has no cause */
    out = transformed(INCIDENT "state: \"resolved\", resolved_at: \"2024-01-02T03:04:05Z\"}", "{}");
    assert_str(column(&out, 0, "what_rank"), "null");
    assert_str(column(&out, 0, "environment"), "null");
    assert_dead(INCIDENT "labels: \"a\"}", "/0/labels", "wants a list of texts");
    config = (struct config){0};
}

static void a_number_that_came_as_text_fits_a_column_of_numbers(void **state)
{
    (void)state;
    const struct transform_out out = transformed("{model: \"change\", " AT
                                                 ", repository: \"h/o/n\", id: .id, number: .id}",
                                                 "{\"id\":9007199254740993}");
    assert_str(column(&out, 0, "id"), "9007199254740993");
    assert_str(column(&out, 0, "number"), "9007199254740993");
}

static void a_row_that_does_not_fit_the_catalogue_is_dead_at_its_member(void **state)
{
    (void)state;
    assert_dead("{" DEPLOYMENT ", enviroment: \"x\"}", "/0/enviroment",
                "did you mean environment?");
    assert_dead("{" DEPLOYMENT ", \"a~/\\u0000b\": \"x\"}", "/0/a~0~1\\u0000b",
                "deployment.a~/\\u0000b is no column");
    assert_dead("error({pointer: \"/a\\u0000b\", message: \"bad\\u0000 c\"})", "/a\\u0000b",
                "bad\\u0000 c");
    assert_dead("{model: \"deploymnt\\u0000\", " AT "}", "/0/model",
                "is deploymnt\\u0000, which is no model");
    assert_dead("{" DEPLOYMENT ", state: \"success\"}", "/0/state",
                "is success; it wants one of: queued running succeeded failed inactive");
    assert_dead("{model: \"deploymnt\", " AT "}", "/0/model", "did you mean deployment?");
    assert_dead("{model: \"deployment\", at: 1706691600}", "/0/at", "the function `when`");
    assert_dead("{" DEPLOYMENT ", is_production: 1}", "/0/is_production", "wants true or false");
    assert_dead("{" DEPLOYMENT ", created_at: \"today\"}", "/0/created_at", "RFC 3339");
    assert_dead("{" DEPLOYMENT ", duration_s: 1}", "/0/duration_s", "is filled in by weir");
    assert_dead("{" DEPLOYMENT ", state_rank: \"0\"}", "/0/state_rank", "is filled in by weir");
    assert_dead("{" DEPLOYMENT ", received_at: \"2024-01-02T03:04:05Z\"}", "/0/received_at",
                "is filled in by weir");
    assert_dead("{" DEPLOYMENT ", sha: [1]}", "/0/sha", "wants a text");
    assert_dead("{" DEPLOYMENT ", ordinal: 300}", "/0/ordinal", "0 to 255");
    assert_dead("{" DEPLOYMENT ", attributes: {\"a\\u001fb\": 1}}", "/0/attributes",
                "holds the byte 0x1f");
    assert_dead("{model: \"change\", " AT ", repository: \"r\", id: 1, verdicts: {\"a\\u001fb\": "
                "\"approved\"}}",
                "/0/verdicts", "holds the byte 0x1f");
    assert_dead("{model: \"change\", " AT
                ", repository: \"r\", id: 1, verdicts: {a: \"b\\u001f\"}}",
                "/0/verdicts", "holds the byte 0x1f");
    assert_dead("{" DEPLOYMENT ", attributes: 1}", "/0/attributes", "wants an object");
    assert_dead("{model: \"deployment\", source: \"s\", id: 1}", "/0/at", "RFC 3339");
    assert_dead("{model: \"deployment\", " AT ", source: \"s\"}", "/0", "id");
    assert_dead("{" DEPLOYMENT "}, {model: \"raw\", " AT "}", "/1/model", "no model");
    assert_dead("{model: \"change\", " AT ", repository: \"r\", id: 1, number: 1.5}", "/0/number",
                "whole number");
    assert_dead("{" DEPLOYMENT "}, 7", "/1", "gives a number: it is no CDEvent");
}

#define TIME "\"2024-01-02T03:04:05Z\""
#define CHANGE "{model: \"change\", " AT ", repository: \"r\", id: 1, "
#define TICKET "{model: \"ticket\", " AT ", source: \"s\", id: 7, "

static void a_state_and_the_time_that_it_is_counted_by_stand_together(void **state)
{
    (void)state;
    assert_dead(INCIDENT "state: \"resolved\"}", "/0/resolved_at",
                "incident.resolved_at is missing: a state resolved is counted by it");
    assert_dead(INCIDENT "state: \"resolved\", resolved_at: null}", "/0/resolved_at", "is missing");
    assert_dead(CHANGE "state: \"merged\", closed_at: " TIME "}", "/0/merged_at", "is missing");
    assert_dead(CHANGE "state: \"closed\"}", "/0/closed_at", "is missing");
    assert_dead(TICKET "state: \"closed\"}", "/0/closed_at", "is missing");
    assert_dead("{" DEPLOYMENT ", state: \"succeeded\"}", "/0/finished_at", "is missing");
    static const char *const unfinished[] = {"failed", "running", "queued"};
    for (size_t i = 0; i < sizeof unfinished / sizeof *unfinished; i++) {
        const struct str row = arena_printf(
            &arena, "{" DEPLOYMENT ", state: \"%s\", finished_at: " TIME "}", unfinished[i]);
        const struct str why = arena_printf(
            &arena, "deployment.finished_at is no time of a state %s: leave it out", unfinished[i]);
        assert_dead(row.at, "/0/finished_at", why.at);
    }
    static const char *const taken[] = {
        INCIDENT "state: \"resolved\", resolved_at: " TIME "}",
        INCIDENT "state: \"open\"}",
        CHANGE "state: \"merged\", merged_at: " TIME "}",
        CHANGE "state: \"closed\", closed_at: " TIME "}",
        TICKET "state: \"closed\", closed_at: " TIME "}",
        "{" DEPLOYMENT ", state: \"failed\", finished_at: null}",
        "{" DEPLOYMENT ", state: \"inactive\", finished_at: " TIME "}",
        "{" DEPLOYMENT ", finished_at: " TIME "}",
    };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        const struct transform_out out = transformed(taken[i], "{}");
        assert_int_equal(out.fate, FATE_STORED);
    }
}

static void an_event_is_completed_and_folds_where_it_is_alone(void **state)
{
    (void)state;
    static const char alone[] =
        "cdevent(\"incident.detected\"; \"2024-01-02T03:04:05Z\"; \"https://pd/\"; \"i1\"; "
        "{environment: {id: \"p\"}, description: null})";
    const struct transform_out out = transformed(alone, "{}");
    assert_str(column(&out, 0, "type"), "dev.cdevents.incident.detected.0.3.0");
    assert_str(column(&out, 0, "content"), "{\"environment\":{\"id\":\"p\"}}");
    assert_str(column(&out, 0, "original"), "null");
    assert_int_equal(column(&out, 0, "id").len, 32);
    assert_int_equal(out.facts_n, 2);
    assert_str(out.fact[1].type, "weir.fact.incident");
    static const char both[] =
        "cdevent(\"incident.detected\"; \"2024-01-02T03:04:05Z\"; \"https://pd/\"; \"i1\"; "
        "{environment: {id: \"p\"}}), {" DEPLOYMENT "}";
    assert_int_equal(transformed(both, "{}").facts_n, 2);
}

static void a_derived_id_is_that_of_the_same_fact_from_elsewhere(void **state)
{
    (void)state;
    const struct transform_out out = transformed(
        "cdevent(\"change.created\"; \"2019-05-15T15:20:33Z\"; "
        "\"https://github.com/Codertocat/Hello-World\"; "
        "\"https://api.github.com/repos/Codertocat/Hello-World/pulls/2\"; "
        "{repository: {id: \"r\", source: \"s\"}})",
        "{}");
    assert_str(column(&out, 0, "id"), "d8b8b270c3e5e2f3b306f58da5eddc80");
}

static void a_key_tells_events_of_one_type_subject_and_time_apart(void **state)
{
    (void)state;
#define UPDATED                                                                                    \
    "cdevent(\"change.updated\"; \"2019-05-15T15:20:33Z\"; "                                       \
    "\"https://github.com/Codertocat/Hello-World\"; "                                              \
    "\"https://api.github.com/repos/Codertocat/Hello-World/pulls/2\"; "                            \
    "{repository: {id: \"r\", source: \"s\"}}"
    const struct transform_out out = transformed(
        UPDATED "; \"labeled,bug\"), " UPDATED "; 7), " UPDATED "; null), " UPDATED ")", "{}");
    assert_str(column(&out, 0, "id"), "d09822032a3daa3102e3cf6ecbe82c24");
    assert_false(str_eq(column(&out, 2, "id"), column(&out, 0, "id")));
    assert_false(str_eq(column(&out, 2, "id"), column(&out, 4, "id")));
    assert_true(str_eq(column(&out, 4, "id"), column(&out, 6, "id")));
    assert_dead(UPDATED ") + {key: 7}", "/0/key", "wants a text");
}

static void an_event_that_no_schema_knows_is_dead(void **state)
{
    (void)state;
    assert_dead("cdevent(\"incident.detected\"; \"yesterday\"; \"https://pd/\"; \"i1\"; {})",
                "/0/context/timestamp", "");
    assert_dead("cdevent(\"incident.detectd\"; \"2024-01-02T03:04:05Z\"; \"/p\"; \"i\"; {})",
                "/0/context/type", "did you mean incident.detected?");
    assert_dead("cdevent(\"incident.exploded\"; \"2024-01-02T03:04:05Z\"; \"/p\"; \"i\"; {})",
                "/0/context/type", "");
}

static void nothing_is_unmapped_and_what_is_ignored_says_why(void **state)
{
    (void)state;
    struct transform_out out = transformed("empty", "{}");
    assert_int_equal(out.fate, FATE_UNMAPPED);
    assert_str(out.name, "own/incident_triggered");
    assert_str(out.others, "own/other");
    out = transformed("ignored(\"a test\")", "{}");
    assert_int_equal(out.fate, FATE_IGNORED);
    assert_str(out.name, "own/a_test");
    out = transformed("ignored(\"a test\"), {" DEPLOYMENT "}", "{}");
    assert_int_equal(out.fate, FATE_STORED);
    assert_int_equal(out.facts_n, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)
    const struct CMUnitTest tests[] = {
        TEST(outputs_are_spread_and_kept_in_order),
        TEST(numbers_that_no_double_holds_are_text),
        TEST(times_of_every_common_form_are_made_one),
        TEST(an_error_is_the_programs_own_message_at_its_pointer),
        TEST(a_program_that_cannot_be_compiled_says_where),
        TEST(limits_hold),
        TEST(the_next_signal_is_mapped_after_a_death),
        TEST(a_program_sees_nothing_of_the_machine),
        TEST(a_row_becomes_a_fact),
        TEST(the_configuration_says_which_service_and_what_is_production),
        TEST(a_commit_is_of_the_branch_of_the_push_that_brought_it_first),
        TEST(a_commit_is_of_the_services_whose_paths_it_touches),
        TEST(the_rules_of_incidents_hold_for_every_source),
        TEST(a_number_that_came_as_text_fits_a_column_of_numbers),
        TEST(a_row_that_does_not_fit_the_catalogue_is_dead_at_its_member),
        TEST(a_state_and_the_time_that_it_is_counted_by_stand_together),
        TEST(an_event_is_completed_and_folds_where_it_is_alone),
        TEST(a_derived_id_is_that_of_the_same_fact_from_elsewhere),
        TEST(a_key_tells_events_of_one_type_subject_and_time_apart),
        TEST(an_event_that_no_schema_knows_is_dead),
        TEST(nothing_is_unmapped_and_what_is_ignored_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
