#include "persist/store/pending.h"

#include <stdlib.h>

#include "base/hash.h"

enum { ROOM_FIRST = 64 };

/* The place of the key: of its row, or the free one where it belongs. */
static size_t *place_of(const struct pending *p, struct str key)
{
    const size_t mask = 2 * p->room - 1;
    size_t i = hash_64(key, 0) & mask;
    while (p->slot[i] && !str_eq(p->key[p->slot[i] - 1], key)) {
        i = (i + 1) & mask;
    }
    return p->slot + i;
}

static void grow(struct arena *a, struct pending *p)
{
    const struct pending old = *p;
    p->room = old.room ? 2 * old.room : ROOM_FIRST;
    p->row = arena_array(a, struct row, p->room);
    p->key = arena_array(a, struct str, p->room);
    p->slot = arena_array(a, size_t, 2 * p->room);
    if (old.n) {
        memcpy(p->row, old.row, old.n * sizeof *p->row);
        memcpy(p->key, old.key, old.n * sizeof *p->key);
    }
    for (size_t i = 0; i < old.n; i++) {
        *place_of(p, p->key[i]) = i + 1;
    }
}

/* Index + 1 of the row of this key, or 0. */
static size_t find(const struct pending *p, struct str key)
{
    return p->room ? *place_of(p, key) : 0;
}

static void add(struct arena *a, struct pending *p, struct str key, struct row row)
{
    if (p->n == p->room) {
        grow(a, p);
    }
    size_t *const place = place_of(p, key);
    p->row[p->n] = row;
    p->key[p->n] = key;
    *place = ++p->n;
}

bool pending_has(struct arena *a, const struct pending *p, const struct row *of)
{
    return find(p, row_key(a, of)) != 0;
}

void pending_begin(struct arena *a, struct pending *p, const struct row *row)
{
    add(a, p, row_key(a, row), *row);
}

enum outcome pending_fold(struct arena *a, struct pending *p, const struct row *fact,
                          struct failure *f)
{
    const struct str key = row_key(a, fact);
    const size_t at = find(p, key);
    struct row row = at ? p->row[at - 1] : row_new(a, p->model);
    const enum outcome result = fold_try(a, &row, fact, f);
    if (result == OK && at) {
        p->row[at - 1] = row;
    } else if (result == OK) {
        add(a, p, key, row);
    }
    return result;
}

static int row_order(const void *a, const void *b)
{
    return row_key_cmp(a, b);
}

struct rows pending_rows(struct arena *a, const struct pending *p)
{
    struct rows rows = {.model = p->model, .n = p->n};
    rows.row = arena_array(a, struct row, p->n);
    rows.is_there = arena_array(a, bool, p->n);
    if (p->n) {
        memcpy(rows.row, p->row, p->n * sizeof *rows.row);
        qsort(rows.row, p->n, sizeof *rows.row, row_order);
    }
    return rows;
}
