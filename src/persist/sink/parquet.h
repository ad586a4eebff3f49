/* parquet.h - JSON lines as one Parquet file, by DuckDB in a process of its own. */
#ifndef WEIR_PERSIST_SINK_PARQUET_H
#define WEIR_PERSIST_SINK_PARQUET_H

#include "base/arena.h"
#include "base/failure.h"
#include "config/sinks.h"

/* The records of these lines. With a schema, its columns: a member that is not there, or is of
 * another kind, is null; an INT64 of a time is its microseconds since 1970. Without, every member
 * that a record has: texts, numbers (DOUBLE), booleans, times of `timestamp`, `time`, `window`,
 * `grain_datetime`; objects and lists as their JSON.
 *   returns OK, *out in the arena | RETRY no process, memory or library | REJECT it cannot be made
 */
enum outcome parquet_of_lines(struct arena *a, struct str lines,
                              const struct sink_encoding_config *config, struct str *out,
                              struct failure *f);

#endif
