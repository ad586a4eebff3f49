/* tally.h - what became of a lane's signals so far, counted by name (struct tally, bus.h).
 *
 * A batch counts on a copy, which replaces the old one when its step is done: so a step that failed
 * has counted nothing. */
#ifndef WEIR_TRANSFORM_TALLY_H
#define WEIR_TRANSFORM_TALLY_H

#include "bus/bus.h"

enum { TALLY_NAMES_MAX = 256 };

/* A copy, names and all, with room for more. */
struct tally tally_copy(struct arena *a, const struct tally *t);

/* One more under this name; a new name beyond TALLY_NAMES_MAX counts under "other". `t` must be of
 * tally_copy. */
void tally_count(struct arena *a, struct tally *t, bool is_ignored, struct str name);
/* The same of an unmapped name that may be invented: a new one beyond half of TALLY_NAMES_MAX
 * counts under `others`, so that there is room for those that are real. */
void tally_count_new(struct arena *a, struct tally *t, struct str name, struct str others);

#endif
