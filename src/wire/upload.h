/* upload.h - bodies sent one after the other over a connection that is kept open, by libcurl.
 *
 * Nothing is tried again and no redirection is followed: who sends decides what an answer means.
 * Only http and https; certificates are checked. Asked to stop (asked.h), what is on its way gets a
 * few seconds. Passwords of a URL are never shown. */
#ifndef WEIR_WIRE_UPLOAD_H
#define WEIR_WIRE_UPLOAD_H

#include "base/arena.h"
#include "base/failure.h"

struct upload_field {
    struct str name, value;
};

/* AWS Signature Version 4: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html */
struct upload_aws {
    struct str key, secret, token; /* token empty: lasting credentials */
    struct str region, service;
};

struct upload_request {
    struct str url; /* already percent-encoded; its query sorted when it is signed */
    struct str method;
    const struct upload_field *field;
    size_t fields_n;
    struct str body;
    int64_t time_ms;              /* for all of it */
    struct str ca;                /* PEM file of the authorities to trust; empty: the system's */
    const struct upload_aws *aws; /* NULL: not signed */
};

struct upload_answer {
    long status;
    struct str body;        /* its beginning, up to 16 KiB */
    struct str etag;        /* empty: none                 */
    int64_t retry_after_ms; /* Retry-After, seconds or a date; 0: none */
};

struct uploader;

/* Nothing is connected yet. returns OK | RETRY no memory for it */
enum outcome uploader_open(struct arena *a, struct uploader **out, struct failure *f);
void uploader_close(struct uploader *u); /* safe for NULL */

/* Send it and wait for the answer, whatever its status; the answer's texts live in `a`.
 *   returns OK | RETRY no connection, cut short, too slow: whether it arrived is unknown | STOP not
 *           an http or https URL, a certificate that is not trusted */
enum outcome upload(struct uploader *u, struct arena *a, const struct upload_request *r,
                    struct upload_answer *out, struct failure *f);

/* What the status says of what was sent: OK 2xx | REJECT 400, 409, 413, 422: this body never works
 * | STOP 3xx: the address is another one | RETRY the rest: busy or broken (408, 425, 429, 5xx), or
 * what a person has to mend, such as credentials (401, 403, 407) or an address (404, 405), until
 * which everything waits. The sentence has method, address, status, what the answer says, and what
 * to look at. source RFC 9110 section 15, RFC 8470, RFC 6585 */
enum outcome upload_status(const struct upload_request *r, const struct upload_answer *answer,
                           struct failure *f);
/* A status that passes by itself: 408, 425, 429, 5xx. */
bool upload_is_busy(long status);

#endif
