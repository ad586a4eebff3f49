/* cloudevent.h - CloudEvents 1.0.2 as they come over HTTP: attributes in headers or in JSON.
 *
 * Sources: CloudEvents spec.md (attributes), json-format.md, http-protocol-binding.md; section
 * numbers below are of these. Texts live in the request's arenas: in `scratch` where they are read
 * from JSON. */
#ifndef WEIR_AGENT_CLOUDEVENT_H
#define WEIR_AGENT_CLOUDEVENT_H

#include <yyjson.h>

#include "agent/agent.h"

struct cloudevent {
    struct str specversion, id, source, type; /* required; empty: not there */
    struct str subject, time, datacontenttype, dataschema;
    int64_t time_us; /* TIME_NONE: not there */
};

enum ce_mode { CE_BINARY, CE_STRUCTURED, CE_BATCH };
/* By the Content-Type (HTTP 3). false: a format that is not JSON (415). */
bool ce_mode_of(const struct request *q, enum ce_mode *out, struct refusal *why);

/* One header value (HTTP 3.1.3.2): quoted string undone, percent-encoding undone once, then UTF-8
 * without control characters or noncharacters. false: refuse it. */
bool ce_decode(struct arena *a, struct str value, struct str *out);

/* The attributes of a request in binary mode. *is_event false: no header names an attribute of
 * CloudEvents (an extension alone makes no event), and nothing else is filled. */
bool ce_read_headers(const struct request *q, struct cloudevent *out, bool *is_event,
                     struct refusal *why);

/* The attributes of a JSON object, which is event number `i` of a batch (-1: alone). */
bool ce_read_json(const struct request *q, yyjson_val *event, int64_t i, struct cloudevent *out,
                  struct refusal *why);

/* Structured and batched mode: whether the ce- headers that are there all the same say what the
 * event says (HTTP binding, section 3.2.3: they may be copied, and must agree). One that names an
 * attribute of CloudEvents which the event lacks is no copy. */
bool ce_headers_agree(const struct request *q, yyjson_val *event, struct refusal *why);

/* RFC 4648 section 4, padded, nothing else in it. false: not that, or no memory. */
bool ce_base64(struct arena *a, struct str text, struct str *out);

#endif
