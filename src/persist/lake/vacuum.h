/* vacuum.h - files that nobody needs: what no commit names, and what no reader may still want. */
#ifndef WEIR_PERSIST_LAKE_VACUUM_H
#define WEIR_PERSIST_LAKE_VACUUM_H

#include "persist/lake/lake.h"

/* Remove from the disk what was removed from the tables long enough ago, and logs that checkpoints
 * have made needless. */
enum outcome vacuum_run(struct lake *l, int64_t now_us, struct failure *f);
/* Remove data files that no commit names and what a killed writer left half done; the caller holds
 * the lake alone. */
enum outcome vacuum_orphans(struct lake *l, struct failure *f);

#endif
