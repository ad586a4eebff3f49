/* webhook.c - any JSON, from tools that weir knows only by the configuration.
 *
 * Who sent it is proved by a signature over the body, by a token, or by both, as configured; what
 * it means is the mapping's (transform/jq/). */
#include "agent/cloudevent.h"
#include "agent/media.h"
#include "agent/proof.h"
#include "base/hash.h"
#include "config/section.h"
#include "wire/json.h"

#include <stddef.h>

enum { ID_BYTES_MAX = 1000, EVENT_BYTES_MAX = 100, SECOND = 1000, HOUR = 3600 * SECOND };
enum { KIB = 1024, MIB = 1024 * KIB };
#define HEADER "header:"
#define QUERY "query:"
#define IN(member) offsetof(struct webhook_options, member)
#define IN_SIGNATURE(member) offsetof(struct webhook_signature, member)

/* by enum hash_kind */
static const char *const algorithms[] = {"hmac-sha1", "hmac-sha256", "hmac-sha512", NULL};
/* by enum webhook_encoding; a signature is no text */
static const char *const encodings[] = {"hex", "base64", NULL};
static const char *const secret_encodings[] = {"hex", "base64", "text", NULL};

static const struct option timestamp_options[] = {
    {"header", OPTION_TEXT, offsetof(struct webhook_timestamp, header), "",
     .about = "header with the time that is signed too; absent: none is"},
    {"prefix", OPTION_TEXT, offsetof(struct webhook_timestamp, prefix), "",
     .about = "what stands before the time in an element of that header"},
    {"tolerance", OPTION_DURATION, offsetof(struct webhook_timestamp, tolerance_ms), "5m", SECOND,
     24 * HOUR, .about = "how far it may be off; what was sent before is refused"},
    {0}};

static const struct option signature_options[] = {
    {"header", OPTION_TEXT, IN_SIGNATURE(header), "",
     .about = "header with the signature, or several"},
    {"algorithm", OPTION_CHOICE, IN_SIGNATURE(algorithm), "hmac-sha256", .words = algorithms,
     .about = "hmac-sha256, hmac-sha512 or hmac-sha1"},
    {"prefix", OPTION_TEXT, IN_SIGNATURE(prefix), "",
     .about = "what stands before the signature: `sha256=`, `v1=`"},
    {"separator", OPTION_TEXT, IN_SIGNATURE(separator), ",",
     .about = "the one character between several in a header"},
    {"encoding", OPTION_CHOICE, IN_SIGNATURE(encoding), "hex", .words = encodings,
     .about = "hex or base64"},
    {"signs", OPTION_TEXT, IN_SIGNATURE(signs), "{body}",
     .about = "what is signed: `{timestamp}.{body}`, `v0:{timestamp}:{body}`, "
              "`{header:X-Id}.{body}`, `{url}`"},
    {"url", OPTION_TEXT, IN_SIGNATURE(url), "",
     .about = "what {url} is: the address that the sender was given, without a query"},
    {"digest", OPTION_TEXT, IN_SIGNATURE(digest), "",
     .about = "where the SHA-256 of the body (hex) stands that is signed in place of it: "
              "query:NAME, header:NAME"},
    {"timestamp", OPTION_SECTION, IN_SIGNATURE(timestamp), .section = timestamp_options,
     .about = "the time that is signed too"},
    {"secret_encoding", OPTION_CHOICE, IN_SIGNATURE(secret_encoding), "text",
     .words = secret_encodings,
     .about = "how the secret is written: base64 and hex stand for the bytes that sign"},
    {"secret_prefix", OPTION_TEXT, IN_SIGNATURE(secret_prefix), "",
     .about = "what stands before the encoded secret: `whsec_`"},
    {0}};

static const struct option limits_options[] = {
    {"memory", OPTION_SIZE, offsetof(struct mapping_limits, memory_bytes), "256MiB", 16 * MIB,
     INT64_C(65536) * MIB, .about = "memory of the mapping's process"},
    {"time", OPTION_DURATION, offsetof(struct mapping_limits, time_ms), "1s", 10, 20 * SECOND,
     .about = "processor time of one signal"},
    {"depth", OPTION_INT, offsetof(struct mapping_limits, depth), "32", 1, 64,
     .about = "levels of what the mapping gives"},
    {"outputs", OPTION_INT, offsetof(struct mapping_limits, outputs), "5000", 1, 100000,
     .about = "events and rows of one signal"},
    {"output_bytes", OPTION_SIZE, offsetof(struct mapping_limits, output_bytes), "8MiB", KIB,
     64 * MIB, .about = "JSON of all of them"},
    {0}};

const struct option webhook_options[] = {
    {"secret", OPTION_SECRET, IN(secret), "",
     .about = "what the sender signs with; a list while it is being changed: any of them passes"},
    {"signature", OPTION_SECTION, IN(signature), .section = signature_options,
     .about = "how it signs"},
    {"token", OPTION_SECRET, IN(token), "",
     .about = "what the sender shows: Authorization: Bearer, ?access_token=, or token_header; "
              "without secret and token anybody may send"},
    {"token_header", OPTION_TEXT, IN(token_header), "",
     .about = "a header that the token comes in: X-Gitlab-Token"},
    {"id", OPTION_LIST, IN(id), "",
     .about = "identity of a delivery: JSON Pointer (/event/id) or header:NAME, `A|B` the first "
              "that is there; a list: all together; absent: the bytes and the minute"},
    {"event", OPTION_TEXT, IN(event), "",
     .about = "what counts as its event: JSON Pointer, or header:NAME"},
    {"mapping", OPTION_TEXT, offsetof(struct webhook_options, mapping.name), NULL,
     .about = "a ready mapping by its name (gitlab), or a file of jq (./own.jq)"},
    {"limits", OPTION_SECTION, offsetof(struct webhook_options, mapping.limits),
     .section = limits_options, .about = "what a mapping may take"},
    {0}};

/* ---- the configuration ---- */

/* RFC 9110 section 5.1 */
static bool is_header_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c && strchr("!#$%&'*+-.^_`|~", c)))) {
            return false;
        }
    }
    return s.len > 0;
}

/* JSON Pointers and header:NAME, the first that is there. */
static bool is_place(struct str text)
{
    bool is = text.len > 0;
    for (struct str rest = text; rest.len > 0 && is;) {
        const struct str one = str_cut(rest, '|', &rest);
        is = str_starts(one, S(HEADER)) ? is_header_name(str_sub(one, sizeof HEADER - 1, one.len))
                                        : str_starts(one, S("/"));
    }
    return is;
}

/* What a form holds; `unknown`: braces that stand for nothing. */
struct form {
    size_t parts[PROOF_HEADER + 1];
    struct str unknown;
    bool has_digest; /* the header with it, or the URL with its parameter, is signed */
};

static struct form form_of(const struct webhook_signature *s)
{
    struct form form = {.has_digest = false};
    for (struct str rest = s->signs; rest.len > 0 && form.unknown.len == 0;) {
        const struct str from = rest;
        struct proof_part part;
        if (!proof_next_part(&rest, &part) ||
            (part.kind == PROOF_HEADER && !is_header_name(part.text))) {
            form.unknown = str_sub(from, 0, str_find(from, '}') + 1);
            break;
        }
        form.parts[part.kind]++;
        const struct str name = str_sub(s->digest, sizeof HEADER - 1, s->digest.len);
        form.has_digest |= str_starts(s->digest, S(HEADER))
                               ? part.kind == PROOF_HEADER && str_eq_nocase(name, part.text)
                               : part.kind == PROOF_URL;
    }
    return form;
}

static void check_url(const struct section_check *c, const struct webhook_signature *s,
                      const struct form *form)
{
    const bool is_url = str_starts(s->url, S("http://")) || str_starts(s->url, S("https://"));
    if (form->parts[PROOF_URL] > 0 && s->url.len == 0) {
        section_wrong(
            c, "signature.url",
            " is missing: signs holds {url}, and behind a proxy only you know the address");
    } else if (form->parts[PROOF_URL] == 0 && s->url.len > 0) {
        section_wrong(c, "signature.url", " is of no use: signature.signs holds no {url}");
    } else if (s->url.len > 0 && (!is_url || str_find(s->url, '?') < s->url.len ||
                                  str_find(s->url, '#') < s->url.len)) {
        section_wrong(c, "signature.url", " wants https://HOST/PATH, without a query");
    }
}

static void check_digest(const struct section_check *c, const struct webhook_signature *s,
                         const struct form *form)
{
    const bool is_right = (str_starts(s->digest, S(HEADER)) &&
                           is_header_name(str_sub(s->digest, sizeof HEADER - 1, s->digest.len))) ||
                          (str_starts(s->digest, S(QUERY)) && s->digest.len > sizeof QUERY - 1);
    if (s->digest.len > 0 && !is_right) {
        section_wrong(c, "signature.digest", " wants query:NAME or header:NAME");
    } else if (s->digest.len > 0 && !form->has_digest) {
        section_wrong(c, "signature.digest",
                      " is not signed: signature.signs wants {url} or the {header:NAME} with it");
    }
}

static void check_form(const struct section_check *c, const struct webhook_signature *s)
{
    const struct form form = form_of(s);
    const bool has_timestamp = s->timestamp.header.len > 0;
    if (form.unknown.len > 0) {
        section_wrong(
            c, "signature.signs",
            " holds %.*s; what is signed is {body}, {timestamp}, {header:NAME}, {url} and "
            "text without braces",
            STR_ARG(form.unknown));
        return;
    }
    if (form.parts[PROOF_BODY] != (s->digest.len > 0 ? 0 : 1)) {
        section_wrong(c, "signature.signs", "%s",
                      s->digest.len > 0 ? " wants no {body} where signature.digest stands for it"
                                        : " wants {body} once, or signature.digest in its place");
    }
    if (form.parts[PROOF_TIMESTAMP] != (has_timestamp ? 1 : 0)) {
        section_wrong(c, "signature.signs", "%s",
                      has_timestamp
                          ? " wants {timestamp} once"
                          : " wants {timestamp} only where signature.timestamp.header is");
    }
    check_url(c, s, &form);
    check_digest(c, s, &form);
}

/* The bytes that sign, of a secret as it is written; false: it is written otherwise. */
static bool read_key(struct arena *a, const struct webhook_signature *s, struct str secret,
                     struct str *out)
{
    const size_t prefix = str_starts(secret, s->secret_prefix) ? s->secret_prefix.len : 0;
    const struct str text = str_sub(secret, prefix, secret.len);
    *out = text;
    if (s->secret_encoding == WEBHOOK_BASE64) {
        return ce_base64(a, text, out) && out->len > 0;
    }
    if (s->secret_encoding == WEBHOOK_HEX) {
        unsigned char *const bytes = arena_array(a, unsigned char, text.len / 2 + 1);
        *out = (struct str){(const char *)bytes, text.len / 2};
        return text.len > 0 && hex_read(text, bytes, text.len / 2);
    }
    return true;
}

static void read_keys(const struct section_check *c, const struct str_list *secret,
                      struct webhook_signature *s)
{
    s->key = (struct str_list){.at = arena_array(c->s->arena, struct str, secret->n),
                               .n = secret->n};
    for (size_t i = 0; i < secret->n; i++) {
        if (!read_key(c->s->arena, s, secret->at[i], &s->key.at[i])) {
            section_wrong(c, "secret", " is not what signature.secret_encoding says: %s",
                          secret_encodings[s->secret_encoding]);
        }
    }
}

static void check_signature(const struct section_check *c, struct webhook_options *o)
{
    struct webhook_signature *const s = &o->signature;
    const bool has_timestamp = s->timestamp.header.len > 0;
    if (o->secret.n > 0 && !is_header_name(s->header)) {
        section_wrong(c, "signature.header",
                      ": a secret wants the header that the signature is in");
    }
    if (o->secret.n == 0 && s->header.len > 0 && !c->s->is_without_secrets) {
        section_wrong(c, "secret", ": a signature wants the secret that it is made with");
    }
    if (s->separator.len != 1) {
        section_wrong(c, "signature.separator", " wants one character");
    }
    if (s->secret_prefix.len > 0 && s->secret_encoding == WEBHOOK_TEXT) {
        section_wrong(c, "signature.secret_prefix", " wants a signature.secret_encoding");
    }
    if (!has_timestamp && s->timestamp.prefix.len > 0) {
        section_wrong(c, "signature.timestamp", ": its prefix wants the header that it stands in");
    }
    if (has_timestamp && !is_header_name(s->timestamp.header)) {
        section_wrong(c, "signature.timestamp.header", " is no name of a header");
    }
    check_form(c, s);
    read_keys(c, &o->secret, s);
}

void webhook_complete(const struct section_check *c, struct webhook_options *o)
{
    check_signature(c, o);
    if (o->token_header.len > 0 && !is_header_name(o->token_header)) {
        section_wrong(c, "token_header", " is no name of a header");
    }
    if (o->token_header.len > 0 && o->token.n == 0 && !c->s->is_without_secrets) {
        section_wrong(c, "token", ": a token_header wants the token that comes in it");
    }
    for (size_t i = 0; i < o->id.n; i++) {
        if (!is_place(o->id.at[i])) {
            section_wrong(c, "id", " wants JSON Pointers (/event/id) or header:NAME");
        }
    }
    if (o->event.len > 0 && !is_place(o->event)) {
        section_wrong(c, "event", " wants a JSON Pointer (/event/type) or header:NAME");
    }
}

/* ---- requests ---- */

static struct str token_of(const struct request *q, const struct webhook_options *o)
{
    const struct str shown = o->token_header.len ? request_header(q, o->token_header)
                                                 : (struct str){NULL, 0};
    return shown.len ? shown : proof_bearer(q);
}

static bool admit(const struct request *q, struct refusal *why)
{
    const struct webhook_options *const o = q->options;
    const char *const other = o->token_header.len ? ", or in the header " : "";
    if (o->token.n > 0 && !proof_is_token(&o->token, token_of(q, o))) {
        return refuse(q->arena, why, (struct refusal){.status = 401, .reason = "token"},
                      "the token is missing or wrong: send it as Authorization: Bearer TOKEN, "
                      "?access_token=TOKEN%s%.*s",
                      other, STR_ARG(o->token_header));
    }
    if (o->secret.n > 0 && request_header(q, o->signature.header).len == 0) {
        return refuse(q->arena, why, (struct refusal){.status = 401, .reason = "signature"},
                      "the header %.*s is missing: give the sender the secret of this agent",
                      STR_ARG(o->signature.header));
    }
    return true;
}

static bool prove(const struct request *q, struct refusal *why)
{
    const struct webhook_options *const o = q->options;
    return o->secret.n == 0 || proof_is_signed(q, &o->signature, why);
}

/* What stands there, the first of several places; a number as its digits; empty: nothing. */
static struct str look_up(const struct request *q, yyjson_val *root, struct str places)
{
    struct str found = {NULL, 0};
    for (struct str rest = places; rest.len > 0 && found.len == 0;) {
        const struct str one = str_cut(rest, '|', &rest);
        if (str_starts(one, S(HEADER))) {
            found = request_header(q, str_sub(one, sizeof HEADER - 1, one.len));
            continue;
        }
        yyjson_val *const v = yyjson_ptr_getn(root, one.at, one.len);
        found = yyjson_is_num(v) ? json_write(q->scratch, v) : json_text(v);
    }
    return found;
}

/* The bytes and the minute: a repetition within it is one, a later one of the same bytes is not. */
static struct str id_of_bytes(const struct request *q)
{
    unsigned char hash[SHA256_BYTES];
    char *const hex = arena_array(q->arena, char, 2 * SHA256_BYTES);
    hash_sha256(q->body, hash);
    hex_write(hash, sizeof hash, hex);
    return arena_printf(q->arena, "%.*s-%lld", 2 * SHA256_BYTES, hex,
                        (long long)(q->received_us / MINUTE_US));
}

static struct str id_of(const struct request *q, yyjson_val *root)
{
    const struct str_list *const places = &((const struct webhook_options *)q->options)->id;
    struct buf b;
    buf_init(&b, q->arena, ID_BYTES_MAX);
    for (size_t i = 0; i < places->n; i++) {
        const struct str part = look_up(q, root, places->at[i]);
        if (part.len == 0) {
            return id_of_bytes(q);
        }
        buf_add(&b, i > 0 ? S(" ") : S(""));
        buf_add(&b, part);
    }
    const struct str id = buf_str(&b);
    return id.len == 0 || buf_is_over(&b) || !str_is_utf8(id) ? id_of_bytes(q) : id;
}

/* Headers as they are kept: the one with the token may have any name. */
static struct str headers_of(const struct request *q, const struct webhook_options *o)
{
    struct request kept = *q;
    struct header *const header = arena_array(q->scratch, struct header, q->headers_n);
    kept.header = header;
    kept.headers_n = 0;
    for (size_t i = 0; i < q->headers_n; i++) {
        if (!str_eq_nocase(q->header[i].name, o->token_header) &&
            !str_eq_nocase(q->header[i].name, o->signature.header)) {
            header[kept.headers_n++] = q->header[i];
        }
    }
    return request_headers_json(&kept, q->arena);
}

static bool take(const struct request *q, struct taken *out, struct refusal *why)
{
    const struct webhook_options *const o = q->options;
    const bool has_header = request_header(q, S("Authorization")).len > 0;
    yyjson_val *root = NULL;
    if (!media_is_json(media_type(request_header(q, S("Content-Type"))))) {
        return refuse(q->arena, why, (struct refusal){.status = 415, .reason = "media_type"},
                      "a webhook is JSON: Content-Type: application/json");
    }
    if (!request_is_utf8(q, why) || !request_json(q, q->body, &root, why)) {
        return false;
    }
    const struct str id = id_of(q, root);
    const struct str event = str_sub(look_up(q, root, o->event), 0, EVENT_BYTES_MAX);
    struct signal *const s = arena_new(q->arena, struct signal);
    *s = (struct signal){.id = id,
                         .source = arena_printf(q->arena, "/agents/%.*s", STR_ARG(q->agent)),
                         .type = str_is_utf8(event) && event.len
                                     ? arena_printf(q->arena, "webhook.%.*s", STR_ARG(event))
                                     : S("webhook"),
                         .datacontenttype = S("application/json"),
                         .partitionkey = id,
                         .time_us = TIME_NONE,
                         .agent = q->agent,
                         .headers = headers_of(q, o),
                         .data = q->body};
    *out = (struct taken){.signal = s, .n = 1, .is_private = q->token_query.len > 0 && !has_header};
    return true;
}

const struct agent_driver agent_webhook = {
    .accepts = "application/json",
    .challenge = "Bearer realm=\"weir\"", /* or the signature that its detail tells of */
    .admit = admit,
    .prove = prove,
    .take = take};
