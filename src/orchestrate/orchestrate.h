/* orchestrate.h - weir as a whole: one process per duty, started, watched, restarted, drained.
 *
 * The orchestrator opens the listening sockets, recovers the bus, forks, and sleeps; timers run
 * only while somebody works. It touches no signal that passes. */
#ifndef WEIR_ORCHESTRATE_ORCHESTRATE_H
#define WEIR_ORCHESTRATE_ORCHESTRATE_H

#include "orchestrate/duty.h"

struct orchestrate {
    struct config_from from;   /* SIGHUP reads the configuration again                        */
    const struct duty *duties; /* that there are: registry.h                                  */
    struct str only;           /* stages by comma; empty: all                                 */
    char *title;               /* argv's memory, overwritten in children for ps               */
    size_t title_bytes;
};

/* Run until SIGTERM or SIGINT, then drain in the order of the path. SIGHUP reloads, SIGUSR1 flushes
 * lake and store.
 *   returns OK stopped and drained | STOP it could not start (nothing was left running) */
enum outcome orchestrate_run(const struct orchestrate *o, struct arena *a, struct config *config,
                             struct failure *f);

#endif
