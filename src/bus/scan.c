#include "bus/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_blank(struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.at[i]) {
            return false;
        }
    }
    return true;
}

static enum scan_head head_of(struct scan *s)
{
    const struct segment_head_found found = segment_head_read(s->bytes);
    if (found.is_valid) {
        s->generation = found.generation;
        s->is_recycled = found.is_recycled || found.first != s->first;
        return found.first == s->first ? SCAN_USED : SCAN_UNUSED;
    }
    if (group_generation(scan_bytes(s, s->first, UINT64_MAX), s->first, &s->generation)) {
        s->is_recycled = true; /* not known: the careful answer */
        return SCAN_MENDED;
    }
    return is_blank(str_sub(s->bytes, 0, SEGMENT_HEAD_BYTES + GROUP_HEAD_BYTES)) ? SCAN_UNUSED
                                                                                 : SCAN_DAMAGED;
}

static enum outcome read_file(struct arena *a, int fd, const char *path, struct scan *out,
                              struct failure *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return failed_errno(f, RETRY, "read %s", path);
    }
    const size_t bytes = (size_t)st.st_size;
    char *const at = arena_grow(a, NULL, 0, bytes); /* not zeroed: it is all overwritten */
    if (!at) {
        return failed(f, RETRY, "read %s: no memory for its %zu bytes", path, bytes);
    }
    size_t done = 0;
    while (done < bytes) {
        const ssize_t n = pread(fd, at + done, bytes - done, (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return failed_errno(f, RETRY, "read %s at byte %zu", path, done);
        }
        if (n == 0) {
            break; /* cut meanwhile */
        }
        done += (size_t)n;
    }
    out->memory = at;
    out->bytes = (struct str){at, done};
    return OK;
}

enum outcome scan_open(struct arena *a, const char *path, uint64_t first, struct scan *out,
                       struct failure *f)
{
    *out = (struct scan){.first = first};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed_errno(f, RETRY, "open %s", path);
    }
    const enum outcome result = read_file(a, fd, path, out, f);
    close(fd); /* read only */
    if (result == OK) {
        out->head = head_of(out);
    }
    return result;
}

uint64_t scan_end(const struct scan *s)
{
    return s->first + (s->bytes.len > SEGMENT_HEAD_BYTES ? s->bytes.len - SEGMENT_HEAD_BYTES : 0);
}

struct str scan_bytes(const struct scan *s, uint64_t from, uint64_t to)
{
    return to <= from ? (struct str){NULL, 0}
                      : str_sub(s->bytes, SEGMENT_HEAD_BYTES + (from - s->first), to - from);
}

void scan_patch(const struct scan *s, uint64_t position, struct str bytes)
{
    const size_t at = SEGMENT_HEAD_BYTES + (position - s->first);
    if (at + bytes.len <= s->bytes.len) {
        memcpy(s->memory + at, bytes.at, bytes.len);
    }
}

struct item scan_item(const struct scan *s, uint64_t position, uint64_t limit)
{
    const struct item item = item_read(scan_bytes(s, position, limit), s->generation, position);
    const bool fits = item.kind != ITEM_SHORT && item.bytes <= limit - position;
    return fits ? item : (struct item){.kind = ITEM_BAD};
}

uint64_t scan_next(const struct scan *s, uint64_t from, uint64_t limit, bool only_groups)
{
    const uint64_t end = scan_end(s) < limit ? scan_end(s) : limit;
    for (uint64_t p = from + ITEM_ALIGN; p + FRAME_HEAD_BYTES <= end; p += ITEM_ALIGN) {
        const char *const at = s->bytes.at + SEGMENT_HEAD_BYTES + (p - s->first);
        if (item_may_begin(at, only_groups) && scan_item(s, p, limit).kind != ITEM_BAD) {
            return p;
        }
    }
    return limit;
}

enum item_kind scan_cover(const struct scan *s, uint64_t position, uint64_t limit, uint64_t *next)
{
    uint64_t at = s->first;
    while (at < position && at < limit) {
        const struct item item = scan_item(s, at, limit);
        if (item.kind == ITEM_BAD) {
            at = scan_next(s, at, limit, false);
            continue;
        }
        at += item.bytes;
        if (at > position) {
            *next = at;
            return item.kind;
        }
    }
    return ITEM_BAD;
}

bool scan_find_generation(struct scan *s)
{
    const uint64_t end = scan_end(s);
    for (uint64_t p = s->first; p + GROUP_HEAD_BYTES <= end; p += ITEM_ALIGN) {
        const struct str rest = scan_bytes(s, p, UINT64_MAX);
        if (item_may_begin(rest.at, true) && group_generation(rest, p, &s->generation)) {
            return true;
        }
    }
    return false;
}

uint64_t scan_torn(const struct scan *s, uint64_t position)
{
    const struct str rest = scan_bytes(s, position, UINT64_MAX);
    if (s->is_recycled) { /* only what says that it is of this life counts */
        const uint64_t bytes = group_begun(rest, s->generation, position);
        return bytes < rest.len ? bytes : rest.len;
    }
    size_t len = rest.len;
    static const char zeros[4096] = {0};
    while (len > sizeof zeros && memcmp(rest.at + len - sizeof zeros, zeros, sizeof zeros) == 0) {
        len -= sizeof zeros;
    }
    while (len > 0 && rest.at[len - 1] == 0) {
        len--;
    }
    return len;
}
