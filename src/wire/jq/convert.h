/* convert.h - JSON between yyjson and libjq. */
#ifndef WEIR_WIRE_JQ_CONVERT_H
#define WEIR_WIRE_JQ_CONVERT_H

#include <jv.h>

#include "base/buf.h"
#include "wire/json.h"

/* A value of json_read_exact. Integers beyond 2^53, which a double cannot hold, become text. */
jv jq_value(yyjson_val *v);

/* Append the value as JSON, members sorted; `v` stays the caller's. false: nested deeper than
 * depth_max. */
bool jq_write(struct buf *b, jv v, int64_t depth_max);

#endif
