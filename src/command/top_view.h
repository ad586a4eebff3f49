/* top_view.h - one frame of `weir top`: what is known of each agent and stage, and how it is drawn.
 *
 * Counters only grow while a weir runs; a rate is what they grew between two looks. */
#ifndef WEIR_COMMAND_TOP_VIEW_H
#define WEIR_COMMAND_TOP_VIEW_H

#include "base/buf.h"
#include "orchestrate/survey.h"

enum { TOP_LINES = 48, TOP_SAMPLES = 60, TOP_NAME_BYTES = 64, TOP_ORDERS = 3 };

/* A counter and how fast it grows; a second NAN: not known yet, or it began anew. */
struct top_rate {
    uint64_t n;
    bool is_known;
    double a_second;
};

/* An agent, or a stage: all of its processes. */
struct top_line {
    char name[TOP_NAME_BYTES];
    const char *kind, *state; /* an agent's state: NULL */
    struct top_rate rate, cpu_us;
    bool has_rate, is_ill;
    int64_t lag_ms; /* -1: it reads nothing */
    uint64_t rss_bytes;
    double
        sample[TOP_SAMPLES]; /* of the rate; of who has none, of the lag; newest last, NAN: none */
};

struct top {
    const struct config *config;
    const struct duty *duties;
    struct top_line line[TOP_LINES];
    size_t lines_n;
    struct top_rate accepted, refused, transformed, stored, dying;
    uint64_t dead, stream_bytes;
    int64_t now_us, uptime_us, complete_us, looked_us; /* looked_us: of the monotonic clock */
    pid_t pid;
    bool is_ready;
    bool is_dead_unknown; /* a dead lane is damaged */
    unsigned looks;
    bool is_blind; /* nothing was seen: why */
    struct failure why;
};

/* Look at the weir of the configuration and work out the rates since the last look. What was found
 * lives in `t`; `a` may be reset after it.
 *   returns OK | RETRY | STOP as the bus says */
enum outcome top_look(struct top *t, struct arena *a, struct failure *f);

/* Instead, where it was RETRY: nothing runs, and why nothing is seen. */
void top_saw_nothing(struct top *t, const struct failure *why);

enum top_order { TOP_BY_PLACE, TOP_BY_LAG, TOP_BY_RATE };

/* Lines of at most `columns`, at most `rows` of them (0: all), each ended by `end`. */
struct top_frame {
    size_t columns, rows;
    enum top_order order;
    bool has_charts, has_keys, is_paused;
    struct str end;
};
void top_draw(const struct top *t, struct arena *a, const struct top_frame *frame, struct buf *b);

#endif
