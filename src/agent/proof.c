#include "agent/proof.h"

#include "agent/cloudevent.h"
#include "base/hash.h"

enum { SIGNATURES_MAX = 16, TIMESTAMP_BYTES_MAX = 40 };
#define HEADER "header:"
#define QUERY "query:"

/* ---- tokens ---- */

struct str proof_bearer(const struct request *q)
{
    static const struct str scheme = STR("Bearer ");
    const struct str header = request_header(q, S("Authorization"));
    return str_starts_nocase(header, scheme) ? str_trim(str_sub(header, scheme.len, header.len))
                                             : q->token_query;
}

/* Both sides are hashed, so that the time tells neither content nor length. */
bool proof_is_token(const struct str_list *known, struct str token)
{
    unsigned char sent[SHA256_BYTES];
    bool is_equal = false;
    hash_sha256(token, sent);
    for (size_t i = 0; i < known->n; i++) {
        unsigned char made[SHA256_BYTES];
        hash_sha256(known->at[i], made);
        is_equal |= hash_eq_secret((struct str){(const char *)sent, sizeof sent},
                                   (struct str){(const char *)made, sizeof made});
    }
    return is_equal && token.len > 0;
}

/* ---- signatures ---- */

/* What stands in the headers of this name behind the prefix, one element at a time: `t=1,v1=ab`. */
struct elements {
    const struct request *q;
    struct str name, prefix, rest;
    size_t i;
    char separator;
};

static bool next_element(struct elements *e, struct str *out)
{
    for (;;) {
        while (e->rest.len == 0) {
            if (e->i == e->q->headers_n) {
                return false;
            }
            const struct header *const h = &e->q->header[e->i++];
            e->rest = str_eq_nocase(h->name, e->name) ? h->value : (struct str){NULL, 0};
        }
        const struct str one = str_trim(str_cut(e->rest, e->separator, &e->rest));
        if (str_starts(one, e->prefix)) {
            *out = str_sub(one, e->prefix.len, one.len);
            return true;
        }
    }
}

static struct elements elements_of(const struct request *q, const struct webhook_signature *s,
                                   struct str name, struct str prefix)
{
    return (struct elements){
        .q = q, .name = name, .prefix = prefix, .separator = s->separator.at[0]};
}

/* Seconds or milliseconds since 1970, or RFC 3339. */
static bool read_time(struct str text, int64_t *out_us)
{
    const uint64_t second_max = UINT64_C(100000000000); /* the year 5138; in ms, 1973 */
    uint64_t number = 0;
    if (!str_to_u64(text, &number)) {
        return clock_parse(text, out_us);
    }
    if (number > second_max * 1000) {
        return false;
    }
    *out_us = (int64_t)(number < second_max ? number * 1000000 : number * 1000);
    return true;
}

static bool is_recent(const struct request *q, const struct webhook_signature *s, struct str *text,
                      struct refusal *why)
{
    const struct webhook_timestamp *const t = &s->timestamp;
    struct elements e = elements_of(q, s, t->header, t->prefix);
    int64_t at_us = 0;
    if (!next_element(&e, text) || text->len > TIMESTAMP_BYTES_MAX || !read_time(*text, &at_us)) {
        return refuse(q->arena, why, (struct refusal){.status = 401, .reason = "timestamp"},
                      "the header %.*s holds no time: the signature needs one", STR_ARG(t->header));
    }
    const int64_t off_us = q->received_us > at_us ? q->received_us - at_us : at_us - q->received_us;
    return off_us / 1000 <= t->tolerance_ms ||
           refuse(q->arena, why, (struct refusal){.status = 401, .reason = "timestamp"},
                  "the time in %.*s is %lld s off: it was sent too long ago, or a clock is wrong",
                  STR_ARG(t->header), (long long)(off_us / 1000000));
}

bool proof_next_part(struct str *rest, struct proof_part *out)
{
    const char first = rest->at[0];
    const size_t end = str_find(*rest, '}');
    size_t n = 0;
    if (first != '{') {
        while (n < rest->len && rest->at[n] != '{' && rest->at[n] != '}') {
            n++;
        }
        *out = (struct proof_part){PROOF_LITERAL, str_sub(*rest, 0, n)};
        *rest = str_sub(*rest, n, rest->len);
        return n > 0;
    }
    const struct str inner = str_sub(*rest, 1, end > 0 ? end - 1 : 0);
    *out = (struct proof_part){PROOF_LITERAL, str_sub(*rest, 0, end + 1)};
    *rest = str_sub(*rest, end + 1, rest->len);
    if (inner.len + 2 != out->text.len) {
        return false; /* nothing closes it */
    }
    if (str_starts(inner, S(HEADER))) {
        *out = (struct proof_part){PROOF_HEADER, str_sub(inner, sizeof HEADER - 1, inner.len)};
    } else if (str_eq(inner, S("body"))) {
        out->kind = PROOF_BODY;
    } else if (str_eq(inner, S("timestamp"))) {
        out->kind = PROOF_TIMESTAMP;
    } else if (str_eq(inner, S("url"))) {
        out->kind = PROOF_URL;
    }
    return out->kind != PROOF_LITERAL;
}

/* The value of a header that stands there once: of two, who signs and who reads could each mean
 * another one. */
static bool only_header(const struct request *q, struct str name, struct str *out)
{
    size_t n = 0;
    for (size_t i = 0; i < q->headers_n; i++) {
        n += str_eq_nocase(q->header[i].name, name);
    }
    *out = request_header(q, name);
    return n == 1 && out->len > 0;
}

/* The same of the query's parameters, as they were sent. */
static bool only_parameter(const struct request *q, struct str name, struct str *out)
{
    size_t n = 0;
    for (struct str rest = str_sub(q->query, 1, q->query.len); rest.len > 0;) {
        struct str value;
        if (str_eq(str_cut(str_cut(rest, '&', &rest), '=', &value), name)) {
            *out = value;
            n++;
        }
    }
    return n == 1;
}

/* Where the body's digest is that is signed in place of the body: it fits. */
static bool is_digest(const struct request *q, struct str place)
{
    const bool is_header = str_starts(place, S(HEADER));
    const struct str name = str_sub(place, is_header ? sizeof HEADER - 1 : sizeof QUERY - 1,
                                    place.len);
    unsigned char sent[SHA256_BYTES];
    unsigned char made[SHA256_BYTES];
    struct str text;
    hash_sha256(q->sent, made);
    return (is_header ? only_header(q, name, &text) : only_parameter(q, name, &text)) &&
           hex_read(text, sent, sizeof sent) &&
           hash_eq_secret((struct str){(const char *)made, sizeof made},
                          (struct str){(const char *)sent, sizeof sent});
}

/* What a part stands for; false: a header that is not there, or twice. */
static bool part_value(const struct request *q, const struct webhook_signature *s,
                       const struct proof_part *part, struct str time, struct str *out)
{
    switch (part->kind) {
    case PROOF_LITERAL: *out = part->text; return true;
    case PROOF_BODY: *out = q->sent; return true;
    case PROOF_TIMESTAMP: *out = time; return true;
    case PROOF_HEADER: return only_header(q, part->text, out);
    case PROOF_URL: *out = s->url; return true;
    }
    return false;
}

static bool refuse_part(const struct request *q, const struct proof_part *part, struct refusal *why)
{
    return refuse(q->arena, why, (struct refusal){.status = 401, .reason = "signature"},
                  "the header %.*s is signed too, and must stand there once", STR_ARG(part->text));
}

static bool refuse_memory(const struct request *q, struct refusal *why)
{
    return refuse(q->arena, why, (struct refusal){.status = 503, .reason = "memory"},
                  "no memory to check the signature: send it again later");
}

static void add(char *at, size_t *n, struct str bytes)
{
    if (at && bytes.len > 0) {
        memcpy(at + *n, bytes.at, bytes.len);
    }
    *n += bytes.len;
}

/* The bytes that were signed, by the form, once to count them and once to join them. */
static bool signed_bytes(const struct request *q, const struct webhook_signature *s,
                         struct str time, struct str *out, struct refusal *why)
{
    char *at = NULL;
    size_t n = 0;
    if (str_eq(s->signs, S("{body}"))) {
        *out = q->sent;
        return true;
    }
    for (int turn = 0; turn < 2; turn++) {
        at = turn == 0 ? NULL : arena_try(q->scratch, n, 1);
        if (turn > 0 && !at) {
            return refuse_memory(q, why);
        }
        n = 0;
        for (struct str rest = s->signs; rest.len > 0;) {
            struct proof_part part;
            struct str value = {0};
            if (!proof_next_part(&rest, &part) || !part_value(q, s, &part, time, &value)) {
                return refuse_part(q, &part, why);
            }
            add(at, &n, value);
            add(at, &n, part.kind == PROOF_URL ? q->query : S(""));
        }
    }
    *out = (struct str){at, n};
    return true;
}

/* The element's bytes; false: it is no signature of this length. */
static bool decode(const struct request *q, const struct webhook_signature *s, struct str element,
                   unsigned char *out, size_t n)
{
    struct str bytes;
    if (s->encoding == WEBHOOK_HEX) {
        return hex_read(element, out, n);
    }
    if (element.len > 2 * HASH_BYTES_MAX || !ce_base64(q->scratch, element, &bytes) ||
        bytes.len != n) {
        return false;
    }
    memcpy(out, bytes.at, n);
    return true;
}

bool proof_is_signed(const struct request *q, const struct webhook_signature *s,
                     struct refusal *why)
{
    struct elements e = elements_of(q, s, s->header, s->prefix);
    struct str time = {0};
    struct str bytes = {0};
    struct str element = {0};
    bool is_equal = false;
    if (s->timestamp.header.len > 0 && !is_recent(q, s, &time, why)) {
        return false;
    }
    if (s->digest.len > 0 && !is_digest(q, s->digest)) {
        return refuse(q->arena, why, (struct refusal){.status = 401, .reason = "signature"},
                      "the SHA-256 of the body is to stand in %.*s, and does not",
                      STR_ARG(s->digest));
    }
    if (!signed_bytes(q, s, time, &bytes, why)) {
        return false;
    }
    for (size_t tries = 0; tries < SIGNATURES_MAX && next_element(&e, &element); tries++) {
        for (size_t i = 0; i < s->key.n; i++) {
            unsigned char made[HASH_BYTES_MAX];
            unsigned char sent[HASH_BYTES_MAX];
            const size_t n = hash_hmac((enum hash_kind)s->algorithm, s->key.at[i], bytes, made);
            is_equal |= decode(q, s, element, sent, n) &&
                        hash_eq_secret((struct str){(const char *)made, n},
                                       (struct str){(const char *)sent, n});
        }
    }
    return is_equal ||
           refuse(q->arena, why, (struct refusal){.status = 401, .reason = "signature"},
                  "%.*s does not fit the body: sender and agent have different secrets, sign in "
                  "different ways, or something changed the body on its way",
                  STR_ARG(s->header));
}
