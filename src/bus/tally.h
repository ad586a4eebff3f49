/* tally.h - how a lane's signals ended: the totals that a step leaves behind. */
#ifndef WEIR_BUS_TALLY_H
#define WEIR_BUS_TALLY_H

#include "base/str.h"

/* What became of a lane's signals so far; kept in the step's header so that it outlives every kill.
 */
struct tally {
    uint64_t stored, dead;
    struct tally_name {
        bool is_ignored; /* else unmapped                                        */
        struct str name; /* `github/star/created`, or the reason                 */
        uint64_t n;
    } *name;
    size_t names_n; /* at most 256: the rest is counted under "other"       */
};

#endif
