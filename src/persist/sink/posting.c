#include "persist/sink/posting.h"

#include <unistd.h>

#define SCRATCH_BYTES_MAX ((size_t)512 << 20)

enum outcome posting_open(struct sink *s, struct posting *p, const struct posting_to *to,
                          struct failure *f)
{
    if (!str_starts_nocase(to->uri, S("http://")) && !str_starts_nocase(to->uri, S("https://"))) {
        return failed(f, STOP, "uri of sink %.*s is no http:// or https:// address",
                      STR_ARG(s->config->name));
    }
    if (to->headers->n > POSTING_FIELDS_MAX) {
        return failed(f, STOP, "sink %.*s has more than %d headers", STR_ARG(s->config->name),
                      POSTING_FIELDS_MAX);
    }
    if (to->ca.len > 0 && access(arena_cstr(s->arena, to->ca), R_OK) != 0) {
        return failed_errno(f, STOP, "tls.ca of sink %.*s: %.*s", STR_ARG(s->config->name),
                            STR_ARG(to->ca));
    }
    arena_init(&p->arena, SCRATCH_BYTES_MAX);
    return uploader_open(s->arena, &p->uploader, f);
}

static bool has_header(const struct posting_to *to, struct str name)
{
    for (size_t i = 0; i < to->headers->n; i++) {
        if (str_eq_nocase(to->headers->at[i].key, name)) {
            return true;
        }
    }
    return false;
}

/* All of these in one request. */
static enum outcome send_once(struct sink *s, struct posting *p, const struct posting_to *to,
                              struct posting_items items, struct failure *f)
{
    struct upload_field field[POSTING_FIELDS_MAX + POSTING_FIELDS_OWN];
    struct posting_body body = {.fields_n = 0};
    struct upload_answer answer;
    size_t n = 0;
    enum outcome result = to->make(s, &p->arena, items, &body, f);
    if (result != OK) {
        return result;
    }
    for (size_t i = 0; i < to->headers->n; i++) {
        field[n++] = (struct upload_field){to->headers->at[i].key, to->headers->at[i].value};
    }
    for (size_t i = 0; i < body.fields_n; i++) {
        if (!has_header(to, body.field[i].name)) {
            field[n++] = body.field[i];
        }
    }
    const struct upload_request r = {.url = to->uri,
                                     .method = to->method,
                                     .field = field,
                                     .fields_n = n,
                                     .body = body.bytes,
                                     .time_ms = to->time_ms,
                                     .ca = to->ca};
    result = upload(p->uploader, &p->arena, &r, &answer, f);
    s->retry_after_ms = result == OK ? answer.retry_after_ms : 0;
    return result == OK ? upload_status(&r, &answer, f) : result;
}

/* How many of them go into the next request. */
static size_t batch_of(const struct posting *p, const struct posting_to *to,
                       struct posting_items items)
{
    const size_t most = p->careful_n > 0 ? 1 : to->batch_size;
    size_t taken = 1, bytes = items.at[0].body.len;
    while (taken < items.n && taken < most &&
           bytes + items.at[taken].body.len < POSTING_BYTES_MAX) {
        bytes += items.at[taken++].body.len;
    }
    return taken;
}

enum outcome posting_send(struct sink *s, struct posting *p, const struct posting_to *to,
                          struct posting_items items, size_t *done, struct failure *f)
{
    for (*done = 0; *done < items.n;) {
        const struct posting_items left = {items.at + *done, items.n - *done};
        const size_t batch = batch_of(p, to, left);
        arena_reset(&p->arena);
        const enum outcome result = send_once(s, p, to, (struct posting_items){left.at, batch}, f);
        if (result == REJECT && batch > 1) {
            p->careful_n = batch;
            continue;
        }
        if (result == OK || result == REJECT) {
            p->careful_n -= p->careful_n > 0;
        }
        if (result != OK) {
            return result;
        }
        *done += batch;
    }
    return OK;
}

void posting_close(struct posting *p)
{
    uploader_close(p->uploader);
    arena_close(&p->arena);
}
