#include "command/hook.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "command/screen.h"

enum { SECRET_BYTES_MAX = 4096 };

struct flag hook_flag_ca(struct str *file)
{
    return (struct flag){
        "ca", 0,      FLAG_TEXT,
        file, "FILE", "HTTPS: trust the authorities in this PEM file, not the system's"};
}

enum outcome hook_secret(struct arena *a, const struct hook_secret_option *option,
                         struct str *secret, struct failure *f)
{
    if (secret->len == 0) {
        const char *const given = getenv(option->environment);
        *secret = given ? arena_str(a, str_of(given)) : *secret;
        return OK;
    }
    if (!str_starts(*secret, S("@"))) {
        return OK;
    }
    const char *const path = arena_cstr(a, str_sub(*secret, 1, secret->len));
    const enum outcome result = file_read(a, path, SECRET_BYTES_MAX, secret, f);
    if (result != OK) {
        return result;
    }
    *secret = str_chomp(*secret);
    return secret->len > 0 ? OK : failed(f, STOP, "%s: %s is empty", option->name, path);
}

void hook_say_again(const char *command, const char *error)
{
    screen_tell("weir %s: %s; trying again\n", command, error);
}

/* A query may hold a token. */
void hook_say_lost(const char *command, struct str url)
{
    const struct str shown = str_sub(url, 0, str_find(url, '?'));
    screen_tell("weir %s: gave up, %.*s cannot be reached: is weir running there, and the port "
                "the one of intake.listen?\n",
                command, STR_ARG(shown));
}

void hook_field(struct post_request *request, struct str name, struct str value)
{
    size_t i = 0;
    while (i < POST_FIELDS_MAX && request->field[i].name.len) {
        i++;
    }
    assert(i < POST_FIELDS_MAX);
    request->field[i] = (struct post_field){name, value};
}

struct str hook_signature(struct arena *a, struct str secret, struct str body)
{
    unsigned char mac[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    hash_hmac_sha256(secret, body, mac);
    hex_write(mac, sizeof mac, hex);
    return arena_printf(a, "sha256=%.*s", (int)sizeof hex, hex);
}

void hook_github(struct arena *a, struct str secret, struct str event, struct str id,
                 struct post_request *request)
{
    hook_field(request, S("Content-Type"), S("application/json"));
    hook_field(request, S("User-Agent"), S("GitHub-Hookshot/weir"));
    hook_field(request, S("X-GitHub-Event"), event);
    hook_field(request, S("X-GitHub-Delivery"), id);
    hook_field(request, S("X-GitHub-Hook-ID"), S("4711"));
    hook_field(request, S("X-GitHub-Hook-Installation-Target-Type"), S("organization"));
    hook_field(request, S("X-GitHub-Hook-Installation-Target-ID"), S("9919"));
    if (secret.len) {
        hook_field(request, S("X-Hub-Signature-256"), hook_signature(a, secret, request->body));
    }
}
