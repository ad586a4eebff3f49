/* engine.h - DuckDB as the source of rows: what prometheus, s3 and files share.
 *
 * The engine is in memory, single-threaded, and is told what it may read before a person's SQL runs
 * in it. */
#ifndef WEIR_COLLECTOR_ENGINE_H
#define WEIR_COLLECTOR_ENGINE_H

#include "collector/source.h"
#include "config/template.h"
#include "wire/duckdb.h"

enum outcome engine_open(const struct source_ask *ask, struct duck **out, struct failure *f);

/* From here on it reads files below these folders (or URLs that begin so) alone; none at all when n
 * is 0. Its settings are locked. */
enum outcome engine_confine(struct duck *d, const struct source_ask *ask, const struct str *folder,
                            size_t n, struct failure *f);

/* The rows of one SELECT to `to`, each value as its column's type has it.
 *   returns as source_driver.read */
enum outcome engine_rows(struct duck *d, const struct source_ask *ask, struct str sql,
                         const struct source_to *to, struct failure *f);

/* The same of files: that there are none is no failure, nothing was written then, and noted. STOP:
 * the server of the files refuses. */
enum outcome engine_file_rows(struct duck *d, const struct source_ask *ask, struct str sql,
                              const struct source_to *to, struct failure *f);

/* What a template of this run is rendered with, but for the partition: window or time of the run.
 */
struct template_dot source_dot(const struct source_ask *ask);

#endif
