/* pending.h - rows that a store has yet to put: the facts taken since, folded by key. */
#ifndef WEIR_PERSIST_STORE_PENDING_H
#define WEIR_PERSIST_STORE_PENDING_H

#include "persist/store.h"

/* The rows of one model. Everything lives in the arena that pending_fold is given. */
struct pending {
    const struct model *model;
    struct row *row;
    struct str *key;
    size_t n, room;
    size_t *slot; /* hash table of 2 * room places: index + 1 of a row, or 0 */
};

/* Fold a fact into the row of its key. returns OK | REJECT as fold_try: the row is as it was */
enum outcome pending_fold(struct arena *a, struct pending *p, const struct row *fact,
                          struct failure *f);

bool pending_has(struct arena *a, const struct pending *p, const struct row *of);
/* A key that is not there yet begins with this row. */
void pending_begin(struct arena *a, struct pending *p, const struct row *row);

/* The rows in the order of their keys. */
struct rows pending_rows(struct arena *a, const struct pending *p);

#endif
