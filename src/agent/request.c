/* request.c - what drivers ask of a request. */
#include "agent/agent.h"
#include "agent/media.h"
#include "agent/secret.h"
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

enum { DETAIL_BYTES = 600, HEADERS_JSON_FACTOR = 7 /* a byte becomes \u00XX and a quote */ };

bool refuse(struct arena *a, struct refusal *why, struct refusal is, const char *format, ...)
{
    char text[DETAIL_BYTES];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const size_t cut = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    *why = is;
    why->detail = arena_str(a, (struct str){text, cut});
    return false;
}

bool refuse_json(const struct request *q, struct refusal *why, struct str where,
                 const struct failure *f)
{
    const bool is_short = f->outcome == RETRY;
    return refuse(
        q->arena, why,
        (struct refusal){.status = is_short ? 503 : 400, .reason = is_short ? "memory" : "json"},
        "%.*s%s", STR_ARG(where), f->text);
}

bool request_json(const struct request *q, struct str text, yyjson_val **out, struct refusal *why)
{
    struct failure f;
    yyjson_doc *doc = NULL;
    const enum outcome result = json_try_read_lax(q->scratch, text, &doc, &f);
    *out = yyjson_doc_get_root(doc);
    return result == OK || refuse_json(q, why, S(""), &f);
}

bool request_is_utf8(const struct request *q, struct refusal *why)
{
    return media_is_utf8(request_header(q, S("Content-Type"))) ||
           refuse(q->arena, why, (struct refusal){.status = 415, .reason = "charset"},
                  "JSON is sent as UTF-8: leave the charset out");
}

struct str request_header(const struct request *q, struct str name)
{
    for (size_t i = 0; i < q->headers_n; i++) {
        if (str_eq_nocase(q->header[i].name, name)) {
            return q->header[i].value;
        }
    }
    return (struct str){NULL, 0};
}

static bool is_repeated(const struct request *q, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (str_eq_nocase(q->header[k].name, q->header[i].name)) {
            return true;
        }
    }
    return false;
}

static struct str lower(struct arena *a, struct str s)
{
    char *const text = arena_cstr(a, s);
    for (size_t i = 0; i < s.len; i++) {
        text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    }
    return (struct str){text, s.len};
}

/* This header's value and those of the same name behind it. */
static struct str joined(const struct request *q, size_t i, size_t bytes_max)
{
    struct buf b;
    buf_init(&b, q->scratch, bytes_max);
    for (size_t k = i + 1; k < q->headers_n; k++) {
        if (str_eq_nocase(q->header[k].name, q->header[i].name)) {
            buf_add(&b, b.len ? S("") : q->header[i].value);
            buf_add(&b, S(", "));
            buf_add(&b, q->header[k].value);
        }
    }
    return b.len ? buf_str(&b) : q->header[i].value;
}

const char *request_doubled(const struct request *q, const char *const *names)
{
    for (; *names; names++) {
        size_t n = 0;
        for (size_t i = 0; i < q->headers_n; i++) {
            n += str_eq_nocase(q->header[i].name, str_of(*names));
        }
        if (n > 1) {
            return *names;
        }
    }
    return NULL;
}

struct str request_headers_json(const struct request *q, struct arena *a)
{
    size_t bytes = 2;
    for (size_t i = 0; i < q->headers_n; i++) {
        bytes += q->header[i].name.len + q->header[i].value.len + 8;
    }
    struct buf b;
    buf_init(&b, a, HEADERS_JSON_FACTOR * bytes);
    buf_add_byte(&b, '{');
    for (size_t i = 0; i < q->headers_n; i++) {
        const struct str name = lower(q->scratch, q->header[i].name);
        if (secret_is_name(name) || is_repeated(q, i)) {
            continue;
        }
        if (b.len > 1) {
            buf_add_byte(&b, ',');
        }
        buf_add_json(&b, name);
        buf_add_byte(&b, ':');
        buf_add_json(&b, secret_cut(q->scratch, joined(q, i, bytes), &q->secrets));
    }
    buf_add_byte(&b, '}');
    return buf_str(&b);
}
