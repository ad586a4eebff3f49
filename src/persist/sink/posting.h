/* posting.h - items sent over HTTP, several in a request. Of several that are refused together each
 * is sent alone, to find which it is. */
#ifndef WEIR_PERSIST_SINK_POSTING_H
#define WEIR_PERSIST_SINK_POSTING_H

#include "persist/sink/sink.h"
#include "wire/upload.h"

enum { POSTING_BYTES_MAX = 64 << 20, POSTING_FIELDS_MAX = 64, POSTING_FIELDS_OWN = 8 };

struct posting {
    struct uploader *uploader;
    struct arena arena; /* of one request */
    size_t careful_n;   /* items that were refused together: sent one by one */
};

struct posting_items {
    const struct sink_item *at;
    size_t n;
};

/* The body of one request, and the fields that a sink of this kind sends; it lives in the arena.
 * A field that the configuration has, too, is left to it. */
struct posting_body {
    struct str bytes;
    struct upload_field field[POSTING_FIELDS_OWN];
    size_t fields_n;
};
struct posting_to {
    struct str uri, method, ca; /* ca: as upload_request has it */
    const struct pair_list *headers;
    int64_t time_ms;
    size_t batch_size;
    /* Make the body of these. returns OK | REJECT | RETRY */
    enum outcome (*make)(struct sink *s, struct arena *a, struct posting_items items,
                         struct posting_body *out, struct failure *f);
};

/* returns OK | RETRY | STOP no http or https address, too many headers, no file of authorities */
enum outcome posting_open(struct sink *s, struct posting *p, const struct posting_to *to,
                          struct failure *f);
/* As sink_driver.send. */
enum outcome posting_send(struct sink *s, struct posting *p, const struct posting_to *to,
                          struct posting_items items, size_t *done, struct failure *f);
void posting_close(struct posting *p);

#endif
