/* histogram.h - how long things took, in buckets that fit runs and deliveries: 1 ms to 10 min. */
#ifndef WEIR_BASE_HISTOGRAM_H
#define WEIR_BASE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 13 };

/* Upper bounds of the buckets in seconds, themselves within; one more bucket has all above. */
extern const double histogram_bounds_s[HISTOGRAM_BOUNDS];

/* Which bucket: 0 to HISTOGRAM_BOUNDS. */
int histogram_bucket(int64_t took_us);

#endif
