/* lane.h - where a signal stands: stream, lane, position, and their texts.
 *
 * A stream is a set of lanes; a lane is the unit of order, position and ownership. */
#ifndef WEIR_BUS_LANE_H
#define WEIR_BUS_LANE_H

#include "base/arena.h"
#include "base/str.h"
#include "config/config.h"

enum stream { STREAM_RAW, STREAM_STANDARD, STREAM_MEASURED, STREAM_DEAD, STREAM_N };
enum { LANE_NAME_BYTES_MAX = 80 };
/* How many lanes there can be: whatever keeps one thing a lane has room for so many. */
enum {
    /* `intake-0` and on: a reload starts new processes beside those that drain; then their numbers
     * are free again */
    INTAKE_LANES_MAX = 2 * INTAKE_PROCESSES_MAX,
    STREAM_LANES_MAX = INTAKE_LANES_MAX +
                       64, /* of a stream: `collect`, `retry`, other agents' too */
    READER_LANES_MAX = 3 * STREAM_LANES_MAX, /* of raw, standard and measured                    */
    BUS_LANES_MAX = 9 * STREAM_LANES_MAX     /* of all: dead has one a stage and input lane      */
};
#define STREAM_BIT(stream) (1U << (stream))

struct position {
    uint64_t at; /* everything before it is taken; 0 is the beginning */
};

struct lane {
    enum stream stream;
    struct str name; /* [a-z0-9-]{1,80} */
};

/* A piece of a lane: what stands in [from, to). */
struct span {
    struct lane lane;
    struct position from, to;
};

const char *stream_name(enum stream s);
bool lane_name_is_valid(struct str name);
bool lane_eq(struct lane a, struct lane b);
/* Where a stage's outputs of an input lane go, and with them the cursor (CURSOR_BUS): of
 * `transform` standard/<lane>, of `measure` measured/<lane>; every other stage gives dead letters
 * alone, so its lane_dead. */
struct lane lane_output(struct arena *a, struct str stage, struct lane input);
/* `dead/<stage>-<stream>-<lane>`: what a stage gives up of an input lane. */
struct lane lane_dead(struct arena *a, struct str stage, struct lane input);
/* `raw/intake-0:4096` */
struct str position_text(struct arena *a, struct lane lane, struct position at);
/* false when it is not one */
bool position_parse(struct str text, struct lane *lane, struct position *at);

#endif
