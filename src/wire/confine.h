/* confine.h - a process that only thinks: it reads and writes what it has open, and no more.
 *
 * For code that weir did not write and runs for a user. It cannot be undone. */
#ifndef WEIR_WIRE_CONFINE_H
#define WEIR_WIRE_CONFINE_H

#include "base/failure.h"

/* From here on no file, no program, no socket, no other process: only memory, the clock, and the
 * descriptors that are open. What is mapped and shared with others is unmapped.
 *   returns OK | STOP this kernel has no seccomp, or there is no /proc
 *   source  seccomp(2); Documentation/userspace-api/landlock.rst */
enum outcome confine(struct failure *f);

#endif
