/* bus.h - how signals travel: streams of lanes, appended durably, read in order, moved on by atomic
 * steps.
 *
 * A lane is the unit of order, position and ownership. A position is exclusive, only grows, has
 * gaps and stays below 2^63: compare within a lane, never calculate. Only what is durable is
 * visible. A step moves outputs, dead letters and the input's cursor together, all or nothing for
 * each lane, and only if the cursor still stands where the batch began: that compare-and-set is the
 * fencing.
 * Nothing above this header may know which transport carries. */
#ifndef WEIR_BUS_BUS_H
#define WEIR_BUS_BUS_H

#include "bus/lane.h"
#include "bus/tally.h"
#include "signal/signal.h"

/* Where a record below raw came from. */
struct origin {
    struct lane lane; /* name.len == 0: none */
    struct position at;
    uint32_t part, parts;
};

struct record {
    struct signal signal;
    struct position at; /* set by append and read */
    struct origin origin;
};

/* All records of one lane in [from, to). n may be 0 while to > from: the cursor still moves. */
struct slice {
    struct lane lane;
    struct position from, to;
    struct record *record;
    size_t n;
    uint64_t lag_bytes; /* by read: held behind `to`; UINT64_MAX: unknown */
    bool is_guess;      /* by bus_find: that nothing stands at `from` is no sign of damage */
};

struct batch {
    struct arena *arena; /* in: everything of the batch lives here */
    struct slice *slice; /* at most one a lane                     */
    size_t n;
    /* Told before anything else. A lane that was lost is another worker's: no slice of it comes, a
     * step over what was read of it may be fenced, and once gained again it begins at its cursor.
     */
    struct lane *gained, *lost;
    size_t gained_n, lost_n;
};

/* What one step writes: `lane` is lane_output or lane_dead of the slice's lane, once each. */
struct output {
    struct lane lane;
    size_t slice; /* index into the batch */
    struct record *record;
    size_t n;
};

struct lane_ends {
    struct lane lane;
    struct position begin, end; /* oldest kept, after the newest visible record   */
};

enum cursor_kind {
    CURSOR_BUS, /* the bus keeps it, moved by step                                        */
    CURSOR_SINK /* the reader's own store does: each gained lane waits for reader_seek    */
};

struct bus;
struct reader;
struct config_bus;

/* ---- the bus (struct bus_driver holds these for each transport) ---- */

/* Reach the bus that is configured, make or check its streams, read the bus id. returns OK | STOP a
 * promise would be a lie (says which setting) | RETRY unreachable */
enum outcome bus_open(struct arena *a, const struct config_bus *config, struct bus **out,
                      struct failure *f);
/* The same for a command that looks at what there is: it makes nothing, not even where nothing is.
 * Only ends, look, size, lag, verify and a reader that never steps may follow. returns OK | RETRY
 * there is no data directory (says where it looked) | STOP as above, or another version of weir
 * made it */
enum outcome bus_visit(struct arena *a, const struct config_bus *config, struct bus **out,
                       struct failure *f);
void bus_close(struct bus *b);
/* Names this incarnation of the streams; every stored cursor carries it. 32 hex digits. */
struct str bus_id(const struct bus *b);

/* Append to a raw lane, or to the dead lane of a stage whose cursor is in its own store, as one
 * group; record[i].at is set. returns OK durable | RETRY unknown: some, all or none may yet appear
 * (cause FULL: the disk budget; LARGE: all of it has no room for so much at once) | REJECT
 * f->record is too big | STOP */
enum outcome bus_append(struct bus *b, struct lane lane, struct record *r, size_t n,
                        struct failure *f);
/* The same to a raw lane in two halves, so that the caller works while the disk does. Begin returns
 * as bus_append does; its OK only says that the records are on their way, and that nothing of
 * theirs is looked at any more. After it comes bus_append_end, and no other append to this lane
 * before that. End returns OK durable, or what else bus_append would have. */
enum outcome bus_append_begin(struct bus *b, struct lane lane, struct record *r, size_t n,
                              struct failure *f);
enum outcome bus_append_end(struct bus *b, struct lane lane, struct failure *f);
/* Beginning and end of each lane of the stream now. An acknowledged append stands before its end.
 */
enum outcome bus_ends(struct bus *b, struct arena *a, enum stream stream, struct lane_ends **out,
                      size_t *n, struct failure *f);
/* Records of a piece of a lane, together at most bytes_max (at least one record), owning and moving
 * nothing; go on from out->slice->to. out->n is 0 (nothing there) or 1. returns OK | RETRY
 * damaged there (a running weir sets it aside: bus_mend) | STOP `from` is no longer kept, or behind
 * the end (says what is lost) */
enum outcome bus_look(struct bus *b, struct span what, size_t bytes_max, struct batch *out,
                      struct failure *f);
/* The record that begins at this very position, which a person gave: where none does, out->n is 0
 * (or the failure is RETRY), and nobody takes it for damage. */
enum outcome bus_find(struct bus *b, struct lane lane, struct position at, struct batch *out,
                      struct failure *f);
/* Make a lane before its first append, so that readers gain it. OK also when it is there. */
enum outcome bus_lane_make(struct bus *b, struct lane lane, struct failure *f);

/* ---- a reader ---- */

/* Join the readers of the streams in `streams` (STREAM_BIT) as `stage`. */
enum outcome reader_join(struct bus *b, unsigned streams, struct str stage, enum cursor_kind cursor,
                         struct reader **out, struct failure *f);
/* Next slices, together at most bytes_max (at least one record). Waits up to wait_ms (0: not, -1:
 * until there is something) and returns with out->n == 0 when nothing came or a signal handler ran.
 * out->arena is given by the caller. returns OK | RETRY also where the lane is damaged (it is set
 * aside meanwhile) | STOP a cursor is no longer kept, or behind the end */
enum outcome reader_read(struct reader *r, size_t bytes_max, int wait_ms, struct batch *out,
                         struct failure *f);
/* Outputs and dead letters of the batch and the cursors of all its slices, if each cursor still
 * stands at `from`; all or nothing for each lane. tally[i]: totals of slice i's lane, NULL: none.
 * returns OK visible and durable | RETRY the reader stands at its cursors again, nothing behind
 * them is visible: drop the batch, read again (cause FULL, FENCED) | REJECT f->record is too big |
 * STOP */
enum outcome reader_step(struct reader *r, const struct batch *in, const struct output *out,
                         size_t n, const struct tally *tally, struct failure *f);
/* Where the next read of this lane begins: settles a gained lane (CURSOR_SINK), or goes back after
 * a failed put. */
enum outcome reader_seek(struct reader *r, struct lane lane, struct position from,
                         struct failure *f);
/* The cursor of an input lane and the totals that its last step left (CURSOR_BUS). 0 and nothing
 * where there was none. */
enum outcome reader_cursor(struct reader *r, struct arena *a, struct lane input,
                           struct position *out, struct tally *tally, struct failure *f);
/* Make a waiting read return; async-signal-safe. */
void reader_wake(struct reader *r);
void reader_leave(struct reader *r);

#endif
