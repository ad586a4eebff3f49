/* source.h - the facts of a table as a relation for DuckDB: the files that the log names. */
#ifndef WEIR_PERSIST_LAKE_SOURCE_H
#define WEIR_PERSIST_LAKE_SOURCE_H

#include "persist/lake/delta.h"
#include "signal/model.h"

/* A SELECT of the columns that facts of `m` have, over every live file; files of an older schema
 * give nulls for what they lack. */
void source_add(struct buf *b, struct arena *a, const struct delta *l, const struct model *m);
/* The same over some files. */
void source_add_files(struct buf *b, struct arena *a, const struct delta *l, const struct model *m,
                      const struct str *path, size_t n);

#endif
