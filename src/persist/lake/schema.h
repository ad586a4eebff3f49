/* schema.h - a model's table in the lake: the columns of its facts, from the catalogue.
 *
 * Partition columns (year, month, day) stand in the path and in the log only. Hidden columns are
 * there: the folding view needs them. */
#ifndef WEIR_PERSIST_LAKE_SCHEMA_H
#define WEIR_PERSIST_LAKE_SCHEMA_H

#include "base/buf.h"
#include "signal/model.h"

/* The Spark struct as JSON, for metaData.schemaString. */
struct str schema_spark(struct arena *a, const struct model *m);
/* What read_json is told: `{'lane': 'VARCHAR', …}`; of one column, or of all of them. */
void schema_add_column(struct buf *b, const struct column *c);
void schema_add_columns(struct buf *b, const struct model *m);
/* `"lane", "position", …` as facts hold them. */
void schema_add_names(struct buf *b, const struct model *m);
/* An empty relation of the table's columns and types, as a SELECT. */
void schema_add_empty(struct buf *b, const struct model *m);

/* Every column of `old` is in `new` with the same type; both are Spark structs as JSON. */
bool schema_holds(struct arena *a, struct str new, struct str old);

#endif
