/* repetitions.h - which raw signal first gave output: identity → position, for a time and a size.
 *
 * A signal is a repetition if its identity stands here with another position; with its own position
 * it is the same signal read again after a crash. So the index needs no transaction with anything:
 * it is only synced before the output is, also where it was noted by a process that was killed
 * before it could. Identities are kept as 128-bit hashes under a secret of this index, in buckets
 * of time that are forgotten whole: the oldest goes when it is older than `keep`, or when all of
 * them together are over their budget. One owner at a time (the transform).
 */
#ifndef WEIR_TRANSFORM_REPETITIONS_H
#define WEIR_TRANSFORM_REPETITIONS_H

#include "base/arena.h"
#include "base/wall.h"
#include "bus/bus.h"
#include "config/config.h"

struct repetitions;

/* Where an identity was seen. */
struct sighting {
    struct lane lane;
    struct position at;
    uint64_t body; /* what it says (content.h) */
};

enum known { KNOWN_NOT, KNOWN_HERE, KNOWN_REPETITION, KNOWN_CONFLICT };

struct repetitions_size {
    uint64_t entries, bytes, buckets;
    uint64_t forgotten; /* buckets dropped before their time: over the budget, or since the clock
                         * has jumped forward */
    int64_t since_us;   /* what was received before is not known; TIME_NONE: nothing is */
    uint64_t torn;      /* entries missed at open: torn by a power cut, rotten, or gone */
    bool is_meta_lost;  /* begun anew at open: `meta` was damaged or gone               */
    bool is_new;        /* begun at open: there was no folder                           */
    bool is_foreign;    /* begun anew at open: it was of other streams                  */
};

/* Open the index in the folder `dir`, made when it is not there; entries of another bus are
 * forgotten. What is torn is cut. returns OK | STOP no rights, a newer format | RETRY disk */
enum outcome repetitions_open(struct arena *a, struct str dir, struct str bus_id,
                              const struct config_keep *keep, struct repetitions **out,
                              struct failure *f);
void repetitions_close(struct repetitions *r);

/* What is known of (agent, source, id): nothing; this very sighting; another that says the same;
 * another that says something else. */
enum known repetitions_find(const struct repetitions *r, const struct signal *s,
                            const struct sighting *here);

/* By which clock entries grow old from here on; before the first call, and while it is not
 * believed, none does. */
void repetitions_clock(struct repetitions *r, const struct wall_time *wall);

/* Note that this sighting gave output. `received_us` chooses the bucket (the signal's receipt; one
 * that lies in the future counts as now). RETRY: the disk. */
enum outcome repetitions_put(struct repetitions *r, const struct signal *s,
                             const struct sighting *here, int64_t received_us, struct failure *f);
/* The signal gave no output after all: an entry that points at this sighting is taken out. */
enum outcome repetitions_drop(struct repetitions *r, const struct signal *s,
                              const struct sighting *here, int64_t received_us, struct failure *f);

/* Durable up to here. RETRY: nothing may be put out that was noted since the last sync. */
enum outcome repetitions_sync(struct repetitions *r, struct failure *f);

/* Who is told what is wrong. */
struct repetitions_to {
    void (*found)(void *to, struct str what);
    void *to;
};

/* Look for rot and loss in the index that lies in `dir`, which may be in use; nothing is changed.
 * `bus_id`: whose it must be; empty: not known. `was_filled`: signals gave output, so there must be
 * one. Told are an index that is gone, a `meta` that is not its own, and each log with entries that
 * are damaged or gone. returns OK | RETRY unreadable */
enum outcome repetitions_verify(struct arena *a, struct str dir, struct str bus_id, bool was_filled,
                                const struct repetitions_to *to, struct failure *f);

struct repetitions_size repetitions_size(const struct repetitions *r);

#endif
