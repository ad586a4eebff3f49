#include "base/nearest.h"

enum { WORD_BYTES_MAX = 40 }; /* names are shorter; what is longer was not meant as one */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance: Levenshtein's, and a swap of neighbours counts one. */
static size_t distance(struct str a, struct str b)
{
    size_t row[3][WORD_BYTES_MAX + 1] = {{0}};
    for (size_t j = 0; j <= b.len; j++) {
        row[0][j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t *const now = row[i % 3], *const before = row[(i + 2) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const char x = lower(a.at[i - 1]), y = lower(b.at[j - 1]);
            now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.at[j - 2]) && y == lower(a.at[i - 2])) {
                now[j] = least(now[j], row[(i + 1) % 3][j - 2] + 1);
            }
        }
    }
    return row[a.len % 3][b.len];
}

struct nearest nearest_to(struct str word)
{
    return (struct nearest){.word = word, .distance = SIZE_MAX};
}

void nearest_offer(struct nearest *n, struct str candidate)
{
    if (n->word.len > WORD_BYTES_MAX || candidate.len > WORD_BYTES_MAX) {
        return;
    }
    const size_t d = distance(n->word, candidate);
    if (d < n->distance) {
        n->best = candidate;
        n->distance = d;
    }
}

struct str nearest_found(const struct nearest *n)
{
    const size_t most = n->word.len / 3 > 2 ? n->word.len / 3 : 2;
    if (n->distance > most || n->distance >= n->word.len) {
        return (struct str){NULL, 0};
    }
    return n->best;
}
