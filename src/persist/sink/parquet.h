/* parquet.h - JSON lines as one Parquet file, by DuckDB in a process of its own. */
#ifndef WEIR_PERSIST_SINK_PARQUET_H
#define WEIR_PERSIST_SINK_PARQUET_H

#include "base/arena.h"
#include "base/failure.h"
#include "config/sinks.h"

/* Whether the record of this line could ever be in a file.
 *   returns OK | REJECT more members than there may be columns, or none; a name that none can have;
 *           a number that its column of the schema cannot hold */
enum outcome parquet_fits(struct str line, const struct sink_encoding_config *config,
                          struct failure *f);

/* The records of these lines. With a schema, its columns: a member that is not there, or is of
 * another kind, is null; an INT64 of a time is its microseconds since 1970. Without, every member
 * that a record has: numbers (DOUBLE; BIGINT where all are whole and one is beyond 2^53), booleans,
 * times of `timestamp`, `time`, `window`, `grain_datetime`; all else, and what is of several kinds,
 * as text: objects and lists as their JSON.
 *   returns OK, *out in the arena | RETRY no process or library; cause MEMORY: fewer at once may
 *           work | REJECT these cannot be in one file */
enum outcome parquet_of_lines(struct arena *a, struct str lines,
                              const struct sink_encoding_config *config, struct str *out,
                              struct failure *f);

#endif
