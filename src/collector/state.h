/* state.h - how far each collector has come, in DATA/state.db.
 *
 * One writer, the duty `collect`; commands and the admin address read it at any time. A run is
 * noted only after what it gave is durable in raw/collect: whoever is killed in between collects
 * the same again, under the same keys. Texts that are read live in the arena of the call. */
#ifndef WEIR_COLLECTOR_STATE_H
#define WEIR_COLLECTOR_STATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/histogram.h"
#include "collector/aside.h"
#include "collector/window.h"

struct state;

enum state_use { STATE_WRITE, STATE_READ };

/* What is known of one collector. Times are TIME_NONE where there was none. */
struct state_entry {
    struct str id;
    int64_t window_us;     /* the length that its windows have; 0: none yet                */
    int64_t window_end_us; /* of the newest window that is collected                       */
    struct str bookmark;   /* STRATEGY_GROWING                                             */
    int bookmark_kind;     /* what it was read as (enum cell_kind); 0: not known, since the file
                              is open for reading, or an earlier weir wrote it             */
    int64_t begun_us;      /* scheduled time of a run that may have left some of its records:
                              it is done again under that time                             */
    /* its last run */
    int64_t scheduled_us, ended_us, took_us;
    struct window_span window;
    enum outcome outcome;
    struct str why; /* empty after OK */
    uint64_t rows, metrics, empty, aside;
    /* over all its runs */
    int64_t ok_us;        /* end of the last that went well                            */
    uint64_t n, failed_n; /* runs                                                      */
    uint64_t skipped_n;   /* times that found the run before them still at work        */
    uint64_t passed_n;    /* windows passed over, since too many were missed           */
    int64_t next_us;      /* when it runs next, as far as was known at its last run    */
};

/* An entry of a collector that never ran. */
struct state_entry state_entry_new(struct str id);

/* Open it; made when it is to be written and is not there.
 *   returns OK | RETRY busy, disk full | STOP there is none to read, rights, damaged, a newer
 * weir's
 */
enum outcome state_open(struct arena *a, struct str data, enum state_use use, struct state **out,
                        struct failure *f);
void state_close(struct state *s); /* NULL does nothing */
/* A copy in a new file, as of one moment, while `collect` goes on. *is_there: false where no
 * collector ever ran: nothing was made. */
enum outcome state_copy(struct arena *a, struct str data, const char *to, bool *is_there,
                        struct failure *f);

/* All that is written between the two is on the disk together after the second, or none of it. */
enum outcome state_begin(struct state *s, struct failure *f);
enum outcome state_end(struct state *s, struct failure *f);
void state_undo(struct state *s);

enum outcome state_put(struct state *s, const struct state_entry *e, struct failure *f);
/* *is_there: false leaves *out as state_entry_new. */
enum outcome state_get(struct state *s, struct arena *a, struct str id, struct state_entry *out,
                       struct failure *f);
/* All, by id. */
enum outcome state_all(struct state *s, struct arena *a, struct state_entry **out, size_t *n,
                       struct failure *f);

/* All that is known of it, its backfills and metrics too, under another id that has nothing yet. */
enum outcome state_rename(struct state *s, struct str was, struct str is, struct failure *f);

/* Forget all that is known of one that is gone, its backfills and figures too. *was_there: there
 * was something. Durable at once. */
enum outcome state_drop(struct state *s, struct str id, bool *was_there, struct failure *f);

/* ---- windows that a backfill has collected ---- */

enum outcome state_backfilled_put(struct state *s, struct str id, struct window_span window,
                                  struct failure *f);
/* Starts of those of `of` that are, ascending. */
struct state_starts {
    int64_t *at;
    size_t n;
};
enum outcome state_backfilled(struct state *s, struct arena *a, struct str id,
                              const struct windows *of, struct state_starts *out,
                              struct failure *f);
/* Forget them, so that they are collected again. */
enum outcome state_backfilled_drop(struct state *s, struct str id, const struct windows *of,
                                   struct failure *f);

/* ---- what may come back to what it was ---- */

/* When it was last told to begin anew: the ids of what it gives since then are others than before.
 * 0: never. */
enum outcome state_anew_us(struct state *s, struct str id, int64_t *us, struct failure *f);
/* It begins anew now, durably; *us: as state_anew_us says from now on. What its rows said is
 * forgotten. */
enum outcome state_anew(struct state *s, struct str id, int64_t *us, struct failure *f);

/* What a row that is read again in the overlap says. */
struct state_said {
    struct str key, id; /* of the row; of what it says */
    int64_t at_us;      /* its own time                */
};

/* Note what it says. *since_us: in which run it began to, where it said something else before; 0:
 * it says what it said first. `run_us` is the scheduled time of this run. */
enum outcome state_say(struct state *s, struct str id, const struct state_said *row, int64_t run_us,
                       int64_t *since_us, struct failure *f);
/* Forget rows of before the moment, and of the others all but the newest STATE_SAID_MAX. */
enum { STATE_SAID_MAX = 1 << 18 };
enum outcome state_said_forget(struct state *s, struct str id, int64_t before_us,
                               struct failure *f);

/* ---- rows that are set aside ---- */

/* Those that are told of; they take the place of all that were. */
enum outcome state_aside_put(struct state *s, struct str id, const struct asides *told,
                             struct failure *f);
enum outcome state_aside(struct state *s, struct arena *a, struct str id, struct asides *out,
                         struct failure *f);

/* ---- what is observed of runs, over all restarts (metrics of the admin address) ---- */

struct state_observed {
    struct str series; /* `invoke`, `source`, `sink`                         */
    struct str label;  /* the collector's name; the type of source or sink   */
    bool is_ok;
    uint64_t bucket[HISTOGRAM_BOUNDS + 1]; /* each alone, not yet summed up      */
    uint64_t n, sum_us;
    uint64_t metrics; /* of the newest                                       */
};

/* One more, that took so long. */
enum outcome state_observe(struct state *s, const struct state_observed *one, int64_t took_us,
                           struct failure *f);
/* All, by series, label and outcome. */
enum outcome state_observed_all(struct state *s, struct arena *a, struct state_observed **out,
                                size_t *n, struct failure *f);

#endif
