/* twins.h - the keys that a run has given so far, so that a second row of one key is noticed.
 *
 * Bounded: of more than TWINS_MAX rows those behind are looked for among the first ones alone. */
#ifndef WEIR_COLLECTOR_TWINS_H
#define WEIR_COLLECTOR_TWINS_H

#include "base/arena.h"
#include "base/str.h"

enum { TWINS_MAX = 1 << 18 };

struct twin;

struct twins {
    struct arena *arena;
    struct twin *at;
    size_t n, room;
};

void twins_init(struct twins *t, struct arena *a);

/* The row (from 1) that had this key first; 0: this one is it. *nth: the how manieth of the key it
 * is, from 1; 0: there is no room to know. */
uint64_t twins_put(struct twins *t, struct str key, uint64_t row, uint64_t *nth);

#endif
