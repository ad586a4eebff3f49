/* arena.h - memory with one lifetime: allocate, allocate, forget all of it at once.
 *
 * weir has two lifetimes: the command's and the batch's (for the intake: the request's). Nobody
 * frees a single thing; arena_reset after the acknowledgement does. An arena has a ceiling.
 * arena_alloc is for what weir itself decides the size of: over the ceiling or out of memory it
 * ends the process with a message, and the orchestrator starts it again at its cursor. arena_try is
 * for sizes that the outside decides: it returns NULL and the caller refuses the input. arena_grow
 * tells the two apart, so that a moment without memory is never taken for input that is too big. */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena_block;
struct arena_deferred;

struct arena {
    struct arena_block *block;       /* newest first                                  */
    struct arena_deferred *deferred; /* newest first                                  */
    size_t held_bytes;               /* taken from malloc, headers included           */
    size_t bytes_max;                /* ceiling of held_bytes                         */
    size_t keep_bytes;               /* largest block that a reset keeps; 0: 1 MiB    */
};

/* An empty arena that takes nothing until it is asked. */
void arena_init(struct arena *a, size_t bytes_max);

/* n * size zeroed bytes, aligned for any type; never NULL, also for n == 0. */
void *arena_alloc(struct arena *a, size_t n, size_t size) __attribute__((returns_nonnull));
/* The same, or NULL over the ceiling or out of memory. */
void *arena_try(struct arena *a, size_t n, size_t size);

#define arena_new(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc((a), (n), sizeof(type)))

/* Make the newest allocation `at` of `old` bytes `now` bytes long, in place where it can; the new
 * bytes are not zeroed. What is alone in its block, as a large thing soon is, never holds its old
 * and its new length at once. NULL over the ceiling; `at` is then still good. Out of memory ends
 * the process. at == NULL, old == 0 allocates. */
void *arena_grow(struct arena *a, void *at, size_t old, size_t now);
/* The same, or NULL out of memory. */
void *arena_try_grow(struct arena *a, void *at, size_t old, size_t now);

/* An array of n elements with room for one more: `at` itself, or twice as long when n has reached
 * *room. `a->x = arena_more(arena, a->x, a->n, &a->room, sizeof *a->x); a->x[a->n++] = …;` */
void *arena_more(struct arena *a, void *at, size_t n, size_t *room, size_t size)
    __attribute__((returns_nonnull));

/* A copy that lives as long as the arena, followed by a zero byte that is not counted. */
struct str arena_str(struct arena *a, struct str s);
/* The same as C text. */
char *arena_cstr(struct arena *a, struct str s) __attribute__((returns_nonnull));
/* printf into the arena; followed by a zero byte that is not counted. */
struct str arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Call drop(thing) at the next reset, last one first: how foreign things (PQclear, fclose) join the
 * lifetime. */
void arena_defer(struct arena *a, void (*drop)(void *thing), void *thing);

/* Drop what was deferred, forget every allocation, keep one block for the next round. */
void arena_reset(struct arena *a);
/* As reset, and give all memory back. */
void arena_close(struct arena *a);

/* What arenas have freed goes back to the machine. Before a wait: the C library keeps large blocks
 * for a next time that may be days away. Free when no large one was freed since the last call. */
void arena_give_back(void);

#endif
