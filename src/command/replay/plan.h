/* plan.h - what a replay covers and how far it has come: the file `plan.json` in its folder,
 * replaced at each chunk. */
#ifndef WEIR_COMMAND_REPLAY_PLAN_H
#define WEIR_COMMAND_REPLAY_PLAN_H

#include "bus/bus.h"

/* What is replayed: raw signals that an agent took, received in [from, to). */
struct plan_range {
    int64_t from_us, to_us; /* INT64_MIN, INT64_MAX: no bound */
    struct str agent;       /* empty: all                     */
};

/* Of a raw lane [from, at) is replayed; before it stands what an earlier round has done, what comes
 * later is the live transform's. Lanes of earlier streams are over. */
struct plan_cut {
    struct str bus, lane;
    uint64_t from, at;
};

/* Raw signals from this one on, in the order of receipt, up to the next chunk's first. */
struct plan_chunk {
    int64_t received_us;
    struct str lane;
    uint64_t position;
};

struct plan_counts {
    uint64_t stored, dead, unmapped, ignored;
};

struct plan {
    struct str
        key; /* names streams, range, mappings and program: no plan of another is gone on with */
    struct plan_range range;
    struct plan_cut *cut;
    size_t cuts_n;
    struct plan_chunk *chunk;
    size_t chunks_n, done; /* chunks whose facts are on the disk */
    size_t earlier;        /* chunks of earlier rounds: all of them are */
    struct plan_counts counts;
    bool is_made; /* cuts and chunks are known */
};

/* Read the plan in the folder into `p`, whose key and range are set. Nothing happens when there is
 * none, or one of another key. */
enum outcome plan_read(struct arena *a, struct str folder, struct plan *p, struct failure *f);
enum outcome plan_write(struct arena *a, struct str folder, const struct plan *p,
                        struct failure *f);

#endif
