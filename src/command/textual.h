/* textual.h - SQL that makes text of what rows can't show as it is: JSON of what is nested.
 *
 * Inside a list or an object a time has the form that it has alone (answer.h), and a real that JSON
 * has no number for is a text: the engine's own to_json shows neither so. */
#ifndef WEIR_COMMAND_TEXTUAL_H
#define WEIR_COMMAND_TEXTUAL_H

#include "base/buf.h"
#include "wire/duckdb.h"

/* The column `at` (an SQL expression) of this type, as a type that answer_is_native. */
void textual_add(struct arena *a, struct buf *sql, const struct duck_shape_column *c,
                 struct str at);

#endif
