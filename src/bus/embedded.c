#include "bus/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "bus/quarantine.h"
#include "bus/recover.h"
#include "bus/view.h"
#include "bus/writer.h"

enum {
    RECORD_BYTES_MAX = 256 * 1024 * 1024,
    LOOK_BYTES_MAX = 64 * 1024 * 1024 /* names and one head: never reached */
};

static enum outcome embedded_open(struct bus *b, struct failure *f)
{
    return b->is_visited ? bus_dir_visit(b->arena, b->options, b->state, b->id, f)
                         : bus_dir_open(b->arena, b->options, b->state, b->id, f);
}

static void embedded_close(struct bus *b)
{
    struct embedded *const e = b->state;
    for (size_t i = 0; i < e->dirs_n; i++) {
        writer_close(e->dir[i]);
    }
    bus_dir_close(e);
}

static enum outcome embedded_lane_make(struct bus *b, struct lane lane, struct failure *f)
{
    struct lane_dir *dir = NULL;
    return lane_dir_make(b->arena, b->state, lane, &dir, f);
}

/* The lane's folder, and a writer in it. */
static enum outcome writer_of(struct bus *b, struct lane lane, struct lane_dir **out,
                              struct failure *f)
{
    const enum outcome result = lane_dir_make(b->arena, b->state, lane, out, f);
    return result == OK && !(*out)->writer ? writer_open(b->arena, b->state, *out, f) : result;
}

static enum outcome embedded_append(struct bus *b, struct lane lane, struct record *r, size_t n,
                                    struct failure *f)
{
    struct lane_dir *dir = NULL;
    const enum outcome result = writer_of(b, lane, &dir, f);
    return result == OK ? writer_append(dir, r, n, NULL, f) : result;
}

static enum outcome embedded_append_begin(struct bus *b, struct lane lane, struct record *r,
                                          size_t n, struct failure *f)
{
    struct lane_dir *dir = NULL;
    const enum outcome result = writer_of(b, lane, &dir, f);
    return result == OK ? writer_begin(dir, r, n, f) : result;
}

static enum outcome embedded_append_end(struct bus *b, struct lane lane, struct failure *f)
{
    struct lane_dir *dir = NULL;
    const enum outcome result = writer_of(b, lane, &dir, f);
    return result == OK ? writer_end(dir, f) : result;
}

static enum outcome embedded_ends(struct bus *b, struct arena *a, enum stream stream,
                                  struct lane_ends **out, size_t *n, struct failure *f)
{
    struct embedded *const e = b->state;
    const enum outcome result = lane_dirs_look(b->arena, e, f);
    *out = arena_array(a, struct lane_ends, e->dirs_n);
    *n = 0;
    for (size_t i = 0; result == OK && i < e->dirs_n; i++) {
        const struct lane_dir *const d = e->dir[i];
        if (d->lane.stream == stream) {
            (*out)[(*n)++] = (struct lane_ends){d->lane, {d->page->begin}, {d->page->mark}};
        }
    }
    return result;
}

static enum outcome embedded_look(struct bus *b, struct slice *slice, size_t bytes_max,
                                  struct arena *a, struct failure *f)
{
    struct view v;
    struct lane_dir *dir = NULL;
    enum outcome result = lane_dir_find(b->arena, b->state, slice->lane, &dir, f);
    if (result == OK && !dir) {
        slice->to = slice->from;
        return slice->from.at == 0
                   ? OK
                   : failed(f, STOP, "there is no lane %s/%.*s", stream_name(slice->lane.stream),
                            STR_ARG(slice->lane.name));
    }
    if (result == OK) {
        view_open(&v, dir);
        result = view_read(&v, slice, bytes_max, a, f);
        view_close(&v);
    }
    return result;
}

static enum outcome embedded_passed(struct bus *b, struct lane lane, struct position at,
                                    struct failure *f)
{
    struct embedded *const e = b->state;
    struct lane_dir *dir = NULL;
    const enum outcome result = lane_dir_find(b->arena, e, lane, &dir, f);
    if (result != OK || !dir) {
        return result;
    }
    const uint64_t to = at.at < dir->page->mark ? at.at : dir->page->mark;
    const uint64_t from = dir->page->passed;
    if (to > from) {
        dir->page->passed = to;
        if (lane.stream != STREAM_DEAD) {
            e->page->unread_bytes -= to - from;
        }
    }
    return OK;
}

/* The size of a trimmed file that is worth keeping for a segment to come; 0 where four of them a
 * lane would take much of what the bus may. */
static uint64_t spare_bytes(const struct config_bus *config)
{
    enum { LEAST_SEGMENTS = 64 };
    const bool is_small = config->disk_bytes_max / LEAST_SEGMENTS < config->segment_bytes;
    return is_small ? 0 : config->segment_bytes;
}

/* Whole segments before keep_from, but never the one that holds the last group. */
static enum outcome trim_segments(const struct embedded *e, struct lane_dir *dir,
                                  uint64_t keep_from, struct failure *f)
{
    struct arena a;
    struct segments s;
    arena_init(&a, LOOK_BYTES_MAX);
    enum outcome result = segments_list(&a, dir->path, &s, f);
    const uint64_t last = dir->page->last;
    const uint64_t most = keep_from < last ? keep_from : last;
    size_t n = 0;
    while (result == OK && n + 1 < s.n && s.first[n + 1] <= most) {
        n++;
    }
    if (n > 0) {
        /* first: a reader that finds the file changed looks here */
        page_set_begin(dir->page, s.first[n]);
        FAILPOINT("bus.trim.begin");
        result = page_sync(dir->page, sizeof *dir->page, f); /* or recovery would miss them */
    }
    for (size_t i = 0; result == OK && i < n; i++) {
        result = segment_retire(dir->path, s.first[i], spare_bytes(e->config), f);
        FAILPOINT("bus.trim.retired");
    }
    dir->page->segments++;
    arena_close(&a);
    return result;
}

static enum outcome embedded_trim(struct bus *b, struct lane lane, struct position keep_from,
                                  struct failure *f)
{
    struct embedded *const e = b->state;
    struct lane_dir *dir = NULL;
    enum outcome result = lane_dir_find(b->arena, e, lane, &dir, f);
    if (result != OK || !dir || keep_from.at <= dir->page->begin) {
        return result;
    }
    result = trim_segments(e, dir, keep_from.at, f);
    return result == OK ? embedded_passed(b, lane, (struct position){dir->page->begin}, f) : result;
}

/* Segments are looked at from the newest back: the first whose first group is old enough. */
static enum outcome older_segment(struct view *v, int64_t time_us, struct position *out,
                                  struct failure *f)
{
    struct arena a;
    struct segments s;
    arena_init(&a, LOOK_BYTES_MAX);
    enum outcome result = segments_list(&a, v->dir->path, &s, f);
    for (size_t i = s.n; result == OK && i-- > 0;) {
        struct group g;
        if (s.first[i] >= v->dir->page->mark || s.first[i] < v->dir->page->begin) {
            continue;
        }
        result = view_group(v, s.first[i], &a, &g, f);
        if (result == OK && g.bytes && g.time_us < time_us) {
            *out = (struct position){s.first[i]};
            break;
        }
    }
    arena_close(&a);
    return result;
}

static enum outcome embedded_older(struct bus *b, struct lane lane, int64_t time_us,
                                   struct position *out, struct failure *f)
{
    struct view v;
    struct lane_dir *dir = NULL;
    enum outcome result = lane_dir_find(b->arena, b->state, lane, &dir, f);
    *out = (struct position){0};
    if (result == OK && dir) {
        view_open(&v, dir);
        result = older_segment(&v, time_us, out, f);
        view_close(&v);
    }
    return result;
}

/* The oldest segment, unless the last group is in it. */
static enum outcome oldest_segment(struct view *v, struct position *out, int64_t *time_us,
                                   struct failure *f)
{
    struct arena a;
    struct segments s;
    struct group g;
    arena_init(&a, LOOK_BYTES_MAX);
    enum outcome result = segments_list(&a, v->dir->path, &s, f);
    size_t next = 0;
    while (next < s.n && s.first[next] <= v->dir->page->begin) {
        next++;
    }
    if (result == OK && next < s.n && s.first[next] <= v->dir->page->last) {
        *out = (struct position){s.first[next]};
        result = view_group(v, out->at, &a, &g, f);
        *time_us = g.time_us;
    }
    arena_close(&a);
    return result;
}

static enum outcome embedded_oldest(struct bus *b, struct lane lane, struct position *out,
                                    int64_t *time_us, struct failure *f)
{
    struct view v;
    struct lane_dir *dir = NULL;
    enum outcome result = lane_dir_find(b->arena, b->state, lane, &dir, f);
    *out = (struct position){0};
    if (result == OK && dir) {
        view_open(&v, dir);
        result = oldest_segment(&v, out, time_us, f);
        view_close(&v);
    }
    return result;
}

/* How many records stand before the oldest group that is kept. */
static enum outcome records_before(struct lane_dir *dir, uint64_t *out, struct failure *f)
{
    struct view v;
    struct arena a;
    struct group g;
    const uint64_t begin = dir->page->begin;
    *out = 0;
    if (begin == 0 || begin >= dir->page->mark) {
        return OK;
    }
    view_open(&v, dir);
    arena_init(&a, LOOK_BYTES_MAX);
    const enum outcome result = view_group(&v, begin, &a, &g, f);
    *out = g.records_before;
    arena_close(&a);
    view_close(&v);
    return result;
}

static enum outcome embedded_size(struct bus *b, struct lane lane, struct bus_size *out,
                                  struct failure *f)
{
    struct lane_dir *dir = NULL;
    uint64_t before = 0;
    *out = (struct bus_size){0};
    enum outcome result = lane_dir_find(b->arena, b->state, lane, &dir, f);
    if (result != OK || !dir) {
        return result;
    }
    result = records_before(dir, &before, f);
    const struct lane_page *const page = dir->page;
    const uint64_t mark = page->mark;
    *out = (struct bus_size){.signals = page->records - before,
                             .trimmed = before,
                             .bytes = mark - page->begin,
                             .unread_bytes = mark - page->passed};
    return result;
}

static uint64_t embedded_lag(struct bus *b, struct lane lane, struct position at)
{
    struct failure ignored; /* a folder that can't be read: not known */
    struct lane_dir *dir = NULL;
    if (lane_dir_find(b->arena, b->state, lane, &dir, &ignored) != OK) {
        return UINT64_MAX;
    }
    const uint64_t mark = dir ? dir->page->mark : 0;
    return mark > at.at ? mark - at.at : 0;
}

static enum outcome mend_lane(struct lane_dir *dir, struct finding_to report, struct failure *f)
{
    uint64_t suspect = dir->page->suspect;
    if (suspect == 0) {
        return OK;
    }
    const enum outcome result = lane_mend(dir, suspect - 1, f);
    if (result != OK) {
        return result;
    }
    /* A lower one that was met meanwhile stays; a higher one will be met again. */
    (void)atomic_compare_exchange_strong(&dir->page->suspect, &suspect, 0);
    return quarantine_tell(dir, report, f);
}

static enum outcome embedded_mend(struct bus *b, struct finding_to report, struct failure *f)
{
    struct embedded *const e = b->state;
    enum outcome result = lane_dirs_look(b->arena, e, f);
    for (size_t i = 0; i < e->dirs_n; i++) {
        struct failure one;
        if (mend_lane(e->dir[i], report, &one) != OK) {
            *f = one;
            result = RETRY;
        }
    }
    return result;
}

static enum outcome embedded_verify(struct bus *b, struct finding_to report, struct failure *f)
{
    struct embedded *const e = b->state;
    enum outcome result = lane_dirs_look(b->arena, e, f);
    for (size_t i = 0; result == OK && i < e->dirs_n; i++) {
        result = lane_verify(e->dir[i], report, f);
    }
    return result;
}

/* ---- a copy ---- */

/* Its segments up to the durable mark: what is being written behind it stays out. The page is left
 * out, too: recovery makes it anew. */
static enum outcome copy_lane(struct arena *a, const struct lane_dir *dir, struct copy_to to,
                              struct failure *f)
{
    struct segments s;
    const uint64_t mark = dir->page->mark;
    const char *const name =
        arena_printf(a, "%s/%.*s", stream_name(dir->lane.stream), STR_ARG(dir->lane.name)).at;
    enum outcome result = segments_list(a, dir->path, &s, f);
    for (size_t i = 0; i < s.n && result == OK; i++) {
        const uint64_t first = s.first[i];
        if (first < mark) {
            result = to.file(to.to, segment_path(a, dir->path, first),
                             str_of(segment_path(a, name, first)),
                             SEGMENT_HEAD_BYTES + (mark - first), f);
        }
    }
    return result;
}

static enum outcome embedded_copy(struct bus *b, enum stream stream, struct copy_to to,
                                  struct failure *f)
{
    struct arena a;
    struct embedded *const e = b->state;
    enum outcome result = lane_dirs_look(b->arena, e, f);
    arena_init(&a, LOOK_BYTES_MAX);
    for (size_t i = 0; i < e->dirs_n && result == OK; i++) {
        if (e->dir[i]->lane.stream == stream) {
            result = copy_lane(&a, e->dir[i], to, f);
            arena_reset(&a);
        }
    }
    if (result == OK && stream == STREAM_RAW) {
        result = to.file(to.to, arena_printf(&a, "%s/id", e->path).at, S("id"), UINT64_MAX, f);
    }
    arena_close(&a);
    return result;
}

/* ---- recovery before anyone runs ---- */

static enum outcome recover_lane(struct embedded *e, struct lane_dir *dir, struct finding_to report,
                                 struct failure *f)
{
    struct arena a;
    struct lane_tail t;
    const bool is_full = dir->page->suspect != 0 || page_committed(dir->page) == 0;
    const int fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return failed_errno(f, STOP, "open folder %s", dir->path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return failed(f, STOP, "%s is being written by process %d: stop it first", dir->path,
                      dir->page->writer_pid);
    }
    arena_init(&a, SIZE_MAX / 2);
    enum outcome result = lane_recover(&a, dir, is_full, report, &t, f);
    if (result == OK) {
        dir->page->passed = dir->page->passed <= t.end ? (uint64_t)dir->page->passed : t.begin;
        dir->page->mark = (uint64_t)dir->page->passed; /* nothing of it is counted as unread yet */
        page_set_begin(dir->page, t.begin);            /* nobody trims: what is found is right */
        lane_publish(e, dir, &t);
        dir->page->suspect = 0;
    }
    if (result == OK) {
        result = quarantine_tell(dir, report, f);
    }
    arena_close(&a);
    close(fd);
    return result;
}

static enum outcome embedded_recover(const void *options, struct finding_to report,
                                     struct failure *f)
{
    struct arena a;
    struct embedded e = {0};
    char id[BUS_ID_BYTES];
    arena_init(&a, LOOK_BYTES_MAX);
    enum outcome result = bus_dir_open(&a, options, &e, id, f);
    if (result == OK) {
        e.page->unread_bytes = 0;
        e.page->waiters = 0;
        result = lane_dirs_look(&a, &e, f);
    }
    for (size_t i = 0; result == OK && i < e.dirs_n; i++) {
        result = recover_lane(&e, e.dir[i], report, f);
    }
    bus_dir_close(&e);
    arena_close(&a);
    return result;
}

const struct bus_driver bus_embedded = {
    .name = "embedded",
    .state_bytes = sizeof(struct embedded),
    .reader_state_bytes = sizeof(struct embedded_reader),
    .record_bytes_max = RECORD_BYTES_MAX,
    .recover = embedded_recover,
    .open = embedded_open,
    .close = embedded_close,
    .lane_make = embedded_lane_make,
    .append = embedded_append,
    .append_begin = embedded_append_begin,
    .append_end = embedded_append_end,
    .ends = embedded_ends,
    .look = embedded_look,
    .passed = embedded_passed,
    .trim = embedded_trim,
    .older = embedded_older,
    .oldest = embedded_oldest,
    .size = embedded_size,
    .lag = embedded_lag,
    .mend = embedded_mend,
    .verify = embedded_verify,
    .copy = embedded_copy,
    .reader = &embedded_reader_driver,
};
