/* answer.h - what the engine answers, as rows.
 *
 * Numbers and times keep their exact text: the shortest digits of a real, RFC 3339 of a time. */
#ifndef WEIR_COMMAND_ANSWER_H
#define WEIR_COMMAND_ANSWER_H

#include "command/rows.h"
#include "wire/duckdb.h"

/* Types that rows can be made of as they are; others are asked for as text. */
bool answer_is_native(duckdb_type t);
/* Lists, structs, maps: shown as JSON. */
bool answer_is_nested(duckdb_type t);

/* Print all rows. `shape`: what the columns were before they were asked for as text; NULL: they are
 * as they come.
 *   returns OK | RETRY | REJECT a column that rows can't be made of */
enum outcome answer_print(struct arena *a, enum rows_format format, struct duck_result *r,
                          const struct duck_shape *shape, struct failure *f);

/* What EXPLAIN answers, for people: its text, line by line as it is drawn. */
void answer_print_plan(struct duck_result *r);

#endif
