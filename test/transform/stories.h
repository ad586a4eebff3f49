/* stories.h - facts told in any order, each any number of times: the same rows, and the right ones.
 */
#ifndef WEIR_TEST_TRANSFORM_STORIES_H
#define WEIR_TEST_TRANSFORM_STORIES_H

#include "signal/fold.h"
#include "transform/transform.h"

/* The facts of one delivery. */
struct told {
    struct row *fact;
    size_t n;
};

struct told told_by(struct arena *a, const struct transform_out *out);

/* Fails when rows differ between `rounds` orders and repetitions. */
void assert_order_cannot_matter(struct arena *a, const struct told *told, size_t n,
                                uint64_t rounds);

/* What must come out of some deliveries: columns of the first row of the model. */
struct story {
    const char *deliveries; /* names of recorded ones */
    const char *model;
    struct {
        const char *column, *value;
    } want[8];
};

/* Fails when a column is not as wanted, in any of `rounds` orders. */
void assert_story(struct arena *a, const struct story *story, const struct told *told, size_t n,
                  uint64_t rounds);

#endif
