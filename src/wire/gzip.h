/* gzip.h - bodies that came compressed (RFC 1952), with a ceiling on what they grow to; and bodies
 * that are to be. */
#ifndef WEIR_WIRE_GZIP_H
#define WEIR_WIRE_GZIP_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

/* How many bytes a gzip text inflates to; nothing is kept, so a bomb costs time up to the ceiling
 * and no memory. Several members one after the other are one text.
 *   returns OK | REJECT not gzip, or cut short (cause OTHER); above bytes_max (cause FULL) */
enum outcome gzip_measure(struct str bytes, size_t bytes_max, size_t *out, struct failure *f);

/* Compress it into the arena, one member.
 *   returns OK | RETRY no memory for it */
enum outcome gzip_deflate(struct arena *a, struct str bytes, struct str *out, struct failure *f);

/* Inflate into `out`, which has room for the `room` bytes that gzip_measure said. */
enum outcome gzip_inflate(struct str bytes, char *out, size_t room, struct failure *f);

#endif
