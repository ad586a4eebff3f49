/* clock.h - time in microseconds since 1970-01-01 UTC, and its RFC 3339 text.
 *
 * Everything that asks for the time asks here, so that a test can set it. Times are int64_t with
 * the unit in the name; TIME_NONE means unknown. */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include "base/str.h"

#define TIME_NONE INT64_MIN
#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US) /* in UTC, which has no leap seconds here */

enum { CLOCK_TEXT_BYTES = 40 };

/* Wall clock, and a clock that never steps (for spans alone). */
int64_t clock_now_us(void);
int64_t clock_mono_us(void);
/* For tests: the wall clock stands at now_us until TIME_NONE gives the real one back. The other one
 * stands, too, and has gone on by as much as the wall clock was set forward. */
void clock_set(int64_t now_us);
/* For tests, after clock_set: the wall clock alone is set forward or back. */
void clock_step(int64_t by_us);

/* "2026-11-22T05:53:00.000000Z" with its zero byte; years outside 0000..9999 are written with their
 * sign. Returns the text's length. */
size_t clock_text(int64_t time_us, char out[CLOCK_TEXT_BYTES]);

/* RFC 3339 section 5.6 as JSON Schema's date-time has it: real calendar dates, T or t, Z or z or an
 * offset, any number of fraction digits (below a microsecond they are cut), 60 seconds only at
 * 23:59 UTC; in UTC it must lie in the years 0001 to 9999, which every store and reader can hold.
 * false: not one. */
bool clock_parse(struct str text, int64_t *out_us);
/* The same, or a date alone (2026-03-07), which means its first moment in UTC. */
bool clock_parse_day(struct str text, int64_t *out_us);

#endif
