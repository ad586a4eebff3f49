/* say.h - figures as people read them: spans, rates, better or worse, one-line charts.
 *
 * What is not there is "–", never 0; a figure of fewer than three cases tells how many. */
#ifndef WEIR_COMMAND_REPORT_SAY_H
#define WEIR_COMMAND_REPORT_SAY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "measure/figure.h"

/* "45 s", "2.5 min", "62 min", "2.6 h", "24 h", "3.6 d", "12 d". */
struct str say_span(struct arena *a, double s);
/* "5.2 %" of 0.052. */
struct str say_rate(struct arena *a, double share);
/* "2.8/d", "0.19/d"; and where the heading says of what: "2.8", "0.19". */
struct str say_per_day(struct arena *a, double per_day);
struct str say_number(struct arena *a, double number);
/* By its unit, as one of those above; of a number up to six digits. */
struct str say_value(struct arena *a, enum figure_unit unit, double value);
/* "23 Aug 2026" of a moment in UTC; without the year when it is that of `beside_us`. */
struct str say_day(struct arena *a, int64_t time_us, int64_t beside_us);
/* "Aug 2026". */
struct str say_month(struct arena *a, int64_t time_us);
/* "2.6 h (2)": the text, and how many cases stand behind it where they are fewer than three. */
struct str say_few(struct arena *a, struct str text, int64_t n);

/* "better", "worse", "same"; "more", "less" where neither is better (sign 0; 1: more is better, -1:
 * less is); empty where there is nothing to compare. A change below a tenth, or below what `n`
 * cases can show (1/sqrt n), is none. */
const char *say_trend(double now, double before, int sign, int64_t n);

/* One mark a value, scaled from 0 to the greatest; a gap for NAN. Marks of ASCII where the
 * terminal's locale is not UTF-8. */
struct str say_chart(struct arena *a, const double *value, size_t n);
/* A share of so many columns, drawn across. */
struct str say_bar(struct arena *a, double share, size_t columns);
/* A share of one column; a space for none. */
struct str say_mark(double share);
/* No charts on TERM=dumb. */
bool say_has_charts(void);

/* "31 days", "1 day"; of fewer than three and a part "41 hours", whole ones that it needs. */
struct str say_days(struct arena *a, int64_t span_us);

#endif
