/* HTTP: a record a request, or several as JSON lines in one. Only 2xx counts as taken; what speaks
 * of the body (400, 409, 413, 422) makes a dead letter, and everything else waits (upload_status):
 * an outage of credentials is no fault of the records. */
#include "persist/sink/posting.h"
#include "wire/gzip.h"

enum { ITEMS_MAX = 1000 };

struct http_sink {
    struct posting posting;
    struct posting_to to;
};

static enum outcome make(struct sink *s, struct arena *a, struct posting_items items,
                         struct posting_body *out, struct failure *f)
{
    const struct http_sink_options *const o = s->options;
    struct buf b;
    out->bytes = items.at[0].body;
    if (items.n > 1) {
        buf_init(&b, a, 2 * (size_t)POSTING_BYTES_MAX);
        for (size_t i = 0; i < items.n; i++) {
            buf_add(&b, items.at[i].body);
            buf_add_byte(&b, '\n');
        }
        out->bytes = buf_str(&b);
    }
    out->field[out->fields_n++] = (struct upload_field){
        S("Content-Type"), items.n > 1 ? S("application/x-ndjson") : items.at[0].type};
    if (!o->is_gzipped) {
        return OK;
    }
    out->field[out->fields_n++] = (struct upload_field){S("Content-Encoding"), S("gzip")};
    return gzip_deflate(a, out->bytes, &out->bytes, f);
}

static enum outcome http_open(struct sink *s, struct failure *f)
{
    struct http_sink *const h = s->state;
    const struct http_sink_options *const o = s->options;
    h->to = (struct posting_to){.uri = o->uri,
                                .method = o->method,
                                .ca = o->tls.ca,
                                .headers = &o->headers,
                                .time_ms = o->timeout_ms,
                                .batch_size = (size_t)o->batch_size,
                                .make = make};
    return posting_open(s, &h->posting, &h->to, f);
}

static enum outcome http_send(struct sink *s, const struct sink_item *item, size_t n, size_t *done,
                              struct failure *f)
{
    struct http_sink *const h = s->state;
    return posting_send(s, &h->posting, &h->to, (struct posting_items){item, n}, done, f);
}

static void http_close(struct sink *s)
{
    struct http_sink *const h = s->state;
    if (h) {
        posting_close(&h->posting);
    }
}

const struct sink_driver sink_http = {.name = "http",
                                      .state_bytes = sizeof(struct http_sink),
                                      .items_max = ITEMS_MAX,
                                      .takes_lines = true,
                                      .open = http_open,
                                      .send = http_send,
                                      .close = http_close};
