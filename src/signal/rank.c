#include "signal/rank.h"

#include <assert.h>

#include "base/hash.h"

void rank_write(int64_t time_us, unsigned ordinal, struct str content, char out[RANK_BYTES])
{
    assert(ordinal < 256);
    const unsigned char state = (unsigned char)ordinal;
    hex_u64((uint64_t)time_us ^ (UINT64_C(1) << 63), out);
    hex_write(&state, 1, out + 16);
    hex_u64(hash_64(content, 0), out + 18);
}
