/* survey.h - how a weir does, seen from outside: its pages, its streams.
 *
 * One survey serves status, readyz, health and flush, so that they cannot disagree. It reads the
 * data folder alone: it works from any process, also when weir does not run. */
#ifndef WEIR_ORCHESTRATE_SURVEY_H
#define WEIR_ORCHESTRATE_SURVEY_H

#include <sys/types.h>

#include "bus/progress.h"
#include "config/config.h"
#include "orchestrate/duty.h"

enum { SURVEY_PAGES_MAX = INTAKE_LANES_MAX + 32 };

enum stage_state {
    STAGE_OK,
    STAGE_STARTING,
    STAGE_RETRYING, /* its far end or the disk fails: it tries again and again */
    STAGE_BEHIND,   /* further than admin.behind (lake: and its flush)         */
    STAGE_DOWN      /* no process: it ended and waits to be started again      */
};

struct survey_stage {
    const char *name;
    enum stage_state state;
    uint64_t lag_bytes; /* of all lanes it reads; UINT64_MAX: unknown         */
    int64_t lag_ms;     /* age of the oldest signal it has not taken; 0: none */
    uint64_t restarts;
    struct str why; /* what hinders it, as it says itself; empty: nothing, or it cannot */
};

struct survey_page {
    struct str name; /* "intake-0" */
    struct progress *page;
};

struct survey_stream {
    enum stream stream;
    uint64_t signals, bytes;
};

struct survey {
    pid_t pid; /* 0: weir does not run */
    bool is_ready;
    bool is_reload_refused; /* the newest one: the configuration before is in force */
    uint32_t revision;      /* of the configuration in force; 0: unknown            */
    uint32_t programs;      /* likewise of its mappings' texts                      */
    int64_t reload_us;      /* when it was read, or the newest one refused          */
    int64_t now_us, started_us;
    int64_t uptime_us;   /* of the monotonic clock: wall clocks are set */
    int64_t complete_us; /* everything received until then is transformed */
    struct survey_page page[SURVEY_PAGES_MAX];
    size_t pages_n;
    struct survey_stage *stage;
    size_t stages_n;
    struct survey_stream stream[STREAM_N];
};

struct survey_of {
    const struct config *config;
    const struct duty *duties;
    struct bus *bus;   /* NULL: pages alone (no lags, no streams)                    */
    struct str bus_id; /* then: in whose lanes cursors are asked for; empty: whosever */
};

/* Look at it all.
 *   returns OK | RETRY | STOP as the bus says */
enum outcome survey_take(struct arena *a, const struct survey_of *of, struct survey *out,
                         struct failure *f);

const char *stage_state_name(enum stage_state s);

/* Sum of a counter over all pages: "accepted{agent=github}". */
uint64_t survey_counter(const struct survey *s, const char *name);
/* "refused{agent=github,reason=size}" begins with "refused{agent=github,reason=": each such counter
 * in turn, summed over pages, `rest` what follows up to `}`. false behind the last. */
struct survey_count {
    struct str rest;
    uint64_t n;
};
size_t survey_counters(const struct survey *s, struct arena *a, struct str prefix,
                       struct survey_count **out);

/* Where a reader stands in a lane, 0: not yet. */
struct position survey_cursor(const struct survey *s, const char *reader, struct lane lane);

#endif
