/* collect.h - the duty `collect`: the one writer of lane raw/retry, asked over run/control.sock.
 *
 * One JSON object a line in, one a line out: {"command":"retry"|"drop","ids":["dead/LANE:N",…]}
 * gives {"ok":true,"n":2} or {"ok":false,"n":1,"why":"…"}; what was counted is durable. */
#ifndef WEIR_AGENT_COLLECT_H
#define WEIR_AGENT_COLLECT_H

#include "bus/bus.h"
#include "bus/progress.h"
#include "config/config.h"

/* Answer until asked to stop (asked.h). returns OK | STOP the socket cannot be made */
enum outcome collect_run(const struct config *config, struct bus *bus, struct progress *progress,
                         struct failure *f);

#endif
