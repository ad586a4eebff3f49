#include "base/arena.h"

#include <assert.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/failpoint.h"

enum {
    ELEMENTS_FIRST = 16,         /* of an array that grows by arena_more                         */
    BLOCK_BYTES = 64 * 1024,     /* smallest block: most batches fit into a few                  */
    DOUBLED_BYTES = 1024 * 1024, /* blocks double up to here: a large thing asks for no twin     */
    KEEP_BYTES = 1024 * 1024,    /* kept by a reset unless told: a peak is given back at once    */
    IDLE_BYTES = 8 * 1024 * 1024 /* freed and not given back: less is not worth a look at them   */
};

/* Of large blocks, since the last arena_give_back: malloc's own state is the process's, too. */
static size_t freed_bytes;

struct arena_block {
    struct arena_block *older;
    size_t used, room;
    alignas(max_align_t) char bytes[];
};

struct arena_deferred {
    struct arena_deferred *older;
    void (*drop)(void *thing);
    void *thing;
};

void arena_init(struct arena *a, size_t bytes_max)
{
    *a = (struct arena){.bytes_max = bytes_max};
}

static size_t aligned(size_t bytes)
{
    const size_t to = alignof(max_align_t);
    return (bytes + to - 1) / to * to;
}

/* What one more block may hold under the ceiling. */
static size_t room_left(const struct arena *a)
{
    const size_t left = a->bytes_max > a->held_bytes ? a->bytes_max - a->held_bytes : 0;
    return left > sizeof(struct arena_block) ? left - sizeof(struct arena_block) : 0;
}

/* A block with room for `bytes`, or NULL. Blocks double, so that their number stays small. */
static struct arena_block *block_add(struct arena *a, size_t bytes)
{
    const size_t twice = a->block ? a->block->room * 2 : BLOCK_BYTES;
    const size_t doubled = twice < DOUBLED_BYTES ? twice : DOUBLED_BYTES;
    const size_t wished = bytes > doubled ? bytes : doubled;
    const size_t room_max = room_left(a);
    if (room_max < bytes) {
        return NULL;
    }
    const size_t room = wished < room_max ? wished : room_max;
    struct arena_block *const b = failpoint_fails("arena.block") ? NULL : malloc(sizeof *b + room);
    if (!b) {
        return NULL;
    }
    *b = (struct arena_block){.older = a->block, .room = room};
    a->block = b;
    a->held_bytes += sizeof *b + room;
    return b;
}

/* The newest block, which holds one thing alone, made larger without a copy of it beside: a large
 * block is moved by the kernel. NULL: the block is as it was. */
static struct arena_block *block_grow(struct arena *a, size_t bytes)
{
    struct arena_block *const b = a->block;
    if (a->bytes_max < a->held_bytes || a->bytes_max - a->held_bytes < bytes - b->room) {
        return NULL;
    }
    struct arena_block *const moved = failpoint_fails("arena.block")
                                          ? NULL
                                          : realloc(b, sizeof *b + bytes);
    if (moved) {
        a->held_bytes += bytes - moved->room;
        moved->room = bytes;
        a->block = moved;
    }
    return moved;
}

static void *take(struct arena *a, size_t bytes)
{
    struct arena_block *b = a->block;
    if (bytes > SIZE_MAX / 2) {
        return NULL;
    }
    const size_t whole = aligned(bytes ? bytes : 1);
    if (!b || b->room - b->used < whole) {
        b = block_add(a, whole);
    }
    if (!b) {
        return NULL;
    }
    void *const at = b->bytes + b->used;
    b->used += whole;
    return at;
}

void *arena_try(struct arena *a, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size) {
        return NULL;
    }
    void *const at = take(a, n * size);
    return at ? memset(at, 0, n * size) : NULL;
}

/* No logger here: it would need memory. _exit, so that no half-written buffer is flushed. */
static __attribute__((noreturn)) void end_process(const struct arena *a, size_t bytes)
{
    char text[192];
    const int len = snprintf(
        text, sizeof text,
        "weir: out of memory: %zu more bytes over %zu held (ceiling %zu); the process ends and "
        "goes on from its cursor\n",
        bytes, a->held_bytes, a->bytes_max);
    if (write(STDERR_FILENO, text, (size_t)len) < 0) {
        _exit(71);
    }
    _exit(70);
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    void *const at = arena_try(a, n, size);
    if (!at) {
        end_process(a, n * size);
    }
    return at;
}

void *arena_grow(struct arena *a, void *at, size_t old, size_t now)
{
    void *const grown = arena_try_grow(a, at, old, now);
    const bool is_alone = at && a->block && at == a->block->bytes;
    const size_t most = is_alone ? a->bytes_max - a->held_bytes + a->block->room : room_left(a);
    if (!grown && now <= SIZE_MAX / 2 && aligned(now) <= most) {
        end_process(a, now);
    }
    return grown;
}

void *arena_try_grow(struct arena *a, void *at, size_t old, size_t now)
{
    struct arena_block *const b = a->block;
    assert(now >= old);
    if (at && b && (char *)at + aligned(old ? old : 1) == b->bytes + b->used) {
        const size_t start = (size_t)((char *)at - b->bytes);
        const size_t whole = now <= SIZE_MAX / 2 ? aligned(now ? now : 1) : SIZE_MAX;
        if (whole <= b->room - start) {
            b->used = start + whole;
            return at;
        }
        if (start == 0 && now <= SIZE_MAX / 2) {
            struct arena_block *const larger = block_grow(a, whole);
            if (larger) {
                larger->used = whole;
            }
            return larger ? larger->bytes : NULL;
        }
    }
    void *const moved = take(a, now);
    if (moved && at && old) {
        memcpy(moved, at, old);
    }
    return moved;
}

void *arena_more(struct arena *a, void *at, size_t n, size_t *room, size_t size)
{
    assert(n <= *room);
    if (n < *room) {
        return at;
    }
    const size_t more = *room ? *room * 2 : ELEMENTS_FIRST;
    void *const moved = arena_alloc(a, more, size);
    if (n) {
        memcpy(moved, at, n * size);
    }
    *room = more;
    return moved;
}

char *arena_cstr(struct arena *a, struct str s)
{
    char *const at = arena_alloc(a, s.len + 1, 1);
    if (s.len) {
        memcpy(at, s.at, s.len);
    }
    return at;
}

struct str arena_str(struct arena *a, struct str s)
{
    return (struct str){arena_cstr(a, s), s.len};
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    char *const at = arena_alloc(a, (size_t)len + 1, 1);
    vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    return (struct str){at, (size_t)len};
}

void arena_defer(struct arena *a, void (*drop)(void *thing), void *thing)
{
    struct arena_deferred *const d = arena_new(a, struct arena_deferred);
    *d = (struct arena_deferred){.older = a->deferred, .drop = drop, .thing = thing};
    a->deferred = d;
}

static void drop_deferred(struct arena *a)
{
    for (struct arena_deferred *d = a->deferred; d; d = d->older) {
        d->drop(d->thing);
    }
    a->deferred = NULL;
}

static void block_drop(struct arena *a, struct arena_block *b)
{
    a->held_bytes -= sizeof *b + b->room;
    freed_bytes += b->room >= DOUBLED_BYTES ? b->room : 0;
    free(b);
}

void arena_reset(struct arena *a)
{
    struct arena_block *kept = NULL;
    const size_t keep_bytes = a->keep_bytes ? a->keep_bytes : KEEP_BYTES;
    drop_deferred(a);
    for (struct arena_block *b = a->block, *older; b; b = older) {
        older = b->older;
        if (!kept && b->room <= keep_bytes) {
            kept = b;
        } else {
            block_drop(a, b);
        }
    }
    if (kept) {
        kept->older = NULL;
        kept->used = 0;
    }
    a->block = kept;
}

void arena_close(struct arena *a)
{
    arena_reset(a);
    if (a->block) {
        block_drop(a, a->block);
        a->block = NULL;
    }
}

void arena_give_back(void)
{
    if (freed_bytes >= IDLE_BYTES) {
        (void)malloc_trim(0); /* glibc: pages in the middle of the heap, too */
        freed_bytes = 0;
    }
}
