/* said.h - the ids of rows that are read again in the overlap of a collector, or after a run that
 * failed behind records which it had written.
 *
 * The same rows come with every run, and must not become other signals each time; yet one that
 * says 5, then 6, then 5 has said three things. So state.db keeps what each row of the overlap said
 * last and since when, noted before it is written: whoever is killed gives the same ids again. */
#ifndef WEIR_COLLECTOR_SAID_H
#define WEIR_COLLECTOR_SAID_H

#include "collector/state.h"
#include "collector/work.h"

/* Give the records that these hold their ids, durably. Done twice it gives the same.
 *   returns OK | RETRY | STOP as state.db says */
enum outcome said_settle(struct state *s, struct work *const *work, size_t n, struct failure *f);

/* A run ended so. *is_cut: one has failed that had written something, so that the next ones are
 * run.is_again, until one is whole; then what their rows said is forgotten. */
void said_ended(struct state *s, const struct work *w, enum outcome outcome, bool *is_cut);

/* In a transaction: forget the rows that stand before the overlap. */
enum outcome said_forget(struct state *s, const struct collector *c, struct str bookmark,
                         struct failure *f);

#endif
