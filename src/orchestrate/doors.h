/* doors.h - the listening sockets, opened once by the orchestrator and handed to who accepts.
 *
 * A restart or a reload keeps them, so that nobody is refused meanwhile. */
#ifndef WEIR_ORCHESTRATE_DOORS_H
#define WEIR_ORCHESTRATE_DOORS_H

#include "base/arena.h"
#include "base/failure.h"
#include "config/option.h"

enum { DOORS_MAX = 16, DOOR_ADDRESS_BYTES = 128 };

struct doors {
    int fd[DOORS_MAX];
    char address[DOORS_MAX][DOOR_ADDRESS_BYTES]; /* as configured */
    size_t n;
};

/* Doors at these addresses; those that `old` has are taken over (old keeps them too).
 *   returns OK | STOP none was opened: an address is in use, no rights, too many */
enum outcome doors_open(struct doors *out, const struct str_list *addresses,
                        const struct doors *old, struct failure *f);
/* Close those that `kept` (may be NULL) does not have. */
void doors_close(struct doors *d, const struct doors *kept);
/* Where they stand, with the ports that the kernel chose: "127.0.0.1:8080 [::1]:8080". */
struct str doors_text(struct arena *a, const struct doors *d);

#endif
