/* duty.h - what the orchestrator knows of a kind of process.
 *
 * Each duty is one process that knows one thing and shares only the data folder. A table of them
 * (registry.h has weir's) decides who listens where, who drains before whom, and how long a busy
 * one may be silent; it stands in the order of the path and ends with {0}. */
#ifndef WEIR_ORCHESTRATE_DUTY_H
#define WEIR_ORCHESTRATE_DUTY_H

#include "bus/progress.h"
#include "config/config.h"

/* What one process of a duty works with. */
struct post {
    const struct config *config;
    const char *name; /* "intake-0": its page, and what ps shows */
    size_t index;     /* "intake": the lane raw/intake-<index>   */
    const int *listen_fd;
    size_t listen_n;
    struct bus *bus;
    struct progress *progress;
    int64_t weir_us; /* wall: when weir as a whole began, and not this process */
};

enum duty_door { DOOR_NONE, DOOR_INTAKE, DOOR_ADMIN };

struct duty {          /* NOLINT(clang-analyzer-optin.performance.Padding): as tables are written */
    const char *stage; /* --only, log, metrics */
    enum outcome (*run)(const struct post *post, struct failure *f);
    enum duty_door door; /* the listening sockets it is given                                */
    /* One process a thing of the configuration, called by it ("sink-audit"; empty behind the last);
     * NULL: one, called as its stage. A reload asks those to stop that are no longer there. */
    struct str (*each)(const struct config *c, size_t i);
    bool is_many;          /* config->intake.processes of it; a reload starts the new ones before
                              the old ones drain, so that nobody is refused                     */
    const unsigned *reads; /* STREAM_BIT of the streams that may forget only what it has passed:
                              its driver's own word; NULL: it reads none                      */
    int wave;              /* SIGTERM drains wave by wave, so that each finds its input complete */
    int64_t hang_ms;       /* busy for longer without a beat: it hangs and is killed            */
};

/* What its i-th process is called in pages and cursors; empty: there are no more. (Those that are
 * many are numbered by who starts them.) */
static inline struct str duty_process(const struct duty *d, const struct config *c, size_t i)
{
    return d->each ? d->each(c, i) : i == 0 ? str_of(d->stage) : S("");
}

static inline unsigned duty_reads(const struct duty *d)
{
    return d->reads ? *d->reads : 0;
}

#endif
