/* work.h - a run at work, as the process sees it that started it: its pipe, its time limit, and the
 * records that it has given so far.
 *
 * Records are gathered until the run has ended, so that what a failed one gave is never seen; but a
 * run that gives more than WORK_GATHER_BYTES is written on the way, and may fail behind that. All
 * of them go to lane raw/collect, durably, before work_settle says OK. */
#ifndef WEIR_COLLECTOR_WORK_H
#define WEIR_COLLECTOR_WORK_H

#include "bus/bus.h"
#include "collector/process.h"

enum { WORK_GATHER_BYTES = 1 << 20 };

enum work_is {
    WORK_FREE,     /* the slot is                                                     */
    WORK_RUNS,     /* its process does, or has left something in the pipe               */
    WORK_IS_FULL,  /* enough is gathered: work_write, then it goes on                   */
    WORK_HAS_ENDED /* its outcome is known: work_settle                               */
};

/* Of a record that may be read again in the overlap, or was perhaps written by a run that failed.
 */
struct work_row {
    struct str key, id; /* of key and value alone; key empty: it is not read again */
    int64_t at_us;      /* its own value of the column                             */
};

struct work {
    enum work_is is;
    struct run run;
    struct process process;
    int64_t begun_us; /* wall                                                           */
    int64_t begun_mono_us;
    struct arena arena; /* of what is gathered                                            */
    struct arena line_arena;
    struct buf line; /* the beginning of a line that is not whole yet                  */
    struct record *record;
    size_t n, room, bytes;
    struct work_row *row; /* of each record; NULL: none is read again             */
    size_t row_room;
    bool has_written; /* some of its records are in the lane already */
    uint64_t written; /* how many                                    */
    /* how it ended */
    bool has_last_line;
    enum outcome outcome;
    struct failure why; /* of an end that is good: the source's note, or nothing */
    uint64_t rows, metrics, empty, aside;
    struct failure aside_why; /* of the first row that was set aside */
    uint64_t aside_row;
    struct asides told;  /* those that have a letter, or had one before */
    struct asides fresh; /* of them, those whose letter waits here for the end of the run: */
    struct str *letter;
    size_t letter_room, letter_bytes;
    struct str bookmark;
    int bookmark_kind;
    int64_t took_us, read_us; /* of the process; of the source's read alone, 0: it has not said */
};

/* The lane that runs' records go to; its one writer is the duty `collect`. */
struct lane work_lane(void);

/* Start the run in the slot. returns OK | RETRY no process or descriptor to be had */
enum outcome work_begin(struct work *w, const struct run *r, struct failure *f);

/* Read what is in the pipe, which does not block. */
void work_read(struct work *w);

/* What it gathered and will give is not looked at: it has failed like this. */
void work_break_off(struct work *w, const struct failure *f);

/* Write what is gathered.
 *   returns OK it is durable | RETRY unknown | REJECT a record, or all
 * of them at once, are more than bus.disk_max has room for | STOP */
enum outcome work_write(struct work *w, struct bus *bus, struct failure *f);

/* What is gathered has been written by somebody else. */
void work_written(struct work *w);

/* Give all it holds back; a process that still runs is killed. */
void work_free(struct work *w);

#endif
