/* nearest.h - which known name somebody meant who mistyped it.
 *
 * Offer every candidate, then ask once. Letters are compared without case. */
#ifndef WEIR_BASE_NEAREST_H
#define WEIR_BASE_NEAREST_H

#include "base/str.h"

struct nearest {
    struct str word, best;
    size_t distance; /* edits from word to best */
};

struct nearest nearest_to(struct str word);
void nearest_offer(struct nearest *n, struct str candidate);
/* The candidate with the fewest edits (insert, delete, replace, swap of neighbours), empty when
 * none is within a third of the word's length or two edits: what is further is no typing mistake.
 */
struct str nearest_found(const struct nearest *n);

#endif
