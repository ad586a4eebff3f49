/* rows.h - a row of a source as a metric: its column `value` is the number, every other a tag.
 *
 * Pure: no clock, no I/O. A null tag is left out, a null value is no metric; a value that is no
 * number, not finite, or not there sets the row aside with its reason, and the others go on. */
#ifndef WEIR_COLLECTOR_ROWS_H
#define WEIR_COLLECTOR_ROWS_H

#include "collector/source.h"
#include "signal/metric.h"

enum row_is {
    ROW_METRIC,
    ROW_EMPTY, /* its value is null               */
    ROW_ASIDE  /* why->text says what is wrong    */
};

/* Name, type, tags and value of *out; window and times are the caller's. The fixed tags of the file
 * win over a column of the same name; a column that grows (`incremental`) is no tag. Texts are the
 * row's own or live in the arena. */
enum row_is row_metric(struct arena *a, const struct collector *c, const struct cell *cell,
                       size_t n, struct metric *out, struct failure *why);

/* A text as JSON will have it, for whoever compares: bytes that are no UTF-8 are U+FFFD each. */
struct str row_text(struct arena *a, struct str text);

/* A number as Go's strconv.ParseFloat reads it: 42, 1e3, .5, +3, 1_000, 0x1p-2, inf, NaN; no
 * spaces. false: it is none.
 *   source  go.dev/ref/spec, Floating-point literals; pkg.go.dev/strconv, ParseFloat */
bool row_number(struct str text, double *out);

/* The greater of two values of a column that grows: as numbers where both are, as times
 * (collector/moment.h) where both are, else by bytes. */
struct str row_greater(struct str a, struct str b);

#endif
