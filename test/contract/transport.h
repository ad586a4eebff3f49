/* transport.h - what carries the bus in the contract's suite, and what is drawn by chance in it. */
#ifndef WEIR_TEST_CONTRACT_TRANSPORT_H
#define WEIR_TEST_CONTRACT_TRANSPORT_H

#include "bus/memory.h"

/* A transport under test: how to open it, and whether what it holds outlives bus_close. */
struct transport {
    const char *name;
    const struct bus_driver *driver;
    bool survives;
    bool takes_away; /* gives lanes to another worker, when its plan says so */
};

/* Draw from $WEIR_SEED, or from the clock; the seed is printed. */
void transport_seed(void);
uint64_t transport_random(void);

/* What the memory bus does of its own: "gaps" leaves some, with empty slices. Nothing is away. */
void transport_plan(const struct transport *t, struct memory_plan *out);
/* From here on raw/intake-0 is another worker's, or this one's again. */
void transport_take_away(bool is_it);

#endif
