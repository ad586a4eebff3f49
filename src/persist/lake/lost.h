/* lost.h - tables of the lake that are gone while the streams have forgotten what they held. */
#ifndef WEIR_PERSIST_LAKE_LOST_H
#define WEIR_PERSIST_LAKE_LOST_H

#include "persist/lake/lake.h"

/* Read what weir knows to have written to (l->made). When tables and lanes are known.
 *   returns OK | STOP a table is gone that must not be made anew before somebody says so (made.h)
 */
enum outcome lost_check(struct lake *l, struct failure *f);
/* Of tables that are not there, or whose line is not, what nothing brings back by itself: they go
 * on from what the streams still hold. A model that is new with this weir looks the same. */
struct str lost_told(struct lake *l);

#endif
