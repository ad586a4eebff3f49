/* view.h - the SQL that folds a model's facts into rows, from the catalogue.
 *
 * It agrees with signal/fold.h: the same facts give the same rows, whoever folds them. `MODEL` is
 * one row a key; `MODEL_history` every fact once. Both read a relation of facts, as the lake's
 * table holds them, by whatever name the reader gives it. */
#ifndef WEIR_PERSIST_VIEW_H
#define WEIR_PERSIST_VIEW_H

#include "base/buf.h"
#include "signal/model.h"

enum dialect { DIALECT_DUCKDB, DIALECT_SPARK, DIALECT_TRINO };

/* One row a key, without derived columns: a SELECT over `facts` (a name, or a subquery in
 * parentheses). */
void view_add_folded(struct buf *b, const struct model *m, enum dialect d, struct str facts);
/* Every fact once: the one that arrived first of each fact_id. */
void view_add_history(struct buf *b, const struct model *m, enum dialect d, struct str facts);
/* One row a key with its derived columns, in the catalogue's order: a SELECT over the views
 * `MODEL_folded` (all models' must be there). */
void view_add_model(struct buf *b, const struct model *m, enum dialect d);

#endif
