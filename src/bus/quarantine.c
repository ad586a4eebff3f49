#include "bus/quarantine.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"

#define PATHS_BYTES_MAX ((size_t)16 << 20)

static const char *untold_path(struct arena *a, const struct lane_dir *dir, const struct hole *hole)
{
    return arena_printf(a, "%s/corrupt-%" PRIu64 "-%" PRIu64 "-%" PRIu64 ".untold", dir->path,
                        hole->at, hole->bytes, hole->signals)
        .at;
}

static const char *told_path(struct arena *a, const struct lane_dir *dir, const struct hole *hole)
{
    return arena_printf(a, "%s/corrupt-%" PRIu64, dir->path, hole->at).at;
}

enum outcome quarantine_keep(struct arena *a, const struct lane_dir *dir, const struct hole *hole,
                             struct str bytes, struct failure *f)
{
    const char *const path = untold_path(a, dir, hole);
    const enum outcome result = file_replace(path, bytes, 0600, f);
    FAILPOINT("bus.quarantine.kept");
    if (result == OK && bytes.len < hole->bytes && truncate(path, (off_t)hole->bytes) != 0) {
        return failed_errno(f, RETRY, "lengthen %s", path);
    }
    return result;
}

bool quarantine_is_told(const struct lane_dir *dir, uint64_t at)
{
    struct arena a;
    const struct hole hole = {.at = at};
    arena_init(&a, PATHS_BYTES_MAX);
    const bool is_told = access(told_path(&a, dir, &hole), F_OK) == 0;
    arena_close(&a);
    return is_told;
}

/* `corrupt-<position>` (bytes and signals are not in it) or the untold form. */
static bool name_read(struct str name, struct hole *out, bool *is_told)
{
    const struct str before = S("corrupt-"), after = S(".untold");
    if (!str_starts(name, before)) {
        return false;
    }
    struct str rest = str_sub(name, before.len, name.len);
    *out = (struct hole){.signals = UINT64_MAX};
    *is_told = !str_ends(rest, after);
    if (*is_told) {
        return str_to_u64(rest, &out->at);
    }
    rest.len -= after.len;
    return str_to_u64(str_cut(rest, '-', &rest), &out->at) &&
           str_to_u64(str_cut(rest, '-', &rest), &out->bytes) && str_to_u64(rest, &out->signals);
}

static int by_position(const void *a, const void *b)
{
    const struct hole *const x = a, *const y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

struct holes {
    struct hole *hole;
    size_t n, room;
};

/* Those that were told, or those that were not, in order. */
static enum outcome holes_read(struct arena *a, const struct lane_dir *dir, bool is_told,
                               struct holes *out, struct failure *f)
{
    *out = (struct holes){0};
    DIR *const d = opendir(dir->path);
    if (!d) {
        return failed_errno(f, RETRY, "read folder %s", dir->path);
    }
    for (struct dirent *e; (e = readdir(d));) { /* NOLINT(concurrency-mt-unsafe): one thread */
        struct hole one;
        bool is_this_told = false;
        if (name_read(str_of(e->d_name), &one, &is_this_told) && is_this_told == is_told) {
            out->hole = arena_more(a, out->hole, out->n, &out->room, sizeof *out->hole);
            out->hole[out->n++] = one;
        }
    }
    closedir(d);
    if (out->n > 0) {
        qsort(out->hole, out->n, sizeof *out->hole, by_position);
    }
    return OK;
}

static void report_hole(struct arena *a, const struct lane_dir *dir, enum finding_kind kind,
                        const struct hole *hole, struct finding_to report)
{
    const struct finding finding = {.kind = kind,
                                    .lane = dir->lane,
                                    .at = {hole->at},
                                    .bytes = hole->bytes,
                                    .signals = hole->signals,
                                    .path = str_of(told_path(a, dir, hole))};
    report.found(report.to, &finding);
}

enum outcome quarantine_tell(const struct lane_dir *dir, struct finding_to report,
                             struct failure *f)
{
    struct arena a;
    struct holes holes;
    arena_init(&a, PATHS_BYTES_MAX);
    enum outcome result = holes_read(&a, dir, false, &holes, f);
    for (size_t i = 0; i < holes.n && result == OK; i++) {
        const char *const untold = untold_path(&a, dir, &holes.hole[i]);
        report_hole(&a, dir, FINDING_CORRUPT, &holes.hole[i], report);
        FAILPOINT("bus.quarantine.told");
        if (rename(untold, told_path(&a, dir, &holes.hole[i])) != 0) {
            result = failed_errno(f, RETRY, "rename %s", untold);
        }
    }
    arena_close(&a);
    return result;
}

enum outcome quarantine_list(const struct lane_dir *dir, struct finding_to report,
                             struct failure *f)
{
    struct arena a;
    struct holes holes;
    arena_init(&a, PATHS_BYTES_MAX);
    const enum outcome result = holes_read(&a, dir, true, &holes, f);
    for (size_t i = 0; i < holes.n; i++) {
        struct stat st;
        struct hole *const hole = &holes.hole[i];
        if (hole->at >= dir->page->begin && stat(told_path(&a, dir, hole), &st) == 0) {
            hole->bytes = (uint64_t)st.st_size;
            report_hole(&a, dir, FINDING_LOST, hole, report);
        }
    }
    arena_close(&a);
    return result;
}
