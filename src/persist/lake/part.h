/* part.h - the rows of one lane for a table into Parquet files, in as little memory as they take.
 *
 * What DuckDB needs goes by what is in a line. So a part that has no room is written again in more
 * memory, then in halves, and a row that has none alone is noted as refused (refuse.h). */
#ifndef WEIR_PERSIST_LAKE_PART_H
#define WEIR_PERSIST_LAKE_PART_H

#include "persist/lake/lake.h"
#include "wire/duckdb.h"

struct part_writer {
    struct lake *lake;
    struct duck *duck;     /* NULL: not needed yet */
    size_t line_bytes_max; /* of all that is to be written with it */
    size_t memory_bytes;   /* that duck was opened with */
};

/* For the tables that are chosen. Opens nothing. */
void part_writer_init(struct part_writer *w, struct lake *l);
void part_writer_close(struct part_writer *w);
/* The engine, opened when there is none. */
enum outcome part_writer_duck(struct part_writer *w, struct failure *f);

/* Write a part and append its add actions.
 *   returns OK | RETRY (cause REFUSED: rows were noted) | STOP */
enum outcome part_write(struct part_writer *w, struct lake_table *t, size_t lane,
                        struct buf *actions, struct failure *f);

#endif
