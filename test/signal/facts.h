/* facts.h - random facts of any model, from a seed: few different values and times, so that ties,
 * repetitions and reopenings are common. Test support. */
#ifndef WEIR_TEST_FACTS_H
#define WEIR_TEST_FACTS_H

#include "signal/fact.h"

struct dice {
    uint64_t state; /* the seed */
};

/* Below n. */
unsigned roll(struct dice *d, unsigned n);

/* One of `keys` objects' facts, told by one of a few raw signals. */
struct signal fact_random(struct dice *d, struct arena *a, const struct model *m, unsigned keys);

#endif
