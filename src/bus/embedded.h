/* embedded.h - the log in the data directory: one folder a lane, one group a write, one sync a
 * group. What its bus and its reader share. */
#ifndef WEIR_BUS_EMBEDDED_H
#define WEIR_BUS_EMBEDDED_H

#include "bus/view.h"

/* One lane that a reader reads. */
struct read_lane {
    struct view view;
    struct position at;
    bool is_settled; /* it is known where to begin */
};

struct embedded_reader {
    struct read_lane *lane[READER_LANES_MAX];
    size_t lanes_n;
    size_t dirs_seen; /* of the bus's lanes, these many were looked at */
    size_t turn;      /* the lane that the next read begins with       */
    _Atomic bool is_woken;
};

extern const struct reader_driver embedded_reader_driver;

#endif
