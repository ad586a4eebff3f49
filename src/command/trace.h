/* trace.h - from an id to raw signals, and from a raw signal to all that became of it.
 *
 * Lake and tail tell what there is, the dead letters what failed. Where neither knows, the
 * transform itself is asked: it is a pure function of the signal and of the configuration. Reads
 * only; weir may run or not. */
#ifndef WEIR_COMMAND_TRACE_H
#define WEIR_COMMAND_TRACE_H

#include "command/ask.h"
#include "command/mending.h"
#include "command/past.h"
#include "persist/store.h"

enum { TRACE_SIGNALS_MAX = 20 };

enum trace_end {
    TRACE_STORED,
    TRACE_DEAD,
    TRACE_UNMAPPED,
    TRACE_IGNORED,
    TRACE_WAITING, /* for the transform */
    TRACE_DROPPED, /* its dead letter; or it is the word that drops one */
    TRACE_NOTHING  /* it gave nothing then, and would give something now */
};

struct trace_fact {
    const struct model *model;
    struct str raw;
    struct str key; /* a JSON object */
    struct str fact_id, fact_at;
    struct str file; /* below the lake; empty: not flushed yet */
    int64_t row;     /* of the file, from 0 */
    bool is_stored;
};

struct trace_signal {
    struct past past;
    struct str file; /* of its row of table raw */
    enum trace_end end;
    struct str why, pointer; /* unless stored */
    struct str dead;         /* id of its open dead letter */
    bool is_dead_raw;        /* which is the transform's: it has gone no further */
    struct trace_fact *fact;
    size_t facts_n, facts_room;
};

struct trace {
    struct arena *arena;
    const struct config *config;
    struct bus *bus;
    struct ask ask;
    struct store *store; /* NULL: it keeps nothing yet */
    struct trace_signal signal[TRACE_SIGNALS_MAX];
    size_t signals_n;
    bool is_cut; /* there are more signals */
    struct mending mending;
};

enum outcome trace_open(struct arena *a, const struct config *config, struct trace **out,
                        struct failure *f);
void trace_close(struct trace *t);

/* The raw signals that one id means (a delivery, an event, a fact, a position, the key of a row),
 * or that a model and its whole key mean; newest last. returns OK | REJECT nothing has this id |
 * RETRY | STOP */
enum outcome trace_find(struct trace *t, const struct str *word, size_t n, struct failure *f);
/* Fill in what became of the signal. */
enum outcome trace_follow(struct trace *t, struct trace_signal *s, struct failure *f);

/* It stands in streams of another weir, or of this one before they were made anew. */
bool trace_is_of_others(const struct trace *t, const struct past *past);

const char *trace_end_name(enum trace_end end);

#endif
