/* zone.h - the local time of a named place (IANA time zone database), for as long as it is asked.
 *
 * libc knows one zone a process, which is the variable TZ: it is set, asked and set back, in
 * processes of one thread. */
#ifndef WEIR_BASE_ZONE_H
#define WEIR_BASE_ZONE_H

#include <time.h>

#include "base/arena.h"
#include "base/nearest.h"

struct zone {
    struct str name; /* Europe/Berlin, UTC; empty: the host's own */
    char *before;    /* what TZ was while it is entered           */
    bool is_entered;
};

/* Whether the database has it. */
bool zone_is_known(struct arena *a, struct str name);
/* The host has the database at all. */
bool zone_has_database(void);
/* Offer its names; none where it has no list of them. */
void zone_offer(struct arena *a, struct nearest *n);

/* From here to zone_leave, zone_local and zone_utc speak of this zone. */
void zone_enter(struct arena *a, struct zone *z);
void zone_leave(struct zone *z);

/* The local time at a moment. */
struct tm zone_local(time_t at);

/* The moment of a local time (its fields may lie outside their ranges). Of one that comes twice in
 * autumn the first; one that is left out in spring is the first moment behind the gap. */
time_t zone_utc(struct tm local);

#endif
