/* seal.h - a checksum of a commit, inside of it: Delta keeps none, and a flipped digit of a size,
 * a path or a position is as good JSON as the right one.
 *
 * It stands in commitInfo, which is free to hold what a writer likes, and covers every byte of the
 * file, its own 32 digits taken as zeros. Commits of other writers, and of weirs before it, have
 * none. */
#ifndef WEIR_PERSIST_LAKE_SEAL_H
#define WEIR_PERSIST_LAKE_SEAL_H

#include "base/buf.h"
#include "base/failure.h"

/* The member of commitInfo, still open: `"weir.xxh3":"000…"`. */
void seal_add(struct buf *b);
/* Fill it in, once the text is whole. */
void seal_close(struct buf *text);

enum seal { SEAL_HOLDS, SEAL_NONE, SEAL_BROKEN };
enum seal seal_check(struct arena *a, struct str text);
/* Whether this commit may be believed: what breaks its seal must not be replayed. returns OK | STOP
 */
enum outcome seal_demand(struct arena *a, struct str key, struct str text, struct failure *f);

#endif
