/* fault.h - what goes wrong between a tool and weir, on purpose and countable.
 *
 * A delivery comes again (duplicate), a little later (reorder), much later (late); or a damaged or
 * forged copy with an id of its own is sent beside it. What the world delivered is always sent
 * whole, once at least. Faults have draws of their own: they do not change the world. */
#ifndef WEIR_COMMAND_SIMULATE_FAULT_H
#define WEIR_COMMAND_SIMULATE_FAULT_H

#include "command/simulate/simulation.h"

enum fault {
    FAULT_NONE,
    FAULT_DUPLICATE,
    FAULT_REORDER,
    FAULT_LATE,
    FAULT_MALFORMED,
    FAULT_FORGED,
    FAULTS
};

/* What the receiving side must make of a delivery. Only output makes a signal known: what had none
 * the first time (no mapping, ignored) is accepted when it comes again. */
enum fate_expected { EXPECT_ACCEPTED, EXPECT_REPETITION, EXPECT_REFUSED, EXPECT_DEAD };

extern const char *const fault_name[FAULTS];
extern const char *const fate_expected_name[];

struct fault_plan {
    double rate[FAULTS];
    struct draw draw;
    enum shape shape;
    void (*send)(void *to, const struct delivery *d, enum fault fault, enum fate_expected expect);
    void *to;
    struct held *held; /* kept back */
    size_t held_n;
};

/* "duplicate=0.01,late=0.001" into rate; false: *wrong is the part that is none. */
bool fault_rates(struct str text, double rate[FAULTS], struct str *wrong);

/* rate, shape, send and to are set by the caller. */
void fault_open(struct fault_plan *p, struct arena *a, uint64_t seed);
/* Send a delivery, or keep it back; and what else is due. */
void fault_pass(struct fault_plan *p, const struct delivery *d);
/* Send all that is kept back, or forget it, and give its memory back. */
void fault_close(struct fault_plan *p, bool is_sent);

#endif
