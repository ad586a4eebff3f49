/* media.h - media types of request bodies (RFC 9110, section 8.3). */
#ifndef WEIR_AGENT_MEDIA_H
#define WEIR_AGENT_MEDIA_H

#include "base/str.h"

/* A Content-Type without its parameters. */
struct str media_type(struct str content_type);
/* application/json, or any type with the suffix +json (RFC 6839). */
bool media_is_json(struct str media);
/* The charset parameter is absent, UTF-8 or US-ASCII: what JSON may be in. */
bool media_is_utf8(struct str content_type);

#endif
