/* watch.h - rows that a flush could not keep as the facts taken would make them: when the lanes are
 * read again, each fact of such a row is looked at for itself. */
#ifndef WEIR_PERSIST_STORE_WATCH_H
#define WEIR_PERSIST_STORE_WATCH_H

#include "signal/fold.h"

struct watched {
    const struct model *model;
    uint64_t key;   /* hash of row_key */
    struct str why; /* the store takes none of the facts; empty: those that fit */
};

struct watch {
    struct arena arena;
    struct watched *at;
    size_t n, room;
};

void watch_open(struct watch *w);
/* `why` NULL: what the row holds in the store is to be looked at. */
void watch_add(struct watch *w, const struct row *row, const struct failure *why);
/* NULL: the row is not among them. `a` is scratch. */
const struct watched *watch_find(const struct watch *w, struct arena *a, const struct row *row);
/* What was to be kept is kept: nothing is refused unseen from here on. */
void watch_kept(struct watch *w);
void watch_close(struct watch *w);

#endif
