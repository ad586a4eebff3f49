/* board.h - the last value of each series, while it is fresh.
 *
 * The newest window counts, whatever order values come in; a series that was not read anew for
 * `keep` is gone, as Prometheus' own series are when nobody gives them any more. What time it is
 * the caller says (wall.h): while the clock is not believed (TIME_NONE) nothing is stale, and what
 * was read ahead of a clock that is counts as read now. */
#ifndef WEIR_PERSIST_SINK_BOARD_H
#define WEIR_PERSIST_SINK_BOARD_H

#include "persist/sink/series.h"

struct board;

/* Empty; it lives as long as the arena, and holds `series_max` series at most. */
struct board *board_open(struct arena *a, size_t series_max, int64_t keep_ms);

/* One value, of a window that begins (or: read) at at_us.
 *   returns OK, also where a newer one stands already, or this one is stale | REJECT there is no
 *           room for one more series */
enum outcome board_put(struct board *b, const struct metric *m, int64_t at_us, int64_t now_us,
                       struct failure *f);
/* Forget what is stale at now_us. */
void board_sweep(struct board *b, int64_t now_us);

/* Append all of it for who shows it: each a struct board_line, followed by the bytes of its head
 * and of its line, in Prometheus' text format 0.0.4. A family stands together, its first line has
 * its head (HELP and TYPE). */
struct board_line {
    int64_t until_us; /* it is shown until then */
    uint32_t head_bytes, line_bytes;
};
void board_show(const struct board *b, struct buf *out);

/* The same as JSON that outlives the process, and back. What cannot be read is left out: its next
 * value brings it again. */
void board_write(const struct board *b, struct buf *out);
void board_read(struct board *b, struct str json);

#endif
