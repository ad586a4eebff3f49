#include "base/histogram.h"

const double histogram_bounds_s[HISTOGRAM_BOUNDS] = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1,
                                                     5,     10,    30,   60,   300, 600};

int histogram_bucket(int64_t took_us)
{
    int bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && (double)took_us > histogram_bounds_s[bucket] * 1e6) {
        bucket++;
    }
    return bucket;
}
