/* fold.h - facts into rows: the one fold that every store shares.
 *
 * fold_into is commutative, associative and idempotent (up to FOLD_ARRIVAL's own rule, which is
 * too): a row is the same whatever the order of its facts and however often each came. The SQL view
 * over the lake is made from the same catalogue and must agree. */
#ifndef WEIR_SIGNAL_FOLD_H
#define WEIR_SIGNAL_FOLD_H

#include "signal/fact.h"

/* The row's key as one text (each key column's length and bytes): equal iff the keys are. */
struct str row_key(struct arena *a, const struct row *r);

/* Order of two rows' keys: column by column, texts by their bytes; as the stores sort them. */
int row_key_cmp(const struct row *a, const struct row *b);

/* Fold `from` (a fact, or a row of the same key) into `into`. A row without values yet (all null
 * but by calloc) takes all. Lists made anew live in the arena. */
void fold_into(struct arena *a, struct row *into, const struct row *from);

/* What the lists of one row may hold in all, each text with the three bytes around it in JSON: a
 * row that every fact adds to ends somewhere, and a store's medium has limits of its own. */
enum { FOLD_LISTS_BYTES_MAX = 16 * 1024 * 1024 };

/* fold_into, unless the lists would grow over FOLD_LISTS_BYTES_MAX.
 *   returns OK | REJECT `into` is as it was (names the column) */
enum outcome fold_try(struct arena *a, struct row *into, const struct row *from, struct failure *f);

/* Call after each fold or at the end of several: fill the computed columns (FOLD_SPAN,
 * FOLD_HOLDING, FOLD_OBJECT) from the folded ones. */
void fold_finish(struct arena *a, struct row *r);

/* Equal in every column but those that follow arrival and those of the fact alone. */
bool row_eq(const struct row *a, const struct row *b);

#endif
