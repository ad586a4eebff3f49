/* hook.h - requests as tools send them to weir's hooks. */
#ifndef WEIR_COMMAND_HOOK_H
#define WEIR_COMMAND_HOOK_H

#include "command/command.h"
#include "wire/post.h"

/* What follows the reason when a certificate was not trusted. */
#define HOOK_UNTRUSTED "; --ca FILE names the authority that signed it"

/* The option of whoever posts to hooks. */
struct flag hook_flag_ca(struct str *file);

/* A secret as an option gave it: the secret itself, @FILE that holds it, or nothing, then that of
 * the environment. What stands in argv stays to be read in ps, a file and the environment do not.
 *   returns OK | STOP no such file */
struct hook_secret_option {
    const char *name, *environment;
};
#define HOOK_SECRET (&(struct hook_secret_option){"--secret", "WEIR_SECRET"})
#define HOOK_TOKEN (&(struct hook_secret_option){"--token", "WEIR_TOKEN"})
enum outcome hook_secret(struct arena *a, const struct hook_secret_option *option,
                         struct str *secret, struct failure *f);

/* What is said on stderr while a receiver that does not answer is tried again, and when none could
 * be reached. */
void hook_say_again(const char *command, const char *error);
void hook_say_lost(const char *command, struct str url);

/* What GitHub sends; signed when there is a secret. Texts live in the arena.
 *   source   GitHub, "Webhook events and payloads", delivery headers */
void hook_github(struct arena *a, struct str secret, struct str event, struct str id,
                 struct post_request *request);

/* The signature of GitHub's header: `sha256=` and 64 hex digits. */
struct str hook_signature(struct arena *a, struct str secret, struct str body);

/* A field more, where there is room (asserted). */
void hook_field(struct post_request *request, struct str name, struct str value);

#endif
