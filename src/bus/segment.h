/* segment.h - the files of one embedded lane: `<first position, 20 digits>.seg`, and spares.
 *
 * Positions run on from file to file: a segment ends where the next one begins. A file is given its
 * blocks ahead of need, as `spare-K`, and given its name when it is needed; a trimmed one becomes a
 * spare again when it has the full size. Names are only ever moved, so writer and trimmer need no
 * lock between them. */
#ifndef WEIR_BUS_SEGMENT_H
#define WEIR_BUS_SEGMENT_H

#include "base/arena.h"
#include "base/failure.h"

enum { SEGMENT_FIRST_BYTES = 256 * 1024, SEGMENT_GROWTH = 4 };

/* Sorted first positions of a lane folder's segments. */
struct segments {
    uint64_t *first;
    size_t n;
};
enum outcome segments_list(struct arena *a, const char *dir, struct segments *out,
                           struct failure *f);
/* Index of the segment that holds `position`; n when it stands before all of them. */
size_t segments_find(const struct segments *s, uint64_t position);

/* The path of a segment in the arena. */
const char *segment_path(struct arena *a, const char *dir, uint64_t first);

/* An open file that takes groups. */
struct segment {
    int fd; /* -1: none */
    uint64_t first, generation;
    uint64_t bytes; /* of the file, head included */
};

/* Begin a segment at `first` with room for `bytes` bytes of groups at least, in a file of `wished`
 * bytes or more; durable in name, a new generation. Replaces a file of that name.
 *   returns OK | RETRY no space, or the disk fails */
enum outcome segment_begin(const char *dir, uint64_t first, uint64_t bytes, uint64_t wished,
                           struct segment *out, struct failure *f);
/* Open an existing segment to go on, or to read. RETRY: no such file, or its head is damaged. */
enum outcome segment_open(const char *dir, uint64_t first, bool is_writer, struct segment *out,
                          struct failure *f);
void segment_close(struct segment *s);
/* A small file that says of `bytes` bytes from `first` on that they are a hole; durable. */
enum outcome segment_void(const char *dir, uint64_t first, uint64_t bytes, struct failure *f);

/* Have a spare of this size ready unless there is one. Failing is no harm: segment_begin says so.
 */
void segment_prepare(const char *dir, uint64_t bytes);
/* Give a trimmed segment away: a spare if it has the full size and one is wanted, else removed. A
 * full size of 0: none is. */
enum outcome segment_retire(const char *dir, uint64_t first, uint64_t full_bytes,
                            struct failure *f);

#endif
