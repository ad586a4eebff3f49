/* member.h - one entry of a FOLD_MEMBERS list: `RANK US MEMBER US VALUE`, US = byte 0x1f.
 *
 * The rank's width is fixed, so an entry is split without escaping: a member holds no US (one is
 * replaced by U+FFFD), a value may. Of one member the greater entry is the later one. */
#ifndef WEIR_SIGNAL_MEMBER_H
#define WEIR_SIGNAL_MEMBER_H

#include "base/arena.h"

/* The entry of a member's value as it was said at time_us; ties are decided by the value. */
struct str member_write(struct arena *a, struct str member, int64_t time_us, struct str value);

struct member {
    struct str entry, name, value; /* views into the entry */
};

/* false: not an entry */
bool member_read(struct str entry, struct member *out);

#endif
