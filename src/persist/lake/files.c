/* The lake on a local disk. Temporary names begin with a dot, so no reader of the lake takes them
 * for data; link() is the put that fails when the name is taken, on every file system that weir
 * runs on. */
#include "persist/lake/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/os.h"

enum { PATH_BYTES = 4096, FILE_BYTES_MAX = 512 << 20, DEPTH_MAX = 8 };

struct place {
    char path[PATH_BYTES];
    char folder[PATH_BYTES];
    char temporary[PATH_BYTES];
};

struct str files_path(const struct files *s, struct arena *a, struct str key)
{
    return arena_printf(a, "%.*s/%.*s", STR_ARG(s->place), STR_ARG(key));
}

void files_unique(char out[FILES_UNIQUE_BYTES])
{
    uint64_t number;
    os_random(&number, sizeof number);
    hex_u64(number, out);
    out[FILES_UNIQUE_BYTES - 1] = '\0';
}

/* The texts one after the other; false when they are too long for a path. */
static bool join(char out[PATH_BYTES], const struct str *part, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (len + part[i].len >= PATH_BYTES) {
            return false;
        }
        memcpy(out + len, part[i].at, part[i].len);
        len += part[i].len;
    }
    out[len] = '\0';
    return true;
}

static enum outcome locate(const struct files *s, struct str key, struct place *out,
                           struct failure *f)
{
    char unique[FILES_UNIQUE_BYTES];
    size_t slash = key.len;
    while (slash > 0 && key.at[slash - 1] != '/') {
        slash--;
    }
    files_unique(unique);
    const struct str folder = str_sub(key, 0, slash);
    const struct str path[] = {s->place, S("/"), key};
    const struct str parent[] = {s->place, S("/"), folder};
    const struct str temporary[] = {
        s->place, S("/"), folder, S("."), str_sub(key, slash, key.len), S("."), str_of(unique)};
    return join(out->path, path, 3) && join(out->folder, parent, 3) &&
                   join(out->temporary, temporary, 7)
               ? OK
               : failed(f, STOP, "%.*s: the path is too long", STR_ARG(key));
}

static enum outcome write_temporary(const struct place *at, struct str bytes, struct failure *f)
{
    enum outcome result = file_make_dirs(at->folder, f);
    if (result != OK) {
        return result;
    }
    const int fd = open(at->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        return failed_errno(f, RETRY, "create %s", at->temporary);
    }
    if (file_write(fd, bytes, f) != OK) {
        result = failed_errno(f, RETRY, "write %s", at->temporary);
    }
    if (result == OK) {
        result = file_sync(fd, at->temporary, f);
    }
    if (close(fd) != 0 && result == OK) {
        result = failed_errno(f, RETRY, "close %s", at->temporary);
    }
    return result;
}

static enum outcome local_put_if_absent(const struct files *s, struct str key, struct str bytes,
                                        struct failure *f)
{
    struct place at;
    enum outcome result = locate(s, key, &at, f);
    if (result != OK) {
        return result;
    }
    result = write_temporary(&at, bytes, f);
    FAILPOINT("lake.put");
    if (result == OK && link(at.temporary, at.path) != 0) {
        const bool is_taken = errno == EEXIST;
        result = failed_errno(f, RETRY, "link %s", at.path);
        f->cause = is_taken ? CAUSE_FENCED : CAUSE_OTHER;
    }
    unlink(at.temporary);
    FAILPOINT("lake.linked");
    return result == OK ? file_sync_dir(at.folder, f) : result;
}

static enum outcome local_put(const struct files *s, struct str key, struct str bytes,
                              struct failure *f)
{
    struct place at;
    enum outcome result = locate(s, key, &at, f);
    if (result != OK) {
        return result;
    }
    result = write_temporary(&at, bytes, f);
    if (result == OK && rename(at.temporary, at.path) != 0) {
        result = failed_errno(f, RETRY, "rename %s", at.temporary);
    }
    if (result != OK) {
        unlink(at.temporary);
        return result;
    }
    return file_sync_dir(at.folder, f);
}

static enum outcome local_put_file(const struct files *s, struct str key, const char *from,
                                   struct failure *f)
{
    struct place at;
    enum outcome result = locate(s, key, &at, f);
    if (result != OK) {
        return result;
    }
    const int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed_errno(f, RETRY, "open %s", from);
    }
    result = fsync(fd) == 0 ? OK : failed_errno(f, RETRY, "sync %s", from);
    close(fd); /* read only */
    if (result == OK) {
        result = file_make_dirs(at.folder, f);
    }
    FAILPOINT("lake.synced");
    if (result == OK && rename(from, at.path) != 0) {
        result = failed_errno(f, RETRY, "rename %s to %s", from, at.path);
    }
    FAILPOINT("lake.named");
    return result == OK ? file_sync_dir(at.folder, f) : result;
}

static enum outcome local_get(const struct files *s, struct arena *a, struct str key,
                              struct str *out, struct failure *f)
{
    struct place at;
    *out = (struct str){NULL, 0};
    const enum outcome result = locate(s, key, &at, f);
    if (result != OK) {
        return result;
    }
    if (access(at.path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return OK;
    }
    return file_read(a, at.path, FILE_BYTES_MAX, out, f);
}

static void list_add(struct arena *a, struct files_list *l, struct files_entry e)
{
    l->at = arena_more(a, l->at, l->n, &l->room, sizeof *l->at);
    l->at[l->n++] = e;
}

static enum outcome list_folder(const struct files *s, struct arena *a, struct str folder,
                                int depth, struct files_list *out, struct failure *f)
{
    const struct str path = files_path(s, a, folder);
    DIR *const dir = opendir(path.at);
    if (!dir) {
        return errno == ENOENT ? OK : failed_errno(f, RETRY, "read folder %s", path.at);
    }
    enum outcome result = OK;
    for (struct dirent *e = readdir(dir); e && result == OK; e = readdir(dir)) {
        struct stat st;
        if (str_eq(str_of(e->d_name), S(".")) || str_eq(str_of(e->d_name), S("..")) ||
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue; /* gone since: another writer's temporary name */
        }
        const struct str key = arena_printf(a, "%.*s/%s", STR_ARG(folder), e->d_name);
        if (S_ISDIR(st.st_mode) && depth > 0) {
            result = list_folder(s, a, key, depth - 1, out, f);
        } else if (S_ISREG(st.st_mode)) {
            const int64_t ms = st.st_mtim.tv_sec * INT64_C(1000) + st.st_mtim.tv_nsec / 1000000;
            list_add(a, out, (struct files_entry){key, (size_t)st.st_size, ms});
        }
    }
    closedir(dir);
    return result;
}

static enum outcome local_list(const struct files *s, struct arena *a, struct str folder,
                               struct files_list *out, struct failure *f)
{
    *out = (struct files_list){0};
    return list_folder(s, a, folder, DEPTH_MAX, out, f);
}

static enum outcome local_remove(const struct files *s, struct str key, struct failure *f)
{
    struct place at;
    const enum outcome result = locate(s, key, &at, f);
    if (result != OK) {
        return result;
    }
    return unlink(at.path) == 0 || errno == ENOENT ? OK
                                                   : failed_errno(f, RETRY, "remove %s", at.path);
}

static enum outcome local_hold(const struct files *s, bool is_alone, int *fd, struct failure *f)
{
    struct place at;
    enum outcome result = locate(s, S(".lock"), &at, f);
    result = result == OK ? file_make_dirs(at.folder, f) : result;
    if (result == OK && *fd < 0) {
        *fd = open(at.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        result = *fd < 0 ? failed_errno(f, STOP, "open %s", at.path) : OK;
    }
    if (result == OK && flock(*fd, is_alone ? LOCK_EX | LOCK_NB : LOCK_SH) != 0) {
        const bool is_held = errno == EWOULDBLOCK;
        result = failed_errno(f, RETRY, "lock %s", at.path);
        f->cause = is_held ? CAUSE_FENCED : CAUSE_OTHER;
    }
    return result;
}

/* Beside the files that it becomes, on the same disk: rename puts it there. */
static struct str local_scratch(const struct files *s, struct arena *a, struct str key)
{
    return files_path(s, a, key);
}

static const struct files_driver local = {
    .name = "local",
    .put_if_absent = local_put_if_absent,
    .put = local_put,
    .put_file = local_put_file,
    .get = local_get,
    .list = local_list,
    .remove = local_remove,
    .hold = local_hold,
    .scratch = local_scratch,
};

struct files files_at(struct str place)
{
    return (struct files){&local, place};
}
