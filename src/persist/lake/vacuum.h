/* vacuum.h - files that nobody needs: what no commit names, and what no reader may still want. */
#ifndef WEIR_PERSIST_LAKE_VACUUM_H
#define WEIR_PERSIST_LAKE_VACUUM_H

#include "persist/lake/lake.h"

/* Remove from the disk what was removed from the tables long enough ago, and once a day logs that
 * checkpoints have made needless and what killed writers left half done. */
enum outcome vacuum_run(struct lake *l, int64_t now_us, struct failure *f);
struct vacuumed {
    size_t n;         /* files removed    */
    struct str first; /* key of the first */
};

/* Remove data files that no commit names and what a killed writer left half done; the caller holds
 * the lake alone. A table keeps them while its log and the disk, or its positions and the lanes,
 * don't agree: its log may be an older one.
 *   returns OK | RETRY | STOP data files without any log */
enum outcome vacuum_orphans(struct lake *l, struct vacuumed *sum, struct failure *f);

/* Remove what killed writers left half done, while others may write here. */
void vacuum_stages(struct lake *l);

#endif
