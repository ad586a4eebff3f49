/* cdevents.c - CDEvents in CloudEvents: binary, structured, batched; and bare CDEvents JSON.
 *
 * Sources: CDEvents cloudevents-binding.md (attributes equal the body), CloudEvents
 * http-webhook.md (authorisation, handshake). The event's own schema is not judged here: what is
 * well-formed and not contradictory is taken, and the transform says what is wrong with it. */
#include "agent/agent.h"
#include "agent/cloudevent.h"
#include "agent/media.h"
#include "agent/proof.h"
#include "base/hash.h"
#include "wire/json.h"

#include <stddef.h>

enum { TEXT_BYTES_MAX = 4096 }; /* of an id, source or type: as of CloudEvents attributes */

const struct option cdevents_options[] = {
    {.name = "token",
     .type = OPTION_SECRET,
     .offset = offsetof(struct cdevents_options, token),
     .fallback = "",
     .about =
         "what senders prove themselves with: Authorization: Bearer, or ?access_token=; a list "
         "while it is being changed; absent: anybody may send"},
    {.name = "allowed_origins",
     .type = OPTION_LIST,
     .offset = offsetof(struct cdevents_options, allowed_origins),
     .fallback = "",
     .about = "origins that the CloudEvents webhook handshake (OPTIONS) consents to; * consents to "
              "all"},
    {0}};

static bool admit(const struct request *q, struct refusal *why)
{
    const struct cdevents_options *const options = q->options;
    return options->token.n == 0 || proof_is_token(&options->token, proof_bearer(q)) ||
           refuse(q->arena, why, (struct refusal){.status = 401, .reason = "token"},
                  "the token is missing or wrong: send Authorization: Bearer TOKEN, or "
                  "?access_token=TOKEN");
}

static bool consents(const struct request *q, struct str origin)
{
    const struct cdevents_options *const options = q->options;
    for (size_t i = 0; i < options->allowed_origins.n; i++) {
        const struct str allowed = options->allowed_origins.at[i];
        if (str_eq(allowed, S("*")) || str_eq_nocase(allowed, origin)) {
            return true;
        }
    }
    return false;
}

/* One event on its way to a signal. */
struct arrival {
    const struct request *q;
    struct str where;     /* begins messages: "event 3: " in a batch           */
    struct cloudevent ce; /* empty where the event came bare                   */
    yyjson_val *root;     /* the CDEvent                                       */
    struct str data;      /* its bytes                                         */
};

static bool refuse_event(const struct arrival *v, struct refusal *why, const char *reason,
                         const char *what)
{
    return refuse(v->q->arena, why, (struct refusal){.status = 400, .reason = reason}, "%.*s%s",
                  STR_ARG(v->where), what);
}

/* cloudevents-binding.md: the attributes say what the body says. What the body lacks is left to the
 * transform. */
static bool agrees(const struct arrival *v, struct refusal *why)
{
    const struct cloudevent *const ce = &v->ce;
    const struct {
        const char *name;
        struct str attribute, body;
    } pairs[] = {
        {"id", ce->id, json_text(json_at(v->root, S("context.id")))},
        {"source", ce->source, json_text(json_at(v->root, S("context.source")))},
        {"type", ce->type, json_text(json_at(v->root, S("context.type")))},
        {"subject", ce->subject, json_text(json_at(v->root, S("subject.id")))},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].attribute.len > 0 && pairs[i].body.at &&
            !str_eq(pairs[i].attribute, pairs[i].body)) {
            return refuse(v->q->arena, why,
                          (struct refusal){.status = 400, .reason = "contradiction"},
                          "%.*sthe CloudEvents attribute %s and the body say different things: "
                          "\"%s\" and \"%s\"",
                          STR_ARG(v->where), pairs[i].name, str_shown(pairs[i].attribute, 100).text,
                          str_shown(pairs[i].body, 100).text);
        }
    }
    int64_t at_us = TIME_NONE;
    const struct str timestamp = json_text(json_at(v->root, S("context.timestamp")));
    return ce->time_us == TIME_NONE || !clock_parse(timestamp, &at_us) || at_us == ce->time_us ||
           refuse_event(v, why, "contradiction",
                        "the CloudEvents attribute time and the body's timestamp are different "
                        "instants");
}

static struct str either(struct str a, struct str b)
{
    return a.len ? a : b;
}

static bool to_signal(const struct arrival *v, struct str headers, struct signal *out,
                      struct refusal *why)
{
    struct arena *const a = v->q->arena;
    struct str id = either(v->ce.id, json_text(json_at(v->root, S("context.id"))));
    struct str source = either(v->ce.source, json_text(json_at(v->root, S("context.source"))));
    struct str type = either(v->ce.type, json_text(json_at(v->root, S("context.type"))));
    const struct str subject = either(v->ce.subject, json_text(json_at(v->root, S("subject.id"))));
    const struct str timestamp = json_text(json_at(v->root, S("context.timestamp")));
    if (id.len > TEXT_BYTES_MAX || source.len > TEXT_BYTES_MAX || type.len > TEXT_BYTES_MAX ||
        subject.len > TEXT_BYTES_MAX) {
        return refuse_event(v, why, "cdevent", "an id, source or type is longer than 4096 bytes");
    }
    if (id.len == 0) { /* it has no identity of its own: its bytes are it */
        unsigned char hash[SHA256_BYTES];
        char *const hex = arena_array(a, char, 2 * SHA256_BYTES);
        hash_sha256(v->data, hash);
        hex_write(hash, sizeof hash, hex);
        id = (struct str){hex, 2 * SHA256_BYTES};
    }
    source = source.len ? arena_str(a, source)
                        : arena_printf(a, "/agents/%.*s", STR_ARG(v->q->agent));
    int64_t time_us = v->ce.time_us;
    if (time_us == TIME_NONE && !clock_parse(timestamp, &time_us)) {
        time_us = TIME_NONE;
    }
    *out = (struct signal){.id = arena_str(a, id),
                           .source = source,
                           .type = type.len ? arena_str(a, type) : S("cdevents.untyped"),
                           .subject = arena_str(a, subject),
                           .datacontenttype = S("application/json"),
                           .partitionkey = source,
                           .time_us = time_us,
                           .agent = v->q->agent,
                           .headers = headers,
                           .data = v->data};
    return true;
}

/* Parse, with what JSON readers may disagree about refused. Of what is written anew each number
 * keeps its spelling: 1e2 stays 1e2. */
static bool parse(const struct arrival *v, struct str text, yyjson_val **out, struct refusal *why)
{
    struct failure f;
    yyjson_doc *doc = NULL;
    if (json_try_read_exact(v->q->scratch, text, &doc, &f) != OK ||
        json_check_numbers(doc, &f) != OK ||
        json_check_unique(v->q->scratch, yyjson_doc_get_root(doc), &f) != OK) {
        return refuse_json(v->q, why, v->where, &f);
    }
    *out = yyjson_doc_get_root(doc);
    return true;
}

/* The payload of a structured event: `data`, an object, or `data_base64` of one's text. */
static bool open_payload(struct arrival *v, yyjson_val *event, struct refusal *why)
{
    yyjson_val *const data = json_get(event, S("data"));
    yyjson_val *const encoded = json_get(event, S("data_base64"));
    if (!data == !encoded) {
        return refuse_event(
            v, why, "cloudevent",
            "a CloudEvent that carries a CDEvent has data or data_base64, not both");
    }
    if (v->ce.datacontenttype.len > 0 && !media_is_json(media_type(v->ce.datacontenttype))) {
        return refuse_event(v, why, "cloudevent", "datacontenttype: a CDEvent is JSON");
    }
    if (encoded) {
        return (ce_base64(v->q->arena, json_text(encoded), &v->data) &&
                parse(v, v->data, &v->root, why)) ||
               (why->status ? false
                            : refuse_event(v, why, "cloudevent", "data_base64 is not base64"));
    }
    const struct str text = json_write(v->q->scratch, data);
    char *const kept = arena_try(v->q->arena, text.len, 1);
    if (text.len == 0 || !kept) {
        return refuse(v->q->arena, why, (struct refusal){.status = 503, .reason = "memory"},
                      "no memory to read this event: send it again later");
    }
    memcpy(kept, text.at, text.len);
    v->data = (struct str){kept, text.len};
    v->root = data;
    return true;
}

static bool finish(struct arrival *v, struct str headers, struct signal *out, struct refusal *why)
{
    if (!yyjson_is_obj(v->root)) {
        return refuse_event(v, why, "cdevent", "a CDEvent is a JSON object");
    }
    return agrees(v, why) && to_signal(v, headers, out, why);
}

static bool take_structured(struct arrival *v, yyjson_val *event, int64_t i, struct str headers,
                            struct signal *out, struct refusal *why)
{
    return ce_read_json(v->q, event, i, &v->ce, why) && ce_headers_agree(v->q, event, why) &&
           open_payload(v, event, why) && finish(v, headers, out, why);
}

static bool take_one(struct arrival *v, bool is_structured, struct taken *out, struct refusal *why)
{
    const struct str headers = request_headers_json(v->q, v->q->arena);
    bool is_event = false;
    if (!parse(v, v->q->body, &v->root, why)) {
        return false;
    }
    out->signal = arena_new(v->q->arena, struct signal);
    out->n = 1;
    if (is_structured) {
        return take_structured(v, v->root, -1, headers, out->signal, why);
    }
    v->data = v->q->body;
    return ce_read_headers(v->q, &v->ce, &is_event, why) && finish(v, headers, out->signal, why);
}

static bool take_batch(struct arrival *v, struct taken *out, struct refusal *why)
{
    yyjson_val *events = NULL;
    if (!parse(v, v->q->body, &events, why)) {
        return false;
    }
    const size_t n = yyjson_arr_size(events);
    if (!yyjson_is_arr(events)) {
        return refuse_event(v, why, "cloudevent", "a batch is a JSON array of CloudEvents");
    }
    if (n > v->q->events_max) {
        return refuse(v->q->arena, why, (struct refusal){.status = 413, .reason = "batch"},
                      "the batch has %zu events, more than the %zu that intake.batch_events_max "
                      "allows: send smaller ones",
                      n, v->q->events_max);
    }
    const struct str headers = request_headers_json(v->q, v->q->arena);
    out->signal = arena_array(v->q->arena, struct signal, n);
    out->n = n;
    out->is_batch = true;
    size_t i = 0;
    size_t most = 0;
    yyjson_val *event = NULL;
    yyjson_arr_foreach(events, i, most, event)
    {
        struct arrival one = {.q = v->q, .where = arena_printf(v->q->scratch, "event %zu: ", i)};
        if (!take_structured(&one, event, (int64_t)i, headers, &out->signal[i], why)) {
            return false;
        }
    }
    return true;
}

static bool take(const struct request *q, struct taken *out, struct refusal *why)
{
    struct arrival v = {.q = q, .ce = {.time_us = TIME_NONE}};
    const bool has_header = request_header(q, S("Authorization")).len > 0;
    enum ce_mode mode = CE_BINARY;
    *out = (struct taken){.is_private = q->token_query.len > 0 && !has_header};
    if (!ce_mode_of(q, &mode, why)) {
        return false;
    }
    return mode == CE_BATCH ? take_batch(&v, out, why)
                            : take_one(&v, mode == CE_STRUCTURED, out, why);
}

const struct agent_driver agent_cdevents = {
    .accepts = "application/json, application/cloudevents+json, application/cloudevents-batch+json",
    .challenge = "Bearer realm=\"weir\"", /* RFC 6750, section 3 */
    .admit = admit,
    .take = take,
    .consents = consents};
