/* HTTP: a record a request, or several as JSON lines in one. Only 2xx counts as taken; what speaks
 * of the body (400, 409, 413, 422) makes a dead letter, and everything else waits (upload_status):
 * an outage of credentials is no fault of the records. */
#include "persist/sink/sink.h"
#include "wire/gzip.h"
#include "wire/upload.h"

enum { ITEMS_MAX = 1000, FIELDS_MAX = 64, FIELDS_OWN = 2, BATCH_BYTES_MAX = 64 << 20 };
#define SCRATCH_BYTES_MAX ((size_t)512 << 20)

struct http_sink {
    struct uploader *uploader;
    struct arena arena; /* of one request                                                        */
    size_t careful_n;   /* items that were refused together: sent one by one, to find which it is */
};

static enum outcome http_open(struct sink *s, struct failure *f)
{
    struct http_sink *const h = s->state;
    const struct http_sink_options *const o = s->options;
    if (!str_starts_nocase(o->uri, S("http://")) && !str_starts_nocase(o->uri, S("https://"))) {
        return failed(f, STOP, "uri of sink %.*s is no http:// or https:// address",
                      STR_ARG(s->config->name));
    }
    if (o->headers.n > FIELDS_MAX) {
        return failed(f, STOP, "sink %.*s has more than %d headers", STR_ARG(s->config->name),
                      FIELDS_MAX);
    }
    arena_init(&h->arena, SCRATCH_BYTES_MAX);
    return uploader_open(s->arena, &h->uploader, f);
}

static bool has_header(const struct http_sink_options *o, struct str name)
{
    for (size_t i = 0; i < o->headers.n; i++) {
        if (str_eq_nocase(o->headers.at[i].key, name)) {
            return true;
        }
    }
    return false;
}

static void add_field(struct upload_field *field, size_t *n, struct str name, struct str value)
{
    field[(*n)++] = (struct upload_field){name, value};
}

/* All of these in one request. */
static enum outcome send_once(struct sink *s, const struct sink_item *item, size_t n,
                              struct failure *f)
{
    struct http_sink *const h = s->state;
    const struct http_sink_options *const o = s->options;
    struct upload_field field[FIELDS_MAX + FIELDS_OWN];
    struct upload_request r = {.url = o->uri,
                               .method = o->method,
                               .field = field,
                               .body = item[0].body,
                               .time_ms = o->timeout_ms};
    struct upload_answer answer;
    struct buf b;
    if (n > 1) {
        buf_init(&b, &h->arena, 2 * (size_t)BATCH_BYTES_MAX);
        for (size_t i = 0; i < n; i++) {
            buf_add(&b, item[i].body);
            buf_add_byte(&b, '\n');
        }
        r.body = buf_str(&b);
    }
    for (size_t i = 0; i < o->headers.n; i++) {
        add_field(field, &r.fields_n, o->headers.at[i].key, o->headers.at[i].value);
    }
    if (!has_header(o, S("content-type"))) {
        add_field(field, &r.fields_n, S("Content-Type"),
                  n > 1 ? S("application/x-ndjson") : item[0].type);
    }
    if (o->is_gzipped) {
        add_field(field, &r.fields_n, S("Content-Encoding"), S("gzip"));
        const enum outcome result = gzip_deflate(&h->arena, r.body, &r.body, f);
        if (result != OK) {
            return result;
        }
    }
    const enum outcome result = upload(h->uploader, &h->arena, &r, &answer, f);
    s->retry_after_ms = result == OK ? answer.retry_after_ms : 0;
    return result == OK ? upload_status(&r, &answer, f) : result;
}

/* How many of them go into the next request. */
static size_t batch_of(const struct sink *s, const struct sink_item *item, size_t n)
{
    const struct http_sink *const h = s->state;
    const struct http_sink_options *const o = s->options;
    const size_t most = h->careful_n > 0 ? 1 : (size_t)o->batch_size;
    size_t taken = 1, bytes = item[0].body.len;
    while (taken < n && taken < most && bytes + item[taken].body.len < BATCH_BYTES_MAX) {
        bytes += item[taken++].body.len;
    }
    return taken;
}

static enum outcome http_send(struct sink *s, const struct sink_item *item, size_t n, size_t *done,
                              struct failure *f)
{
    struct http_sink *const h = s->state;
    for (*done = 0; *done < n;) {
        const size_t batch = batch_of(s, item + *done, n - *done);
        arena_reset(&h->arena);
        const enum outcome result = send_once(s, item + *done, batch, f);
        if (result == REJECT && batch > 1) {
            h->careful_n = batch;
            continue;
        }
        if (result == OK || result == REJECT) {
            h->careful_n -= h->careful_n > 0;
        }
        if (result != OK) {
            return result;
        }
        *done += batch;
    }
    return OK;
}

static void http_close(struct sink *s)
{
    struct http_sink *const h = s->state;
    if (h) {
        uploader_close(h->uploader);
        arena_close(&h->arena);
    }
}

const struct sink_driver sink_http = {.name = "http",
                                      .state_bytes = sizeof(struct http_sink),
                                      .items_max = ITEMS_MAX,
                                      .takes_lines = true,
                                      .open = http_open,
                                      .send = http_send,
                                      .close = http_close};
