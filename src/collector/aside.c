#include "collector/aside.h"

#include <string.h>

#include "base/hash.h"
#include "collector/moment.h"
#include "collector/rows.h"
#include "collector/source.h"

/* It is of the window, or of none. */
static struct aside of_window(uint64_t all, uint64_t lasting, int64_t start_us)
{
    const struct aside own = {all, lasting};
    const struct str bytes = {(const char *)&own, sizeof own};
    return (struct aside){hash_64(bytes, (uint64_t)start_us),
                          hash_64(str_sub(bytes, sizeof all, bytes.len), (uint64_t)start_us)};
}

/* An id may be a number, too: then what lasts is no more than its name. */
static bool is_lasting(const struct collector *c, const struct cell *cell)
{
    double number = 0;
    int64_t us = 0;
    return cell->kind != CELL_NUMBER && cell->kind != CELL_TIME &&
           !str_eq(cell->column, S("value")) && !str_eq(cell->column, c->column) &&
           !row_number(cell->text, &number) && !moment_read(cell->text, &us);
}

struct aside aside_of(const struct collector *c, const struct cell *cell, size_t n,
                      struct str cells, int64_t start_us)
{
    uint64_t lasting = 0;
    for (size_t i = 0; i < n; i++) {
        lasting = hash_64(cell[i].column, lasting);
        lasting = is_lasting(c, &cell[i]) ? hash_64(cell[i].text, lasting) : lasting;
    }
    return of_window(hash_64(cells, 0), lasting, start_us);
}

struct aside aside_others(int64_t start_us)
{
    return of_window(0, 0, start_us);
}

void asides_add(struct arena *a, struct asides *to, struct aside one)
{
    to->at = arena_more(a, to->at, to->n, &to->room, sizeof *to->at);
    to->at[to->n++] = one;
}

bool asides_eq(const struct asides *a, const struct asides *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof *a->at) == 0);
}

bool asides_have(const struct asides *s, struct aside one)
{
    size_t i = 0;
    while (i < s->n && s->at[i].all != one.all) {
        i++;
    }
    return i < s->n;
}

struct asides asides_gone(struct arena *a, const struct asides *told, const struct asides *now)
{
    struct asides gone = {.n = 0};
    for (size_t i = 0; i < told->n; i++) {
        if (!asides_have(now, told->at[i])) {
            asides_add(a, &gone, told->at[i]);
        }
    }
    return gone;
}

bool asides_take(struct asides *gone, struct aside one)
{
    for (size_t i = 0; i < gone->n; i++) {
        if (gone->at[i].lasting == one.lasting) {
            gone->at[i] = gone->at[--gone->n];
            return true;
        }
    }
    return false;
}
