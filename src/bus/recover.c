#include "bus/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/os.h"
#include "bus/quarantine.h"
#include "bus/scan.h"
#include "bus/segment.h"

/* A segment is read into memory as a whole: its size is the configuration's, or one group's. */
enum { SCAN_BYTES_MAX_GIB = 8, HEAD_BYTES_MAX = 64 * 1024 };
#define HOLE_BYTES_MAX (UINT64_C(1) << 30) /* a void's length is a 32-bit number */
#define GONE_BYTES_MAX (UINT64_C(1) << 36) /* more was never lost behind a lane's last segment */

struct recovery {
    const struct lane_dir *dir;
    struct finding_to report;
    bool is_writing; /* false: verify, which changes nothing */
    struct lane_tail *tail;
    struct arena *arena;  /* what the tail points to           */
    struct arena scratch; /* one segment at a time             */
    uint64_t start;       /* a group that the page knows: what stands before it is read only if
                             is_full, since it was whole once and its readers check it */
    uint64_t committed;   /* the page's mark: it moves after the sync, so what stands before it was
                             durable once, whatever stands there now */
    bool is_mended;       /* something was set aside, at last at mended_at */
    uint64_t mended_at;
    uint64_t count;   /* records before the place where the walk is; UNKNOWN */
    uint64_t suspect; /* mend: the position where a reader met something */
};

#define UNKNOWN UINT64_MAX

/* One segment while it is being looked at. */
struct patient {
    struct scan scan;
    const char *path;
    uint64_t limit;      /* what was committed ends here; UINT64_MAX: found by looking */
    int fd;              /* for writing; -1: verify */
    uint64_t end;        /* of what the walk has gone over */
    bool is_behind_hole; /* what stands there follows bytes that were set aside */
};

static void tell(const struct recovery *v, enum finding_kind kind, uint64_t at, uint64_t bytes,
                 const char *path)
{
    const struct finding finding = {.kind = kind,
                                    .lane = v->dir->lane,
                                    .at = {at},
                                    .bytes = bytes,
                                    .signals = UNKNOWN,
                                    .path = str_of(path)};
    v->report.found(v->report.to, &finding);
}

/* Keep the damaged bytes in a file of their own, then write a void frame over their beginning. */
static enum outcome set_aside(struct recovery *v, const struct patient *p, const struct hole *hole,
                              struct failure *f)
{
    char head[FRAME_HEAD_BYTES];
    if (!v->is_writing) {
        tell(v, FINDING_DAMAGED, hole->at, hole->bytes, p->path);
        return OK;
    }
    if (hole->bytes < FRAME_HEAD_BYTES) {
        return failed(f, STOP,
                      "%s: %" PRIu64 " damaged bytes at %" PRIu64
                      " can't be set aside: move the file away by hand",
                      p->path, hole->bytes, hole->at);
    }
    const struct str bytes = scan_bytes(&p->scan, hole->at, hole->at + hole->bytes);
    enum outcome result = quarantine_keep(&v->scratch, v->dir, hole, bytes, f);
    if (result != OK) {
        return result;
    }
    void_write(head, hole->bytes, p->scan.generation, hole->at);
    result = file_write_at(p->fd, (struct str){head, sizeof head},
                           (off_t)(SEGMENT_HEAD_BYTES + hole->at - p->scan.first), f);
    FAILPOINT("bus.recover.voided");
    if (result == OK) {
        scan_patch(&p->scan, hole->at, (struct str){head, sizeof head});
        v->is_mended = true;
        v->mended_at = hole->at;
    }
    return result;
}

/* How many records stand before the segment that begins at `first`; UNKNOWN when it can't tell. */
static uint64_t records_before(struct recovery *v, uint64_t first)
{
    struct segment s;
    struct failure ignored; /* damaged as well: not known */
    uint64_t n = UNKNOWN;
    if (segment_open(v->dir->path, first, false, &s, &ignored) != OK) {
        return UNKNOWN;
    }
    char *const head = arena_alloc(&v->scratch, 1, HEAD_BYTES_MAX);
    const ssize_t got = pread(s.fd, head, HEAD_BYTES_MAX, SEGMENT_HEAD_BYTES);
    const struct item item = item_read((struct str){head, got > 0 ? (size_t)got : 0}, s.generation,
                                       first);
    if (item.kind == ITEM_GROUP) {
        n = item.group.records_before;
    }
    segment_close(&s);
    return n;
}

/* Records that were in [from, to), by the heads around it, and are not valid there any more. `to`
 * is a valid group's head, or the end of what was committed in this segment. */
static uint64_t records_lost(struct recovery *v, const struct patient *p, uint64_t from,
                             uint64_t to)
{
    const struct item at_from = scan_item(&p->scan, from, p->limit);
    const struct item at_to = scan_item(&p->scan, to, p->limit);
    const uint64_t before = v->count != UNKNOWN          ? v->count
                            : at_from.kind == ITEM_GROUP ? at_from.group.records_before
                                                         : UNKNOWN;
    const uint64_t after = at_to.kind == ITEM_GROUP ? at_to.group.records_before
                           : to == v->committed     ? (uint64_t)v->dir->page->records
                                                    : records_before(v, to);
    uint64_t valid = 0;
    while (from < to) {
        const struct item item = scan_item(&p->scan, from, to);
        valid += item.kind == ITEM_FRAME;
        from = item.kind == ITEM_BAD ? scan_next(&p->scan, from, to, false) : from + item.bytes;
    }
    return before == UNKNOWN || after == UNKNOWN || after < before + valid ? UNKNOWN
                                                                           : after - before - valid;
}

/* Everything in [from, to) was committed: set aside what is not valid in it. */
static enum outcome heal(struct recovery *v, const struct patient *p, uint64_t from, uint64_t to,
                         struct failure *f)
{
    uint64_t group_end = from;
    struct hole hole = {.signals = v->is_writing ? records_lost(v, p, from, to) : UNKNOWN};
    while (from < to) {
        const struct item item = scan_item(&p->scan, from, to);
        if (item.kind == ITEM_GROUP) {
            group_end = from + item.group.bytes;
        }
        if (item.kind != ITEM_BAD) {
            from += item.bytes;
            continue;
        }
        /* A hole ends with its group, so that the group is whole again. */
        const bool is_inside = from < group_end && group_end <= to;
        const uint64_t next = scan_next(&p->scan, from, is_inside ? group_end : to, false);
        hole.at = from;
        hole.bytes = next - from < 2 * HOLE_BYTES_MAX ? next - from : HOLE_BYTES_MAX;
        const enum outcome result = set_aside(v, p, &hole, f);
        if (result != OK) {
            return result;
        }
        hole.signals = 0; /* the first told those of all */
        from += hole.bytes;
    }
    return OK;
}

static void note_group(struct recovery *v, const struct patient *p, const struct group *g)
{
    v->tail->has_group = true;
    v->tail->last = *g;
    v->tail->content = scan_bytes(&p->scan, g->position, g->position + g->bytes);
    v->count = g->records_before + g->n;
}

/* Where something whole follows what is not; UINT64_MAX: nothing does, and nothing has to. A blank
 * rest of a new file needs no search. */
static uint64_t sound_after(const struct recovery *v, const struct patient *p, uint64_t at)
{
    const bool is_last = p->limit == UINT64_MAX;
    const bool is_blank = is_last && !p->scan.is_recycled && scan_torn(&p->scan, at) == 0;
    const uint64_t next = is_blank || at >= p->limit ? p->limit
                                                     : scan_next(&p->scan, at, p->limit, true);
    return next == UINT64_MAX && at < v->committed ? v->committed : next;
}

/* The segment's first position, or a group behind it that the page knows to be whole. */
static uint64_t walk_from(const struct recovery *v, const struct patient *p)
{
    struct group g;
    const bool is_inside = v->start > p->scan.first && v->start < scan_end(&p->scan);
    return is_inside && group_is_whole(scan_bytes(&p->scan, v->start, p->limit), p->scan.generation,
                                       v->start, &g)
               ? v->start
               : p->scan.first;
}

static void pass_hole(struct recovery *v, struct patient *p, uint64_t to)
{
    p->end = to;
    p->is_behind_hole = true;
    v->count = UNKNOWN;
}

static bool pass_group(struct recovery *v, struct patient *p)
{
    struct group g;
    if (!group_is_whole(scan_bytes(&p->scan, p->end, p->limit), p->scan.generation, p->end, &g)) {
        return false;
    }
    note_group(v, p, &g);
    p->end += g.bytes;
    p->is_behind_hole = false;
    return true;
}

/* Go over what needs no mending: a whole group; a void, which says that an earlier recovery knew
 * this to be committed; and the frames behind one, whose group's head is what was lost. */
static bool pass_sound(struct recovery *v, struct patient *p)
{
    if (pass_group(v, p)) {
        return true;
    }
    const struct item item = scan_item(&p->scan, p->end, p->limit);
    if (item.kind != ITEM_VOID && !(item.kind == ITEM_FRAME && p->is_behind_hole)) {
        return false;
    }
    pass_hole(v, p, p->end + item.bytes);
    return true;
}

/* ---- segments that are gone ---- */

/* Whole files of committed bytes are gone: told once, and each a hole in a file of its own. */
static enum outcome fill_gaps(struct recovery *v, const struct hole *gone, struct failure *f)
{
    const uint64_t to = gone->at + gone->bytes;
    if (!v->is_writing) {
        tell(v, FINDING_DAMAGED, gone->at, gone->bytes, v->dir->path);
        return OK;
    }
    if (gone->bytes < FRAME_HEAD_BYTES) {
        return failed(f, STOP, "%s: position %" PRIu64 " has no segment, and no hole fits there",
                      v->dir->path, gone->at);
    }
    enum outcome result = quarantine_keep(&v->scratch, v->dir, gone, (struct str){0}, f);
    for (uint64_t at = gone->at; result == OK && at < to;) {
        const uint64_t bytes = to - at < 2 * HOLE_BYTES_MAX ? to - at : HOLE_BYTES_MAX;
        FAILPOINT("bus.recover.gap");
        result = segment_void(v->dir->path, at, bytes, f);
        v->is_mended = true;
        v->mended_at = at;
        at += bytes;
    }
    v->dir->page->segments++;
    return result;
}

/* ---- a walk over a segment ---- */

/* Committed bytes in [p->end, next) are not valid. A hole may be longer than its file, by one
 * void's length: what is gone behind that has no file to stand in. */
static enum outcome pass_damage(struct recovery *v, struct patient *p, uint64_t next,
                                struct failure *f)
{
    const uint64_t file_end = scan_end(&p->scan);
    enum outcome result = OK;
    if (p->end > file_end) {
        const struct hole gone = {.at = p->end, .bytes = next - p->end, .signals = UNKNOWN};
        result = fill_gaps(v, &gone, f);
        pass_hole(v, p, next);
        return result;
    }
    const bool is_long = next > file_end && next - p->end >= 2 * HOLE_BYTES_MAX;
    const uint64_t to = is_long ? p->end + HOLE_BYTES_MAX : next;
    result = heal(v, p, p->end, to, f);
    if (result == OK && !pass_group(v, p)) { /* its head was not hurt: with the holes it is whole */
        pass_hole(v, p, to);
    }
    return result;
}

/* Walk the segment to its end: of what was committed, or the last whole group. */
static enum outcome walk(struct recovery *v, struct patient *p, struct failure *f)
{
    v->count = p->scan.first == 0 ? 0 : UNKNOWN;
    p->end = walk_from(v, p);
    p->is_behind_hole = false;
    while (p->end < p->limit) {
        if (pass_sound(v, p)) {
            continue;
        }
        const uint64_t next = sound_after(v, p, p->end);
        if (next == UINT64_MAX) {
            break;
        }
        const enum outcome result = pass_damage(v, p, next, f);
        if (result != OK) {
            return result;
        }
    }
    return OK;
}

/* The head was damaged: with the generation that its groups tell, or a new one for what is void. */
static enum outcome mend_head(struct recovery *v, struct patient *p, struct failure *f)
{
    char head[SEGMENT_HEAD_BYTES];
    const struct lane_page *const page = v->dir->page;
    if (p->scan.head != SCAN_MENDED && !scan_find_generation(&p->scan)) {
        /* Nothing valid is left: any would do, but the writer may be about to go on in it. */
        os_random(&p->scan.generation, sizeof p->scan.generation);
        if (page->open_first == p->scan.first && page->open_generation != 0) {
            p->scan.generation = page->open_generation;
        }
    }
    if (!v->is_writing) {
        tell(v, FINDING_DAMAGED, p->scan.first, SEGMENT_HEAD_BYTES, p->path);
        return OK;
    }
    segment_head_write(head, p->scan.generation, p->scan.first, true);
    FAILPOINT("bus.recover.head");
    return file_write_at(p->fd, (struct str){head, sizeof head}, 0, f);
}

static enum outcome examine(struct recovery *v, struct patient *p, struct failure *f)
{
    enum outcome result = OK;
    if (p->scan.head == SCAN_MENDED || p->scan.head == SCAN_DAMAGED) {
        result = mend_head(v, p, f);
    }
    if (result == OK && p->scan.head == SCAN_UNUSED) {
        /* Named, and nothing was written: right for the last one, unless more was committed. */
        const bool is_right = p->limit == UINT64_MAX && v->committed <= p->scan.first;
        os_random(&p->scan.generation, sizeof p->scan.generation);
        result = is_right ? OK : mend_head(v, p, f);
    }
    return result == OK ? walk(v, p, f) : result;
}

static enum outcome patient_open(struct recovery *v, struct patient *p, uint64_t first,
                                 uint64_t limit, struct failure *f)
{
    *p = (struct patient){
        .path = segment_path(&v->scratch, v->dir->path, first), .limit = limit, .fd = -1};
    const enum outcome result = scan_open(&v->scratch, p->path, first, &p->scan, f);
    if (result != OK || !v->is_writing) {
        return result;
    }
    p->fd = open(p->path, O_RDWR | O_CLOEXEC);
    return p->fd >= 0 ? OK : failed_errno(f, STOP, "open %s for writing", p->path);
}

/* Cut off what was begun behind the end. A segment that holds nothing goes, so that its name is
 * free for the one that will begin there. */
static enum outcome cut(struct recovery *v, const struct patient *p, bool *is_gone,
                        struct failure *f)
{
    const uint64_t torn = scan_torn(&p->scan, p->end);
    *is_gone = false;
    if (torn > 0) {
        tell(v, FINDING_TORN, p->end, torn, p->path);
    }
    if (p->end == p->scan.first) {
        *is_gone = true;
        FAILPOINT("bus.recover.remove");
        return unlink(p->path) == 0 ? file_sync_dir(v->dir->path, f)
                                    : failed_errno(f, RETRY, "remove %s", p->path);
    }
    if (torn == 0) {
        return OK;
    }
    FAILPOINT("bus.recover.cut");
    return ftruncate(p->fd, (off_t)(SEGMENT_HEAD_BYTES + p->end - p->scan.first)) == 0
               ? OK
               : failed_errno(f, RETRY, "cut %s", p->path);
}

/* The last group may be in the page cache alone, even marked clean after a sync that failed: write
 * it anew, so that the sync has something to write. */
static enum outcome settle(struct recovery *v, const struct patient *p, struct failure *f)
{
    const struct lane_tail *const t = v->tail;
    enum outcome result = OK;
    if (t->has_group && t->last.position >= p->scan.first) {
        result = file_write_at(p->fd, t->content,
                               (off_t)(SEGMENT_HEAD_BYTES + t->last.position - p->scan.first), f);
    }
    if (result == OK && failpoint_fails("bus.recover.sync")) {
        return failed(f, RETRY, "sync %s: failpoint", p->path);
    }
    return result == OK ? file_sync(p->fd, p->path, f) : result;
}

static enum outcome recover_segment(struct recovery *v, uint64_t first, uint64_t limit,
                                    bool *is_gone, struct failure *f)
{
    struct patient p;
    *is_gone = false;
    enum outcome result = patient_open(v, &p, first, limit, f);
    if (result == OK) {
        result = examine(v, &p, f);
    }
    if (result == OK && limit == UINT64_MAX) {
        v->tail->end = p.end;
        result = cut(v, &p, is_gone, f);
    }
    if (result == OK && !*is_gone) {
        result = settle(v, &p, f);
    }
    if (v->tail->has_group) {
        v->tail->content = arena_str(v->arena, v->tail->content);
    }
    if (p.fd >= 0) {
        close(p.fd);
    }
    arena_reset(&v->scratch);
    return result;
}

/* From the newest segment back to the first that holds a group; all of them if is_full. */
static enum outcome recover_back(struct recovery *v, struct segments *s, bool is_full,
                                 struct failure *f)
{
    struct lane_tail *const t = v->tail;
    uint64_t limit = UINT64_MAX;
    for (size_t i = s->n; i-- > 0;) {
        bool is_gone = false;
        struct lane_tail found = {0};
        v->tail = &found;
        const enum outcome result = recover_segment(v, s->first[i], limit, &is_gone, f);
        v->tail = t;
        if (result != OK) {
            return result;
        }
        if (!t->has_segment && !is_gone) {
            t->has_segment = true;
            t->segment = s->first[i];
        }
        t->end = limit == UINT64_MAX ? found.end : t->end;
        limit = is_gone ? UINT64_MAX : s->first[i];
        if (!t->has_group && found.has_group) {
            t->has_group = true;
            t->last = found.last;
            t->content = found.content;
        }
        if (t->has_group && !is_full) {
            break;
        }
    }
    return OK;
}

/* Who sets aside holds this lock, so that the writer's recovery and the keeper never write the same
 * hole twice. Held for the reading of some segments. */
static enum outcome healer_lock(const struct lane_dir *dir, int *out, struct failure *f)
{
    struct arena a;
    arena_init(&a, HEAD_BYTES_MAX * 2);
    const char *const path = arena_printf(&a, "%s/lane.page", dir->path).at;
    enum outcome result = OK;
    *out = open(path, O_RDONLY | O_CLOEXEC);
    if (*out < 0) {
        result = failed_errno(f, STOP, "open %s", path);
    }
    while (result == OK && flock(*out, LOCK_EX) != 0) {
        result = errno == EINTR ? OK : failed_errno(f, RETRY, "lock %s", path);
    }
    if (result != OK && *out >= 0) {
        close(*out);
    }
    arena_close(&a);
    return result;
}

/* ---- what the page says ---- */

/* Of an end that cannot be, nothing is believed: it is found as if the page had been lost. */
static void doubt(struct recovery *v, const struct segments *s)
{
    const uint64_t last = s->n ? s->first[s->n - 1] : page_kept_from(v->dir->page);
    const bool is_far = v->committed > last && v->committed - last > GONE_BYTES_MAX;
    v->committed = is_far || v->committed % ITEM_ALIGN != 0 ? 0 : v->committed;
}

static void tell_page(const struct recovery *v, uint64_t named, uint64_t end)
{
    if (named > end) {
        tell(v, FINDING_PAGE, end, named - end, v->dir->path);
    }
}

/* The lane's segments, those before the first one that is left replaced by holes. (What is missing
 * behind one is a hole in that one: heal.) `begin` is looked at after the names, since a trimmer
 * moves it before it removes. */
static enum outcome list_whole(struct recovery *v, struct arena *a, struct segments *s,
                               struct failure *f)
{
    enum outcome result = segments_list(a, v->dir->path, s, f);
    if (result != OK) {
        return result;
    }
    doubt(v, s);
    const uint64_t begin = page_kept_from(v->dir->page);
    const uint64_t to = s->n ? s->first[0] : v->committed;
    if (v->committed == 0 || begin >= to) {
        return OK;
    }
    const uint64_t after = s->n ? records_before(v, to) : (uint64_t)v->dir->page->records;
    const struct hole gone = {
        .at = begin, .bytes = to - begin, .signals = begin == 0 ? after : UNKNOWN};
    result = fill_gaps(v, &gone, f);
    return result == OK ? segments_list(a, v->dir->path, s, f) : result;
}

enum outcome lane_recover(struct arena *a, const struct lane_dir *dir, bool is_full,
                          struct finding_to report, struct lane_tail *out, struct failure *f)
{
    struct segments s;
    struct recovery v = {.dir = dir,
                         .report = report,
                         .is_writing = true,
                         .arena = a,
                         .start = is_full ? 0 : (uint64_t)dir->page->last,
                         .committed = page_committed(dir->page),
                         .tail = out};
    *out = (struct lane_tail){0};
    int lock_fd = -1;
    enum outcome result = healer_lock(dir, &lock_fd, f);
    if (result != OK) {
        return result;
    }
    arena_init(&v.scratch, (size_t)SCAN_BYTES_MAX_GIB << 30);
    result = list_whole(&v, a, &s, f);
    out->end = v.committed;
    if (result == OK) {
        result = recover_back(&v, &s, is_full, f);
    }
    arena_close(&v.scratch);
    close(lock_fd); /* unlocks */
    out->is_mended = v.is_mended;
    out->mended_at = v.mended_at;
    out->begin = s.n && s.first[0] < out->end ? s.first[0] : out->end;
    out->records = out->has_group ? out->last.records_before + out->last.n : 0;
    const bool is_whole = out->has_group && out->last.position + out->last.bytes == out->end;
    if (!is_whole && out->end == v.committed && dir->page->records > out->records) {
        out->records = dir->page->records; /* the last ones are lost, and were counted */
    }
    if (result == OK) {
        tell_page(&v, page_claimed(dir->page), out->end);
    }
    return result;
}

/* ---- mending while the lane is in use ---- */

/* Nothing is damaged, and a reader stands inside an item: tell what it loses (see view.c). */
static enum outcome tell_astray(struct recovery *v, const struct patient *p, struct failure *f)
{
    uint64_t next = 0;
    const enum item_kind kind = scan_cover(&p->scan, v->suspect, p->limit, &next);
    const bool is_astray = kind == ITEM_FRAME || kind == ITEM_GROUP;
    if (!is_astray || quarantine_is_told(v->dir, v->suspect)) {
        return OK;
    }
    const struct hole hole = {
        .at = v->suspect, .bytes = next - v->suspect, .signals = kind == ITEM_FRAME};
    return quarantine_keep(&v->scratch, v->dir, &hole, scan_bytes(&p->scan, hole.at, next), f);
}

/* The i-th segment, as far as it was committed. */
static enum outcome mend_segment(struct recovery *v, const struct segments *s, size_t i,
                                 struct lane_tail *found, struct failure *f)
{
    struct patient p;
    const uint64_t next = i + 1 < s->n ? s->first[i + 1] : UINT64_MAX;
    *found = (struct lane_tail){0};
    v->tail = found;
    enum outcome result = patient_open(v, &p, s->first[i],
                                       next < v->committed ? next : v->committed, f);
    if (result == OK) {
        result = examine(v, &p, f);
    }
    if (result == OK && !v->is_mended) {
        result = tell_astray(v, &p, f);
    }
    if (result == OK) {
        result = file_sync(p.fd, p.path, f);
    }
    if (p.fd >= 0) {
        close(p.fd);
    }
    arena_reset(&v->scratch);
    return result;
}

/* The lane's last group, if it was lost, is the one before it: from the i-th segment back. The
 * writer may publish a newer one meanwhile, which is then right. */
static enum outcome mend_last(struct recovery *v, const struct segments *s, size_t i,
                              struct failure *f)
{
    struct lane_page *const page = v->dir->page;
    struct lane_tail found;
    uint64_t last = page->last;
    const uint64_t next = i + 1 < s->n ? s->first[i + 1] : UINT64_MAX;
    const bool is_here = last >= s->first[i] && last < next && last < v->committed;
    enum outcome result = mend_segment(v, s, i, &found, f);
    while (result == OK && is_here && !found.has_group && i > 0) {
        result = mend_segment(v, s, --i, &found, f);
    }
    const uint64_t newest = found.has_group ? found.last.position : v->committed;
    if (result == OK && is_here && newest != last) {
        (void)atomic_compare_exchange_strong(&page->last, &last, newest);
    }
    return result;
}

enum outcome lane_mend(const struct lane_dir *dir, uint64_t position, struct failure *f)
{
    struct arena a;
    struct segments s;
    int lock_fd = -1;
    struct recovery v = {.dir = dir,
                         .is_writing = true,
                         .committed = page_committed(dir->page),
                         .suspect = position};
    enum outcome result = healer_lock(dir, &lock_fd, f);
    if (result != OK) {
        return result;
    }
    arena_init(&a, (size_t)SCAN_BYTES_MAX_GIB << 30);
    arena_init(&v.scratch, (size_t)SCAN_BYTES_MAX_GIB << 30);
    result = list_whole(&v, &a, &s, f);
    const size_t i = result == OK ? segments_find(&s, position) : 0;
    if (result == OK && i < s.n && s.first[i] < v.committed) {
        result = mend_last(&v, &s, i, f);
        dir->page->segments++; /* readers open it anew: its generation may be another */
    }
    arena_close(&v.scratch);
    arena_close(&a);
    close(lock_fd); /* unlocks */
    return result;
}

/* ---- verify ---- */

static enum outcome verify_segment(struct recovery *v, uint64_t first, uint64_t limit,
                                   struct failure *f)
{
    struct patient p;
    struct lane_tail ignored = {0};
    v->tail = &ignored;
    enum outcome result = patient_open(v, &p, first, limit, f);
    if (first < v->dir->page->begin) {
        result = OK; /* trimmed meanwhile */
    } else if (result == OK) {
        result = examine(v, &p, f);
    }
    arena_reset(&v->scratch);
    return result;
}

enum outcome lane_verify(const struct lane_dir *dir, struct finding_to report, struct failure *f)
{
    struct arena a;
    struct segments s;
    struct recovery v = {.dir = dir, .report = report};
    const uint64_t named =
        dir->page->mark; /* before the twin is looked at: no writer moves it on */
    v.committed = page_committed(dir->page);
    arena_init(&a, (size_t)SCAN_BYTES_MAX_GIB << 30);
    arena_init(&v.scratch, (size_t)SCAN_BYTES_MAX_GIB << 30);
    enum outcome result = segments_list(&a, dir->path, &s, f);
    if (result == OK) {
        doubt(&v, &s);
        tell_page(&v, named, v.committed);
    }
    const uint64_t mark = v.committed;
    for (size_t i = 0; result == OK && i < s.n && s.first[i] < mark; i++) {
        const uint64_t next = i + 1 < s.n ? s.first[i + 1] : UINT64_MAX;
        result = verify_segment(&v, s.first[i], next < mark ? next : mark, f);
    }
    const uint64_t begin = page_kept_from(dir->page);
    const uint64_t first = s.n ? s.first[0] : mark;
    if (result == OK && first > begin && mark > 0) {
        v.tail = NULL;
        tell(&v, FINDING_DAMAGED, begin, first - begin, dir->path);
    }
    if (result == OK) {
        result = quarantine_list(dir, report, f);
    }
    arena_close(&v.scratch);
    arena_close(&a);
    return result;
}
