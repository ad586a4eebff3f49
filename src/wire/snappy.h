/* snappy.h - bodies compressed as one snappy block, by libsnappy, opened with dlopen in the process
 * that wants it: it is C++, and no other process of weir pays for that. */
#ifndef WEIR_WIRE_SNAPPY_H
#define WEIR_WIRE_SNAPPY_H

#include "base/arena.h"
#include "base/failure.h"

/* Once a process; it is never unloaded. returns OK | STOP it is not installed */
enum outcome snappy_load(struct failure *f);
/* Compress it into the arena; behind snappy_load.
 *   returns OK | RETRY no memory for it
 *   source  github.com/google/snappy, format_description.txt: a block, no frames */
enum outcome snappy_block(struct arena *a, struct str bytes, struct str *out, struct failure *f);

#endif
