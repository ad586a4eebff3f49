/* head.h - the head of a request: its headers, and whether two readers could disagree about it. */
#ifndef WEIR_AGENT_HEAD_H
#define WEIR_AGENT_HEAD_H

#include <microhttpd.h>

#include "agent/agent.h"

/* The request line, as its texts lie in the buffer that the head was read into. */
struct request_line {
    const char *method;
    struct str uri; /* where it was sent, up to its first NUL; NULL: it held %00 or a space */
    const char *version;
};

struct head {
    struct header *header;
    size_t headers_n;
    bool is_length_known; /* false: chunked */
    uint64_t length;
    bool expects_continue;
    bool is_http_1_0;
};

/* Collect the headers of a connection's request and judge them. Refuses (400) a head that has a
 * NUL, a folded line or a line that ends with LF alone, and a path with %00.
 *   returns false with the refusal: 431 too long, 400 also as head_judge */
bool head_read(struct MHD_Connection *connection, const struct request_line *line, struct arena *a,
               size_t bytes_max, struct head *out, struct refusal *why);

/* Fill the rest of *head from its headers. Refuses (400) what a proxy in front could understand
 * otherwise (request smuggling; RFC 9112, sections 5.1, 6.1 and 6.3): several Content-Length, one
 * beside Transfer-Encoding, any coding but chunked, one in HTTP/1.0, no Host or several, names that
 * are no tokens, control characters in values. */
bool head_judge(struct head *head, struct arena *a, struct refusal *why);

#endif
