/* head.h - the head of a request: its headers, and whether two readers could disagree about it. */
#ifndef WEIR_AGENT_HEAD_H
#define WEIR_AGENT_HEAD_H

#include <microhttpd.h>

#include "agent/agent.h"

struct head {
    struct header *header;
    size_t headers_n;
    bool is_length_known; /* false: chunked */
    uint64_t length;
    bool expects_continue;
};

/* Collect the headers of a connection's request and judge them.
 *   returns false with the refusal: 431 too long, 400 as head_judge */
bool head_read(struct MHD_Connection *connection, struct arena *a, size_t bytes_max,
               struct head *out, struct refusal *why);

/* Fill the rest of *head from its headers. Refuses (400) what a proxy in front could understand
 * otherwise (request smuggling; RFC 9112, sections 5.1, 6.1 and 6.3): several Content-Length, one
 * beside Transfer-Encoding, any coding but chunked, several Host, names that are no tokens, control
 * characters in values. */
bool head_judge(struct head *head, struct arena *a, struct refusal *why);

#endif
