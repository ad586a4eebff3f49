/* progress.h - what a running duty shows to the others: state, cursors, counters, in one mapped
 * page under run/.
 *
 * One writer (the duty), any number of readers; every word is atomic, nothing is locked. A page
 * outlives its process, so that counters go on and the orchestrator can tell who stood where.
 * Cursors here are committed ones: trim, flush, readyz and status trust them. They carry the bus
 * id, so that no position of other streams is taken for one of these. */
#ifndef WEIR_BUS_PROGRESS_H
#define WEIR_BUS_PROGRESS_H

#include <stdatomic.h>

#include "base/wall.h"
#include "bus/bus.h"

enum {
    PROGRESS_CURSORS = READER_LANES_MAX,
    PROGRESS_COUNTERS = 800,
    PROGRESS_NAME_BYTES = 96,
    PROGRESS_WHY_BYTES = 256 /* with its end */
};
enum duty_state { DUTY_STARTING, DUTY_RUNNING, DUTY_RETRYING, DUTY_STOPPED };

struct progress;

/* Map the page `<dir>/<duty>.page`, made when it is not there, emptied when it has another layout
 * (version) or is damaged. returns OK | STOP no such folder, no rights */
enum outcome progress_open(struct arena *a, struct str dir, struct str duty, struct progress **out,
                           struct failure *f);
void progress_close(struct progress *p);
/* Whose lanes the cursors stand in: those of other streams are dropped. Called before a process of
 * the duty runs, wherever its cursors are believed. */
void progress_join(struct progress *p, struct str bus_id);
/* The page as it is, to read alone; false: there is none, or another weir's. Cursors of other
 * streams than `bus_id` are not shown; empty: whosever they are. */
bool progress_peek(struct arena *a, struct str dir, struct str duty, struct str bus_id,
                   struct progress **out);

/* The duty: write to this eventfd when the state changes, and at a busy turn if watched. */
void progress_tell(struct progress *p, int event_fd);
/* The orchestrator, before it sleeps without a timer: the next busy turn is told, once. */
void progress_watch(struct progress *p);

void progress_state(struct progress *p, enum duty_state state);
/* The same of a duty that cannot go on: readyz and status show why, on one line, until it runs. */
void progress_trouble(struct progress *p, enum duty_state state, const struct failure *why);
enum duty_state progress_state_is(const struct progress *p);
/* What hinders it, or did when it ended; empty: nothing that it could tell. */
void progress_why(const struct progress *p, char out[PROGRESS_WHY_BYTES]);
/* A sign of life: the monotonic time of the newest turn of the duty's loop; 0 while it waits for
 * something to do (then it can't hang). */
void progress_beat(struct progress *p, bool is_busy);
int64_t progress_busy_since_us(const struct progress *p);
/* When the newest beat was, busy or not; 0: never. */
int64_t progress_beat_us(const struct progress *p);

/* A writer of raw signals: what it received from then on may not be visible yet (0: all is). It is
 * set before a receipt time is read, and cleared when the group is visible: who reads it between
 * the clock and the ends of the lanes knows what is on its way. */
void progress_receiving(struct progress *p, int64_t since_us);
int64_t progress_receiving_us(const struct progress *p);

/* The duty: which time it is by the wall clock, for what goes by age. It asks where it would forget
 * something, and when it starts: what it asked before it was started again counts, too. */
struct wall_time progress_wall(struct progress *p);

/* Poison: a record that a process dies on. The duty calls progress_hand before work on a record
 * that could kill it, progress_hand_done after it and once when it starts: a weir that is killed as
 * a whole leaves a record in hand too, which is no fault of the record's. The orchestrator, which
 * alone sees how a duty ended, calls progress_hand_died when it was not asked to. */
struct hand_past {
    unsigned deaths; /* processes in a row that ended by themselves, or hung, with it in hand */
    unsigned kills;  /* and those that were killed from outside                               */
};
struct hand_past progress_hand(struct progress *p, struct lane lane, struct position at);
void progress_hand_done(struct progress *p);
void progress_hand_died(struct progress *p, bool is_killed);

/* The counter of this name, made at 0 when there is none: `accepted{agent=github}`,
 * `refused{agent=github,reason=signature}`. When the page is full: the counter `other`. The caller
 * keeps the pointer and adds to it. */
_Atomic uint64_t *progress_counter(struct progress *p, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

/* Publish where the duty stands in a lane. `at`: everything before it is done and durable;
 * `restart`: where a restart would read from, so nothing behind it may be trimmed (not beyond `at`;
 * less where a part of the far end has had nothing to keep for long); `lag_bytes`: what the lane
 * still holds behind it (UINT64_MAX: unknown); `time_us`: receipt time of the newest signal before
 * the cursor (TIME_NONE: unknown). */
void progress_cursor(struct progress *p, struct lane lane, struct position at,
                     struct position restart, uint64_t lag_bytes, int64_t time_us);

/* What processes die on when nothing is in hand is among what they had read: progress_read says up
 * to where (0: that is nobody's concern here any more). While a process is careful, since one
 * before it died (or was killed from outside, thrice while no cursor moved) and the cursors have
 * not passed that yet, it takes a record at a time, in hand until the step over it is done.
 * progress_careful_done: nothing is left to be read. */
void progress_read(struct progress *p, struct lane lane, struct position to);
bool progress_is_careful(struct progress *p);
void progress_careful_done(struct progress *p);

struct progress_cursor {
    char lane[LANE_NAME_BYTES_MAX + 1];
    enum stream stream;
    struct position at, restart;
    uint64_t lag_bytes;
    int64_t time_us;
};
/* i-th cursor or counter, false behind the last. */
bool progress_cursor_at(const struct progress *p, size_t i, struct progress_cursor *out);
bool progress_counter_at(const struct progress *p, size_t i, const char **name, uint64_t *value);

#endif
