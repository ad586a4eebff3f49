/* driver.h - what a transport implements: two structs of verbs, one for the bus, one for a reader.
 *
 * The promises stand in bus.h and upkeep.h, at the functions of the same names; callers use those,
 * never the pointers. Above the driver, bus.c has checked names and sizes. */
#ifndef WEIR_BUS_DRIVER_H
#define WEIR_BUS_DRIVER_H

#include "bus/upkeep.h"

enum { BUS_ID_BYTES = 32 };

struct bus {
    const struct bus_driver *driver;
    struct arena *arena; /* the bus's lifetime                                   */
    const void *options; /* embedded: struct config_bus                          */
    void *state;         /* the driver's own, state_bytes long, zeroed           */
    bool is_visited;     /* bus_visit: look, and make nothing                    */
    char id[BUS_ID_BYTES];
};

struct reader {
    struct bus *bus;
    void *state; /* the driver's own, reader_state_bytes long, zeroed            */
    unsigned streams;
    struct str stage;
    enum cursor_kind cursor;
};

/* A step's writing, sorted by the lane whose cursor moves. */
struct step {
    const struct batch *in;
    const struct output *out;
    size_t n;
    const struct tally *tally; /* one a slice, or NULL */
};

struct bus_driver {
    const char *name; /* `bus.type` in the configuration */
    size_t state_bytes, reader_state_bytes;
    size_t record_bytes_max; /* of one signal's bytes           */

    /* Before any open: of what is there, and no bus yet. */
    enum outcome (*recover)(const void *options, struct finding_to report, struct failure *f);
    enum outcome (*open)(struct bus *b, struct failure *f); /* sets b->id */
    void (*close)(struct bus *b);                           /* safe after a failed open */
    enum outcome (*lane_make)(struct bus *b, struct lane lane, struct failure *f);
    enum outcome (*append)(struct bus *b, struct lane lane, struct record *r, size_t n,
                           struct failure *f);
    /* Both or neither: without them bus_append_begin does all of it. */
    enum outcome (*append_begin)(struct bus *b, struct lane lane, struct record *r, size_t n,
                                 struct failure *f);
    enum outcome (*append_end)(struct bus *b, struct lane lane, struct failure *f);
    enum outcome (*ends)(struct bus *b, struct arena *a, enum stream stream, struct lane_ends **out,
                         size_t *n, struct failure *f);
    enum outcome (*look)(struct bus *b, struct slice *slice, size_t bytes_max, struct arena *a,
                         struct failure *f); /* in: lane, from, to; out: the records, `to` */

    enum outcome (*passed)(struct bus *b, struct lane lane, struct position at, struct failure *f);
    enum outcome (*trim)(struct bus *b, struct lane lane, struct position keep_from,
                         struct failure *f);
    enum outcome (*older)(struct bus *b, struct lane lane, int64_t time_us, struct position *out,
                          struct failure *f);
    enum outcome (*oldest)(struct bus *b, struct lane lane, struct position *out, int64_t *time_us,
                           struct failure *f);
    enum outcome (*size)(struct bus *b, struct lane lane, struct bus_size *out, struct failure *f);
    uint64_t (*lag)(struct bus *b, struct lane lane, struct position at);
    enum outcome (*mend)(struct bus *b, struct finding_to report, struct failure *f);
    enum outcome (*verify)(struct bus *b, struct finding_to report, struct failure *f);
    /* NULL: this transport keeps no files. */
    enum outcome (*copy)(struct bus *b, enum stream stream, struct copy_to to, struct failure *f);

    const struct reader_driver *reader;
};

struct reader_driver {
    enum outcome (*join)(struct reader *r, struct failure *f);
    enum outcome (*read)(struct reader *r, size_t bytes_max, int wait_ms, struct batch *out,
                         struct failure *f);
    enum outcome (*step)(struct reader *r, const struct step *step, struct failure *f);
    enum outcome (*seek)(struct reader *r, struct lane lane, struct position from,
                         struct failure *f);
    enum outcome (*cursor)(struct reader *r, struct arena *a, struct lane input,
                           struct position *out, struct tally *tally, struct failure *f);
    void (*wake)(struct reader *r); /* async-signal-safe */
    void (*leave)(struct reader *r);
};

extern const struct bus_driver bus_memory, bus_embedded;

/* As bus_recover and bus_open, for a driver that no configuration names (a test's). */
enum outcome bus_recover_driver(const struct bus_driver *driver, const void *options,
                                struct finding_to report, struct failure *f);
enum outcome bus_open_driver(struct arena *a, const struct bus_driver *driver, const void *options,
                             struct bus **out, struct failure *f);

/* A signal's size on the bus is at most this. */
size_t bus_bytes_bound(const struct signal *s);

#endif
