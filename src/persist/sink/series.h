/* series.h - a metric as Prometheus names it: a name, and labels that are sorted and each there
 * once.
 *
 * What its data model does not allow becomes `_`: core.users.total is core_users_total. Tags that
 * then are called alike are one label, their values joined by `;`, as OpenTelemetry has it.
 *   source  prometheus.io/docs/concepts/data_model; opentelemetry.io/docs/specs/otel/compatibility
 */
#ifndef WEIR_PERSIST_SINK_SERIES_H
#define WEIR_PERSIST_SINK_SERIES_H

#include "persist/sink/sink.h"

struct series_label {
    struct str name, value; /* no value is empty: that is the same as no label */
};

struct series {
    struct str name;
    struct series_label *label; /* by name */
    size_t labels_n;
};

/* Lives in the arena, and by the texts of the metric. */
void series_of(struct arena *a, const struct metric *m, struct series *out);

/* U+FFFD in place of each U+0000, which ends a text where the format is read. */
struct str series_text(struct arena *a, struct str text);

/* The metric that the item was made of.
 *   returns OK | REJECT it has no number: a text of a template, or another model */
enum outcome series_metric(struct arena *a, const struct sink_item *item, struct metric *out,
                           struct failure *f);

#endif
