#include "command/simulate/draw.h"

#include <assert.h>
#include <math.h>

void draw_seed(struct draw *d, uint64_t seed)
{
    d->salt = 0;
    for (size_t i = 0; i < 4; i++) {
        seed += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        d->state[i] = z ^ (z >> 31);
    }
}

static uint64_t rotated(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static uint64_t draw_u64(struct draw *d)
{
    uint64_t *const s = d->state;
    const uint64_t out = rotated(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return out;
}

uint64_t draw_below(struct draw *d, uint64_t n)
{
    assert(n > 0);
    return draw_u64(d) % n; /* the bias is below n / 2^64 */
}

int64_t draw_between(struct draw *d, int64_t least, int64_t most)
{
    return least + (int64_t)draw_below(d, (uint64_t)(most - least) + 1);
}

/* In [0, 1), with all 53 bits. */
static double unit(struct draw *d)
{
    return (double)(draw_u64(d) >> 11) * 0x1p-53;
}

bool draw_chance(struct draw *d, double probability)
{
    return unit(d) < probability;
}

size_t draw_weighted(struct draw *d, const unsigned *weight, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += weight[i];
    }
    uint64_t at = draw_below(d, sum);
    size_t i = 0;
    while (at >= weight[i]) {
        at -= weight[i++];
    }
    return i;
}

int64_t draw_normal(struct draw *d, int64_t mean, int64_t deviation)
{
    /* Box and Muller, one of the pair */
    const double radius = sqrt(-2.0 * log(1.0 - unit(d)));
    const double drawn = radius * cos(6.283185307179586 * unit(d));
    const double value = fabs((double)mean + (double)deviation * drawn);
    return (int64_t)value;
}

int64_t draw_gap(struct draw *d, int64_t mean)
{
    const double gap = -(double)mean * log(1.0 - unit(d));
    return (int64_t)gap;
}

static const char digit[] = "0123456789abcdef";

void draw_hex(struct draw *d, char *out, size_t n)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits = i % 16 == 0 ? draw_u64(d) : bits >> 4;
        out[i] = digit[bits & 15];
    }
}

void draw_salt(struct draw *d, uint64_t salt)
{
    d->salt = salt;
}

void draw_uuid(struct draw *d, char out[UUID_BYTES])
{
    uint64_t bits = 0, salt = 0;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        bits = i % 16 == 0 ? draw_u64(d) : bits >> 4;
        salt = i % 16 == 0 ? d->salt : salt >> 4;
        out[i] = digit[(bits ^ salt) & 15];
    }
    out[8] = out[13] = out[18] = out[23] = '-';
    out[14] = '4';
    out[19] = "89ab"[draw_below(d, 4)];
}
