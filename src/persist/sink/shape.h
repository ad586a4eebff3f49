/* shape.h - a metric as the record that its collector's file has always written, byte for byte as
 * Go's encoding/json writes it.
 *
 * `<`, `>`, `&`, U+2028 and U+2029 are escaped; times carry no zeros at their end; numbers are the
 * shortest that read back the same, from 1e21 on and below 1e-6 with an exponent.
 *   source  pkg.go.dev/encoding/json (Go 1.21), Marshal */
#ifndef WEIR_PERSIST_SINK_SHAPE_H
#define WEIR_PERSIST_SINK_SHAPE_H

#include "config/collector.h"
#include "signal/metric.h"

/* Append one record, no newline. `key` is metric_key's. A metric with a body is that body. */
void shape_write(struct buf *b, enum record_shape shape, struct str key, const struct metric *m);
/* A number so; it is one. */
void shape_write_number(struct buf *b, double value);

#endif
