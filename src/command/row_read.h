/* row_read.h - a model's rows and facts out of an answer of DuckDB, as struct row. */
#ifndef WEIR_COMMAND_ROW_READ_H
#define WEIR_COMMAND_ROW_READ_H

#include "signal/fact.h"
#include "wire/duckdb.h"

/* `SELECT "a", CAST(to_json("b") AS VARCHAR), …` of the columns that `is_in` names. */
void row_read_select(struct buf *sql, const struct model *m, bool (*is_in)(const struct column *c));
/* The row that such an answer stands at, texts in the arena.
 *   returns OK | STOP a list that is none */
enum outcome row_read(struct arena *a, struct duck_result *r, const struct model *m,
                      bool (*is_in)(const struct column *c), struct row *out, struct failure *f);

#endif
