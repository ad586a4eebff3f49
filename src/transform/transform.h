/* transform.h - one raw signal in, facts out: a pure function of the signal and of the
 * configuration.
 *
 * No state, no clock, no network: it can be replayed, run anywhere and in parallel. Everything it
 * gives lives in the arena. */
#ifndef WEIR_TRANSFORM_TRANSFORM_H
#define WEIR_TRANSFORM_TRANSFORM_H

#include "config/config.h"
#include "signal/fact.h"

struct jq_pool;

/* What one signal may give in all. Its size does not bound it: what is said once may stand in each
 * fact. */
enum { TRANSFORM_GIVEN_BYTES_MAX = 256 * 1024 * 1024 };

/* Every accepted signal ends in exactly one of the first four. */
enum fate {
    FATE_STORED,
    FATE_UNMAPPED,
    FATE_IGNORED,
    FATE_DEAD,
    FATE_LATER /* none yet: a process or memory is lacking, the signal is taken again */
};

struct transform_in {
    const struct signal *raw;
    struct str raw_at; /* `lane:position` */
    const struct config *config;
    struct arena *arena;  /* scratch, reset after this signal */
    const void *options;  /* of the agent that took it (config/agents.h); NULL: none are known */
    struct jq_pool *pool; /* of the mappings' processes (jq/jq.h)                         */
};

/* Zeroed but for `arena` before it is filled. */
struct transform_out {
    struct arena *arena; /* of what is given: outlives the scratch                        */
    enum fate fate;
    struct str name;     /* UNMAPPED: `github/star/created`; IGNORED: the reason          */
    struct str others;   /* UNMAPPED, and the sender's word alone says that there is such a name:
                            what those count under for which there is no room; else empty */
    struct failure why;  /* DEAD: pointer and reason; LATER: the reason                    */
    struct signal *fact; /* STORED: at least one                                          */
    size_t facts_n, facts_room;
    size_t bytes; /* of the facts, as they count against TRANSFORM_GIVEN_BYTES_MAX */
};

/* One kind of raw signal, chosen by the type of the agent that took it (section_type.transformer),
 * never by looking into the body. */
struct transformer {
    void (*run)(const struct transform_in *in, struct transform_out *out);
    /* What takes long to begin and is no signal's fault; NULL: nothing does. OK | RETRY. */
    enum outcome (*prepare)(const struct transform_in *in, struct failure *f);
};

/* Before the signal is taken in hand: what its transformer has to begin. A process that is killed
 * here says nothing against the signal. OK | RETRY */
enum outcome transform_prepare(const struct transform_in *in, struct failure *f);

/* What becomes of one raw signal: the transformer of its agent's type decides. An agent that is not
 * in the configuration makes it dead (it can be sent again). */
void transform_signal(const struct transform_in *in, struct transform_out *out);

/* The ceiling of the scratch arena that any signal of this size can be transformed in, whatever it
 * consists of and whatever limit the intake has today. */
size_t transform_scratch_bytes(const struct signal *raw);

/* ---- for transformers ---- */

/* Finish `fact`, add it to the output and make the fate STORED. false: its key is null, and the
 * signal is dead. */
bool transform_add(const struct transform_in *in, struct transform_out *out, struct fact *fact);
/* The signal is dead at this field; what was given so far is dropped. Always false, so that a
 * mapping can return it. */
bool transform_dead(struct transform_out *out, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Something said no: dead at its pointer, or, where memory or a process is short (RETRY), later.
 * `what` begins the reason. Always false. */
bool transform_failed(struct transform_out *out, struct str what, const struct failure *f);
/* `others`: empty, or what to count it under where too many such names were invented. */
void transform_unmapped(struct transform_out *out, struct str name, struct str others);
void transform_ignored(struct transform_out *out, struct str reason);

/* One event that a mapping made of the signal, as JSON: validated, lifted and given as those that
 * come as they are. `folds`: it is all that is known of its subject, so the models fold it. false:
 * dead. */
bool transform_cdevent(const struct transform_in *in, struct transform_out *out, struct str event,
                       bool folds);

/* One a type of agent; registry.c gives each agent its own. */
extern const struct transformer transformer_github, transformer_cdevents, transformer_webhook;
/* What a collector read (signal/metric.h): it is in its model's form already. */
void transform_metric(const struct transform_in *in, struct transform_out *out);

#endif
