#include "agent/proof.h"

#include "agent/cloudevent.h"
#include "base/hash.h"

enum { SIGNATURES_MAX = 16, TIMESTAMP_BYTES_MAX = 40 };
#define BODY "{body}"
#define TIMESTAMP "{timestamp}"

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
        const struct str one = str_trim(str_cut(e->rest, ',', &e->rest));
        if (str_starts(one, e->prefix)) {
            *out = str_sub(one, e->prefix.len, one.len);
            return true;
        }
    }
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

static bool is_recent(const struct request *q, const struct webhook_timestamp *t, struct str *text,
                      struct refusal *why)
{
    struct elements e = {.q = q, .name = t->header, .prefix = t->prefix};
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

bool proof_is_form(struct str signs, bool has_timestamp)
{
    size_t bodies = 0;
    size_t times = 0;
    size_t braces = 0;
    for (size_t i = 0; i < signs.len; i++) {
        const struct str here = str_sub(signs, i, signs.len);
        bodies += str_starts(here, S(BODY));
        times += str_starts(here, S(TIMESTAMP));
        braces += here.at[0] == '{' || here.at[0] == '}';
    }
    return bodies == 1 && times == (has_timestamp ? 1 : 0) && braces == 2 * (bodies + times);
}

/* The bytes that were signed, by the form. false: no memory. */
static bool signed_bytes(const struct request *q, struct str form, struct str time, struct str *out)
{
    if (str_eq(form, S(BODY))) {
        *out = q->sent;
        return true;
    }
    const size_t bytes_max = form.len + time.len + q->sent.len;
    char *const at = arena_try(q->scratch, bytes_max, 1);
    size_t n = 0;
    for (struct str rest = form; rest.len > 0 && at;) {
        const struct str here = str_starts(rest, S(BODY))        ? q->sent
                                : str_starts(rest, S(TIMESTAMP)) ? time
                                                                 : str_sub(rest, 0, 1);
        const size_t passed = here.at == rest.at ? 1 : str_find(rest, '}') + 1;
        if (here.len > 0) {
            memcpy(at + n, here.at, here.len);
        }
        n += here.len;
        rest = str_sub(rest, passed, rest.len);
    }
    *out = (struct str){at, n};
    return at != NULL;
}

/* The element's bytes; false: it is no signature of this length. */
static bool decode(const struct request *q, const struct webhook_signature *s, struct str element,
                   unsigned char *out, size_t n)
{
    struct str bytes;
    if (s->encoding == 0) {
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
                     const struct str_list *secret, struct refusal *why)
{
    struct elements e = {.q = q, .name = s->header, .prefix = s->prefix};
    struct str time = {0};
    struct str bytes = {0};
    struct str element = {0};
    bool is_equal = false;
    if (s->timestamp.header.len > 0 && !is_recent(q, &s->timestamp, &time, why)) {
        return false;
    }
    if (!signed_bytes(q, s->signs, time, &bytes)) {
        return refuse(q->arena, why, (struct refusal){.status = 503, .reason = "memory"},
                      "no memory to check the signature: send it again later");
    }
    for (size_t tries = 0; tries < SIGNATURES_MAX && next_element(&e, &element); tries++) {
        for (size_t i = 0; i < secret->n; i++) {
            unsigned char made[HASH_BYTES_MAX];
            unsigned char sent[HASH_BYTES_MAX];
            const size_t n = hash_hmac((enum hash_kind)s->algorithm, secret->at[i], bytes, made);
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
