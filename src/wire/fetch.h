/* fetch.h - one HTTP request and its whole answer, by libcurl.
 *
 * Nothing is tried again here: who asks decides. Only http and https, certificates are checked,
 * redirections are followed a few times, at the same server alone, and a stop (asked.h) ends it. A
 * URL's password is never shown. */
#ifndef WEIR_WIRE_FETCH_H
#define WEIR_WIRE_FETCH_H

#include "base/arena.h"
#include "base/failure.h"

struct fetch_field {
    struct str name, value;
};

struct fetch_request {
    struct str url;
    struct str method; /* GET, POST … */
    const struct fetch_field *field;
    size_t fields_n;
    struct str body;       /* empty: none                          */
    int64_t time_ms;       /* for all of it                        */
    size_t body_bytes_max; /* of the answer                        */
};

struct fetch_answer {
    long status;
    struct str body;
    struct str url;  /* that it came from in the end                        */
    struct str next; /* of the header Link, the target with rel=next, absolute or as it stands */
    struct str type; /* Content-Type */
};

/* An answer of any status is OK; texts live in the arena.
 *   returns OK | RETRY no connection, cut short, too slow, asked to stop | REJECT a larger answer |
 *           STOP no such kind of URL, a certificate that is not trusted, a redirection to another
 *           server, or one redirection too many
 *   source  RFC 9110; RFC 8288 (Link) */
enum outcome fetch(struct arena *a, const struct fetch_request *r, struct fetch_answer *out,
                   struct failure *f);

/* What a status means to who asks for data: OK 2xx; RETRY 408, 425, 429 and 5xx; STOP 401, 403, 404
 * and 405; REJECT the rest. The sentence holds the beginning of the answer. */
enum outcome fetch_status(const struct fetch_request *r, const struct fetch_answer *answer,
                          struct failure *f);

/* `text` percent-encoded but for letters, digits and - . _ ~ (RFC 3986, section 2.3). */
struct str fetch_escape(struct arena *a, struct str text);

/* `target` as it stands in an answer from `url`, made absolute (RFC 3986, section 5). returns OK |
 * REJECT it is no URL, or at another server, which the request's headers are not meant for */
enum outcome fetch_beside(struct arena *a, struct str url, struct str target, struct str *out,
                          struct failure *f);

#endif
