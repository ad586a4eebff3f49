/* The driver of type webhook alone: who is believed, and what a delivery is called. It does no I/O,
 * so a request is a struct. */
#include "agent/agent.h"
#include "base/hash.h"
#include "config/agents.h"
#include "test.h"

#include <stdio.h>

#define BODY                                                                                       \
    "{\"event\":{\"id\":\"E1\",\"number\":9007199254740993,\"type\":\"incident triggered\"}}"
#define JSON "Content-Type: application/json\n"
#define NOW_US INT64_C(1700000000000000)

enum { HEADERS_MAX = 20 };

struct desk {
    struct arena arena, scratch;
    struct webhook_options options;
    struct str text[8];
    struct header header[HEADERS_MAX];
    struct request request;
    struct taken taken;
    struct refusal refusal;
    struct str query;
    int64_t now_us;
};

static struct desk desk;

static int set_up(void **state)
{
    (void)state;
    desk = (struct desk){.now_us = NOW_US};
    arena_init(&desk.arena, 1 << 20);
    arena_init(&desk.scratch, 1 << 20);
    desk.options.signature = (struct webhook_signature){.algorithm = HASH_SHA256,
                                                        .signs = S("{body}"),
                                                        .separator = S(","),
                                                        .secret_encoding = WEBHOOK_TEXT,
                                                        .timestamp = {.tolerance_ms = 300000}};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_close(&desk.arena);
    arena_close(&desk.scratch);
    return 0;
}

static struct str_list list(size_t from, const char *first, const char *second)
{
    desk.text[from] = str_of(first);
    desk.text[from + 1] = str_of(second);
    return (struct str_list){&desk.text[from], second ? 2 : 1};
}

/* `headers` are lines "Name: value"; admit, then take, as the intake does. */
static bool take(const char *headers, const char *body)
{
    size_t n = 0;
    for (struct str rest = str_of(headers); rest.len > 0 && n < HEADERS_MAX; n++) {
        struct str value;
        const struct str line = str_cut(rest, '\n', &rest);
        desk.header[n].name = str_cut(line, ':', &value);
        desk.header[n].value = str_trim(value);
    }
    if (desk.options.signature.secret_encoding == WEBHOOK_TEXT) {
        desk.options.signature.key = desk.options.secret;
    }
    desk.request = (struct request){.agent = S("pager"),
                                    .options = &desk.options,
                                    .header = desk.header,
                                    .headers_n = n,
                                    .received_us = desk.now_us,
                                    .query = desk.query,
                                    .token_query = desk.request.token_query,
                                    .arena = &desk.arena,
                                    .scratch = &desk.scratch};
    desk.taken = (struct taken){0};
    desk.refusal = (struct refusal){0};
    if (!agent_webhook.admit(&desk.request, &desk.refusal)) {
        return false;
    }
    desk.request.sent = desk.request.body = str_of(body);
    return agent_webhook.prove(&desk.request, &desk.refusal) &&
           agent_webhook.take(&desk.request, &desk.taken, &desk.refusal);
}

static void assert_refused(const char *headers, const char *body, unsigned status,
                           const char *reason)
{
    assert_false(take(headers, body));
    assert_int_equal(desk.refusal.status, status);
    assert_string_equal(desk.refusal.reason, reason);
}

/* What the sender would make, with the key and the text given. */
static const char *signed_line(const char *format, enum hash_kind kind, const char *key,
                               const char *text)
{
    unsigned char made[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX + 1];
    const size_t n = hash_hmac(kind, str_of(key), str_of(text), made);
    hex_write(made, n, hex);
    hex[2 * n] = '\0';
    char line[600];
    (void)snprintf(line, sizeof line, JSON "X-Sign: %s%s\n", format, hex);
    return arena_cstr(&desk.arena, str_of(line));
}

static void hmacs_are_those_of_rfc_2202_and_4231(void **state)
{
    (void)state;
    const struct {
        enum hash_kind kind;
        const char *hex;
    } vector[] = {{HASH_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
                  {HASH_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
                  {HASH_SHA512,
                   "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c0"
                   "5a9"
                   "94a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}};
    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++) {
        unsigned char made[HASH_BYTES_MAX];
        char hex[2 * HASH_BYTES_MAX];
        const size_t n = hash_hmac(vector[i].kind, S("Jefe"), S("what do ya want for nothing?"),
                                   made);
        hex_write(made, n, hex);
        assert_true(str_eq((struct str){hex, 2 * n}, str_of(vector[i].hex)));
    }
}

static void a_signature_that_fits_is_taken(void **state)
{
    (void)state;
    desk.options.secret = list(0, "k1", NULL);
    desk.options.signature.header = S("X-Sign");
    desk.options.signature.prefix = S("v1=");
    assert_true(take(signed_line("v1=", HASH_SHA256, "k1", BODY), BODY));
    assert_int_equal(desk.taken.n, 1);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    desk.options.secret = list(0, "k1", NULL);
    desk.options.signature.header = S("X-Sign");
    desk.options.signature.prefix = S("v1=");
    assert_refused(JSON, BODY, 401, "signature");
    assert_refused(JSON "X-Sign: v1=\n", BODY, 401, "signature");
    assert_refused(JSON "X-Sign: v1=zz\n", BODY, 401, "signature");
    assert_refused(signed_line("v0=", HASH_SHA256, "k1", BODY), BODY, 401, "signature");
    assert_refused(signed_line("v1=", HASH_SHA256, "k2", BODY), BODY, 401, "signature");
    assert_refused(signed_line("v1=", HASH_SHA1, "k1", BODY), BODY, 401, "signature");
    assert_refused(signed_line("v1=", HASH_SHA256, "k1", BODY), "{}", 401, "signature");
    assert_refused(signed_line("v1=", HASH_SHA256, "k1", "["), "[", 400, "json");
}

static void one_of_several_signatures_and_of_several_secrets_is_enough(void **state)
{
    (void)state;
    desk.options.secret = list(0, "new", "old");
    desk.options.signature.header = S("X-Sign");
    desk.options.signature.prefix = S("v1=");
    assert_true(take(signed_line("v1=00,v1=", HASH_SHA256, "old", BODY), BODY));
    assert_true(take(signed_line("t=1, v1=", HASH_SHA256, "new", BODY), BODY));
    char both[800];
    (void)snprintf(both, sizeof both, "X-Sign: v1=00\n%s",
                   signed_line("v1=", HASH_SHA256, "old", BODY));
    assert_true(take(both, BODY));
    assert_refused(signed_line("v1=00,v1=", HASH_SHA256, "older", BODY), BODY, 401, "signature");
}

static void base64_is_taken_where_it_is_configured(void **state)
{
    (void)state;
    desk.options.secret = list(0, "k1", NULL);
    desk.options.signature.header = S("X-Sign");
    desk.options.signature.encoding = 1;
    desk.options.signature.algorithm = HASH_SHA1;
    /* printf '{}' | openssl dgst -sha1 -hmac k1 -binary | base64 */
    assert_true(take(JSON "X-Sign: wLPja5eBukDwrPw5bWbfCYvwYow=\n", "{}"));
    assert_refused(JSON "X-Sign: AAAA\n", "{}", 401, "signature");
}

static void a_signed_time_must_be_near(void **state)
{
    (void)state;
    desk.options.secret = list(0, "k1", NULL);
    desk.options.signature.header = S("X-Sign");
    desk.options.signature.prefix = S("v1=");
    desk.options.signature.signs = S("{timestamp}.{body}");
    desk.options.signature.timestamp.header = S("X-Sign");
    desk.options.signature.timestamp.prefix = S("t=");
    assert_true(take(signed_line("t=1700000000,v1=", HASH_SHA256, "k1", "1700000000." BODY), BODY));
    assert_true(
        take(signed_line("t=1700000299999,v1=", HASH_SHA256, "k1", "1700000299999." BODY), BODY));
    assert_refused(signed_line("t=1699999699,v1=", HASH_SHA256, "k1", "1699999699." BODY), BODY,
                   401, "timestamp");
    assert_refused(signed_line("t=1700000301,v1=", HASH_SHA256, "k1", "1700000301." BODY), BODY,
                   401, "timestamp");
    assert_refused(signed_line("t=1700000001,v1=", HASH_SHA256, "k1", "1700000000." BODY), BODY,
                   401, "signature");
    assert_refused(signed_line("v1=", HASH_SHA256, "k1", BODY), BODY, 401, "timestamp");
}

/* The example of the specification of Standard Webhooks: its secret, id, time, body and signature.
 * The key is `printf MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw | base64 -d`. */
static void a_standard_webhook_is_believed(void **state)
{
    static struct str key[] = {STR("an older key"), STR("\x31"
                                                        "\xf2"
                                                        "\x90"
                                                        "\xf6"
                                                        "\xbf"
                                                        "\x06"
                                                        "\x29"
                                                        "\x8a"
                                                        "\xab"
                                                        "\x4f"
                                                        "\x08"
                                                        "\xd4"
                                                        "\x3c"
                                                        "\x3f"
                                                        "\x08"
                                                        "\x2c"
                                                        "\xf6"
                                                        "\x48"
                                                        "\xa3"
                                                        "\x62"
                                                        "\xda"
                                                        "\x2d"
                                                        "\xa4"
                                                        "\xb0")};
    struct webhook_signature *const s = &desk.options.signature;
    const char *const line = JSON "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\n"
                                  "webhook-timestamp: 1614265330\nwebhook-signature: ";
    const char *const fits = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const char *const body = "{\"test\": 2432232314}";
    char headers[600];
    (void)state;
    desk.now_us = INT64_C(1614265330) * 1000000;
    desk.options.secret = list(0, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NULL);
    s->header = S("webhook-signature");
    s->prefix = S("v1,");
    s->separator = S(" ");
    s->encoding = WEBHOOK_BASE64;
    s->signs = S("{header:webhook-id}.{timestamp}.{body}");
    s->timestamp.header = S("webhook-timestamp");
    s->secret_encoding = WEBHOOK_BASE64;
    s->key = (struct str_list){key, 2};
    (void)snprintf(headers, sizeof headers, "%s%s\n", line, fits);
    assert_true(take(headers, body));
    assert_refused(headers, "{\"test\": 2432232315}", 401, "signature");
    (void)snprintf(headers, sizeof headers, "%sv1,bm9uZQ== %s v2,MzJsNDk4MzI0K2V=\n", line, fits);
    assert_true(take(headers, body));
    (void)snprintf(headers, sizeof headers, "%s%s\nWebhook-Id: other\n", line, fits);
    assert_refused(headers, body, 401, "signature"); /* whose id is it? */
    (void)snprintf(headers, sizeof headers, "%sv1a,%s\n", line, fits + 3);
    assert_refused(headers, body, 401, "signature");
    assert_refused(JSON "webhook-timestamp: 1614265330\nwebhook-signature: v1,AAAA\n", body, 401,
                   "signature");
    desk.now_us += INT64_C(301) * 1000000;
    (void)snprintf(headers, sizeof headers, "%s%s\n", line, fits);
    assert_refused(headers, body, 401, "timestamp");
}

/* Twilio's own example of a signed JSON body, from the tests of its library for Python. */
static void an_address_with_the_bodys_digest_is_believed(void **state)
{
    struct webhook_signature *const s = &desk.options.signature;
    const char *const body = "{\"property\": \"value\", \"boolean\": true}";
    const char *const headers = JSON "X-Twilio-Signature: a9nBmqA0ju/hNViExpshrM61xv4=\n";
    const struct str query = STR("?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b28"
                                 "3a80c7cf19632632f96e6620");
    (void)state;
    desk.options.secret = list(0, "12345", NULL);
    s->header = S("X-Twilio-Signature");
    s->algorithm = HASH_SHA1;
    s->encoding = WEBHOOK_BASE64;
    s->signs = S("{url}");
    s->url = S("https://mycompany.com/myapp.php");
    s->digest = S("query:bodySHA256");
    desk.query = query;
    assert_true(take(headers, body));
    assert_refused(headers, "{}", 401, "signature");
    desk.query = str_sub(query, 0, query.len - 1);
    assert_refused(headers, body, 401, "signature");
    desk.query = arena_printf(&desk.arena, "%.*s&x=1", STR_ARG(query));
    assert_refused(headers, body, 401, "signature");
    desk.query = (struct str){0};
    assert_refused(headers, body, 401, "signature");
    assert_non_null(strstr(desk.refusal.detail.at, "query:bodySHA256"));
    s->signs = S("{header:X-Digest}");
    s->digest = S("header:X-Digest");
    assert_refused(headers, body, 401, "signature");
    assert_true(take(JSON "X-Digest: 0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e66"
                          "20\nX-Twilio-Signature: SK3MjGfwsPoPpqJMe5c+puCL2js=\n",
                     body));
}

static void json_is_utf8(void **state)
{
    (void)state;
    desk.options.token = list(0, "secret", NULL);
    desk.options.token_header = S("X-Token");
    assert_refused("Content-Type: application/json; charset=utf-16\nX-Token: secret\n", BODY, 415,
                   "charset");
    assert_true(take("Content-Type: application/json; charset=UTF-8\nX-Token: secret\n", BODY));
}

static void a_token_is_taken_from_each_of_its_places(void **state)
{
    (void)state;
    desk.options.token = list(0, "new", "old");
    desk.options.token_header = S("X-Gitlab-Token");
    assert_true(take(JSON "X-Gitlab-Token: old\n", BODY));
    assert_true(take(JSON "Authorization: bearer new\n", BODY));
    assert_false(desk.taken.is_private);
    assert_refused(JSON, BODY, 401, "token");
    assert_refused(JSON "X-Gitlab-Token: ol\n", BODY, 401, "token");
    assert_refused(JSON "X-Gitlab-Token: older\nAuthorization: bearer new\n", BODY, 401, "token");
    desk.request.token_query = S("new");
    assert_true(take(JSON, BODY));
    assert_true(desk.taken.is_private);
}

static void what_proves_the_sender_is_not_kept(void **state)
{
    (void)state;
    desk.options.token = list(0, "t", NULL);
    desk.options.token_header = S("X-Plain");
    desk.options.secret = list(2, "k1", NULL);
    desk.options.signature.header = S("X-Sign");
    char headers[800];
    (void)snprintf(headers, sizeof headers, "X-Plain: t\nX-Other: o\n%s",
                   signed_line("", HASH_SHA256, "k1", BODY));
    assert_true(take(headers, BODY));
    assert_str(desk.taken.signal->headers,
               "{\"x-other\":\"o\",\"content-type\":\"application/json\"}");
}

static void a_delivery_is_called_as_configured(void **state)
{
    (void)state;
    desk.options.id = list(0, "/event/id", NULL);
    desk.options.event = S("/event/type");
    assert_true(take(JSON, BODY));
    assert_str(desk.taken.signal->id, "E1");
    assert_str(desk.taken.signal->type, "webhook.incident triggered");
    assert_str(desk.taken.signal->source, "/agents/pager");
    desk.options.id = list(0, "header:X-Delivery|/event/number", "/event/id");
    assert_true(take(JSON, BODY));
    assert_str(desk.taken.signal->id, "9007199254740993 E1");
    assert_true(take(JSON "x-delivery: d\n", BODY));
    assert_str(desk.taken.signal->id, "d E1");
    assert_true(take(JSON "x-delivery: \xff\n", BODY)); /* no id that JSON could say */
    assert_true(str_is_utf8(desk.taken.signal->id));
}

static void json_that_cannot_be_used_is_taken_under_its_id(void **state)
{
    (void)state;
    desk.options.id = list(0, "/event/id", NULL);
    assert_true(take(JSON, "{\"event\":{\"id\":\"E1\"},\"a\":\"\\udfff\"}"));
    assert_str(desk.taken.signal->id, "E1");
    assert_true(take(JSON, "{\"event\":{\"id\":\"E1\"},\"a\":1e400}"));
    assert_str(desk.taken.signal->id, "E1");
    assert_str(desk.taken.signal->data, "{\"event\":{\"id\":\"E1\"},\"a\":1e400}");
    assert_true(take(JSON, "{\"event\":{\"id\":1e400}}"));
    assert_int_equal(desk.taken.signal->id.at[64], '-'); /* no id: the bytes and the minute */
    assert_refused(JSON, "{\"event\":{\"id\":\"E1\"},\"a\":\"\\udfff\"", 400, "json");
}

static void without_an_id_the_bytes_and_the_minute_are_it(void **state)
{
    (void)state;
    desk.options.id = list(0, "/absent", NULL);
    assert_true(take(JSON, BODY));
    const struct str first = desk.taken.signal->id;
    assert_true(take(JSON, BODY));
    assert_true(str_eq(first, desk.taken.signal->id));
    assert_true(take(JSON, "{}"));
    assert_false(str_eq(first, desk.taken.signal->id));
    desk.options.id.n = 0;
    assert_true(take(JSON, BODY));
    assert_true(str_eq(first, desk.taken.signal->id));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(hmacs_are_those_of_rfc_2202_and_4231),
        TEST(a_signature_that_fits_is_taken),
        TEST(what_does_not_fit_is_refused),
        TEST(one_of_several_signatures_and_of_several_secrets_is_enough),
        TEST(base64_is_taken_where_it_is_configured),
        TEST(a_signed_time_must_be_near),
        TEST(a_standard_webhook_is_believed),
        TEST(an_address_with_the_bodys_digest_is_believed),
        TEST(json_is_utf8),
        TEST(a_token_is_taken_from_each_of_its_places),
        TEST(what_proves_the_sender_is_not_kept),
        TEST(a_delivery_is_called_as_configured),
        TEST(json_that_cannot_be_used_is_taken_under_its_id),
        TEST(without_an_id_the_bytes_and_the_minute_are_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
