/* tend.h - all collectors of a weir, tended: run when they are due, their records appended, then
 * noted.
 *
 * Which window is due the clock tells while it is believed (wall.h): after a step windows wait
 * until it has held. What a wrong clock noted would stand in the way of all that come later.
 *
 * Nothing is noted before what it stands for is durable in raw/collect. A run that gave nothing
 * durable is done again under the same keys; one that may have left records (it gave more than is
 * gathered, or goes by what grows) is noted as begun before the first of them is written. Every
 * collector fails for itself alone. Only the duty `collect` holds one of these. */
#ifndef WEIR_COLLECTOR_TEND_H
#define WEIR_COLLECTOR_TEND_H

#include "collector/collect.h"
#include "collector/schedule.h"
#include "collector/state.h"
#include "collector/work.h"
#include "config/config.h"

enum {
    TEND_WORKS_MAX = 512,
    TEND_YOUNG_MAX = 64,     /* at most so many begin at once …                            */
    TEND_YOUNG_US = 2000000, /* … and who runs longer waits for its source: others go on   */
    TEND_FILLS_MAX = 16
};

struct fill;

/* One collector. */
struct tended {
    const struct collector *collector;
    struct schedule schedule;
    struct state_entry entry;
    struct arena texts; /* of the entry                                              */
    struct work *work;  /* NULL: none                                                */
    bool is_dirty;      /* the entry is to be noted                                  */
    int64_t anew_us;    /* state_anew_us                                             */
    bool is_cut;        /* said_ended                                                */
    struct asides told; /* rows that the last run that went well set aside           */
    bool has_told;      /* they are others than are noted                            */
    struct str unsure;  /* the id of a state that may be its own, or another's: it does not run;
                           empty: none                                               */
};

/* What stands in a slot: a run that is due, or a window of a backfill. */
struct tend_slot {
    struct work work;
    struct tended *of;
    struct fill *fill; /* NULL: a run that is due */
    uint64_t window;   /* of the fill             */
};

/* What is to be noted besides entries. */
struct tend_note {
    struct tended *of;
    bool is_ok;
    int64_t took_us, read_us; /* until its records were durable; of the source's read */
    uint64_t metrics;
    struct window_span filled; /* start_us TIME_NONE: no window of a backfill */
};

struct tending {
    const struct config *config;
    struct bus *bus;
    struct arena arena; /* as long as the duty */
    struct state *state;
    struct tended *at;
    size_t n;
    struct tend_slot slot[TEND_WORKS_MAX];
    size_t works_n, young_n;
    size_t first; /* of the collectors, who is looked at first: behind whoever began last */
    size_t next_read, next_settled;    /* slots that the next turn looks at first, each likewise */
    struct fill *fill[TEND_FILLS_MAX]; /* NULL: none */
    struct tend_note *note;
    size_t notes_n, notes_room;
    struct arena notes_arena;
    int64_t note_mono_us; /* noting failed: not before then; 0: it did not */
    struct schedule_now now;
    struct progress *progress;
    struct wall_time wall; /* the judgement on the same moment: windows go by it */
    bool is_stopping;
    int64_t end_us; /* monotonic: it stops then, whatever is at work */
};

/* Read how far they all have come. Who has run since weir began goes on with its schedule; for the
 * others this is the start. Texts of the configuration outlive it.
 *   returns OK | RETRY | STOP state.db cannot be opened; a schedule is wrong */
enum outcome tend_open(struct tending *t, const struct collecting *how, struct failure *f);
void tend_close(struct tending *t);

/* One turn: read what the runs gave, append it, note it, start what is due. However many they are,
 * it comes to its end soon, and sooner when a stop is asked for: the others are looked at in the
 * next one. */
void tend_turn(struct tending *t);
/* How long until something is due: ms, rounded up; -1: nothing ever is. *wall_us: when a cron
 * expression comes next, TIME_NONE: none is there. */
int tend_wait_ms(const struct tending *t, int64_t *wall_us);

/* Nothing is started any more; what is at work at ask_us of the monotonic clock is asked to end,
 * and turns look at no more of it from end_us on. returns whether something is at work still */
bool tend_stop(struct tending *t, int64_t ask_us, int64_t end_us);

/* By its id, or by a name that only one has.
 *   returns OK | REJECT there is none; several have this name, and their ids */
enum outcome tend_find(struct tending *t, struct str name, struct tended **out, struct failure *f);
/* Forget how far the one of this name has come, as tend_find finds it: it begins anew with its next
 * run. One that is configured no more is forgotten wholly, by its id: *is_gone.
 *   returns OK durable | REJECT as tend_find, and nothing is known of such a one | RETRY */
enum outcome tend_forget(struct tending *t, struct str name, bool *is_gone, struct failure *f);

/* ---- of tend_open.c ---- */

#define TEND_ARENA_BYTES_MAX ((size_t)256 << 20)
#define TEND_TEXTS_BYTES_MAX ((size_t)1 << 20)

/* What is empty takes no memory: of a thousand collectors most have neither bookmark nor trouble,
 * and whatever this process holds is copied, page by page, at each fork of a run. */
static inline struct str tend_kept(struct arena *a, struct str text)
{
    return text.len > 0 ? arena_str(a, text) : S("");
}

/* returns STOP: why one that is unsure does not run, and the way out */
enum outcome tend_refuse_unsure(const struct tended *x, struct failure *f);

/* ---- for fill.c ---- */

/* Whether another run may begin. */
static inline bool tend_has_room(const struct tending *t)
{
    return t->works_n < TEND_WORKS_MAX && t->young_n < TEND_YOUNG_MAX;
}

/* Begin a run in a free slot. returns OK | RETRY no slot, no process */
enum outcome tend_begin(struct tending *t, const struct tend_slot *as, const struct run *r,
                        struct failure *f);

#endif
