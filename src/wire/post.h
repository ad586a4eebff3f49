/* post.h - bodies posted over a few connections that are kept open, several at a time.
 *
 * A busy receiver (429, 503) and a connection that fails are tried again after what Retry-After
 * says, or a growing pause; everything else is an answer, or never works: a certificate that is not
 * trusted. Who is asked to stop (asked.h) tries nothing again and waits a few seconds for what is
 * on its way. A receiver that cannot be reached in all these tries is lost: nothing is tried again
 * for it. The answers come in the order in which they arrive. */
#ifndef WEIR_WIRE_POST_H
#define WEIR_WIRE_POST_H

#include "base/arena.h"
#include "base/failure.h"

enum { POST_FIELDS_MAX = 12, POST_CONNECTIONS_MAX = 256 };

struct post_field {
    struct str name, value;
};

struct post_request {
    struct post_field field[POST_FIELDS_MAX]; /* an empty name ends the list */
    struct str body;
    struct str note; /* given back with the answer */
};

struct post_answer {
    long status;       /* 0: no answer                      */
    struct str body;   /* its beginning, up to 4 KiB        */
    const char *error; /* why there is none; NULL otherwise */
    bool is_untrusted; /* because of the certificate: another authority may be needed */
    struct str note;
};

struct post;
struct post_options {
    struct str url;
    struct str ca;      /* PEM file of the authorities to trust; empty: the system's */
    size_t connections; /* 1 .. POST_CONNECTIONS_MAX                                 */
    void (*done)(void *to, const struct post_answer *answer);
    /* Told once, of the first that got no answer and is tried again. */
    void (*again)(void *to, const char *error);
    void *to;
};

/* Nothing is connected yet. returns OK | STOP not an http or https URL, no such
 * file of authorities, or no memory for it */
enum outcome post_open(struct arena *a, const struct post_options *options, struct post **out,
                       struct failure *f);
/* Post a copy of it as soon as a connection is free; waits for one when all are busy. done() is
 * called for whatever was answered meanwhile. */
void post_send(struct post *p, const struct post_request *request);
/* Wait up to wait_ms for answers; -1: until every request has had its own. */
void post_wait(struct post *p, int wait_ms);
/* The receiver could not be reached: whatever else is sent gets one try. */
bool post_is_lost(const struct post *p);
void post_close(struct post *p);

#endif
