/* audit_log.h - a table's Delta log against its own checksums, and files that it does not name. */
#ifndef WEIR_PERSIST_LAKE_AUDIT_LOG_H
#define WEIR_PERSIST_LAKE_AUDIT_LOG_H

#include "persist/lake/audit.h"
#include "persist/lake/delta.h"

/* Every commit that is kept, whole by its seal (seal.h; delta_open saw to gaps); the newest
 * checkpoint and weir's snapshot of it by the checksums in _last_checkpoint; no data file older
 * than an hour that no commit names. What it can't tell: a commit without a seal (another writer's)
 * whose JSON still reads well, and checkpoints before the newest, which nobody reads. returns OK
 * also when something was found | RETRY the disk fails | STOP as delta_update */
enum outcome audit_log(struct delta *log, struct arena *scratch, struct audit_to *report,
                       struct failure *f);

#endif
