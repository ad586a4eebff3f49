#include "command/simulate/simulation.h"

enum { BODY_BYTES_MAX = 32 << 20, SCRATCH_BYTES_MAX = 64 << 20, STEPS_FIRST = 256 };

void simulation_open(struct simulation *s, struct arena *a, uint64_t seed, int64_t start_us)
{
    *s = (struct simulation){.arena = a, .now_us = start_us};
    draw_seed(&s->draw, seed);
    arena_init(&s->scratch, SCRATCH_BYTES_MAX);
    struct arena *const body_arena = arena_new(a, struct arena);
    arena_init(body_arena, BODY_BYTES_MAX);
    s->body = arena_new(a, struct buf);
    buf_init(s->body, body_arena, BODY_BYTES_MAX / 4);
    s->steps_room = STEPS_FIRST;
    s->step = arena_array(a, struct step, s->steps_room);
}

void simulation_close(struct simulation *s)
{
    arena_close(&s->scratch);
    arena_close(s->body->arena);
}

static bool is_before(const struct step *a, const struct step *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct step *a, struct step *b)
{
    const struct step kept = *a;
    *a = *b;
    *b = kept;
}

void simulation_plan(struct simulation *s, int64_t after_us, step_fn *run, void *thing,
                     int64_t number)
{
    if (s->steps_n == s->steps_room) {
        struct step *const grown = arena_array(s->arena, struct step, 2 * s->steps_room);
        memcpy(grown, s->step, s->steps_n * sizeof *grown);
        s->step = grown;
        s->steps_room *= 2;
    }
    size_t i = s->steps_n++;
    s->step[i] = (struct step){s->now_us + (after_us > 0 ? after_us : 0), s->order++, run, thing,
                               number};
    for (; i > 0 && is_before(&s->step[i], &s->step[(i - 1) / 2]); i = (i - 1) / 2) {
        swap(&s->step[i], &s->step[(i - 1) / 2]);
    }
}

static struct step take_next(struct simulation *s)
{
    const struct step next = s->step[0];
    s->step[0] = s->step[--s->steps_n];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->steps_n; child++) {
            least = is_before(&s->step[child], &s->step[least]) ? child : least;
        }
        if (least == i) {
            return next;
        }
        swap(&s->step[i], &s->step[least]);
        i = least;
    }
}

void simulation_run(struct simulation *s, int64_t until_us)
{
    while (!s->is_over && s->steps_n > 0 && s->step[0].at_us < until_us) {
        const struct step next = take_next(s);
        s->now_us = next.at_us;
        next.run(s, next.thing, next.number);
        arena_reset(&s->scratch);
    }
}

void simulation_deliver(struct simulation *s, struct delivery d)
{
    if (!s->is_over) {
        d.body = buf_str(s->body);
        s->is_over = !s->deliver(s->to, &d);
        s->delivered++;
        s->is_over |= s->deliveries_max && s->delivered == s->deliveries_max;
    }
}

int64_t simulation_working(struct simulation *s, int64_t at_us)
{
    for (;;) {
        const int64_t day = at_us / DAY_US;
        const int64_t in_day_us = at_us % DAY_US;
        const bool is_weekend = (day + 3) % 7 >= 5; /* 1970-01-01 was a Thursday */
        if (!is_weekend && in_day_us >= 7 * HOUR_US && in_day_us < 18 * HOUR_US) {
            return at_us;
        }
        const bool is_early = !is_weekend && in_day_us < 7 * HOUR_US;
        at_us = (is_early ? day : day + 1) * DAY_US + 7 * HOUR_US +
                draw_between(&s->draw, 0, 2 * HOUR_US);
    }
}
