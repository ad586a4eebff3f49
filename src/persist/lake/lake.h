/* lake.h - the persister that keeps every fact, and raw, as Delta tables.
 *
 * It gathers rows as JSON lines in memory (one memfd a table and lane) and moves them, with the
 * lanes' positions, in one commit a table, made by a short-lived child. What it has gathered and
 * not committed is read again from the bus after a crash: a table's `txn` is its only cursor. */
#ifndef WEIR_PERSIST_LAKE_LAKE_H
#define WEIR_PERSIST_LAKE_LAKE_H

#include "persist/lake/child.h"
#include "persist/lake/delta.h"
#include "persist/lake/made.h"
#include "persist/persister.h"
#include "signal/model.h"

enum { LAKE_TABLES_MAX = 64 };
#define LAKE_DAYS INT64_MIN

struct lake_lane {
    struct lane lane;
    struct position begin; /* of what was kept of it before it was read     */
    struct position end;   /* of it, when the lake was opened               */
    struct position taken; /* everything before it is gathered or committed */
    bool is_begun;         /* taken is known                                */
    struct str app;        /* appId of its txn                              */
};

/* Rows of one lane for one table, not committed yet. */
struct lake_part {
    int fd; /* of JSON lines; -1: none yet */
    size_t bytes, rows, line_bytes_max;
    struct position first, last; /* of its rows            */
    int64_t day;                 /* since 1970, of all its rows; LAKE_DAYS: of several */
    int64_t from;                /* the txn that its next commit moves on; -1: none */
};

struct lake_table {
    const struct model *model;
    struct arena arena; /* of the log's state, begun anew at each checkpoint */
    struct delta log;
    struct lake_part part[READER_LANES_MAX];
    size_t behind_bytes;          /* read since its last commit */
    int64_t oldest_us, behind_us; /* when its first row was gathered, and the first record read,
                                     since its last commit, by clock_mono_us; TIME_NONE */
    bool is_chosen;               /* for the flush under way */
};

struct lake {
    const struct config *config;
    struct bus *bus;
    struct child_watch watch; /* over its children */
    struct files files;
    struct arena *arena;  /* as long as the process */
    struct arena scratch; /* one call               */
    int lock_fd;
    struct lake_lane lane[READER_LANES_MAX];
    size_t lanes_n;
    struct lake_table *table; /* one a model */
    size_t tables_n;
    struct made made;        /* the tables that were there before */
    bool is_made;            /* every table is there, and known to be: the first flush sees to it */
    struct refused *refused; /* rows that DuckDB does not take (refuse.h); children share it */
    _Atomic uint64_t *unknown; /* facts of a newer weir's models, passed over */
    struct wall_time wall;     /* at this flush: what is older than by it, may go    */
    int64_t tidy_due_us;       /* when housekeeping has something to do (tidy_plan), and     */
    int64_t tidy_after_us;     /* not before: it failed, and can wait; both by clock_mono_us */
    int64_t swept_us;          /* when logs were last looked through for what is out of date */
};

/* appId of a lane's txn: `weir/<bus id>/<stream>/<lane>`. */
struct str lake_app(struct arena *a, struct str bus_id, struct lane lane);
/* Whether a stream feeds a table. */
bool lake_feeds(enum stream stream, const struct model *m);
/* The lane feeds the table, and has forgotten what the table does not hold. */
bool lake_lacks(const struct lake_table *t, const struct lake_lane *lane);
/* When a raw signal happened, for the lake. */
int64_t lake_raw_us(const struct signal *s);
/* A raw signal as a row of table `raw`, one JSON line without its end (rows.c says how a body that
 * is no text is kept). */
void lake_add_raw(struct buf *b, struct str bus_id, struct str lane, const struct record *r);
/* A fact as a row, its line with each column's JSON as a text: the same column of the table, of
 * which DuckDB then makes no document (32 bytes of memory for one of the line), and in the source's
 * own spelling. */
void lake_add_fact(struct buf *b, const struct model *m, struct str line);

#endif
