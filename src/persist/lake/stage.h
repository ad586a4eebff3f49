/* stage.h - Parquet files being made: written by DuckDB under a hidden folder of the table, then
 * put under names that hold a hash of their content, and described as add actions. */
#ifndef WEIR_PERSIST_LAKE_STAGE_H
#define WEIR_PERSIST_LAKE_STAGE_H

#include "persist/lake/delta.h"
#include "wire/duckdb.h"

/* The columns whose least and greatest value an add action tells. */
#define STAGE_BOUNDED "fact_at,received_at,revised_at"

struct stage {
    struct arena *arena;
    struct duck *duck;
    const struct delta *log;
    struct str folder; /* absolute */
    int fd;            /* of the file in it that says that its process lives */
};

/* A new folder that no other process has; stage_close, which is safe after a failure, removes it
 * with what is left in it. */
enum outcome stage_open(struct stage *s, struct arena *a, struct duck *d, const struct delta *log,
                        struct failure *f);
void stage_close(struct stage *s);
/* Write what `select` gives, the columns of facts, as zstd Parquet, one folder a day of fact_at.
 *   returns OK | RETRY | REJECT a row that is none of the table's */
enum outcome stage_write(struct stage *s, struct str select, struct failure *f);
/* The same of rows that are all of one day (since 1970). returns also REJECT another day's row */
enum outcome stage_write_day(struct stage *s, struct str select, int64_t day, struct failure *f);
/* Rows of one day that are written anew, into one file of `year=…/month=…/day=…`, with that many
 * rows a row group. */
enum outcome stage_rewrite(struct stage *s, struct str select, struct str folder, size_t group_rows,
                           struct failure *f);
/* Put every file as `year=…/month=…/day=…/<prefix>-<8 hex>.parquet`, durably, and append its add
 * action. is_change: rows that were not in the table before. */
enum outcome stage_put(struct stage *s, struct str prefix, bool is_change, struct buf *actions,
                       struct failure *f);

/* Remove a stage's folder, which somebody may have, unless its process lives. */
void stage_sweep(struct arena *a, struct str folder);
/* Remove a folder and what is in it; nothing happens when it is not there. */
void stage_remove_tree(const char *path);

#endif
