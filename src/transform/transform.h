/* transform.h - one raw signal in, facts out: a pure function of the signal and of the
 * configuration.
 *
 * No state, no clock, no network: it can be replayed, run anywhere and in parallel. Everything it
 * gives lives in the arena. */
#ifndef WEIR_TRANSFORM_TRANSFORM_H
#define WEIR_TRANSFORM_TRANSFORM_H

#include "config/config.h"
#include "signal/fact.h"

/* Every accepted signal ends in exactly one of these. */
enum fate { FATE_STORED, FATE_UNMAPPED, FATE_IGNORED, FATE_DEAD };

struct transform_in {
    const struct signal *raw;
    struct str raw_at; /* `lane:position`                                       */
    const struct config *config;
    struct arena *arena;
};

struct transform_out {
    enum fate fate;
    struct str name;     /* UNMAPPED: `github/star/created`; IGNORED: the reason   */
    struct failure why;  /* DEAD: pointer and reason                              */
    struct signal *fact; /* STORED: at least one                                  */
    size_t facts_n, facts_room;
};

/* One kind of raw signal. Chosen by the type of the agent that took it, never by looking into the
 * body. */
struct transformer {
    const char *agent_type; /* "github"                                              */
    void (*run)(const struct transform_in *in, struct transform_out *out);
};

/* Finish `fact` and add it to the output. A failure makes the whole signal dead (the caller returns
 * at once on false). */
bool transform_add(const struct transform_in *in, struct transform_out *out, struct fact *fact);
/* The signal is dead at this field. Always returns false, so that a mapping can return it. */
bool transform_dead(struct transform_out *out, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void transform_github(const struct transform_in *in, struct transform_out *out);
void transform_cdevents(const struct transform_in *in, struct transform_out *out);

#endif
