/* github.c - deliveries of GitHub's webhooks, signed with HMAC-SHA256.
 *
 * Source: "Webhook events and payloads" and "Validating webhook deliveries" in GitHub's
 * documentation. The signature covers the body as it was sent, form encoding included. */
#include "agent/agent.h"
#include "agent/media.h"
#include "base/hash.h"
#include "config/agents.h"
#include "wire/json.h"
#include "wire/percent.h"

#include <stddef.h>

enum { EVENT_BYTES_MAX = 64, DELIVERY_BYTES_MAX = 200 };

static const char *const refs_words[] = {"push", "create", NULL};

const struct option github_options[] = {
    {.name = "secret",
     .type = OPTION_SECRET,
     .offset = offsetof(struct github_options, secret),
     .about = "what the webhook signs with; a list while it is being changed: any of them passes"},
    {.name = "refs",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct github_options, refs),
     .fallback = "push",
     .words = refs_words,
     .about = "the event that tells of new and deleted branches and tags: push, or create (and "
              "delete)"},
    {0}};

/* `sha256=` and 64 hex digits, equal to the HMAC by one of the secrets. All secrets are tried and
 * compared in constant time, so that the time tells nothing. */
static bool is_signed(const struct request *q, struct str signature)
{
    static const struct str prefix = STR("sha256=");
    const struct github_options *const options = q->options;
    unsigned char sent[SHA256_BYTES];
    if (!str_starts(signature, prefix) ||
        !hex_read(str_sub(signature, prefix.len, signature.len), sent, sizeof sent)) {
        return false;
    }
    bool is_equal = false;
    for (size_t i = 0; i < options->secret.n; i++) {
        unsigned char made[SHA256_BYTES];
        hash_hmac_sha256(options->secret.at[i], q->sent, made);
        is_equal |= hash_eq_secret((struct str){(const char *)made, sizeof made},
                                   (struct str){(const char *)sent, sizeof sent});
    }
    return is_equal;
}

static bool is_word(struct str s, size_t len_max, const char *extra)
{
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr(extra, c)))) {
            return false;
        }
    }
    return s.len > 0 && s.len <= len_max;
}

/* What can be said before the body is here; the signature itself comes later. */
static bool admit(const struct request *q, struct refusal *why)
{
    static const char *const once[] = {"X-GitHub-Delivery", "X-GitHub-Event", "X-Hub-Signature-256",
                                       NULL};
    const char *const doubled = request_doubled(q, once);
    if (doubled) {
        return refuse(q->arena, why, (struct refusal){.status = 400, .reason = "header"},
                      "the header %s stands twice", doubled);
    }
    if (request_header(q, S("X-Hub-Signature-256")).len == 0) {
        return refuse(q->arena, why, (struct refusal){.status = 401, .reason = "signature"},
                      "the header X-Hub-Signature-256 is missing: give the webhook the secret of "
                      "this agent (X-Hub-Signature alone is too weak)");
    }
    return true;
}

static bool prove(const struct request *q, struct refusal *why)
{
    return is_signed(q, request_header(q, S("X-Hub-Signature-256"))) ||
           refuse(q->arena, why, (struct refusal){.status = 401, .reason = "signature"},
                  "X-Hub-Signature-256 does not fit the body: the webhook and this agent have "
                  "different secrets, or something changed the body on its way");
}

/* A form field's value in the arena; false: wrongly encoded, or no memory. */
static bool decode_field(struct arena *a, struct str text, struct str *out)
{
    char *const at = arena_grow(a, NULL, 0, text.len);
    *out = (struct str){at, text.len};
    return at && percent_decode(memcpy(at, text.at, text.len), &out->len, true);
}

/* The payload of a body in either of a webhook's two content types. */
static bool payload_of(const struct request *q, struct str *out, struct refusal *why)
{
    const struct str media = media_type(request_header(q, S("Content-Type")));
    if (media_is_json(media)) {
        *out = q->body;
        return request_is_utf8(q, why);
    }
    if (!str_eq_nocase(media, S("application/x-www-form-urlencoded"))) {
        return refuse(q->arena, why, (struct refusal){.status = 415, .reason = "media_type"},
                      "Content-Type \"%.*s\": GitHub sends application/json or "
                      "application/x-www-form-urlencoded",
                      STR_ARG(str_sub(media, 0, 80)));
    }
    struct str payload = {NULL, 0};
    size_t n = 0;
    for (struct str rest = q->body; rest.len > 0;) {
        const struct str field = str_cut(rest, '&', &rest);
        if (str_starts(field, S("payload="))) {
            payload = str_sub(field, 8, field.len);
            n++;
        }
    }
    if (n != 1) { /* two: which one it is depends on who reads it */
        return refuse(q->arena, why, (struct refusal){.status = 400, .reason = "form"},
                      n == 0 ? "the form has no field payload"
                             : "the form has the field payload twice");
    }
    return decode_field(q->arena, payload, out) ||
           refuse(q->arena, why, (struct refusal){.status = 400, .reason = "form"},
                  "the form field payload is not percent-encoded as it should be");
}

/* Deliveries of one repository stay in order; organisation events among themselves. */
static struct str partition_of(yyjson_val *payload, struct str id)
{
    const struct str repository = json_text(json_at(payload, S("repository.full_name")));
    const struct str organization = json_text(json_at(payload, S("organization.login")));
    return repository.len ? repository : organization.len ? organization : id;
}

static bool take(const struct request *q, struct taken *out, struct refusal *why)
{
    const struct str id = request_header(q, S("X-GitHub-Delivery"));
    const struct str event = request_header(q, S("X-GitHub-Event"));
    struct str payload = {0};
    yyjson_val *root = NULL;
    if (!is_word(id, DELIVERY_BYTES_MAX, "-_.:")) {
        return refuse(q->arena, why, (struct refusal){.status = 400, .reason = "delivery"},
                      "the header X-GitHub-Delivery is missing or is no id");
    }
    if (!is_word(event, EVENT_BYTES_MAX, "_")) {
        return refuse(q->arena, why, (struct refusal){.status = 400, .reason = "event"},
                      "the header X-GitHub-Event is missing or is no event name");
    }
    if (!payload_of(q, &payload, why) || !request_json(q, payload, &root, why)) {
        return false;
    }
    struct signal *const s = arena_new(q->arena, struct signal);
    *s = (struct signal){.id = id,
                         .source = arena_printf(q->arena, "/agents/%.*s", STR_ARG(q->agent)),
                         .type = arena_printf(q->arena, "github.%.*s", STR_ARG(event)),
                         .datacontenttype = S("application/json"),
                         .partitionkey = arena_str(q->arena, partition_of(root, id)),
                         .time_us = TIME_NONE,
                         .agent = q->agent,
                         .headers = request_headers_json(q, q->arena),
                         .data = payload};
    *out = (struct taken){.signal = s, .n = 1};
    return true;
}

const struct agent_driver agent_github = {
    .accepts = "application/json, application/x-www-form-urlencoded",
    /* no scheme is registered for a signed body: its header's name stands for one */
    .challenge = "X-Hub-Signature-256 realm=\"weir\"",
    .admit = admit,
    .prove = prove,
    .take = take};
