#include "bus/view.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "bus/quarantine.h"
#include "bus/scan.h"

enum {
    CHUNK_BYTES_MIN = 4096,
    NAMES_BYTES_MAX = 64 * 1024 * 1024,
    HEAD_BYTES_GUESS = 4096, /* a group's head with its step, mostly */
    RECORDS_FIRST = 64
};

void view_open(struct view *v, struct lane_dir *dir)
{
    *v = (struct view){.dir = dir, .segment = {.fd = -1}};
    arena_init(&v->arena, NAMES_BYTES_MAX);
}

void view_close(struct view *v)
{
    segment_close(&v->segment);
    arena_close(&v->arena);
}

enum outcome view_check(const struct view *v, uint64_t position, struct failure *f)
{
    const struct lane_page *const page = v->dir->page;
    const struct lane lane = v->dir->lane;
    const uint64_t begin = page->begin;
    const uint64_t end = page->mark;
    if (position < begin) {
        return failed(f, STOP, "%s/%.*s: positions %" PRIu64 " to %" PRIu64 " are no longer kept",
                      stream_name(lane.stream), STR_ARG(lane.name), position, begin);
    }
    if (position > end) {
        return failed(f, STOP,
                      "%s/%.*s ends at %" PRIu64 ", before %" PRIu64
                      ": the stream was made anew, or is another one",
                      stream_name(lane.stream), STR_ARG(lane.name), end, position);
    }
    return OK;
}

static enum outcome list(struct view *v, struct failure *f)
{
    const uint32_t seen = v->dir->page->segments;
    if (v->is_listed && seen == v->segments_seen) {
        return OK;
    }
    segment_close(&v->segment);
    arena_reset(&v->arena);
    const enum outcome result = segments_list(&v->arena, v->dir->path, &v->names, f);
    v->segments_seen = seen;
    v->is_listed = result == OK;
    return result;
}

/* The keeper of the log shall look there. */
static void suspect(const struct view *v, uint64_t position)
{
    if (!v->is_guess) {
        lane_suspect(v->dir, position);
    }
}

/* Have the segment open that holds `position`. */
static enum outcome seat(struct view *v, uint64_t position, struct failure *f)
{
    enum outcome result = list(v, f);
    if (result != OK ||
        (v->segment.fd >= 0 && position >= v->segment.first && position < v->limit)) {
        return result;
    }
    segment_close(&v->segment);
    const size_t i = segments_find(&v->names, position);
    if (i == v->names.n) {
        result = view_check(v, position, f);
        v->is_listed = false;
        suspect(v, position);
        return result != OK ? result
                            : failed(f, RETRY,
                                     "%s: the segment that holds %" PRIu64 " is missing; a running "
                                     "weir says what is lost, and goes on",
                                     v->dir->path, position);
    }
    v->limit = i + 1 < v->names.n ? v->names.first[i + 1] : UINT64_MAX;
    result = segment_open(v->dir->path, v->names.first[i], false, &v->segment, f);
    if (result != OK) {
        struct failure trimmed; /* gone meanwhile? that explains it better */
        v->is_listed = false;
        if (view_check(v, position, &trimmed) != OK) {
            *f = trimmed;
            return STOP;
        }
        suspect(v, position);
    }
    return result;
}

/* `want` bytes at `position` of the open segment, or what there is. */
static enum outcome fetch(const struct view *v, uint64_t position, size_t want, struct arena *a,
                          struct str *out, struct failure *f)
{
    size_t done = 0;
    char *const at = arena_grow(a, NULL, 0, want);
    if (!at) {
        return failed(f, STOP, "%s: a batch of %zu bytes does not fit into its arena (%zu)",
                      v->dir->path, want, a->bytes_max);
    }
    while (done < want) {
        const ssize_t n = pread(v->segment.fd, at + done, want - done,
                                (off_t)(SEGMENT_HEAD_BYTES + position - v->segment.first + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return failed_errno(f, RETRY, "read %s at %" PRIu64, v->dir->path, position);
        }
        if (n == 0) {
            break;
        }
        done += (size_t)n;
    }
    *out = (struct str){at, done};
    return OK;
}

/* What is read is not what was written: recycled under us, or damaged. */
static enum outcome damaged(const struct view *v, uint64_t position, struct failure *f)
{
    const enum outcome result = view_check(v, position, f);
    if (result != OK) {
        return result;
    }
    suspect(v, position);
    return failed(f, RETRY,
                  "%s: segment %020" PRIu64 " is damaged at position %" PRIu64
                  "; a running weir sets the damage aside, says what is lost, and goes on",
                  v->dir->path, v->segment.first, position);
}

/* What a walk over a chunk found. */
struct walk {
    size_t done;        /* bytes of whole items           */
    size_t short_bytes; /* the next item needs so many    */
    bool is_bad;
};

/* A slice being filled. */
struct fill {
    struct view *view;
    struct slice *slice;
    struct arena *arena;
    uint64_t to; /* no record from here on */
    size_t bytes_max;
    size_t room; /* of slice->record       */
};

static enum outcome add_record(struct fill *fill, const struct item *item, uint64_t at,
                               struct failure *f)
{
    struct slice *const s = fill->slice;
    const char *const path = fill->view->dir->path;
    if (s->n == fill->room) {
        const size_t more = fill->room ? fill->room * 2 : RECORDS_FIRST;
        struct record *const grown = arena_grow(fill->arena, s->record, fill->room * sizeof *grown,
                                                more * sizeof *grown);
        if (!grown) {
            return failed(f, STOP, "%s: %zu records do not fit into the batch's arena", path, more);
        }
        s->record = grown;
        fill->room = more;
    }
    struct record *const r = &s->record[s->n];
    *r = (struct record){.at = {at}, .origin = item->origin};
    if (signal_read(item->data, &r->signal, f) != OK) {
        return failed(f, STOP,
                      "%s: the record at %" PRIu64
                      " is of a layout that this weir does not know: use the newer weir",
                      path, at);
    }
    s->n++;
    return OK;
}

/* Take the whole items of a chunk that begins at the slice's `to`. */
static enum outcome walk_chunk(struct fill *fill, struct str chunk, struct walk *w,
                               struct failure *f)
{
    const uint64_t start = fill->slice->to.at;
    const uint64_t generation = fill->view->segment.generation;
    *w = (struct walk){0};
    while (w->done < chunk.len && start + w->done < fill->to) {
        const struct item item = item_read(str_sub(chunk, w->done, chunk.len), generation,
                                           start + w->done);
        if (item.kind == ITEM_SHORT || item.kind == ITEM_BAD) {
            w->short_bytes = item.kind == ITEM_SHORT ? item.bytes : 0;
            w->is_bad = item.kind == ITEM_BAD;
            break;
        }
        if (fill->slice->n > 0 && w->done + item.bytes > fill->bytes_max) {
            break;
        }
        if (item.kind == ITEM_FRAME && add_record(fill, &item, start + w->done, f) != OK) {
            return STOP;
        }
        w->done += item.bytes;
    }
    return OK;
}

/* Nothing valid begins where the slice ends. Inside a hole, which was told: go on behind it. Inside
 * a record, though all is whole there: whoever gave this position knew another life of the lane
 * (its page was lost, or a folder was put back). The keeper tells that, and then it goes on too. */
static enum outcome step_out(const struct view *v, struct slice *s, uint64_t end, struct failure *f)
{
    struct arena a;
    struct scan scan;
    uint64_t next = 0;
    enum item_kind kind = ITEM_BAD;
    arena_init(&a, SIZE_MAX / 2);
    if (scan_open(&a, segment_path(&a, v->dir->path, v->segment.first), v->segment.first, &scan,
                  f) == OK) {
        kind = scan_cover(&scan, s->to.at, end, &next);
    }
    arena_close(&a);
    const bool is_astray = kind == ITEM_FRAME || kind == ITEM_GROUP;
    if (kind == ITEM_VOID || (is_astray && quarantine_is_told(v->dir, s->to.at))) {
        s->to.at = next < end ? next : end;
        return OK;
    }
    const enum outcome result = damaged(v, s->to.at, f);
    return result == RETRY && is_astray
               ? failed(f, RETRY,
                        "%s: no record begins at position %" PRIu64
                        ", which a reader remembers: the lane's folder was changed; a running weir "
                        "says so, and the reader goes on at %" PRIu64,
                        v->dir->path, s->to.at, next)
               : result;
}

/* One chunk from the slice's `to` on, in the open segment. */
static enum outcome read_chunk(struct fill *fill, struct failure *f)
{
    const struct view *const v = fill->view;
    struct slice *const s = fill->slice;
    const uint64_t end = v->limit < v->mark ? v->limit : v->mark;
    const uint64_t left = end - s->to.at;
    size_t want = fill->bytes_max > CHUNK_BYTES_MIN ? fill->bytes_max : CHUNK_BYTES_MIN;
    for (;;) {
        struct walk w;
        struct str chunk;
        want = want < left ? want : left;
        enum outcome result = fetch(v, s->to.at, want, fill->arena, &chunk, f);
        if (result == OK) {
            result = walk_chunk(fill, chunk, &w, f);
        }
        if (result != OK) {
            return result;
        }
        if (w.done > 0) {
            s->to.at = s->to.at + w.done < end ? s->to.at + w.done : end;
            return OK;
        }
        if (w.is_bad || w.short_bytes <= want || w.short_bytes > left) {
            return step_out(v, s, end, f);
        }
        want = w.short_bytes; /* the first item alone is bigger */
    }
}

enum outcome view_read(struct view *v, struct slice *s, size_t bytes_max, struct arena *a,
                       struct failure *f)
{
    v->mark = v->dir->page->mark; /* before the names: see roll in writer.c */
    v->is_guess = s->is_guess;
    const uint64_t to = s->to.at < v->mark ? s->to.at : v->mark;
    struct fill fill = {.view = v, .slice = s, .arena = a, .to = to, .bytes_max = bytes_max};
    enum outcome result = view_check(v, s->from.at, f);
    s->to = s->from;
    s->n = 0;
    while (result == OK && s->n == 0 && s->to.at < to) {
        result = seat(v, s->to.at, f);
        if (result == OK) {
            result = read_chunk(&fill, f);
        }
    }
    return result;
}

enum outcome view_group(struct view *v, uint64_t position, struct arena *a, struct group *out,
                        struct failure *f)
{
    struct str bytes = {0};
    size_t want = HEAD_BYTES_GUESS;
    *out = (struct group){0};
    enum outcome result = seat(v, position, f);
    for (int round = 0; result == OK && round < 2; round++) {
        result = fetch(v, position, want, a, &bytes, f);
        if (result != OK) {
            return result;
        }
        const struct item item = item_read(bytes, v->segment.generation, position);
        if (item.kind == ITEM_SHORT && item.bytes > want) {
            want = item.bytes;
            continue;
        }
        if (item.kind == ITEM_GROUP) {
            *out = item.group;
        } else if (item.kind != ITEM_VOID) {
            result = damaged(v, position, f);
        }
        break;
    }
    return result;
}
