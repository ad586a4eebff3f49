#include "bus/segment.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/os.h"
#include "bus/frame.h"

enum { PATH_BYTES_MAX = 4096, DIGITS = 20, SPARES = 4 };

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool name_read(struct str name, uint64_t *first)
{
    return name.len == DIGITS + 4 && str_ends(name, S(".seg")) &&
           str_to_u64(str_sub(name, 0, DIGITS), first);
}

enum outcome segments_list(struct arena *a, const char *dir, struct segments *out,
                           struct failure *f)
{
    size_t room = 0;
    *out = (struct segments){0};
    DIR *const d = opendir(dir);
    if (!d) {
        return failed_errno(f, STOP, "read folder %s", dir);
    }
    const struct dirent *e = NULL;
    while ((e = readdir(d))) {
        uint64_t first = 0;
        if (!name_read(str_of(e->d_name), &first)) {
            continue;
        }
        out->first = arena_more(a, out->first, out->n, &room, sizeof *out->first);
        out->first[out->n++] = first;
    }
    closedir(d);
    if (out->n) {
        qsort(out->first, out->n, sizeof *out->first, compare);
    }
    return OK;
}

size_t segments_find(const struct segments *s, uint64_t position)
{
    size_t low = 0;
    size_t high = s->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->first[middle] <= position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low ? low - 1 : s->n;
}

const char *segment_path(struct arena *a, const char *dir, uint64_t first)
{
    return arena_printf(a, "%s/%020" PRIu64 ".seg", dir, first).at;
}

/* The same without an arena: false when it does not fit. */
static bool path_write(char out[PATH_BYTES_MAX], const char *dir, uint64_t first)
{
    const int len = snprintf(out, PATH_BYTES_MAX, "%s/%020" PRIu64 ".seg", dir, first);
    return len > 0 && len < PATH_BYTES_MAX;
}

static bool spare_path(char out[PATH_BYTES_MAX], const char *dir, int k)
{
    const int len = snprintf(out, PATH_BYTES_MAX, "%s/spare-%d", dir, k);
    return len > 0 && len < PATH_BYTES_MAX;
}

/* Move a spare of at least `bytes` to `path`; its descriptor, or -1. */
static int take_spare(const char *dir, const char *path, uint64_t bytes)
{
    for (int k = 0; k < SPARES; k++) {
        char spare[PATH_BYTES_MAX];
        struct stat st;
        if (!spare_path(spare, dir, k) || stat(spare, &st) != 0 || st.st_size < (off_t)bytes) {
            continue;
        }
        if (rename(spare, path) == 0) {
            return open(path, O_RDWR | O_CLOEXEC);
        }
    }
    return -1;
}

/* A new file of `bytes` bytes under a name that recovery passes over. */
static enum outcome make_file(const char *path, uint64_t bytes, int *out, struct failure *f)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed_errno(f, RETRY, "make %s", path);
    }
    const enum outcome result = failpoint_fails("bus.segment.allocate")
                                    ? failed(f, RETRY, "allocate %" PRIu64 " bytes: failpoint",
                                             bytes)
                                    : os_allocate(fd, bytes, f);
    if (result != OK) {
        close(fd);
        unlink(path);
        return result;
    }
    *out = fd;
    return OK;
}

static enum outcome make_segment(const char *dir, const char *path, uint64_t bytes, int *out,
                                 struct failure *f)
{
    char temporary[PATH_BYTES_MAX];
    if (!spare_path(temporary, dir, SPARES)) {
        return failed(f, STOP, "%s: the path is too long", dir);
    }
    const enum outcome result = make_file(temporary, bytes, out, f);
    if (result != OK) {
        return result;
    }
    if (rename(temporary, path) != 0) {
        close(*out);
        return failed_errno(f, RETRY, "rename %s", temporary);
    }
    return OK;
}

/* The head is synced with the first group: until then the segment holds nothing. */
static enum outcome begin(const char *dir, struct segment *s, struct failure *f)
{
    char head[SEGMENT_HEAD_BYTES];
    struct stat st;
    FAILPOINT("bus.segment.named");
    enum outcome result = file_sync_dir(dir, f);
    if (result != OK) {
        return result;
    }
    if (fstat(s->fd, &st) != 0) {
        return failed_errno(f, RETRY, "read a segment in %s", dir);
    }
    s->bytes = (uint64_t)st.st_size;
    const ssize_t n = pread(s->fd, head, sizeof head, 0);
    const bool is_recycled = n > 0 && segment_head_read((struct str){head, (size_t)n}).is_valid;
    segment_head_write(head, s->generation, s->first, is_recycled);
    result = file_write_at(s->fd, (struct str){head, sizeof head}, 0, f);
    FAILPOINT("bus.segment.begun");
    return result;
}

enum outcome segment_begin(const char *dir, uint64_t first, uint64_t bytes, uint64_t wished,
                           struct segment *out, struct failure *f)
{
    char path[PATH_BYTES_MAX];
    const uint64_t needed = bytes + SEGMENT_HEAD_BYTES;
    struct segment s = {.fd = -1, .first = first};
    if (!path_write(path, dir, first)) {
        return failed(f, STOP, "%s: the path is too long", dir);
    }
    os_random(&s.generation, sizeof s.generation);
    FAILPOINT("bus.segment.begin");
    s.fd = take_spare(dir, path, needed > wished ? needed : wished);
    enum outcome result = OK;
    if (s.fd < 0) {
        result = make_segment(dir, path, needed > wished ? needed : wished, &s.fd, f);
    }
    if (result == OK) {
        assert(s.fd >= 0);
        result = begin(dir, &s, f);
    }
    if (result != OK) {
        segment_close(&s);
        return result;
    }
    *out = s;
    return OK;
}

enum outcome segment_open(const char *dir, uint64_t first, bool is_writer, struct segment *out,
                          struct failure *f)
{
    char path[PATH_BYTES_MAX];
    char head[SEGMENT_HEAD_BYTES];
    struct stat st;
    if (!path_write(path, dir, first)) {
        return failed(f, STOP, "%s: the path is too long", dir);
    }
    struct segment s = {.first = first,
                        .fd = open(path, (is_writer ? O_RDWR : O_RDONLY) | O_CLOEXEC)};
    if (s.fd < 0) {
        return failed_errno(f, RETRY, "open %s", path);
    }
    const ssize_t n = pread(s.fd, head, sizeof head, 0);
    if (n < 0 || fstat(s.fd, &st) != 0) {
        (void)failed_errno(f, RETRY, "read %s", path);
        segment_close(&s);
        return RETRY;
    }
    const struct segment_head_found found = segment_head_read((struct str){head, (size_t)n});
    s.generation = found.generation;
    if (!found.is_valid || found.first != first) {
        segment_close(&s);
        return failed(f, RETRY, "%s: the segment's head is damaged", path);
    }
    s.bytes = (uint64_t)st.st_size;
    *out = s;
    return OK;
}

void segment_close(struct segment *s)
{
    if (s->fd >= 0) {
        close(s->fd); /* every byte that counts was synced */
    }
    s->fd = -1;
}

enum outcome segment_void(const char *dir, uint64_t first, uint64_t bytes, struct failure *f)
{
    char path[PATH_BYTES_MAX];
    char content[SEGMENT_HEAD_BYTES + FRAME_HEAD_BYTES];
    uint64_t generation = 0;
    if (!path_write(path, dir, first)) {
        return failed(f, STOP, "%s: the path is too long", dir);
    }
    os_random(&generation, sizeof generation);
    segment_head_write(content, generation, first, false);
    void_write(content + SEGMENT_HEAD_BYTES, bytes, generation, first);
    return file_replace(path, (struct str){content, sizeof content}, 0600, f);
}

void segment_prepare(const char *dir, uint64_t bytes)
{
    char spare[PATH_BYTES_MAX];
    char temporary[PATH_BYTES_MAX];
    struct failure ignored; /* segment_begin tries again and tells */
    int fd = -1;
    for (int k = 0; k < SPARES; k++) {
        struct stat st;
        if (!spare_path(spare, dir, k)) {
            return;
        }
        if (stat(spare, &st) == 0 && st.st_size >= (off_t)bytes) {
            return;
        }
    }
    if (!spare_path(spare, dir, 0) || !spare_path(temporary, dir, SPARES) ||
        make_file(temporary, bytes, &fd, &ignored) != OK) {
        return;
    }
    close(fd); /* no bytes in it yet */
    FAILPOINT("bus.segment.prepared");
    (void)rename(temporary, spare); /* over a smaller one, which nobody would take */
}

enum outcome segment_retire(const char *dir, uint64_t first, uint64_t full_bytes, struct failure *f)
{
    char path[PATH_BYTES_MAX];
    struct stat st;
    if (!path_write(path, dir, first)) {
        return failed(f, STOP, "%s: the path is too long", dir);
    }
    FAILPOINT("bus.segment.retire");
    if (stat(path, &st) == 0 && st.st_size == (off_t)full_bytes) {
        for (int k = 0; k < SPARES; k++) {
            char spare[PATH_BYTES_MAX];
            if (spare_path(spare, dir, k) && os_rename_new(path, spare)) {
                return OK;
            }
        }
    }
    return unlink(path) == 0 || errno == ENOENT ? OK : failed_errno(f, RETRY, "remove %s", path);
}
