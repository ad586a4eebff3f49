/* What is kept of a request lets nobody in. */
#include "agent/agent.h"
#include "agent/secret.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct str configured[] = {STR("open sesame"), STR("short"), STR("")};
static const struct str_list secrets = {configured, sizeof configured / sizeof *configured};

static void a_header_of_a_secret_name_is_left_out(void **state)
{
    (void)state;
    static const char *const secret[] = {"Authorization",
                                         "Proxy-Authorization",
                                         "Cookie",
                                         "Set-Cookie",
                                         "X-Auth-Key",
                                         "X-Credential",
                                         "X-Credentials-2",
                                         "X-Passwd",
                                         "X-JWT",
                                         "X-Goog-Iap-Jwt-Assertion",
                                         "X-Gitlab-Token",
                                         "X-Amz-Security-Token",
                                         "X-Client-Secret",
                                         "X-Password",
                                         "X-Api-Key",
                                         "apikey",
                                         "X_API_KEY",
                                         "x.api.key",
                                         "X-Hub-Signature-256",
                                         "X-Access-Key",
                                         "X-Session-Id"};
    static const char *const plain[] = {
        "Host",         "User-Agent",      "X-GitHub-Event", "Referer",
        "Content-Type", "Idempotency-Key", "X-Request-Id",   "ce-id",
        "X-Author",     "Accept-Encoding", "Traceparent"};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) {
        if (!secret_is_name(str_of(secret[i]))) {
            fail_msg("%s is kept", secret[i]);
        }
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (secret_is_name(str_of(plain[i]))) {
            fail_msg("%s is not kept", plain[i]);
        }
    }
}

/* The words of docs/operations.md, each the only one in its name. */
static void every_promised_word_alone_makes_a_name_secret(void **state)
{
    (void)state;
    static const char *const words[] = {"authorization", "cookie",      "token",      "secret",
                                        "password",      "passwd",      "passphrase", "credential",
                                        "signature",     "api-key",     "apikey",     "auth-key",
                                        "access-key",    "private-key", "jwt",        "session"};
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char upper[32] = "";
        for (size_t k = 0; words[i][k]; k++) {
            upper[k] = (char)(words[i][k] == '-' ? '_' : words[i][k] - 'a' + 'A');
        }
        const struct str parameter = arena_printf(&a, "/p?x-%s=abc", words[i]);
        const struct str kept = arena_printf(&a, "/p?x-%s=***", words[i]);
        if (!secret_is_name(arena_printf(&a, "x-%s-2", words[i])) ||
            !secret_is_name(arena_printf(&a, "X_%s", upper)) ||
            !str_eq(secret_cut(&a, parameter, &secrets), kept)) {
            fail_msg("what a name with %s says is kept", words[i]);
        }
    }
    arena_close(&a);
}

static void a_value_is_kept_without_its_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *value, *kept;
    } rows[] = {
        {"", ""},
        {"https://ci.example.com/run/7?x=1#top", "https://ci.example.com/run/7?x=1#top"},
        {"https://a.org/p?access_token=abc", "https://a.org/p?access_token=***"},
        {"https://a.org/p?x=1&ACCESS_TOKEN=abc&y=2#z",
         "https://a.org/p?x=1&ACCESS_TOKEN=***&y=2#z"},
        {"https://a.org/#id_token=abc&x=1", "https://a.org/#id_token=***&x=1"},
        {"/p?access%5Ftoken=abc", "/p?access%5Ftoken=***"},
        {"/p?key=abc;sig=def", "/p?key=***;sig=***"},
        {"/p?monkey=abc&design=def", "/p?monkey=abc&design=def"},
        {"/login?to=https%3A%2F%2Fb.org%2F%3Fcode%3Dabc%26x%3D1",
         "/login?to=https%3A%2F%2Fb.org%2F%3Fcode%3D***%26x%3D1"},
        {"https://me:pass@a.org/p", "https://a.org/p"},
        {"https://me:p@ss@a.org/p?m=a@b", "https://a.org/p?m=a@b"},
        {"https://a.org/@me", "https://a.org/@me"},
        {"<https://me@a.org/?token=abc>; rel=\"next\", <https://b.org/>",
         "<https://a.org/?token=***>; rel=\"next\", <https://b.org/>"},
        {"Digest token=\"a b\", realm=\"x\"", "Digest token=\"***\", realm=\"x\""},
        {"open sesame", "***"},
        {"say open sesame, open sesame!", "say ***, ***!"},
        {"short", "***"},
        {"a short one", "a short one"},
        {"=", "="},
        {"token=", "token=***"},
        {"%3D", "%3D"},
        {"//", "//"},
        {"//@", "//"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        const struct str is = secret_cut(&a, str_of(rows[i].value), &secrets);
        if (!str_eq(is, str_of(rows[i].kept))) {
            fail_msg("%s\n  became %.*s\n  and not %s", rows[i].value, STR_ARG(is), rows[i].kept);
        }
        arena_close(&a);
    }
}

static void the_headers_of_a_signal_hold_no_secret(void **state)
{
    (void)state;
    struct arena a;
    struct header header[] = {{S("Referer"), S("https://x.org/?access_token=abc")},
                              {S("X-Note"), S("it is open sesame")},
                              {S("X-Note"), S("short")},
                              {S("X-Auth-Key"), S("abc")},
                              {S("Forwarded"), S("for=1.2.3.4;secret=abc")}};
    arena_init(&a, 1 << 20);
    const struct request q = {.header = header,
                              .headers_n = sizeof header / sizeof *header,
                              .secrets = secrets,
                              .arena = &a,
                              .scratch = &a};
    const struct str is = request_headers_json(&q, &a);
    const struct str wanted = S("{\"referer\":\"https://x.org/?access_token=***\","
                                "\"x-note\":\"it is ***, short\","
                                "\"forwarded\":\"for=1.2.3.4;secret=***\"}");
    assert_int_equal(is.len, wanted.len);
    assert_memory_equal(is.at, wanted.at, is.len);
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_header_of_a_secret_name_is_left_out),
        cmocka_unit_test(every_promised_word_alone_makes_a_name_secret),
        cmocka_unit_test(a_value_is_kept_without_its_secrets),
        cmocka_unit_test(the_headers_of_a_signal_hold_no_secret),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
