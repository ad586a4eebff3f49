/* view.h - reading an embedded lane: up to its durable mark, owning nothing. */
#ifndef WEIR_BUS_VIEW_H
#define WEIR_BUS_VIEW_H

#include "bus/frame.h"
#include "bus/lane_dir.h"
#include "bus/segment.h"

/* Where a process reads in one lane: the open segment and the names of the others. */
struct view {
    struct lane_dir *dir;
    struct arena arena; /* of the names */
    struct segments names;
    uint32_t segments_seen;
    bool is_listed;
    struct segment segment;
    uint64_t limit; /* the open segment ends here              */
    uint64_t mark;  /* of the lane, when this read began       */
    bool is_guess;  /* the position may be nobody's: see bus_find */
};

void view_open(struct view *v, struct lane_dir *dir);
void view_close(struct view *v);

/* OK | STOP `position` is before what is kept, or behind the end */
enum outcome view_check(const struct view *v, uint64_t position, struct failure *f);

/* Fill the slice from s->from on: at most bytes_max (at least one record), not beyond s->to; s->to
 * is then where it came to. Bytes live in `a`.
 *   returns  OK | RETRY unreadable, or damaged (bus_mend will set it aside) | STOP no longer kept,
 *            behind the end, or bigger than the arena */
enum outcome view_read(struct view *v, struct slice *s, size_t bytes_max, struct arena *a,
                       struct failure *f);

/* The group head that stands at `position`: false in out->bytes == 0 when another item does. */
enum outcome view_group(struct view *v, uint64_t position, struct arena *a, struct group *out,
                        struct failure *f);

#endif
