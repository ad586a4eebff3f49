/* few.h - the columns of a report's table that tell of how many cases another column is.
 *
 * `queue_n` stands for `queue_p50_s` and `queue_p90_s`, `success_rate_n` for `success_rate`. On a
 * terminal and on a page they are no columns: a figure of fewer than three cases tells how many. */
#ifndef WEIR_COMMAND_REPORT_FEW_H
#define WEIR_COMMAND_REPORT_FEW_H

#include "base/str.h"

/* The column is such a one. */
bool few_is_count(struct str name);
/* The column that stands for column i of n; n: none does. */
size_t few_column(const struct str *name, size_t n, size_t i);

#endif
