/* http.h - answers of weir's HTTP servers, through libmicrohttpd.
 *
 * Errors are RFC 9457 problem details: type about:blank, so the title is the status's own phrase
 * and the detail says what to do. */
#ifndef WEIR_WIRE_HTTP_H
#define WEIR_WIRE_HTTP_H

#include <microhttpd.h>

#include "base/arena.h"
#include "base/str.h"

enum { HTTP_FIELDS_MAX = 4 };

struct http_field {
    const char *name; /* NULL ends the list */
    const char *value;
};

struct http_answer {
    unsigned status;
    const char *content_type; /* NULL: no body */
    struct str body;
    struct http_field field[HTTP_FIELDS_MAX + 1];
    bool is_last; /* Connection: close */
};

/* Queue the answer of a request; its texts are copied. MHD_NO closes the connection (no memory). */
enum MHD_Result http_send(struct MHD_Connection *connection, const struct http_answer *answer);

/* A problem as the whole text of an answer that closes the connection, for a request that
 * libmicrohttpd takes no answer to (any more). */
struct str http_problem_text(struct arena *a, unsigned status, struct str detail);

/* The body of a problem (application/problem+json). */
struct str http_problem(struct arena *a, unsigned status, struct str detail);
extern const char http_problem_type[];

#endif
