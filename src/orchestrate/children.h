/* children.h - all processes of a weir: which there are, started, watched, restarted, drained.
 *
 * A slot is a process that there should be; it outlives the process itself, which comes back with
 * backoff. Whoever drains for good leaves its slot. The counters of the orchestrator's page are
 * kept here: `process{NAME}` (its pid), `restarts{NAME}`, `down{NAME}`. Times are monotonic. */
#ifndef WEIR_ORCHESTRATE_CHILDREN_H
#define WEIR_ORCHESTRATE_CHILDREN_H

#include "orchestrate/child.h"

enum { CHILDREN_MAX = INTAKE_LANES_MAX + 32 /* intake processes and the rest */ };

struct children {
    const struct duty *duties;
    struct str only; /* stages by comma; empty: all           */
    struct nursery nursery;
    struct arena *arena;   /* of the pages                          */
    struct progress *page; /* the orchestrator's own                */
    struct child child[CHILDREN_MAX];
    bool is_stopping;            /* nobody is started any more            */
    int wave;                    /* of draining                           */
    int64_t turned_us, awake_us; /* the last turn; the first after the orchestrator was away itself:
                                    silence counts from then on */
};

/* Somebody whose stage is wanted (`only`) accepts at this door. A door that nobody serves stays
 * shut: the kernel would take connections that nobody ever answers. */
bool children_want_door(const struct children *all, enum duty_door door);

/* A slot for each process that the configuration wants; nothing is started yet.
 *   returns OK | RETRY a page cannot be made */
enum outcome children_add(struct children *all, struct failure *f);

/* The nursery has another configuration: duties that are many get new slots, and the old ones go
 * once the new ones run; the others are asked to stop, and come back at once.
 *   returns OK | RETRY nothing was done: no room yet (an earlier reload is still draining), no page
 */
enum outcome children_renew(struct children *all, int64_t now_us, struct failure *f);

/* A process that waits has no turn that could take too long, and may hang all the same: who has not
 * shown a beat since `since_us`, or for half the time that it may be silent, is asked for a turn
 * (SIGUSR2). It counts as busy until it answers. Called while weir works, before it rests. */
void children_probe(struct children *all, int64_t since_us, int64_t now_us);
/* What is due: start who does not run, relieve old ones, kill who hangs or drains too long. */
void children_turn(struct children *all, int64_t now_us);
/* After SIGCHLD: who has ended is restarted later and later, or leaves. */
void children_reap(struct children *all, int64_t now_us);

/* While stopping: ask the present wave, and the next once it is gone. false: nobody is left. */
bool children_drain(struct children *all, int64_t now_us);
void children_kill(struct children *all);
/* SIGUSR1 to whoever keeps standard models; of one duty, or of all (NULL). */
void children_flush(struct children *all, const struct duty *only);

/* Every process of the present configuration does its work; of a sink it is enough that it has
 * begun to ask its far end. */
bool children_all_run(struct children *all, int64_t now_us);
/* Somebody works, starts or is in trouble. */
bool children_any_busy(struct children *all);
/* Whoever begins to work from here on tells the nursery's event_fd. */
void children_watch(struct children *all);
/* When one is to be started or killed, or `until_us` if that is sooner. */
int64_t children_due_us(struct children *all, int64_t until_us);

#endif
