/* derived.h - columns that need other rows, one SQL file a model (sql/MODEL.sql), made part of the
 * program when it is built.
 *
 * A file is one SELECT over the views `MODEL_folded` that gives the model's keys and its derived
 * columns, at most one row a key, in SQL that DuckDB, Spark and Trino all read. */
#ifndef WEIR_PERSIST_DERIVED_H
#define WEIR_PERSIST_DERIVED_H

#include "base/str.h"
#include "signal/model.h"

/* The model's file without its comments' first lines, empty when it has no derived columns. */
struct str derived_sql(const struct model *m);

#endif
