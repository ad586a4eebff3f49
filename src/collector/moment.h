/* moment.h - a time as a source writes it: RFC 3339, and what SQLite's own functions take and give,
 * `2026-03-07 12:00:00.500`, `2026-03-07 12:00`, with T or a space, without a zone (in UTC), or a
 * day alone. Pure. */
#ifndef WEIR_COLLECTOR_MOMENT_H
#define WEIR_COLLECTOR_MOMENT_H

#include "base/arena.h"
#include "base/clock.h"

/* false: it is no time.
 *   source  sqlite.org/lang_datefunc.html, Time Values */
bool moment_read(struct str text, int64_t *us);

/* The time so long before that of the text, written as it is, so that it stands before it also for
 * who compares bytes: the same separator, digits and zone; what does not fit is cut.
 *   returns whether the text is a time */
bool moment_before(struct arena *a, struct str text, int64_t span_us, struct str *out);

#endif
