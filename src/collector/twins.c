#include "collector/twins.h"

#include "base/hash.h"

enum { ROOM_FIRST = 64 };

/* The key's hash alone: two of so many share one by chance once in 500 million runs. */
struct twin {
    uint64_t hash, row; /* row 0: the place is free */
    uint64_t n;
};

void twins_init(struct twins *t, struct arena *a)
{
    *t = (struct twins){.arena = a, .room = ROOM_FIRST};
    t->at = arena_array(a, struct twin, t->room);
}

/* Where the hash stands, or is to stand; at most half of the places are taken. */
static struct twin *place_of(const struct twins *t, uint64_t hash)
{
    size_t i = hash & (t->room - 1);
    while (t->at[i].row != 0 && t->at[i].hash != hash) {
        i = (i + 1) & (t->room - 1);
    }
    return &t->at[i];
}

static void widen(struct twins *t)
{
    const struct twins before = *t;
    t->room *= 2;
    t->at = arena_array(t->arena, struct twin, t->room);
    for (size_t i = 0; i < before.room; i++) {
        if (before.at[i].row != 0) {
            *place_of(t, before.at[i].hash) = before.at[i];
        }
    }
}

uint64_t twins_put(struct twins *t, struct str key, uint64_t row, uint64_t *nth)
{
    const uint64_t hash = hash_64(key, 0);
    struct twin *const place = place_of(t, hash);
    if (place->row != 0 || t->n == TWINS_MAX) {
        *nth = place->row != 0 ? ++place->n : 0;
        return place->row;
    }
    *place = (struct twin){hash, row, *nth = 1};
    if (2 * ++t->n > t->room) {
        widen(t);
    }
    return 0;
}
