/* narrow.h - what the process that faces the outside may still ask of the kernel.
 *
 * Once narrowed, it reaches the folders of its streams and counters and nothing else of the file
 * system (landlock), and starts no program, traces nobody, mounts and loads nothing (seccomp); what
 * it had opened before stays. It cannot be undone. */
#ifndef WEIR_ORCHESTRATE_NARROW_H
#define WEIR_ORCHESTRATE_NARROW_H

#include "base/failure.h"
#include "config/config.h"

/* Narrow this process for the intake under `config`.
 *   returns OK | RETRY this kernel cannot do all of it (says what is missing); what it can is done
 *   source  Documentation/userspace-api/landlock.rst; seccomp(2) */
enum outcome narrow_intake(const struct config *config, struct failure *f);

#endif
