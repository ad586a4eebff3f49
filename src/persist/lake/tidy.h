/* tidy.h - housekeeping of the lake: compaction, vacuum, retention. */
#ifndef WEIR_PERSIST_LAKE_TIDY_H
#define WEIR_PERSIST_LAKE_TIDY_H

#include "persist/lake/lake.h"

/* Note in l->tidy_due_us when there is something to do next; INT64_MAX: nothing. After whatever
 * changed the tables. */
void tidy_plan(struct lake *l, int64_t now_us);
/* Do what is due now: merge small files of hours and days that are over (in a child), remove files
 * whose time is up, forget facts older than `keep`. */
enum outcome tidy_run(struct lake *l, struct failure *f);

/* Remove from the disk what was removed from the tables long enough ago, and logs that checkpoints
 * have made needless. */
enum outcome tidy_vacuum(struct lake *l, int64_t now_us, struct failure *f);
/* Remove data files that no commit names and what a killed writer left half done; the caller holds
 * the lake alone. */
enum outcome lake_remove_orphans(struct lake *l, struct failure *f);

#endif
