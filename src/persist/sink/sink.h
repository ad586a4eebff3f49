/* sink.h - whoever is given what the streams carry in a form of their own: a file, an address, a
 * topic, a table.
 *
 * A driver takes items in order and says how far it came; it has no loop over failures, no backoff,
 * no cursor and no log. All of that is sink.c's (the persister that all sinks share) and
 * persist/run.c's. What can tell a repetition by an item's key is to tell it: after a kill the last
 * items come once more.
 *
 * Adding one: its file, its options in config/sinks.h, a line in registry.c and in meson.build. */
#ifndef WEIR_PERSIST_SINK_SINK_H
#define WEIR_PERSIST_SINK_SINK_H

#include "config/sinks.h"
#include "persist/persister.h"
#include "signal/metric.h"
#include "wire/jq/jq.h"

struct sink_item {
    struct str key;   /* the same for the same thing: metric_key, or the fact's id         */
    struct str model; /* "metric"                                                          */
    struct str body;  /* as it is to be written, without a newline                         */
    struct str type;  /* its media type                                                    */
    bool is_made;     /* by encoding.jq: it is no CloudEvent, whatever it was made of      */
    struct str lane;  /* and the position in it: where its fact stands; no two are equal   */
    uint64_t position;
    int64_t at_us; /* what partitions are made of: begin of its window, else of its run */
    const struct signal *fact;   /* that it was made of                                    */
    const struct metric *metric; /* the same as a metric; NULL: another model              */
};

struct sink {
    const struct sink_driver *driver;
    const struct sink_config *config;
    const void *options;    /* the driver's own, checked                                          */
    void *state;            /* the driver's own, state_bytes long, zeroed                         */
    struct arena *arena;    /* as long as the process                                             */
    struct str bus;         /* whose positions items have; set behind `open`                      */
    int64_t retry_after_ms; /* set with RETRY: the far end's own word; 0: none                 */
    struct str mark;        /* that the last flush left behind, kept with the cursors; "": none   */
    int64_t now_us;         /* at `send` and `flush`, for what goes by age; TIME_NONE: the clock is
                             * not believed, so nothing is old                                  */
    struct mapping program; /* of encoding.jq; its text is empty where there is none              */
    struct jq_pool *pool;   /* that runs it                                                       */
};

struct sink_driver {
    const char *name;
    size_t state_bytes;
    size_t items_max; /* handed over at once                          */
    bool takes_lines; /* a body may be several lines, of encoding.jq  */
    /* Reach the far end. STOP: rights, a setting. */
    enum outcome (*open)(struct sink *s, struct failure *f);
    /* Take items from the front; *done of them are taken, also when it fails.
     *   returns OK all of them | RETRY the item behind may be taken later | REJECT never (it
     * becomes a dead letter) | STOP */
    enum outcome (*send)(struct sink *s, const struct sink_item *item, size_t n, size_t *done,
                         struct failure *f);
    /* Everything taken is where it belongs when this returns OK, and s->mark is what `open` is to
     * know after a kill. NULL: it is as soon as it is taken. */
    enum outcome (*flush)(struct sink *s, struct failure *f);
    /* Milliseconds until what was taken is to be flushed though nobody asks; -1: nothing was. NULL:
     * at once. */
    int (*due_ms)(const struct sink *s);
    /* Forget what was taken and not flushed: it comes again. NULL: nothing is gathered. */
    void (*drop)(struct sink *s);
    void (*close)(struct sink *s); /* cannot fail; safe after a failed open */
};

/* The sink of this configuration, opened; the mark of an earlier life is given. */
enum outcome sink_open(struct arena *a, const struct sink_config *config, struct str mark,
                       struct sink **out, struct failure *f);
void sink_close(struct sink *s);

/* The item of a metric in the shape of its collector. Everything lives in the arena. */
void sink_item_of_metric(struct arena *a, const struct collector *c, const struct metric *m,
                         struct sink_item *out);
/* The item of a fact of another model: a CloudEvent in structured JSON (JSON Event Format 1.0.2).
 */
void sink_item_of_fact(struct arena *a, const struct signal *fact, struct sink_item *out);

/* The item as encoding.jq of the sink makes it; untouched where there is none.
 *   returns OK, *is_left_out: the program gave nothing, so nothing is to be sent | REJECT the
 *           program's own message, or a limit of it | RETRY it has no process */
enum outcome sink_item_encode(const struct sink *s, struct arena *a, struct sink_item *item,
                              bool *is_left_out, struct failure *f);

/* STREAM_BIT of what sinks read. */
extern const unsigned sink_streams;
/* The persister of this sink, for persist_run: its name is the configuration's id, `sink-NAME`. */
const struct persister_driver *sink_persister(struct arena *a, const struct sink_config *config);

extern const struct sink_driver sink_console, sink_file, sink_http, sink_kafka, sink_s3,
    sink_postgresql, sink_prometheus, sink_remote_write;

#endif
