#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 4096 };

/* Read to the end or the limit, whichever comes first: a pipe or a /proc file tells no size. */
/* Room to begin with: a file that says its size takes no more, a thousand of them no thousand
 * blocks. What says none (a pipe, /proc) gets 64 KiB. */
static size_t first_room(int fd, size_t bytes_max)
{
    struct stat st;
    const bool is_told = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    const size_t wished = is_told ? (size_t)st.st_size + 1 : 64 * (size_t)1024;
    return wished < bytes_max + 1 ? wished : bytes_max + 1;
}

static enum outcome read_all(struct arena *a, int fd, size_t bytes_max, struct str *out)
{
    size_t room = first_room(fd, bytes_max);
    size_t len = 0;
    char *at = arena_alloc(a, room, 1);
    for (;;) {
        const ssize_t n = read(fd, at + len, room - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return STOP;
        }
        len += (size_t)n;
        *out = (struct str){at, len};
        if (n == 0 || len > bytes_max) {
            return OK;
        }
        if (len == room) {
            const size_t more = room * 2 < bytes_max + 1 ? room * 2 : bytes_max + 1;
            at = arena_grow(a, at, room, more);
            if (!at) {
                errno = EFBIG;
                return STOP;
            }
            room = more;
        }
    }
}

enum outcome file_read(struct arena *a, const char *path, size_t bytes_max, struct str *out,
                       struct failure *f)
{
    struct str bytes = {NULL, 0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed_errno(f, STOP, "read %s", path);
    }
    enum outcome result = read_all(a, fd, bytes_max, &bytes);
    if (result != OK) {
        (void)failed_errno(f, result, "read %s", path);
    } else if (bytes.len > bytes_max) {
        result = failed(f, STOP, "read %s: more than %zu bytes", path, bytes_max);
    } else {
        *out = arena_str(a, bytes);
    }
    close(fd); /* read only: nothing can be lost */
    return result;
}

/* Of a file the path, which is not asked for unless it is needed. */
static enum outcome cannot_write(int fd, struct failure *f)
{
    char link[32];
    char path[PATH_BYTES_MAX];
    const int number = errno;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, sizeof path);
    const bool is_path = len > 0 && path[0] == '/';
    errno = number;
    return failed_errno(f, RETRY, "write%s%.*s", is_path ? " " : "", is_path ? (int)len : 0, path);
}

enum outcome file_write_at(int fd, struct str bytes, off_t offset, struct failure *f)
{
    while (bytes.len > 0) {
        const ssize_t n = pwrite(fd, bytes.at, bytes.len, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return cannot_write(fd, f);
        }
        bytes = str_sub(bytes, (size_t)n, bytes.len);
        offset += n;
    }
    return OK;
}

enum outcome file_write(int fd, struct str bytes, struct failure *f)
{
    while (bytes.len > 0) {
        const ssize_t n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return cannot_write(fd, f);
        }
        bytes = str_sub(bytes, (size_t)n, bytes.len);
    }
    return OK;
}

enum outcome file_sync(int fd, const char *path, struct failure *f)
{
    return fdatasync(fd) == 0 ? OK : failed_errno(f, RETRY, "sync %s", path);
}

enum outcome file_sync_dir(const char *path, struct failure *f)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return failed_errno(f, RETRY, "open folder %s", path);
    }
    const enum outcome result = fsync(fd) == 0 ? OK
                                               : failed_errno(f, RETRY, "sync folder %s", path);
    close(fd); /* read only */
    return result;
}

/* The folder part of a path, "." when it has none. */
static void dir_of(const char *path, char out[PATH_BYTES_MAX])
{
    const char *const slash = strrchr(path, '/');
    const size_t len = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    const struct str dir = len && len < PATH_BYTES_MAX ? (struct str){path, len} : S(".");
    memcpy(out, dir.at, dir.len);
    out[dir.len] = '\0';
}

static enum outcome write_and_close(int fd, const char *path, struct str bytes, struct failure *f)
{
    enum outcome result = OK;
    if (file_write(fd, bytes, f) != OK) {
        result = failed_errno(f, RETRY, "write %s", path);
    }
    if (result == OK && fsync(fd) != 0) {
        result = failed_errno(f, RETRY, "sync %s", path);
    }
    if (close(fd) != 0 && result == OK) {
        result = failed_errno(f, RETRY, "close %s", path);
    }
    return result;
}

enum outcome file_replace(const char *path, struct str bytes, mode_t mode, struct failure *f)
{
    char temporary[PATH_BYTES_MAX];
    char dir[PATH_BYTES_MAX];
    const int len = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof temporary) {
        return failed(f, STOP, "write %s: the path is too long", path);
    }
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) {
        return failed_errno(f, RETRY, "create %s", temporary);
    }
    enum outcome result = write_and_close(fd, temporary, bytes, f);
    if (result == OK && rename(temporary, path) != 0) {
        result = failed_errno(f, RETRY, "rename %s", temporary);
    }
    if (result != OK) {
        unlink(temporary);
        return result;
    }
    dir_of(path, dir);
    return file_sync_dir(dir, f);
}

/* A full disk has room again some day. */
static enum outcome no_folder(const char *path, struct failure *f)
{
    const bool is_full = errno == ENOSPC || errno == EDQUOT;
    return failed_errno(f, is_full ? RETRY : STOP, "make folder %s", path);
}

enum outcome file_make_dirs(const char *path, struct failure *f)
{
    char parent[PATH_BYTES_MAX];
    if (mkdir(path, 0700) == 0) {
        dir_of(path, parent);
        return file_sync_dir(parent, f);
    }
    if (errno == EEXIST) {
        struct stat st;
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode)
                   ? OK
                   : failed(f, STOP, "%s is not a folder", path);
    }
    if (errno != ENOENT) {
        return no_folder(path, f);
    }
    dir_of(path, parent);
    const enum outcome result = file_make_dirs(parent, f);
    if (result != OK) {
        return result;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) { /* EEXIST: it ended with a slash */
        return no_folder(path, f);
    }
    return file_sync_dir(parent, f);
}

struct str file_beside(struct arena *a, struct str base, struct str name)
{
    size_t len = base.len;
    if (str_starts(name, S("/"))) {
        return arena_str(a, name);
    }
    while (len > 0 && base.at[len - 1] != '/') {
        len--;
    }
    return arena_printf(a, "%.*s%.*s", (int)len, base.len ? base.at : "", STR_ARG(name));
}

struct str file_pattern(struct arena *a, struct str path)
{
    char *const out = arena_array(a, char, 2 * path.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        if (strchr("*?[]{}~\\", path.at[i])) {
            out[len++] = '\\';
        }
        out[len++] = path.at[i];
    }
    out[len] = '\0';
    return (struct str){out, len};
}

/* The rest of a path behind what exists of it; `to` is absolute and ends without a slash. */
static struct str join(struct arena *a, struct str to, struct str rest)
{
    while (rest.len > 0) {
        const struct str name = str_cut(rest, '/', &rest);
        if (str_eq(name, S(".."))) {
            while (to.len > 0 && to.at[--to.len] != '/') {
            }
        } else if (name.len > 0 && !str_eq(name, S("."))) {
            to = arena_printf(a, "%.*s/%.*s", STR_ARG(to), STR_ARG(name));
        }
    }
    return to.len > 0 ? to : S("/");
}

struct str file_real(struct arena *a, struct str path)
{
    char real[PATH_MAX];
    size_t there = path.len;
    while (there > 0 && !realpath(arena_cstr(a, str_sub(path, 0, there)), real)) {
        while (there > 0 && path.at[there - 1] == '/') {
            there--;
        }
        while (there > 0 && path.at[there - 1] != '/') {
            there--;
        }
    }
    if (there == 0 && !realpath(".", real)) {
        return arena_str(a, path); /* the folder that weir stands in is gone */
    }
    const struct str to = str_of(real);
    return join(a, str_eq(to, S("/")) ? S("") : arena_str(a, to), str_sub(path, there, path.len));
}
