/* value.h - one value as JSON: in a fact, and in the stores' list and JSON columns. */
#ifndef WEIR_SIGNAL_VALUE_H
#define WEIR_SIGNAL_VALUE_H

#include "signal/fact.h"
#include "wire/json.h"

/* The value as JSON; times are RFC 3339 texts in UTC with six digits. */
void value_write(struct buf *b, const struct value *v);

/* The value of a column. false: of another type than the column, or a rank or member's entry that
 * is none. Texts are those of `from`. */
bool value_read(struct arena *a, const struct column *c, yyjson_val *from, struct value *to);

#endif
