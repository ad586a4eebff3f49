/* simulation.h - a small world in virtual time: steps in the order of their times, each of which
 * may change the world, deliver signals, and plan further steps.
 *
 * Steps of one time run in the order in which they were planned, so one seed makes one course of
 * events. */
#ifndef WEIR_COMMAND_SIMULATE_SIMULATION_H
#define WEIR_COMMAND_SIMULATE_SIMULATION_H

#include "base/buf.h"
#include "base/clock.h"
#include "command/simulate/draw.h"

/* What the signals are. */
enum shape {
    SHAPE_CDEVENTS,
    SHAPE_GITHUB,
    SHAPE_FLAT /* the raw events that came before CDEvents agreed on a form */
};

/* One signal as its tool would send it. */
struct delivery {
    struct str id;    /* of the delivery; CDEvents: context.id, flat: event_id */
    struct str event; /* GitHub: X-GitHub-Event                            */
    struct str source, type, subject, time; /* CDEvents: as the body says  */
    struct str body;
};

struct simulation;
typedef void step_fn(struct simulation *s, void *thing, int64_t number);

struct step {
    int64_t at_us;
    uint64_t order;
    step_fn *run;
    void *thing;
    int64_t number;
};

struct simulation {
    struct draw draw;
    struct arena *arena;  /* lives as long as the simulation            */
    struct buf *body;     /* of the delivery being written              */
    struct arena scratch; /* emptied after each step                    */
    int64_t now_us;
    void *world;
    struct step *step; /* binary heap, the next one first */
    size_t steps_n, steps_room;
    uint64_t order, delivered, deliveries_max;
    /* Take one delivery, which lives until the call returns. false: no more, please. */
    bool (*deliver)(void *to, const struct delivery *d);
    void *to;
    bool is_over;
};

/* A world without anything to do. deliveries_max 0: no limit. */
void simulation_open(struct simulation *s, struct arena *a, uint64_t seed, int64_t start_us);
/* Run `run(s, thing, number)` after_us from now. */
void simulation_plan(struct simulation *s, int64_t after_us, step_fn *run, void *thing,
                     int64_t number);
/* All steps before until_us, or until there were enough deliveries. */
void simulation_run(struct simulation *s, int64_t until_us);
void simulation_close(struct simulation *s);

/* Hand out a delivery whose body was written to s->body. */
void simulation_deliver(struct simulation *s, struct delivery d);

/* The first moment from at_us on when people work (UTC, Monday to Friday, 7 to 18 o'clock). */
int64_t simulation_working(struct simulation *s, int64_t at_us);

/* ---- the worlds: plan their first steps at s->now_us ---- */

void world_cdevents(struct simulation *s);
void world_github(struct simulation *s);
/* After world_github ran: one line, what `weir report dora --json` must find in it. */
struct str world_github_truth(struct simulation *s, int64_t from_us, int64_t until_us);
void world_flat(struct simulation *s);
/* Deliveries that they make in a day on average, to turn a count into days. */
enum { CDEVENTS_A_DAY = 130, GITHUB_A_DAY = 230, FLAT_A_DAY = 250000 };

#endif
