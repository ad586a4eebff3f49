/* exposition.h - what the text formats of Prometheus and OpenMetrics have in common. */
#ifndef WEIR_WIRE_EXPOSITION_H
#define WEIR_WIRE_EXPOSITION_H

#include "base/buf.h"

/* Append `name="value"`: what the formats escape in a value is escaped.
 *   source  prometheus.io/docs/instrumenting/exposition_formats, text-based format */
void exposition_add_label(struct buf *b, struct str name, struct str value);
/* The value alone, without its quotes. */
void exposition_add_escaped(struct buf *b, struct str value);

#endif
