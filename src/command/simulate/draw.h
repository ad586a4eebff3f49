/* draw.h - chance with a seed: the same seed draws the same, on every machine.
 *
 * xoshiro256** by Blackman and Vigna, seeded by splitmix64, as its authors advise. */
#ifndef WEIR_COMMAND_SIMULATE_DRAW_H
#define WEIR_COMMAND_SIMULATE_DRAW_H

#include "base/str.h"

struct draw {
    uint64_t state[4];
    uint64_t salt; /* of the UUIDs alone; 0: none */
};

enum { UUID_BYTES = 36 };

void draw_seed(struct draw *d, uint64_t seed);
/* From now on other UUIDs, and all else as before. */
void draw_salt(struct draw *d, uint64_t salt);
/* 0 .. n-1; n > 0. */
uint64_t draw_below(struct draw *d, uint64_t n);
/* From least to most, both included. */
int64_t draw_between(struct draw *d, int64_t least, int64_t most);
/* True with this probability. */
bool draw_chance(struct draw *d, double probability);
/* Index of one of n weights. */
size_t draw_weighted(struct draw *d, const unsigned *weight, size_t n);
/* The absolute value of Normal(mean, deviation), in whole units of theirs. */
int64_t draw_normal(struct draw *d, int64_t mean, int64_t deviation);
/* Time to the next of events that come with this mean distance. */
int64_t draw_gap(struct draw *d, int64_t mean);
/* n lower-case hex digits, no zero byte. */
void draw_hex(struct draw *d, char *out, size_t n);
/* RFC 9562 version 4, no zero byte. */
void draw_uuid(struct draw *d, char out[UUID_BYTES]);

#endif
