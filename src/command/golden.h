/* golden.h - JSON in one form, so that equal values are equal texts, and how two of them differ. */
#ifndef WEIR_COMMAND_GOLDEN_H
#define WEIR_COMMAND_GOLDEN_H

#include <yyjson.h>

#include "base/buf.h"

/* Append a value of json_read_exact: two spaces a level, members sorted, numbers as they came. */
void golden_write(struct buf *b, yyjson_val *v);

/* Append the lines in which `is` differs from `wanted`, `-` and `+` before them, with the lines
 * around; line by line where the two are not too long for that. */
void golden_diff(struct arena *a, struct buf *b, struct str wanted, struct str is);

#endif
