/* pages.h - a small HTTP server of pages that are asked for by GET, through libmicrohttpd.
 *
 * It has no thread: its owner waits for its descriptors with poll, beside whatever else it waits
 * for, and lets it run. Other methods are answered 405. */
#ifndef WEIR_WIRE_PAGES_H
#define WEIR_WIRE_PAGES_H

#include <poll.h>

#include "base/buf.h"
#include "base/failure.h"

enum { PAGES_LISTEN_MAX = 16 };

struct page_request {
    struct str path;
    struct str accept; /* the header's value; empty: none */
};

struct page {
    unsigned status;
    const char *type; /* Content-Type */
    struct buf body;
};

struct pages_options {
    const int *listen_fd; /* stay open, and their owner's */
    size_t listen_n;      /* PAGES_LISTEN_MAX at most      */
    size_t page_bytes_max;
    /* Fill the page (status 500, empty); whatever it needs may come from the arena. */
    void (*answer)(void *to, const struct page_request *r, struct arena *a, struct page *out);
    void *to;
};

struct pages;

/* returns OK | STOP no daemon can be made */
enum outcome pages_open(struct arena *a, const struct pages_options *options, struct pages **out,
                        struct failure *f);
/* What to poll for: listen_n entries from *fds on; *wait_ms (-1: for ever) becomes less while a
 * connection is open. */
size_t pages_poll(const struct pages *p, struct pollfd *fds, int *wait_ms);
/* Answer whoever has asked; waits for nothing. */
void pages_run(struct pages *p);
void pages_close(struct pages *p); /* safe for NULL */

/* The page is a problem (application/problem+json). */
void page_problem(struct page *to, struct arena *a, unsigned status, const char *detail);

#endif
