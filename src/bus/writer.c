#include "bus/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/os.h"
#include "bus/recover.h"
#include "bus/segment.h"

enum {
    GROUP_BYTES_MAX_GIB = 4,
    KEEP_BYTES = 8 * 1024 * 1024, /* a larger group's memory is given back after it; a smaller one's
                                     is kept: fresh pages for each cost more than its checksums */
    ROUND_BYTES = 1024 * 1024,    /* of a buffer, so that the next group of its size fits too */
    STEP_SHARE = 8 /* raw lanes leave 1/8 of the budget to the steps that will free them */
};

/* Where the dead letters of the last group came from: an unfinished step is written again. */
struct origins {
    struct origin_at {
        uint64_t at;
        uint32_t part;
        uint64_t position;
    } *seen;
    size_t n;
};

struct writer {
    struct embedded *bus;
    int lock_fd;
    struct segment segment;
    bool is_sealed; /* the next group begins a segment of its own */
    bool is_begun;  /* a group is on its way to the disk          */
    struct group begun;
    uint64_t end, records;
    struct arena arena; /* of the group being written             */
    struct buf buf;
    struct arena origins_arena;
    struct origins origins;
};

/* Of a torn end nothing was acknowledged, and who keeps the bus tells what was set aside. */
static void no_report(void *to, const struct finding *finding)
{
    (void)to, (void)finding;
}

static enum outcome lock(struct writer *w, const struct lane_dir *dir, struct failure *f)
{
    w->lock_fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w->lock_fd < 0) {
        return failed_errno(f, STOP, "open folder %s", dir->path);
    }
    if (flock(w->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        dir->page->writer_pid = (int32_t)getpid();
        return OK;
    }
    if (errno != EWOULDBLOCK) {
        return failed_errno(f, STOP, "lock %s", dir->path);
    }
    (void)failed(f, STOP, "%s is being written by process %d: a lane has one writer", dir->path,
                 dir->page->writer_pid);
    f->cause = CAUSE_FENCED;
    return STOP;
}

/* ---- dead letters written again ---- */

static void origins_add(struct writer *w, const struct record *r)
{
    struct origins *const o = &w->origins;
    o->seen[o->n++] = (struct origin_at){r->origin.at.at, r->origin.part, r->at.at};
}

static void origins_reset(struct writer *w, size_t n)
{
    arena_reset(&w->origins_arena);
    w->origins = (struct origins){.seen = arena_array(&w->origins_arena, struct origin_at, n)};
}

static void origins_read(struct writer *w, const struct lane_tail *t)
{
    uint64_t done = 0;
    origins_reset(w, t->last.n);
    while (done < t->content.len && w->origins.n < t->last.n) {
        const uint64_t at = t->last.position + done;
        const struct item item = item_read(str_sub(t->content, done, t->content.len),
                                           t->last.generation, at);
        if (item.kind == ITEM_BAD || item.kind == ITEM_SHORT) {
            return;
        }
        if (item.kind == ITEM_FRAME && item.origin.lane.name.len) {
            const struct record r = {.at = {at}, .origin = item.origin};
            origins_add(w, &r);
        }
        done += item.bytes;
    }
}

static const struct origin_at *origins_find(const struct writer *w, const struct origin *o)
{
    for (size_t i = 0; o->lane.name.len && i < w->origins.n; i++) {
        const struct origin_at *const seen = &w->origins.seen[i];
        if (seen->at == o->at.at && seen->part == o->part) {
            return seen;
        }
    }
    return NULL;
}

/* ---- open ---- */

static void group_arena_open(struct writer *w)
{
    arena_init(&w->arena, (size_t)GROUP_BYTES_MAX_GIB << 30);
    w->arena.keep_bytes = KEEP_BYTES;
}

void lane_publish(struct embedded *e, const struct lane_dir *dir, const struct lane_tail *t)
{
    struct lane_page *const page = dir->page;
    const bool is_counted = dir->lane.stream != STREAM_DEAD;
    const uint64_t old_unread = page->mark - page->passed;
    if (page->begin < t->begin) { /* trimmed while this looked: it stays there */
        page_set_begin(page, t->begin);
    }
    page->last = t->has_group ? t->last.position : t->end;
    page->records = t->records;
    if (page->passed < t->begin || page->passed > t->end) {
        page->passed = t->begin;
    }
    page_set_mark(page, t->end);
    page->segments++;
    if (is_counted) {
        e->page->unread_bytes += t->end - page->passed - old_unread;
    }
    bus_page_wake(e->page, STREAM_BIT(dir->lane.stream));
}

/* The generation goes on should the segment's head be lost. */
static void note_segment(const struct writer *w, const struct lane_dir *dir)
{
    dir->page->open_first = UINT64_MAX; /* never the one with the other's */
    dir->page->open_generation = w->segment.generation;
    dir->page->open_first = w->segment.first;
}

static enum outcome open_tail(struct writer *w, struct lane_dir *dir, struct failure *f)
{
    struct arena a;
    struct lane_tail t;
    const struct finding_to report = {.found = no_report};
    arena_init(&a, (size_t)GROUP_BYTES_MAX_GIB << 30);
    enum outcome result = lane_recover(&a, dir, false, report, &t, f);
    if (result == OK) {
        lane_publish(w->bus, dir, &t);
        w->end = t.end;
        w->records = dir->page->records;
        w->is_sealed = !t.has_segment;
        if (t.is_mended) {
            lane_suspect(dir, t.mended_at); /* who keeps the bus tells it */
        }
        if (dir->lane.stream == STREAM_DEAD && t.has_group) {
            origins_read(w, &t);
        }
    }
    if (result == OK && t.has_segment) {
        result = segment_open(dir->path, t.segment, true, &w->segment, f);
        note_segment(w, dir);
    }
    arena_close(&a);
    return result;
}

enum outcome writer_open(struct arena *a, struct embedded *e, struct lane_dir *dir,
                         struct failure *f)
{
    struct writer *const w = arena_new(a, struct writer);
    *w = (struct writer){.bus = e, .lock_fd = -1, .segment = {.fd = -1}};
    group_arena_open(w);
    arena_init(&w->origins_arena, (size_t)GROUP_BYTES_MAX_GIB << 30);
    dir->writer = w;
    enum outcome result = lock(w, dir, f);
    if (result == OK) {
        result = open_tail(w, dir, f);
    }
    if (result != OK) {
        writer_close(dir);
    }
    return result;
}

void writer_close(struct lane_dir *dir)
{
    struct writer *const w = dir->writer;
    if (!w) {
        return;
    }
    segment_close(&w->segment);
    arena_close(&w->arena);
    arena_close(&w->origins_arena);
    if (w->lock_fd >= 0) {
        close(w->lock_fd); /* unlocks */
    }
    dir->writer = NULL;
}

/* ---- append ---- */

static uint64_t room_in(const struct writer *w)
{
    const uint64_t used = SEGMENT_HEAD_BYTES + w->end - w->segment.first;
    const bool is_open = w->segment.fd >= 0 && !w->is_sealed;
    return is_open && w->segment.bytes > used ? w->segment.bytes - used : 0;
}

/* The first ones are small, so that an idle lane is; then they grow to the configured size. */
static uint64_t next_bytes(const struct writer *w)
{
    const uint64_t full = w->bus->config->segment_bytes;
    const uint64_t last = w->segment.bytes;
    const uint64_t grown = last < SEGMENT_FIRST_BYTES / SEGMENT_GROWTH ? SEGMENT_FIRST_BYTES
                                                                       : last * SEGMENT_GROWTH;
    return grown < full ? grown : full;
}

static enum outcome roll(struct writer *w, struct lane_dir *dir, uint64_t bytes, struct failure *f)
{
    struct segment next;
    const uint64_t wished = next_bytes(w);
    const uint64_t last_bytes = w->segment.bytes;
    segment_close(&w->segment);
    w->is_sealed = true;
    const enum outcome result = segment_begin(dir->path, w->end, bytes, wished, &next, f);
    if (result != OK) {
        w->segment.bytes = last_bytes;
        return result;
    }
    FAILPOINT("bus.append.rolled");
    w->segment = next;
    w->is_sealed = false;
    note_segment(w, dir);
    dir->page->segments++; /* before the mark moves into it: readers look in this order */
    return OK;
}

/* Of what steps wrote. */
static uint64_t unread_of_steps(const struct embedded *e)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < e->dirs_n; i++) {
        const struct lane_page *const page = e->dir[i]->page;
        sum += e->dir[i]->lane.stream == STREAM_STANDARD ? page->mark - page->passed : 0;
    }
    return sum;
}

/* What may wait to be read when the lane is written to. */
static uint64_t budget_of(const struct writer *w, const struct lane_dir *dir)
{
    const uint64_t all = w->bus->config->disk_bytes_max;
    return dir->lane.stream == STREAM_RAW ? all - all / STEP_SHARE : all;
}

/* A record that is larger than all of the budget fits in at no time; a group that is can be sent in
 * parts, by whoever sends it. */
static enum outcome reject_large(const struct writer *w, const struct lane_dir *dir,
                                 const struct record *r, size_t n, struct failure *f)
{
    const uint64_t most = budget_of(w, dir);
    for (size_t i = 0; i < n; i++) {
        const size_t bytes = bus_bytes_bound(&r[i].signal);
        if (bytes > most) {
            (void)failed(f, REJECT,
                         "the signal has %zu bytes, and bus.disk_max allows %" PRIu64
                         " here: raise it, or send less at once",
                         bytes, most);
            f->record = i;
            return REJECT;
        }
    }
    if (w->begun.bytes > most) {
        (void)failed(f, RETRY,
                     "%zu signals have %" PRIu64 " bytes together, and bus.disk_max allows %" PRIu64
                     " here: raise it, or send less at once",
                     n, w->begun.bytes, most);
        f->cause = CAUSE_LARGE;
    }
    return RETRY;
}

/* While only raw signals wait to be read, none but a step can make room: it may not wait for
 * itself, whatever its size. So the budget is exceeded by one step at most. */
static enum outcome check_budget(const struct writer *w, const struct lane_dir *dir, bool is_step,
                                 struct failure *f)
{
    const uint64_t all = w->bus->config->disk_bytes_max;
    const uint64_t most = budget_of(w, dir);
    const uint64_t unread = w->bus->page->unread_bytes;
    if (dir->lane.stream == STREAM_DEAD || all == 0 || unread + w->begun.bytes <= most ||
        (is_step && unread_of_steps(w->bus) == 0)) {
        return OK;
    }
    (void)failed(f, RETRY,
                 "the bus is full: %" PRIu64 " bytes wait to be read, bus.disk_max allows %" PRIu64
                 " here; see `weir status` for the stage that is behind",
                 unread, most);
    f->cause = CAUSE_FULL;
    return RETRY;
}

/* Somebody removed the file: what is written to it is gone when it is closed. */
static bool is_removed(const struct writer *w)
{
    struct stat st;
    return fstat(w->segment.fd, &st) == 0 && st.st_nlink == 0;
}

static off_t group_offset(const struct writer *w)
{
    return (off_t)(SEGMENT_HEAD_BYTES + w->end - w->segment.first);
}

static enum outcome write_group(const struct writer *w, const struct lane_dir *dir,
                                struct failure *f)
{
    FAILPOINT("bus.append.write");
    return failpoint_fails("bus.append.write.fail")
               ? failed(f, RETRY, "write %s: failpoint", dir->path)
               : file_write_at(w->segment.fd, buf_str(&w->buf), group_offset(w), f);
}

static enum outcome sync_group(struct writer *w, const struct lane_dir *dir, struct failure *f)
{
    FAILPOINT("bus.append.written");
    enum outcome result = failpoint_fails("bus.append.sync.fail")
                              ? failed(f, RETRY, "sync %s: failpoint", dir->path)
                              : file_sync(w->segment.fd, dir->path, f);
    if (result == OK && is_removed(w)) {
        result = failed(f, RETRY,
                        "%s: segment %020" PRIu64
                        " was removed while weir wrote it; the next group goes to a new one",
                        dir->path, w->segment.first);
    }
    w->is_sealed |= result != OK;
    FAILPOINT("bus.append.synced");
    return result;
}

static void publish(struct writer *w, const struct lane_dir *dir, const struct group *g)
{
    struct lane_page *const page = dir->page;
    w->end += g->bytes;
    w->records += g->n;
    page->last = g->position;
    page->records = w->records;
    page_set_mark(page, w->end);
    FAILPOINT("bus.append.published");
    if (dir->lane.stream != STREAM_DEAD) {
        w->bus->page->unread_bytes += g->bytes;
    }
    bus_page_wake(w->bus->page, STREAM_BIT(dir->lane.stream));
}

/* Without the records that the last group holds. Their positions are set. */
static struct record *without_repeated(struct writer *w, struct record *r, size_t *n)
{
    struct record *const left = arena_array(&w->arena, struct record, *n);
    size_t left_n = 0;
    for (size_t i = 0; i < *n; i++) {
        const struct origin_at *const seen = origins_find(w, &r[i].origin);
        if (seen) {
            r[i].at = (struct position){seen->position};
        } else {
            left[left_n++] = r[i];
        }
    }
    *n = left_n;
    return left;
}

/* Positions of what was written, back to the caller's records, in order. */
static void positions_back(const struct writer *w, struct record *r, size_t n,
                           const struct record *written)
{
    for (size_t i = 0; i < n; i++) {
        if (!origins_find(w, &r[i].origin)) {
            r[i].at = (written++)->at;
        }
    }
}

static void encode(struct writer *w, struct group *g, struct record *r, size_t n,
                   const struct group_step *step)
{
    size_t bound = GROUP_HEAD_BYTES;
    *g = (struct group){
        .position = w->end, .records_before = w->records, .time_us = clock_now_us()};
    for (size_t i = 0; i < n; i++) {
        bound += bus_bytes_bound(&r[i].signal) + FRAME_HEAD_BYTES + LANE_NAME_BYTES_MAX;
    }
    if (bound > ROUND_BYTES) {
        bound += ROUND_BYTES - bound % ROUND_BYTES;
    }
    buf_init(&w->buf, &w->arena, SIZE_MAX / 2);
    (void)buf_take(&w->buf, bound); /* at once, or it would grow by copying */
    buf_reset(&w->buf);
    group_write(&w->buf, g, step, r, n);
    assert(!buf_is_over(&w->buf));
}

/* Kept for the next group, unless it was a large one. */
static void forget_group(struct writer *w)
{
    if (w->arena.held_bytes > KEEP_BYTES) {
        arena_close(&w->arena);
        group_arena_open(w);
    }
    arena_reset(&w->arena);
}

static enum outcome begin_group(struct lane_dir *dir, struct record *r, size_t n,
                                const struct group_step *step, struct failure *f)
{
    struct writer *const w = dir->writer;
    assert(!w->is_begun);
    encode(w, &w->begun, r, n, step);
    enum outcome result = check_budget(w, dir, step != NULL, f);
    if (result == RETRY && !step) {
        result = reject_large(w, dir, r, n, f);
    }
    if (result == OK && room_in(w) < w->begun.bytes) {
        result = roll(w, dir, w->begun.bytes, f);
    }
    if (result == OK) {
        group_seal(w->buf.at, w->buf.len, w->segment.generation);
        result = write_group(w, dir, f);
    }
    return result;
}

static enum outcome end_group(struct lane_dir *dir, struct failure *f)
{
    struct writer *const w = dir->writer;
    const enum outcome result = sync_group(w, dir, f);
    if (result == OK) {
        publish(w, dir, &w->begun);
    }
    if (result == OK && room_in(w) < w->segment.bytes / 2) {
        segment_prepare(dir->path, next_bytes(w));
    }
    return result;
}

enum outcome writer_begin(struct lane_dir *dir, struct record *r, size_t n, struct failure *f)
{
    struct writer *const w = dir->writer;
    const enum outcome result = begin_group(dir, r, n, NULL, f);
    if (result == OK) {
        os_write_back(w->segment.fd, group_offset(w), (off_t)w->begun.bytes);
    }
    forget_group(w);
    w->is_begun = result == OK;
    return result;
}

enum outcome writer_end(struct lane_dir *dir, struct failure *f)
{
    assert(dir->writer->is_begun);
    dir->writer->is_begun = false;
    return end_group(dir, f);
}

enum outcome writer_append(struct lane_dir *dir, struct record *r, size_t n,
                           const struct group_step *step, struct failure *f)
{
    struct writer *const w = dir->writer;
    struct record *left = r;
    size_t left_n = n;
    enum outcome result = OK;
    if (dir->lane.stream == STREAM_DEAD && !step) {
        left = without_repeated(w, r, &left_n);
    }
    if (left_n > 0 || step) {
        result = begin_group(dir, left, left_n, step, f);
        result = result == OK ? end_group(dir, f) : result;
    }
    if (result == OK && left != r && left_n > 0) {
        positions_back(w, r, n, left);
        origins_reset(w, left_n);
        for (size_t i = 0; i < left_n; i++) {
            if (left[i].origin.lane.name.len) {
                origins_add(w, &left[i]);
            }
        }
    }
    forget_group(w);
    return result;
}
