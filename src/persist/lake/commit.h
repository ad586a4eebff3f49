/* commit.h - what the lake's writer puts into its tables. */
#ifndef WEIR_PERSIST_LAKE_COMMIT_H
#define WEIR_PERSIST_LAKE_COMMIT_H

#include "persist/lake/lake.h"

/* Widen the tables that lack a column, and have those of an older weir say what files have bounds
 * of.
 *   returns OK | RETRY | STOP a table that this weir must not write */
enum outcome lake_widen(struct lake *l, struct failure *f);
/* Make the tables that are not there, each with the position of every lane's beginning.
 *   returns OK | RETRY cause FENCED: another writer made one */
enum outcome lake_create(struct lake *l, struct failure *f);
/* Commit the chosen tables: rows, positions, then a checkpoint where one is due. Runs in a child
 * when there are rows. */
enum outcome lake_commit(struct lake *l, struct failure *f);

#endif
