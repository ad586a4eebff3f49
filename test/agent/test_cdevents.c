/* The driver of type cdevents alone: modes, attributes, contradictions. It does no I/O, so a
 * request is a struct. */
#include "agent/cloudevent.h"
#include "agent/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define JSON "application/json"
#define EVENT "application/cloudevents+json"
#define TYPE "dev.cdevents.pipelinerun.queued.0.3.0"
#define BODY                                                                                       \
    "{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"e1\",\"source\":\"/ci\",\"type\":\"" TYPE    \
    "\",\"timestamp\":\"2018-04-05T17:31:00Z\"},\"subject\":{\"id\":\"/run/7\",\"content\":{}}}"
#define REQUIRED "\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/ci\",\"type\":\"" TYPE "\""

enum { HEADERS_MAX = 90 };

struct desk {
    struct arena arena, scratch;
    struct cdevents_options options;
    struct header header[HEADERS_MAX];
    struct request request;
    struct taken taken;
    struct refusal refusal;
};

static int set_up(void **state)
{
    static struct desk desk;
    desk = (struct desk){0};
    arena_init(&desk.arena, 64 << 20);
    arena_init(&desk.scratch, 64 << 20);
    *state = &desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *const d = *state;
    arena_close(&d->arena);
    arena_close(&d->scratch);
    return 0;
}

/* `headers` are lines "Name: value" between newlines. */
static bool take(struct desk *d, const char *headers, struct str body)
{
    size_t n = 0;
    for (struct str rest = str_of(headers); rest.len > 0 && n < HEADERS_MAX; n++) {
        struct str value;
        const struct str line = str_cut(rest, '\n', &rest);
        d->header[n].name = str_cut(line, ':', &value);
        d->header[n].value = str_trim(value);
    }
    d->request = (struct request){.agent = S("builds"),
                                  .options = &d->options,
                                  .header = d->header,
                                  .headers_n = n,
                                  .body = body,
                                  .events_max = 10,
                                  .arena = &d->arena,
                                  .scratch = &d->scratch};
    d->taken = (struct taken){0};
    d->refusal = (struct refusal){0};
    return agent_cdevents.take(&d->request, &d->taken, &d->refusal);
}

static void assert_taken(struct desk *d, const char *headers, const char *body)
{
    if (!take(d, headers, str_of(body))) {
        fail_msg("%s\n%s\nrefused: %.*s", headers, body, STR_ARG(d->refusal.detail));
    }
}

static void assert_not_taken(struct desk *d, const char *headers, const char *body,
                             const char *word)
{
    const bool is_taken = take(d, headers, str_of(body));
    const struct str detail = d->refusal.detail;
    if (is_taken || !memmem(detail.at, detail.len, word, strlen(word))) {
        fail_msg("%s\n%s\n%s: \"%.*s\" does not say \"%s\"", headers, body,
                 is_taken ? "taken" : "refused", STR_ARG(detail), word);
    }
}

#define BINARY(more)                                                                               \
    "Content-Type: application/json\nce-specversion: 1.0\nce-id: e1\nce-source: /ci\n"             \
    "ce-type: " TYPE "\n" more

static void the_same_event_in_every_mode_is_the_same_signal(void **state)
{
    struct desk *const d = *state;
    static const struct {
        const char *headers, *body;
    } modes[] = {
        {"Content-Type: " JSON, BODY},
        {BINARY("CE-Subject: /run/7\nce-time: 2018-04-05T17:31:00.000+00:00"), BODY},
        {BINARY("ce-anything: else"), BODY},
        {"Content-Type: " EVENT, "{" REQUIRED ",\"data\":" BODY "}"},
        {"content-type: Application/CloudEvents+JSON; charset=UTF-8",
         "{" REQUIRED ",\"subject\":\"/run/7\",\"time\":\"2018-04-05T19:31:00+02:00\","
         "\"datacontenttype\":\"application/json\",\"traceparent\":\"00-1\",\"sequence\":3,"
         "\"dataschema\":null,\"data\":" BODY "}"},
        {"Content-Type: application/cloudevents-batch+json", "[{" REQUIRED ",\"data\":" BODY "}]"},
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        int64_t time_us = 0;
        assert_taken(d, modes[i].headers, modes[i].body);
        assert_int_equal(d->taken.n, 1);
        const struct signal *const s = d->taken.signal;
        assert_str(s->id, "e1");
        assert_str(s->source, "/ci");
        assert_str(s->type, TYPE);
        assert_str(s->subject, "/run/7");
        assert_str(s->partitionkey, "/ci");
        assert_str(s->agent, "builds");
        assert_str(s->data, BODY);
        assert_true(clock_parse(S("2018-04-05T17:31:00Z"), &time_us));
        assert_int_equal(s->time_us, time_us);
    }
}

/* "1e2" as it came, and no other digits for 0.1 or -0. */
static void numbers_keep_their_spelling_in_every_mode(void **state)
{
    struct desk *const d = *state;
    static const char numbered[] =
        "{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"e1\",\"source\":\"/ci\",\"type\":\"" TYPE
        "\",\"timestamp\":\"2018-04-05T17:31:00Z\"},\"subject\":{\"id\":\"/run/7\",\"content\":{}},"
        "\"customData\":[1e2,0.10,-0,1E+2,12345678901234567890123,100]}";
    const struct {
        const char *headers;
        struct str body;
    } modes[] = {
        {"Content-Type: " JSON, str_of(numbered)},
        {"Content-Type: " EVENT,
         arena_printf(&d->arena, "{" REQUIRED ",\"sequence\":-3,\"data\":%s}", numbered)},
        {"Content-Type: application/cloudevents-batch+json",
         arena_printf(&d->arena, "[{" REQUIRED ",\"data\":%s}]", numbered)},
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_taken(d, modes[i].headers, arena_cstr(&d->arena, modes[i].body));
        assert_str(d->taken.signal->data, numbered);
    }
    assert_not_taken(d, "Content-Type: " EVENT, "{" REQUIRED ",\"data\":{\"a\":1e400}}", "beyond");
    assert_not_taken(d, "Content-Type: " JSON, "{\"a\":1e400}", "beyond");
    assert_not_taken(d, "Content-Type: " EVENT, "{" REQUIRED ",\"sequence\":1.5,\"data\":" BODY "}",
                     "sequence");
}

static void base64_data_is_decoded(void **state)
{
    struct desk *const d = *state;
    assert_taken(d, "Content-Type: " EVENT, "{" REQUIRED ",\"data_base64\":\"e30=\"}");
    assert_str(d->taken.signal->data, "{}");
    static const char *const wrong[] = {"e30", "e3=0", "e30=e30=", "e 0=", "====", "e3-_"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_not_taken(
            d, "Content-Type: " EVENT,
            arena_printf(&d->arena, "{" REQUIRED ",\"data_base64\":\"%s\"}", wrong[i]).at,
            "base64");
    }
    assert_not_taken(d, "Content-Type: " EVENT,
                     "{" REQUIRED ",\"data_base64\":\"e30=\",\"data\":{}}", "not both");
    assert_not_taken(d, "Content-Type: " EVENT, "{" REQUIRED ",\"data_base64\":\"bm8=\"}",
                     "not JSON");
}

static void headers_and_body_that_contradict_each_other_are_named(void **state)
{
    struct desk *const d = *state;
    static const struct {
        const char *from, *to, *word;
    } changes[] = {
        {"\"e1\"", "\"e2\"", "attribute id"},           {"\"/ci\"", "\"/ci/\"", "attribute source"},
        {"queued", "Queued", "attribute type"},         {"/run/7", "/run/8", "attribute subject"},
        {"17:31:00Z", "17:31:00.5Z", "attribute time"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *const at = strstr(BODY, changes[i].from);
        const struct str body = arena_printf(&d->arena, "%.*s%s%s", (int)(at - BODY), BODY,
                                             changes[i].to, at + strlen(changes[i].from));
        assert_not_taken(d, BINARY("ce-subject: /run/7\nce-time: 2018-04-05T17:31:00Z"), body.at,
                         changes[i].word);
        const struct str event = arena_printf(
            &d->arena,
            "{" REQUIRED ",\"subject\":\"/run/7\",\"time\":\"2018-04-05T17:31:00Z\",\"data\":%s}",
            body.at);
        assert_not_taken(d, "Content-Type: " EVENT, event.at, changes[i].word);
        assert_int_equal(d->refusal.status, 400);
    }
}

static void headers_that_structured_mode_does_not_need_must_agree_all_the_same(void **state)
{
    struct desk *const d = *state;
    static const char event[] = "{" REQUIRED ",\"subject\":\"/run/7\",\"tenant\":\"a\","
                                "\"time\":\"2018-04-05T17:31:00Z\",\"data\":" BODY "}";
    static const char *const other[] = {"ce-id: e2",          "CE-Source: /other",
                                        "ce-type: x",         "ce-specversion: 0.3",
                                        "ce-subject: /run/8", "ce-time: 2018-04-05T17:31:01Z",
                                        "ce-tenant: b"};
    assert_taken(d,
                 "Content-Type: " EVENT "\nce-id: e%31\nce-time: 2018-04-05T19:31:00+02:00\n"
                 "ce-tenant: a\nce-more: x",
                 event);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        const struct str headers = arena_printf(&d->arena, "Content-Type: " EVENT "\n%s", other[i]);
        assert_not_taken(d, headers.at, event, "say different things");
        assert_int_equal(d->refusal.status, 400);
    }
}

static void headers_that_say_what_the_event_lacks_contradict_it(void **state)
{
    struct desk *const d = *state;
    static const char event[] = "{" REQUIRED ",\"subject\":null,\"data\":" BODY "}";
    static const char batch[] = "[{" REQUIRED ",\"data\":" BODY "},{" REQUIRED ",\"data\":" BODY
                                "}]";
    static const char *const structured[] = {"ce-subject: OTHER", "ce-subject: /run/7",
                                             "CE-Time: 1999-01-01T00:00:00Z",
                                             "ce-dataschema: https://example.com/s"};
    static const char *const batched[] = {"ce-id: OTHER", "ce-source: /other", "ce-type: x",
                                          "ce-subject: /run/7"};
    for (size_t i = 0; i < sizeof structured / sizeof *structured; i++) {
        const struct str headers = arena_printf(&d->arena, "Content-Type: " EVENT "\n%s",
                                                structured[i]);
        assert_not_taken(d, headers.at, event, "say different things");
        assert_int_equal(d->refusal.status, 400);
    }
    for (size_t i = 0; i < sizeof batched / sizeof *batched; i++) {
        const struct str headers = arena_printf(
            &d->arena, "Content-Type: application/cloudevents-batch+json\n%s", batched[i]);
        assert_not_taken(d, headers.at, batch, "say different things");
        assert_int_equal(d->refusal.status, 400);
    }
    assert_taken(d, "Content-Type: application/cloudevents-batch+json\nce-source: /ci\nce-more: x",
                 batch);
}

static void a_bare_event_with_some_of_the_headers_is_no_event_of_binary_mode(void **state)
{
    struct desk *const d = *state;
    static const char *const some[] = {"ce-subject: OTHER", "CE-Subject: /run/7",
                                       "ce-time: 1999-01-01T00:00:00Z",
                                       "ce-dataschema: https://example.com/s"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        const struct str headers = arena_printf(&d->arena, "Content-Type: " JSON "\n%s", some[i]);
        assert_not_taken(d, headers.at, BODY, "specversion is missing");
        assert_int_equal(d->refusal.status, 400);
    }
    assert_taken(d, "Content-Type: " JSON "\nce-tenant: a", BODY); /* an extension of nothing */
}

static void attributes_that_are_missing_or_wrong_are_named(void **state)
{
    struct desk *const d = *state;
    static const struct {
        const char *headers, *word;
    } headers[] = {
        {"ce-id: e1\nce-source: /ci\nce-type: t", "specversion is missing"},
        {"ce-specversion: 1.0\nce-source: /ci\nce-type: t", "id is missing"},
        {"ce-specversion: 1.0\nce-id: e1\nce-type: t", "source is missing"},
        {"ce-specversion: 1.0\nce-id: e1\nce-source: /ci", "type is missing"},
        {"ce-specversion: 0.3\nce-id: e1\nce-source: /ci\nce-type: t", "specversion \"0.3\""},
        {"ce-specversion: 1.0\nce-id: e1\nce-id: e1\nce-source: /ci\nce-type: t",
         "ce-id stands twice"},
        {"ce-specversion: 1.0\nce-id: %zz\nce-source: /ci\nce-type: t", "ce-id is not encoded"},
        {"ce-specversion: 1.0\nce-id:\nce-source: /ci\nce-type: t", "ce-id is empty"},
        {"ce-specversion: 1.0\nce-id: e1\nce-source: /ci\nce-type: t\nce-time: now", "time"},
        {"ce-specversion: 1.0\nce-id: e1\nce-source: /ci\nce-type: t\nce-a_b: 1", "ce-a_b"},
        {"ce-specversion: 1.0\nce-id: e1\nce-source: /ci\nce-type: t\nce-data: 1", "ce-data"},
        {"ce-specversion: 1.0\nce-id: e1\nce-source: /ci\nce-type: t\nce-datacontenttype: a/b",
         "ce-datacontenttype"},
        {"ce-specversion: 1.0\nce-id: e1\nce-source: /ci\nce-type: t\nce-dataschema: /schema",
         "dataschema is no absolute URI"},
        {"ce-specversion: 1.0\nce-id: e1\nce-source: /ci\nce-type: t\nce-dataschema: 1a:b",
         "dataschema is no absolute URI"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        assert_not_taken(
            d, arena_printf(&d->arena, "Content-Type: " JSON "\n%s", headers[i].headers).at, "{}",
            headers[i].word);
    }
    static const struct {
        const char *body, *word;
    } bodies[] = {
        {"{\"id\":\"e1\",\"source\":\"/ci\",\"type\":\"t\",\"data\":{}}", "specversion is missing"},
        {"{" REQUIRED "}", "data"},
        {"{" REQUIRED ",\"data\":null}", "data"},
        {"{" REQUIRED ",\"data\":\"{}\"}", "object"},
        {"{" REQUIRED ",\"data\":[]}", "object"},
        {"{" REQUIRED ",\"subject\":7,\"data\":{}}", "\"subject\""},
        {"{" REQUIRED ",\"Upper\":\"a\",\"data\":{}}", "\"Upper\""},
        {"{" REQUIRED ",\"list\":[],\"data\":{}}", "\"list\""},
        {"{" REQUIRED ",\"big\":2147483648,\"data\":{}}", "\"big\""},
        {"{" REQUIRED ",\"small\":-2147483649,\"data\":{}}", "\"small\""},
        {"{" REQUIRED ",\"huge\":18446744073709551617,\"data\":{}}", "\"huge\""},
        {"{" REQUIRED ",\"power\":1e2,\"data\":{}}", "\"power\""},
        {"{" REQUIRED ",\"real\":1.5,\"data\":{}}", "\"real\""},
        {"{" REQUIRED ",\"a\":\"\\u0001\",\"data\":{}}", "\"a\""},
        {"{" REQUIRED ",\"subject\":\"\",\"data\":{}}", "subject is empty"},
        {"{" REQUIRED ",\"time\":\"yesterday\",\"data\":{}}", "time"},
        {"{" REQUIRED ",\"datacontenttype\":\"text/xml\",\"data\":{}}", "datacontenttype"},
        {"{" REQUIRED ",\"id\":\"e1\",\"data\":{}}", "twice"},
        {"{" REQUIRED ",\"data\":{\"a\":{\"b\":1,\"b\":2}}}", "twice"},
        {"[]", "object"},
        {"{", "not JSON"},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_not_taken(d, "Content-Type: " EVENT, bodies[i].body, bodies[i].word);
        assert_int_equal(d->refusal.status, 400);
    }
    assert_taken(d, "Content-Type: " EVENT,
                 "{" REQUIRED ",\"a\":2147483647,\"b\":-2147483648,\"c\":-0,\"data\":{}}");
}

static void json_that_readers_disagree_about_is_refused_bare_as_well(void **state)
{
    struct desk *const d = *state;
    struct buf deep;
    buf_init(&deep, &d->arena, 1000);
    for (int i = 0; i < 65; i++) {
        buf_add(&deep, S("{\"a\":"));
    }
    buf_add_byte(&deep, '1');
    for (int i = 0; i < 65; i++) {
        buf_add_byte(&deep, '}');
    }
    buf_add_byte(&deep, 0);
    assert_not_taken(d, "Content-Type: " JSON, buf_str(&deep).at, "deeper");
    assert_not_taken(d, "Content-Type: " JSON, "{\"a\":1,\"a\":2}", "twice");
    assert_not_taken(d, "Content-Type: " JSON, "{\"a\":\"\xC0\xA0\"}", "not JSON");
    assert_not_taken(d, "Content-Type: " JSON, "[]", "object");
    assert_not_taken(d, "Content-Type: " JSON, "", "empty");
}

static void formats_that_are_not_json_are_415(void **state)
{
    struct desk *const d = *state;
    static const char *const types[] = {"Content-Type: application/cloudevents",
                                        "Content-Type: application/cloudevents+avro",
                                        "Content-Type: application/cloudevents-batch",
                                        "Content-Type: text/plain",
                                        "Content-Type: application/x-www-form-urlencoded",
                                        "X-Nothing: here",
                                        "Content-Type: application/json; charset=utf-16",
                                        "Content-Type: application/json;charset=\"latin1\""};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_not_taken(d, types[i], BODY, "");
        assert_int_equal(d->refusal.status, 415);
    }
    assert_taken(d, "Content-Type: application/vnd.acme+json; charset=\"utf-8\"", BODY);
}

/* What is well-formed but no CDEvent is the transform's to judge: it must keep an identity. */
static void an_event_without_identity_is_known_by_its_bytes(void **state)
{
    struct desk *const d = *state;
    assert_taken(d, "Content-Type: " JSON, "{\"hello\":1}");
    const struct str first = d->taken.signal->id;
    assert_int_equal(first.len, 64);
    assert_str(d->taken.signal->source, "/agents/builds");
    assert_true(d->taken.signal->type.len > 0);
    assert_taken(d, "Content-Type: " JSON, "{\"hello\":1}");
    assert_true(str_eq(d->taken.signal->id, first));
    assert_taken(d, "Content-Type: " JSON, "{\"hello\":2}");
    assert_false(str_eq(d->taken.signal->id, first));
}

static void header_values_are_decoded_once_and_strictly(void **state)
{
    struct desk *const d = *state;
    static const struct {
        const char *value, *wanted; /* NULL: refused */
    } values[] = {
        {"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro \xE2\x82\xAC \xF0\x9F\x98\x80"},
        {"\"a b\"", "a b"},
        {"\"a \\\"q\\\" %25\"", "a \"q\" %"},
        {"%41bc", "Abc"},
        {"%c3%a9", "\xC3\xA9"},
        {"100%25", "100%"},
        {"%2525", "%25"},
        {"plain+text", "plain+text"},
        {"\xC3\xA9", "\xC3\xA9"},
        {"%C0%A0", NULL},
        {"%ED%A0%80", NULL},
        {"%zz", NULL},
        {"%4", NULL},
        {"%", NULL},
        {"%00", NULL},
        {"%7F", NULL},
        {"%C2%80", NULL},
        {"%EF%BF%BF", NULL},
        {"%EF%B7%90", NULL},
        {"%F0%9F%BF%BE", NULL},
        {"%EF%BF%BD", "\xEF\xBF\xBD"},
        {"\"open", NULL},
        {"\"a\" b", NULL},
        {"\"a\\", NULL},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct str out = {0};
        const bool is = ce_decode(&d->arena, str_of(values[i].value), &out);
        if (is != (values[i].wanted != NULL)) {
            fail_msg("%s was %s", values[i].value, is ? "taken" : "refused");
        }
        if (is) {
            assert_str(out, values[i].wanted);
        }
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest all[] = {
        T(the_same_event_in_every_mode_is_the_same_signal),
        T(base64_data_is_decoded),
        T(headers_and_body_that_contradict_each_other_are_named),
        T(numbers_keep_their_spelling_in_every_mode),
        T(headers_that_structured_mode_does_not_need_must_agree_all_the_same),
        T(headers_that_say_what_the_event_lacks_contradict_it),
        T(a_bare_event_with_some_of_the_headers_is_no_event_of_binary_mode),
        T(attributes_that_are_missing_or_wrong_are_named),
        T(json_that_readers_disagree_about_is_refused_bare_as_well),
        T(formats_that_are_not_json_are_415),
        T(an_event_without_identity_is_known_by_its_bytes),
        T(header_values_are_decoded_once_and_strictly),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
