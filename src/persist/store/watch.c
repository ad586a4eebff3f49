#include "persist/store/watch.h"

#include "base/hash.h"

enum { KEPT_MAX = 100 /* a row that is full stays so, and is not to be found out each time */ };
#define BYTES_MAX ((size_t)64 << 20)

void watch_open(struct watch *w)
{
    *w = (struct watch){.at = NULL};
    arena_init(&w->arena, BYTES_MAX);
}

static uint64_t hash_of(struct arena *a, const struct row *row)
{
    return hash_64(row_key(a, row), 0);
}

void watch_add(struct watch *w, const struct row *row, const struct failure *why)
{
    struct arena scratch;
    arena_init(&scratch, SIZE_MAX / 2);
    w->at = arena_more(&w->arena, w->at, w->n, &w->room, sizeof *w->at);
    w->at[w->n++] = (struct watched){
        .model = row->model,
        .key = hash_of(&scratch, row),
        .why = why ? arena_str(&w->arena, str_of(why->text)) : (struct str){0},
    };
    arena_close(&scratch);
}

const struct watched *watch_find(const struct watch *w, struct arena *a, const struct row *row)
{
    const uint64_t key = w->n ? hash_of(a, row) : 0;
    const struct watched *found = NULL;
    for (size_t i = 0; i < w->n; i++) {
        const struct watched *const one = &w->at[i];
        if (one->model == row->model && one->key == key && (!found || one->why.len > 0)) {
            found = one;
        }
    }
    return found;
}

void watch_kept(struct watch *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->at[i].why.len == 0) {
            w->at[n++] = w->at[i];
        }
    }
    const bool is_any_gone = n < w->n;
    w->n = n;
    if (n > KEPT_MAX || (n == 0 && is_any_gone)) {
        watch_close(w);
        watch_open(w);
    }
}

void watch_close(struct watch *w)
{
    arena_close(&w->arena);
}
