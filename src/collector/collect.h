/* collect.h - the duty `collect`: runs collectors, and answers the commands of the control socket.
 *
 * It is the one writer of lanes raw/collect and raw/retry. Over run/control.sock it is given one
 * JSON object a line and gives one back, {"ok":true,…} or {"ok":false,"why":"…"}:
 *   {"command":"retry"|"drop","ids":["dead/LANE:N",…]}        "n": how many are closed, durably;
 *                                  "looked": with how many of the list it is done, ask again for
 *                                  the others; 0: it could do nothing
 *   {"command":"collectors"}                                  "collectors": id, next, since (of the
 *                                                             run at work)
 *   {"command":"anew","collector":ID}                         it begins anew, durably
 *   {"command":"backfill","collector":ID,"from":T,"to":T,"anew":bool,"stop":bool}
 *                                            "n", "of", "running", "over", "from", "to", "trouble"
 */
#ifndef WEIR_COLLECTOR_COLLECT_H
#define WEIR_COLLECTOR_COLLECT_H

#include "bus/bus.h"
#include "bus/progress.h"
#include "config/config.h"

struct collecting {
    const struct config *config;
    struct bus *bus;
    struct progress *progress;
    int64_t weir_us; /* wall: when weir began: who has run since then is not at its start again */
};

/* Work and answer until asked to stop (asked.h); runs may then end for a while. Without collectors
 * it sleeps until it is asked something.
 *   returns OK | STOP the socket cannot be made, state.db cannot be opened */
enum outcome collect_run(const struct collecting *how, struct failure *f);

#endif
