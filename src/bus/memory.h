/* memory.h - the bus of one process, for tests: everything the contract asks for but survival.
 *
 * A plan makes it awkward on purpose: positions with gaps, positions behind which no record is
 * visible, so that slices come empty, and lanes that go to another worker between any two reads.
 * Whatever stands above the bus must not notice. */
#ifndef WEIR_BUS_MEMORY_H
#define WEIR_BUS_MEMORY_H

#include "bus/driver.h"

/* The options of the driver `memory`; NULL: positions 1, 2, 3 and no budget. */
struct memory_plan {
    uint64_t (*gap)(void *to);   /* how far the next position lies, at least 1         */
    bool (*is_marker)(void *to); /* a position without a record comes before the next  */
    bool (*is_lost)(void *to, struct lane lane); /* asked at each read: another has it now */
    void *to;
    size_t bytes_max; /* budget of unread bytes; 0: none                    */
};

#endif
