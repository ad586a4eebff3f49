/* flush.h - waiting until everything received so far is where it belongs. */
#ifndef WEIR_COMMAND_FLUSH_H
#define WEIR_COMMAND_FLUSH_H

#include "bus/bus.h"
#include "config/config.h"

/* Everything received before the call is in lake and store, or stands in dead.
 *   returns OK | RETRY not within timeout_ms, or weir does not run and something is behind */
enum outcome flush_all(const struct config *config, struct bus *bus, int64_t timeout_ms,
                       struct failure *f);

#endif
