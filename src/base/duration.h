/* duration.h - lengths of time as Go writes them: 300ms, 1.5h, 1h30m. */
#ifndef WEIR_BASE_DURATION_H
#define WEIR_BASE_DURATION_H

#include "base/str.h"

/* Units ns us µs ms s m h, each with a decimal number before it; a sign before all; 0 alone. Below
 * a microsecond it is cut. false: none, or beyond 2^63 ns. source  pkg.go.dev/time, ParseDuration
 */
bool duration_go(struct str text, int64_t *out_us);

#endif
