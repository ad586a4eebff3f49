/* persister.h - who keeps what the streams carry: the store, the lake, later the sinks.
 *
 * persist_run is the one loop of them all: it reads, hands over batches, writes dead letters before
 * any cursor moves, asks for a flush when one is due, tries again, publishes cursors. A persister
 * gathers in memory what it takes and moves its rows and cursors together in flush; it has no loop
 * over failures, no backoff and no log of its own. Killed anywhere, it goes on from its cursors. */
#ifndef WEIR_PERSIST_PERSISTER_H
#define WEIR_PERSIST_PERSISTER_H

#include "bus/bus.h"
#include "bus/progress.h"
#include "config/config.h"
#include "signal/model.h"

struct persister {
    const struct persister_driver *driver;
    void *state; /* the driver's own, state_bytes long, zeroed by persist_run */
    const struct config *config;
    struct bus *bus;
    struct progress *progress; /* for counters of the driver's own */
    struct arena *arena;       /* as long as the process */
    int64_t
        retry_after_ms; /* with RETRY: not before, ten minutes at most; 0: as the backoff says */
    struct str told;    /* by open, for the log: what it did besides; empty: nothing */
    struct str lost;    /* by open, for the log: what it should hold and cannot get any more */
};

/* Records of one batch that can never be kept; they become dead letters of the stage. */
struct rejects {
    struct arena *arena;
    struct reject *first, *last;
};

/* Note a record of `slice`, and why. The record's texts last as long as the batch. */
void persist_reject(struct rejects *r, const struct slice *slice, const struct record *record,
                    const struct failure *why);

/* Which time it is for what goes by age. Where it is not believed, the log says so once a step. */
struct wall_time persist_wall(struct persister *p);
/* What a model's retention has taken away, told once for all of it. */
struct persist_expired {
    const struct model *model;
    int64_t before_us; /* what is older went */
    size_t files;      /* 0: it has none     */
    uint64_t rows;
};
void persist_tell_expired(const struct persist_expired *e);

struct persister_driver {
    const char *name;      /* the stage: "store"; its dead lanes are `store-standard-LANE` */
    const void *of;        /* which one, where there are several of a kind; else NULL      */
    unsigned streams;      /* STREAM_BIT of those it reads */
    size_t read_bytes_max; /* what one read gives at most (but one record) */
    size_t state_bytes;
    const char *refill; /* what a person does when the streams have forgotten what its cursor
                         * stands at; NULL: nothing of its own */

    /* Reach the far end, make or widen tables. STOP: rights, another bus id, a newer schema. */
    enum outcome (*open)(struct persister *p, struct failure *f);
    /* Where its committed cursor stands in a lane; 0 is the beginning. Also asked of lanes never
     * seen before. */
    enum outcome (*cursor)(struct persister *p, struct lane lane, struct position *out,
                           struct failure *f);
    /* Up to where everything taken of a lane is durable, though its cursor (`restart`) may stand
     * behind: nothing in between has to be kept. NULL: the cursor says it. */
    struct position (*done)(struct persister *p, struct lane lane, struct position restart);
    /* Gather the batch; the texts that outlive the call are copied. Signals of other stages'
     * retries are not in it. One that never works goes to `rejects`, and the rest is taken; a fact
     * of a model that only a newer weir knows is passed over and counted `unknown_models`. returns
     * OK | RETRY nothing of the batch was taken | STOP */
    enum outcome (*take)(struct persister *p, const struct batch *b, struct rejects *rejects,
                         struct failure *f);
    /* Milliseconds until flush is to be called though nobody asks (size, age, housekeeping): 0 now,
     * -1 never. Asked after each take and each flush. */
    int (*due_ms)(struct persister *p);
    /* Make durable what was gathered, with the cursors of its slices, if each still stands where
     * the first batch began; then housekeeping. `is_asked`: everything, though it is not due.
     *   returns OK | RETRY nothing or a whole part was kept; the same call may work later (cause
     *           FENCED: persist_run drops and reads again; cause REFUSED: it does, too, and take
     *           rejects what the flush could not keep) | STOP */
    enum outcome (*flush)(struct persister *p, bool is_asked, struct failure *f);
    /* Forget what was gathered and not kept: the lanes are read again from their cursors. */
    void (*drop)(struct persister *p);
    void (*close)(struct persister *p); /* cannot fail; safe after a failed open */
};

/* Keep what the streams carry until SIGTERM (then: a last flush, and OK). SIGUSR1 reads to the end
 * and flushes.
 *   returns OK | STOP the set-up is wrong, a cursor is no longer kept, the bus was made anew */
enum outcome persist_run(const struct persister_driver *driver, const struct config *config,
                         struct bus *bus, struct progress *progress, struct failure *f);

extern const struct persister_driver persist_lake, persist_store;

#endif
