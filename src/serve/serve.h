/* serve.h - weir asked over HTTP on the admin address: livez, readyz, health, metrics.
 *
 * It only reads: pages under run/ and the ends of lanes. */
#ifndef WEIR_SERVE_SERVE_H
#define WEIR_SERVE_SERVE_H

#include "bus/progress.h"
#include "config/config.h"
#include "orchestrate/duty.h"

struct serve {
    const struct config *config;
    const int *listen_fd; /* shared with the orchestrator and left open there */
    size_t listen_n;
    struct bus *bus;
    struct progress *progress;
    const struct duty *duties; /* that a weir consists of; ends with {0} */
};

/* Answer until asked to stop (asked.h).
 *   returns OK asked to stop | STOP no daemon can be made */
enum outcome serve_run(const struct serve *s, struct failure *f);

#endif
