#include "agent/cloudevent.h"
#include "agent/media.h"
#include "wire/json.h"
#include "wire/percent.h"

enum { ATTRIBUTE_BYTES_MAX = 4096, ATTRIBUTES_SEEN_MAX = 64 };

static const struct refusal bad_event = {.status = 400, .reason = "cloudevent"};

bool ce_mode_of(const struct request *q, enum ce_mode *out, struct refusal *why)
{
    const struct str media = media_type(request_header(q, S("Content-Type")));
    const bool is_batch = str_starts_nocase(media, S("application/cloudevents-batch"));
    const bool is_event = str_starts_nocase(media, S("application/cloudevents"));
    *out = is_batch ? CE_BATCH : is_event ? CE_STRUCTURED : CE_BINARY;
    const bool is_json = is_event
                             ? str_eq_nocase(media, S("application/cloudevents+json")) ||
                                   str_eq_nocase(media, S("application/cloudevents-batch+json"))
                             : media_is_json(media);
    if (!is_json) {
        return refuse(q->arena, why, (struct refusal){.status = 415, .reason = "media_type"},
                      "Content-Type \"%.*s\": send application/json, application/cloudevents+json "
                      "or application/cloudevents-batch+json",
                      STR_ARG(str_sub(media, 0, 80)));
    }
    return request_is_utf8(q, why);
}

/* ---- values ---- */

/* CloudEvents spec.md, type String: no control characters, no noncharacters. */
static bool is_string(struct str s)
{
    if (!str_is_utf8(s)) {
        return false;
    }
    for (size_t i = 0; i < s.len;) {
        const unsigned char c = (unsigned char)s.at[i];
        const size_t more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
        uint32_t point = more == 0 ? c : c & (0x3FU >> more);
        for (size_t k = 1; k <= more; k++) {
            point = point << 6 | ((unsigned char)s.at[i + k] & 0x3FU);
        }
        if (point < 0x20 || (point >= 0x7F && point < 0xA0) ||
            (point >= 0xFDD0 && point <= 0xFDEF) || (point & 0xFFFE) == 0xFFFE) {
            return false;
        }
        i += more + 1;
    }
    return true;
}

/* RFC 7230 section 3.2.6: from the first quote to the last, `\` before any character. */
static bool unquote(struct str value, char *to, size_t *n)
{
    size_t i = 1;
    *n = 0;
    while (i < value.len && value.at[i] != '"') {
        i += value.at[i] == '\\';
        if (i == value.len) {
            return false;
        }
        to[(*n)++] = value.at[i++];
    }
    return i + 1 == value.len;
}

bool ce_decode(struct arena *a, struct str value, struct str *out)
{
    char *const at = arena_cstr(a, value);
    size_t len = value.len;
    if ((value.len > 0 && value.at[0] == '"' && !unquote(value, at, &len)) ||
        !percent_decode(at, &len, false)) {
        return false;
    }
    *out = (struct str){at, len};
    return is_string(*out);
}

static unsigned base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? (unsigned)(c - 'A')
           : c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 26
           : c >= '0' && c <= '9' ? (unsigned)(c - '0') + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : 64;
}

bool ce_base64(struct arena *a, struct str text, struct str *out)
{
    const size_t padding = str_ends(text, S("==")) ? 2 : str_ends(text, S("=")) ? 1 : 0;
    char *const at = arena_try(a, text.len / 4 * 3 + 1, 1);
    size_t n = 0;
    uint32_t bits = 0;
    if (!at || text.len % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        const bool is_padding = i >= text.len - padding;
        const unsigned digit = is_padding ? 0 : base64_digit(text.at[i]);
        if (digit > 63) {
            return false;
        }
        bits = bits << 6 | digit;
        if (i % 4 == 3) {
            at[n++] = (char)(bits >> 16);
            at[n++] = (char)(bits >> 8);
            at[n++] = (char)bits;
        }
    }
    *out = (struct str){at, n - padding};
    return true;
}

/* ---- attributes ---- */

/* NULL: an extension, or no attribute at all. */
static struct str *attribute_of(struct cloudevent *e, struct str name)
{
    const struct {
        struct str name;
        struct str *at;
    } known[] = {{STR("specversion"), &e->specversion},
                 {STR("id"), &e->id},
                 {STR("source"), &e->source},
                 {STR("type"), &e->type},
                 {STR("subject"), &e->subject},
                 {STR("time"), &e->time},
                 {STR("datacontenttype"), &e->datacontenttype},
                 {STR("dataschema"), &e->dataschema}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (str_eq(known[i].name, name)) {
            return known[i].at;
        }
    }
    return NULL;
}

/* spec.md, attribute naming convention; `data` is not an attribute. */
static bool is_attribute_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!((name.at[i] >= 'a' && name.at[i] <= 'z') ||
              (name.at[i] >= '0' && name.at[i] <= '9'))) {
            return false;
        }
    }
    return name.len > 0 && !str_eq(name, S("data"));
}

/* RFC 3986, section 4.3: it begins with a scheme. */
static bool is_absolute_uri(struct str s)
{
    const size_t colon = str_find(s, ':');
    for (size_t i = 0; i < colon; i++) {
        const char c = s.at[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_more = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!is_letter && (i == 0 || !is_more)) {
            return false;
        }
    }
    return colon > 0 && colon + 1 < s.len && str_find(s, ' ') == s.len;
}

/* What holds for attributes wherever they stand; `where` begins every message. */
static bool check(const struct request *q, struct cloudevent *e, struct str where,
                  struct refusal *why)
{
    const struct {
        const char *name;
        struct str value;
    } required[] = {
        {"specversion", e->specversion}, {"id", e->id}, {"source", e->source}, {"type", e->type}};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        if (required[i].value.len == 0) {
            return refuse(q->arena, why, bad_event, "%.*sthe CloudEvents attribute %s is missing",
                          STR_ARG(where), required[i].name);
        }
        if (required[i].value.len > ATTRIBUTE_BYTES_MAX) {
            return refuse(q->arena, why, bad_event,
                          "%.*sthe CloudEvents attribute %s is longer than %d bytes",
                          STR_ARG(where), required[i].name, ATTRIBUTE_BYTES_MAX);
        }
    }
    if (!str_eq(e->specversion, S("1.0"))) {
        return refuse(q->arena, why, bad_event,
                      "%.*sspecversion \"%s\" is not known: send CloudEvents 1.0", STR_ARG(where),
                      str_shown(e->specversion, 20).text);
    }
    if (e->dataschema.len > 0 && !is_absolute_uri(e->dataschema)) {
        return refuse(q->arena, why, bad_event, "%.*sthe attribute dataschema is no absolute URI",
                      STR_ARG(where));
    }
    e->time_us = TIME_NONE;
    return e->time.len == 0 || clock_parse(e->time, &e->time_us) ||
           refuse(q->arena, why, bad_event, "%.*sthe attribute time is no RFC 3339 timestamp",
                  STR_ARG(where));
}

static struct str lower_case(struct arena *a, struct str s)
{
    char *const at = arena_cstr(a, s);
    for (size_t i = 0; i < s.len; i++) {
        at[i] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] - 'A' + 'a' : at[i]);
    }
    return (struct str){at, s.len};
}

/* Take one ce- header into the event; `seen` finds a name that comes twice. */
static bool take_header(const struct request *q, struct header h, struct cloudevent *e,
                        struct str seen[ATTRIBUTES_SEEN_MAX], struct refusal *why)
{
    const struct str name = lower_case(q->scratch, str_sub(h.name, 3, h.name.len));
    const struct str shown = str_sub(name, 0, 40);
    struct str value;
    if (!is_attribute_name(name) || str_eq(name, S("datacontenttype"))) {
        return refuse(q->arena, why, bad_event,
                      "the header ce-%.*s may not be there: names are a-z and 0-9, and the data's "
                      "type is the Content-Type",
                      STR_ARG(shown));
    }
    size_t i = 0;
    while (i < ATTRIBUTES_SEEN_MAX && seen[i].len > 0 && !str_eq(seen[i], name)) {
        i++;
    }
    if (i == ATTRIBUTES_SEEN_MAX || seen[i].len > 0) {
        return refuse(q->arena, why, bad_event,
                      i < ATTRIBUTES_SEEN_MAX ? "the header ce-%.*s stands twice"
                                              : "too many ce- headers: ce-%.*s",
                      STR_ARG(shown));
    }
    seen[i] = name;
    if (!ce_decode(q->scratch, h.value, &value)) {
        return refuse(q->arena, why, bad_event,
                      "the header ce-%.*s is not encoded as the CloudEvents HTTP binding asks "
                      "(percent-encoded UTF-8)",
                      STR_ARG(shown));
    }
    struct str *const known = attribute_of(e, name);
    if (known && value.len == 0) {
        return refuse(q->arena, why, bad_event, "the header ce-%.*s is empty", STR_ARG(shown));
    }
    if (known) {
        *known = value;
    }
    return true;
}

/* The attribute that a ce- header names, in lower case; empty: it is another header. */
static struct str attribute_name(const struct request *q, struct header h)
{
    return str_starts_nocase(h.name, S("ce-"))
               ? lower_case(q->scratch, str_sub(h.name, 3, h.name.len))
               : (struct str){NULL, 0};
}

bool ce_read_headers(const struct request *q, struct cloudevent *out, bool *is_event,
                     struct refusal *why)
{
    struct str seen[ATTRIBUTES_SEEN_MAX] = {0};
    *out = (struct cloudevent){.time_us = TIME_NONE};
    *is_event = false;
    for (size_t i = 0; i < q->headers_n; i++) {
        *is_event |= attribute_of(out, attribute_name(q, q->header[i])) != NULL;
    }
    for (size_t i = 0; *is_event && i < q->headers_n; i++) {
        if (str_starts_nocase(q->header[i].name, S("ce-")) &&
            !take_header(q, q->header[i], out, seen, why)) {
            return false;
        }
    }
    return !*is_event || check(q, out, S(""), why);
}

/* spec.md, type Integer: a whole number of 32 bits with a sign. The document was read exactly. */
static bool is_integer(yyjson_val *v)
{
    uint64_t number;
    const struct str text = yyjson_is_raw(v) ? (struct str){yyjson_get_raw(v), yyjson_get_len(v)}
                                             : S("");
    const bool is_negative = str_starts(text, S("-"));
    return str_to_u64(str_sub(text, is_negative, text.len), &number) &&
           number <= (uint64_t)INT32_MAX + is_negative;
}

bool ce_read_json(const struct request *q, yyjson_val *event, int64_t i, struct cloudevent *out,
                  struct refusal *why)
{
    const struct str where = i < 0 ? S("") : arena_printf(q->scratch, "event %lld: ", (long long)i);
    size_t k = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    *out = (struct cloudevent){.time_us = TIME_NONE};
    if (!yyjson_is_obj(event)) {
        return refuse(q->arena, why, bad_event, "%.*sa CloudEvent is a JSON object",
                      STR_ARG(where));
    }
    yyjson_obj_foreach(event, k, n, key, value)
    {
        const struct str name = json_text(key);
        struct str *const known = attribute_of(out, name);
        if (str_eq(name, S("data")) || str_eq(name, S("data_base64")) || yyjson_is_null(value)) {
            continue;
        }
        const bool is_scalar = yyjson_is_str(value) ||
                               (!known && (yyjson_is_bool(value) || is_integer(value)));
        if (!is_attribute_name(name) || !is_scalar ||
            (yyjson_is_str(value) && !is_string(json_text(value)))) {
            return refuse(q->arena, why, bad_event,
                          "%.*sthe member \"%s\" is no CloudEvents attribute: names are a-z and "
                          "0-9, values texts, booleans or integers of 32 bits",
                          STR_ARG(where), str_shown(name, 40).text);
        }
        if (known && yyjson_get_len(value) == 0) {
            return refuse(q->arena, why, bad_event, "%.*sthe attribute %.*s is empty",
                          STR_ARG(where), STR_ARG(name));
        }
        if (known) {
            *known = json_text(value);
        }
    }
    return check(q, out, where, why);
}

bool ce_headers_agree(const struct request *q, yyjson_val *event, struct refusal *why)
{
    for (size_t i = 0; i < q->headers_n; i++) {
        const struct header h = q->header[i];
        struct str value;
        struct cloudevent known = {0};
        const struct str name = attribute_name(q, h);
        const struct str said = json_text(json_get(event, name));
        if (name.len == 0 || (!said.at && !attribute_of(&known, name))) {
            continue; /* an extension that the event has not, or no text */
        }
        int64_t header_us = TIME_NONE;
        int64_t event_us = TIME_NONE;
        const bool is_time = str_eq(name, S("time")) && ce_decode(q->scratch, h.value, &value) &&
                             clock_parse(value, &header_us) && clock_parse(said, &event_us);
        if ((is_time && header_us == event_us) ||
            (said.at && ce_decode(q->scratch, h.value, &value) && str_eq(value, said))) {
            continue;
        }
        return refuse(q->arena, why, (struct refusal){.status = 400, .reason = "contradiction"},
                      "the header ce-%.*s and the event in the body say different things: leave "
                      "the ce- headers out where the body has the attributes, or let them agree",
                      STR_ARG(str_sub(name, 0, 40)));
    }
    return true;
}
