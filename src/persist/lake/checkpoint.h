/* checkpoint.h - the state of a table in one file, so that nobody replays the log from its start.
 */
#ifndef WEIR_PERSIST_LAKE_CHECKPOINT_H
#define WEIR_PERSIST_LAKE_CHECKPOINT_H

#include "persist/lake/delta.h"
#include "wire/duckdb.h"

/* Removed files stay in checkpoints this much longer than they stay on the disk. */
#define CHECKPOINT_TOMBSTONE_MS (INT64_C(24) * 3600 * 1000)

/* Write the checkpoint of the table's version: weir's own snapshot, the Parquet file, then
 * `_last_checkpoint`. Files removed before since_ms are forgotten.
 *   source  Delta Transaction Log Protocol, Checkpoints (classic, single file) */
enum outcome checkpoint_write(struct delta *l, struct duck *d, int64_t since_ms, struct failure *f);

#endif
