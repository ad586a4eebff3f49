/* aside.h - rows that become no records: each is a dead letter once, until it is mended.
 *
 * Such a row has no key. It is one that was told of before if all its cells say the same, in the
 * same window; or, where one of those is gone from the run, if it differs from it in its value, in
 * numbers and in times alone: then that one has changed. What is told of stands in state.db. */
#ifndef WEIR_COLLECTOR_ASIDE_H
#define WEIR_COLLECTOR_ASIDE_H

#include "base/arena.h"

struct cell;
struct collector;

enum { ASIDE_LETTERS_MAX = 1000 /* rows of a run that become a dead letter each */ };

/* Hashes of what a row says: all of it; what does not change from run to run. */
struct aside {
    uint64_t all, lasting;
};

struct asides {
    struct aside *at;
    size_t n, room;
};

/* `cells` is the row as its letter shows it. start_us: of its window, TIME_NONE: none. */
struct aside aside_of(const struct collector *c, const struct cell *cell, size_t n,
                      struct str cells, int64_t start_us);
/* Stands for all rows of a run beyond ASIDE_LETTERS_MAX, however many. */
struct aside aside_others(int64_t start_us);

void asides_add(struct arena *a, struct asides *to, struct aside one);
bool asides_eq(const struct asides *a, const struct asides *b);
/* Whether one says all the same. */
bool asides_have(const struct asides *s, struct aside one);
/* Take those away that `now` has, too: the rest is gone. */
struct asides asides_gone(struct arena *a, const struct asides *told, const struct asides *now);
/* Take away one that is as this one in what lasts. returns whether there was one */
bool asides_take(struct asides *gone, struct aside one);

#endif
