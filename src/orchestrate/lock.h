/* lock.h - one weir a data folder, and a folder of streams. */
#ifndef WEIR_ORCHESTRATE_LOCK_H
#define WEIR_ORCHESTRATE_LOCK_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/failure.h"

/* Make the data folder and its `run`, and lock it until the process and its children are gone.
 *   returns OK | STOP another weir runs on it (names its pid), no rights, no space */
enum outcome lock_take(struct arena *a, struct str data, int *out_fd, struct failure *f);

/* The same of the folder of the streams, which may lie elsewhere: readers of two weirs would pass
 * records in the other's stead, and one would have forgotten what the other has not read. */
enum outcome lock_take_bus(struct arena *a, struct str bus, int *out_fd, struct failure *f);

/* Take away the folder that lock_take has made, if nothing else has come into it. */
void lock_undo(struct arena *a, struct str data);

/* The process that holds the lock, 0: nobody does. */
pid_t lock_holder(struct arena *a, struct str data);

#endif
