/* control.h - the duty `collect`: the one writer of lane raw/retry, asked over run/control.sock.
 *
 * One JSON object a line in, one a line out: {"command":"retry"|"drop","ids":["dead/LANE:N",…]}
 * gives {"ok":true,"n":2} or {"ok":false,"n":1,"why":"…"}; what was counted is durable. Only the
 * user that weir runs as can reach the socket. */
#ifndef WEIR_SERVE_CONTROL_H
#define WEIR_SERVE_CONTROL_H

#include "bus/progress.h"
#include "config/config.h"

/* Answer until asked to stop (asked.h). returns OK | STOP the socket cannot be made */
enum outcome control_run(const struct config *config, struct bus *bus, struct progress *progress,
                         struct failure *f);

/* As a client: send the line and wait for the answer, at most timeout_ms.
 *   returns OK | RETRY weir does not run, or gave no answer */
enum outcome control_ask(struct arena *a, struct str data, struct str line, int timeout_ms,
                         struct str *out, struct failure *f);

#endif
