/* scan.h - one segment's bytes in memory, walked item by item: what recovery and verify share. */
#ifndef WEIR_BUS_SCAN_H
#define WEIR_BUS_SCAN_H

#include "bus/frame.h"

enum scan_head {
    SCAN_USED,   /* its head is valid, or was found again from its first group          */
    SCAN_MENDED, /* used; the head must be written anew                                 */
    SCAN_UNUSED, /* named, but nothing was written yet: blank, or still another's bytes */
    SCAN_DAMAGED /* something else stands where head and first group should             */
};

struct scan {
    char *memory;     /* the same as bytes, to be patched */
    struct str bytes; /* of the file, its head included                    */
    uint64_t first;
    uint64_t generation;
    bool is_recycled; /* behind its end may stand bytes of its former life */
    enum scan_head head;
};

/* Read the file into the arena. RETRY: unreadable, or too big for the arena. */
enum outcome scan_open(struct arena *a, const char *path, uint64_t first, struct scan *out,
                       struct failure *f);

/* The bytes of [from, to), less where the file ends before. */
struct str scan_bytes(const struct scan *s, uint64_t from, uint64_t to);
/* Bytes that were written to the file meanwhile. */
void scan_patch(const struct scan *s, uint64_t position, struct str bytes);
/* What stands at a position; ITEM_BAD for what would reach beyond `limit`. */
struct item scan_item(const struct scan *s, uint64_t position, uint64_t limit);
/* The next position after `from` where a valid item begins (a group's head alone, if only_groups);
 * `limit` when there is none. */
uint64_t scan_next(const struct scan *s, uint64_t from, uint64_t limit, bool only_groups);
/* What covers a position at which nothing valid begins; ITEM_BAD: nothing whole does. `next` is
 * then where that item ends. */
enum item_kind scan_cover(const struct scan *s, uint64_t position, uint64_t limit, uint64_t *next);
/* Position behind the file's last byte. */
uint64_t scan_end(const struct scan *s);
/* The generation that the first valid group says itself, set in `s`; false when there is none. */
bool scan_find_generation(struct scan *s);
/* How many bytes were begun at `position`, where no whole group stands and none follows. */
uint64_t scan_torn(const struct scan *s, uint64_t position);

#endif
