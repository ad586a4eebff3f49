/* collected.h - what the collectors did, as metrics: under the names that collectors have always
 * had, over all restarts, and weir's own. */
#ifndef WEIR_SERVE_COLLECTED_H
#define WEIR_SERVE_COLLECTED_H

#include "base/buf.h"
#include "collector/state.h"
#include "config/config.h"
#include "orchestrate/survey.h"

enum { COLLECTED_SINKS_MAX = 32 };

struct collected {
    const struct collectors *collectors;
    struct state_entry *entry;
    size_t entries_n;
    struct state_observed *observed;
    size_t observed_n;
    struct state_observed sink[COLLECTED_SINKS_MAX]; /* by type and outcome */
    size_t sinks_n;
};

/* Read it of state.db and of the sinks' pages; empty while no collector has run, or where state.db
 * cannot be read now. */
void collected_take(struct arena *a, const struct config *config, const struct survey *survey,
                    struct collected *out);

/* The families, as Prometheus text or OpenMetrics; nothing where there are no collectors. */
void collected_write(const struct collected *c, struct buf *to, bool is_openmetrics);

#endif
