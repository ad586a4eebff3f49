/* metric.h - one number (or one text) that a collector made, on its way from a run to the sinks.
 *
 * A run writes it as a line of JSON, the raw signal's data; the transform makes a fact of model
 * `metric` of that; a sink makes it a record of the shape its file has always had. The key says
 * what the number is of: collector, name, tags and window, grain or row. So what is collected twice
 * is one record, and what two collectors read are two.
 */
#ifndef WEIR_SIGNAL_METRIC_H
#define WEIR_SIGNAL_METRIC_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/failure.h"
#include "signal/fact.h"

struct metric_tag {
    struct str key, value;
};

struct metric {
    struct str collector; /* its id                                                        */
    struct str name, type;
    double value;
    struct metric_tag *tag; /* by key, each once                                           */
    size_t tags_n;
    int64_t window_start_us, window_end_us; /* TIME_NONE: a tick                           */
    int64_t scheduled_us; /* without a window: when its run was to begin                   */
    int64_t grain_us;     /* length of metric.grain; 0: none                               */
    int64_t at_us;        /* when it was read                                              */
    struct str row;       /* incremental: its own value of the column, where it counts; "" */
    uint64_t nth;         /* incremental without it: of rows with these tags; 0: the first   */
    int64_t anew_us;      /* when its collector was last told to begin anew; 0: never        */
    struct str body;      /* partition collectors: what the sinks are given; else empty    */
    struct str key;       /* out of a fact: the one it was made with; else empty           */
};

enum { METRIC_KEY_BYTES = 32, METRIC_UUID_BYTES = 36 };

/* The beginning of the span of that length which holds the moment. Spans are counted from
 * 0001-01-01T00:00Z, a Monday: 168h begin on Mondays, 7h not at multiples since 1970.
 *   source   pkg.go.dev/time, Time.Truncate */
int64_t metric_cut(int64_t at_us, int64_t length_us);
/* When the run began that gave it, cut to its grain. */
int64_t metric_grain_start(const struct metric *m);

/* XXH3-128 of the collector's id, name, tags and window, 32 hex digits. Without a window the
 * row's own value stands for it, else the grain's start, else the scheduled time. Out of a fact:
 * the one that it holds. */
struct str metric_key(struct arena *a, const struct metric *m);
/* The key as a UUID (RFC 9562, version 8). */
struct str metric_uuid(struct arena *a, struct str key);
/* The keys that have this UUID, with or without its dashes, as a pattern of SQL's LIKE; false: it
 * is none. All but six bits of a key stand in its UUID. */
bool metric_key_like(struct arena *a, struct str uuid, struct str *out);

/* Sort the tags by key; of one that stands there twice the last counts. */
void metric_sort_tags(struct metric *m);

/* Append it as one JSON object without a newline; a value that is no number is asserted against. */
void metric_write(struct buf *b, const struct metric *m);
/* The tags alone: an object of texts. */
void metric_write_tags(struct buf *b, const struct metric *m);
/* The same back; texts live in the arena. returns OK | REJECT what is lacking, with its pointer; of
 * a row that was set aside (metric_write_aside): why */
enum outcome metric_read(struct arena *a, struct str json, struct metric *out, struct failure *f);

/* What stands for a row that is no metric: its collector, the run or window that read it, its cells
 * (an object of texts), and why it was set aside. So it becomes a dead letter where it is read. */
void metric_write_aside(struct buf *b, const struct metric *m, struct str cells,
                        const struct failure *why);

/* Source and id of the raw signal: `/collectors/ID` and the hash of key and value, so that a window
 * that is collected again with another value passes. The value may come back to what it was: of a
 * grain each run counts for itself, and so does what is collected anew. `data` is metric_write's.
 */
void metric_signal(struct arena *a, const struct metric *m, struct str data, struct signal *out);
/* The same for what metric_write_aside wrote: another id where it says something else. */
void metric_signal_aside(struct arena *a, struct str collector, struct str data,
                         struct signal *out);
/* The id of a row that is read again and says something else than before since then. */
struct str metric_id_since(struct arena *a, struct str id, int64_t since_us);
extern const char metric_signal_type[];

/* Out of a fact of model `metric`. returns OK | REJECT it is none */
enum outcome metric_of_fact(struct arena *a, const struct signal *fact, struct metric *out,
                            struct failure *f);

#endif
