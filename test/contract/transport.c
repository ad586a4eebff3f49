#include "contract/transport.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed;
static bool is_away;

void transport_seed(void)
{
    const char *const given = getenv("WEIR_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_mono_us();
    printf("WEIR_SEED=%" PRIu64 "\n", seed);
}

uint64_t transport_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t random_gap(void *to)
{
    (void)to;
    return 1 + transport_random() % 1000;
}

static bool random_marker(void *to)
{
    (void)to;
    return transport_random() % 3 == 0;
}

static bool is_taken_away(void *to, struct lane lane)
{
    (void)to;
    return is_away && str_eq(lane.name, S("intake-0"));
}

void transport_plan(const struct transport *t, struct memory_plan *out)
{
    if (strcmp(t->name, "gaps") == 0) {
        out->gap = random_gap;
        out->is_marker = random_marker;
    }
    out->is_lost = is_taken_away;
    is_away = false;
}

void transport_take_away(bool is_it)
{
    is_away = is_it;
}
