/* source.h - where a collector reads: one driver a kind of server, each by its official client.
 *
 * A driver streams: it hands over one row at a time and holds one row (or one page) of it, typed
 * and with nulls told from empty texts. It reads only; where the server can enforce that, it is
 * asked to. It is run in a process of its own that may be killed at any moment. */
#ifndef WEIR_COLLECTOR_SOURCE_H
#define WEIR_COLLECTOR_SOURCE_H

#include "base/clock.h"
#include "base/failure.h"
#include "config/collector.h"

/* Their numbers stand in state.db. */
enum cell_kind {
    CELL_NULL,
    CELL_NUMBER, /* exact decimal text as the server writes it: 42, 1e3, -0.10; NaN and inf too */
    CELL_BOOL,   /* "true" or "false"                                                         */
    CELL_TIME,   /* RFC 3339 text in UTC                                                      */
    CELL_TEXT
};

struct cell {
    struct str column;
    enum cell_kind kind;
    struct str text;
};

/* What one run is to read. */
struct source_ask {
    const struct collector *collector;
    const void *options;      /* the driver's own, checked                                        */
    int64_t now_us;           /* when the run was to begin, or --start-time                       */
    int64_t start_us, end_us; /* its window; TIME_NONE: none                                  */
    struct str bookmark;      /* STRATEGY_GROWING: read beyond this value; empty: everything      */
    enum cell_kind bookmark_kind; /* what it was read as; CELL_NULL: nobody knows any more        */
    bool is_as_of;        /* --start-time: what has a "now" of its own is asked as of now_us  */
    struct arena *arena;  /* of the run                                                       */
    size_t row_bytes_max; /* of one row; a larger one fails the run                           */
};

/* Who takes the rows. OK goes on; any other outcome ends the read, and the driver returns it. */
struct source_to {
    enum outcome (*row)(void *to, const struct cell *cell, size_t n, struct failure *f);
    void *to;
    /* What a person may want to know of a read that ends well; the last one counts. NULL: nobody
     * listens. */
    void (*note)(void *to, struct str text);
};

/* How the process of a run ends that is asked to stop while a library waits and heeds nothing. */
enum { SOURCE_ASKED_STATUS = 75 };

struct source_driver {
    const char *name; /* "postgres": `source.type`, in dialect C behind `metric.`             */
    /* Read all rows of the ask.
     *   returns OK | RETRY the server is away or busy | REJECT the query is wrong (the server's own
     *           sentence, and where) | STOP rights, a certificate; or what `row` returned */
    enum outcome (*read)(const struct source_ask *ask, const struct source_to *to,
                         struct failure *f);
};

extern const struct source_driver source_command, source_files, source_http, source_mongodb,
    source_mysql, source_partition_s3, source_postgres, source_prometheus, source_s3, source_sqlite;

#endif
