/* upkeep.h - the bus as its keeper sees it: recover, forget, measure, verify.
 *
 * The orchestrator recovers before any duty runs, tells what all readers have passed, and trims; a
 * duty uses bus.h alone. */
#ifndef WEIR_BUS_UPKEEP_H
#define WEIR_BUS_UPKEEP_H

#include "bus/bus.h"
#include "config/config.h"

enum finding_kind {
    FINDING_TORN,    /* an end that was being written when the power or the process went: cut;
                        nothing acknowledged is lost                                             */
    FINDING_CORRUPT, /* damage in what was committed: set aside in the file `path`               */
    FINDING_DAMAGED, /* verify: the same, found and left as it is                                */
    FINDING_LOST,    /* verify: a hole that was set aside earlier                                */
    FINDING_PAGE     /* the lane's page in the folder `path` names an end `bytes` further on: it is
                        damaged, and `at` is the end by the other copy or by the segments        */
};

struct finding {
    enum finding_kind kind;
    struct lane lane;
    struct position at; /* first position that is lost            */
    uint64_t bytes;
    uint64_t signals; /* CORRUPT: lost with it, at most; of several holes in one stretch the first
                         says it for all, the others 0. UINT64_MAX: not known                  */
    struct str path;  /* CORRUPT: where the bytes are kept; else the file at fault             */
};

/* Told one after another; the finding lives until it returns. */
struct finding_to {
    void (*found)(void *to, const struct finding *finding);
    void *to;
};

/* Make good what a death, a power cut or a damaged disk left of the bus that is configured, before
 * any process opens it: every lane's end is found, durable and visible to all, torn ends are cut,
 * damage is set aside. Makes an empty bus where none is; done again it changes nothing.
 *   returns  OK | RETRY the medium fails | STOP no rights, a running writer (names its pid) */
enum outcome bus_recover(const struct config_bus *config, struct finding_to report,
                         struct failure *f);

/* Set aside the damage that readers have met since the last call, while writers write and readers
 * read: only what was committed is touched, which nobody else ever writes. A reader that met it got
 * RETRY, and goes on behind it now. Costs a look at a word a lane when there is none. One process
 * calls it: it tells each damage once.
 *   returns  OK | RETRY a lane could not be mended (the others are): call again */
enum outcome bus_mend(struct bus *b, struct finding_to report, struct failure *f);

/* Every checksum of every lane, while others may write. OK also when something was found. */
enum outcome bus_verify(struct bus *b, struct finding_to report, struct failure *f);

/* Takes the first `bytes` bytes of a file (fewer: all of it), to a file of this name below the
 * place where the copy will be a bus. One that has gone since it was named is passed over. */
struct copy_to {
    enum outcome (*file)(void *to, const char *path, struct str name, uint64_t bytes,
                         struct failure *f);
    void *to;
};

/* The files that hold what of a stream is durable now, while others write; with raw, what names the
 * bus. All streams copied one after another and put where a bus is configured are that bus, as
 * bus_recover finds it. Whole only if bus_ends shows the same beginnings after it as before it.
 *   returns OK | as to.file | STOP this transport has no files to copy */
enum outcome bus_copy(struct bus *b, enum stream stream, struct copy_to to, struct failure *f);

/* Every reader has passed `at`: what stands before it no longer counts against the budget. */
enum outcome bus_passed(struct bus *b, struct lane lane, struct position at, struct failure *f);
/* Forget what stands before keep_from, as far as the transport can (embedded: whole segments).
 * Never the lane's last group. */
enum outcome bus_trim(struct bus *b, struct lane lane, struct position keep_from,
                      struct failure *f);
/* Where to keep from when all that was written before `time_us` is to go; errs to the older side.
 */
enum outcome bus_older(struct bus *b, struct lane lane, int64_t time_us, struct position *out,
                       struct failure *f);
/* The least that bus_trim can forget of a lane: it ends before *out, and what comes next was
 * written at *time_us. *out is 0 where nothing can go. */
enum outcome bus_oldest(struct bus *b, struct lane lane, struct position *out, int64_t *time_us,
                        struct failure *f);

struct bus_size {
    uint64_t signals, bytes; /* that are kept                             */
    uint64_t trimmed;        /* signals that were, since the lane was made */
    uint64_t unread_bytes;   /* not yet passed by all                     */
};
/* What a lane holds. */
enum outcome bus_size(struct bus *b, struct lane lane, struct bus_size *out, struct failure *f);
/* Bytes between a position and the lane's end; UINT64_MAX: the transport can't know. */
uint64_t bus_lag(struct bus *b, struct lane lane, struct position at);

#endif
