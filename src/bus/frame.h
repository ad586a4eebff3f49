/* frame.h - the bytes of a lane on disk: groups of frames, each with a checksum of its own.
 *
 * A group is a head and its frames, one a record; it is what one write makes durable. Every item (a
 * head or a frame) begins at a multiple of 8 and carries an XXH3-64 of its bytes, seeded with its
 * position and its segment's generation: what a recycled file still holds never comes alive. All
 * numbers are little endian. */
#ifndef WEIR_BUS_FRAME_H
#define WEIR_BUS_FRAME_H

#include "bus/bus.h"

enum { ITEM_ALIGN = 8, SEGMENT_HEAD_BYTES = 64, GROUP_HEAD_BYTES = 64, FRAME_HEAD_BYTES = 40 };

/* What a step's group says beside its records. */
struct group_step {
    struct lane input;
    struct position from, to;
    uint32_t revision; /* of the configuration that it was made under; 0: unknown */
    struct tally tally;
};

struct group {
    uint64_t generation, position;
    uint64_t bytes;          /* head and frames                            */
    uint64_t records_before; /* of the lane, since its beginning           */
    int64_t time_us;         /* when it was written                        */
    uint32_t n;              /* records                                    */
    struct str step;         /* of group_step_read; empty: not a step      */
};

enum item_kind {
    ITEM_BAD,   /* nothing valid stands here                                            */
    ITEM_SHORT, /* item.bytes bytes are needed to tell                                  */
    ITEM_GROUP, /* a head; bytes: of the head alone, frames follow                      */
    ITEM_FRAME,
    ITEM_VOID /* a hole that recovery has set aside                                  */
};

struct item {
    enum item_kind kind;
    uint64_t bytes;
    struct group group;   /* ITEM_GROUP                */
    struct str data;      /* ITEM_FRAME: the signal    */
    struct origin origin; /* ITEM_FRAME                */
};

/* Encode a group; its checksums are not there before group_seal. Sets g->bytes, g->n and the
 * records' positions. b must be empty. */
void group_write(struct buf *b, struct group *g, const struct group_step *step, struct record *r,
                 size_t n);
/* Set the generation and every checksum in an encoded group. */
void group_seal(char *group, size_t bytes, uint64_t generation);

/* Whether an item may begin at `at`, of which FRAME_HEAD_BYTES can be read: a glance for searches.
 */
bool item_may_begin(const char *at, bool only_groups);
/* The item that `bytes` begins with, which stands at `position` in a segment of this generation;
 * its texts point into `bytes`. */
struct item item_read(struct str bytes, uint64_t generation, uint64_t position);

/* The whole group at the beginning of `bytes`: the head and every frame are valid. */
bool group_is_whole(struct str bytes, uint64_t generation, uint64_t position, struct group *out);

/* false: the head's step is no step (a newer layout). Names live in `a`. */
bool group_step_read(struct arena *a, struct str step, struct group_step *out);

/* A frame of `bytes` bytes without a record: its first FRAME_HEAD_BYTES. */
void void_write(char out[FRAME_HEAD_BYTES], uint64_t bytes, uint64_t generation, uint64_t position);

struct segment_head_found {
    bool is_valid, is_recycled;
    uint64_t generation, first;
};
/* is_recycled: the file held other groups before. */
void segment_head_write(char out[SEGMENT_HEAD_BYTES], uint64_t generation, uint64_t first,
                        bool is_recycled);
struct segment_head_found segment_head_read(struct str bytes);

/* For recovery: the generation that a valid group head at `position` tells itself; false when none
 * stands there. */
bool group_generation(struct str bytes, uint64_t position, uint64_t *generation);
/* The length that a damaged group head of this generation and position speaks of; 0: no such head.
 */
uint64_t group_begun(struct str bytes, uint64_t generation, uint64_t position);

#endif
