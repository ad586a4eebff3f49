#include "signal/member.h"

#include "base/buf.h"
#include "signal/rank.h"

enum { US = 0x1F };

struct str member_write(struct arena *a, struct str member, int64_t time_us, struct str value)
{
    struct buf b;
    char rank[RANK_BYTES];
    rank_write(time_us, 0, value, rank);
    buf_init(&b, a, SIZE_MAX);
    buf_add(&b, (struct str){rank, sizeof rank});
    buf_add_byte(&b, US);
    for (struct str rest = member; rest.len > 0;) {
        const size_t before = rest.len;
        const struct str part = str_cut(rest, US, &rest);
        buf_add(&b, part);
        if (part.len < before) {
            buf_add(&b, S("\xEF\xBF\xBD"));
        }
    }
    buf_add_byte(&b, US);
    buf_add(&b, value);
    return buf_str(&b);
}

bool member_read(struct str entry, struct member *out)
{
    if (entry.len <= RANK_BYTES || entry.at[RANK_BYTES] != US) {
        return false;
    }
    const struct str rest = str_sub(entry, RANK_BYTES + 1, entry.len);
    const size_t end = str_find(rest, US);
    if (end == rest.len) {
        return false;
    }
    *out = (struct member){entry, str_sub(rest, 0, end), str_sub(rest, end + 1, rest.len)};
    return true;
}
