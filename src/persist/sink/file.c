/* A file that grows by one record a line. Whoever renames it (logrotate) gets a whole one: it is
 * looked for by its name before each write. After a kill the lines behind the mark are compared, so
 * that none is written twice: those of the file that the mark is of, which may be called otherwise
 * by now, and those of the one that took its place. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "persist/sink/sink.h"
#include "wire/json.h"

enum { ITEMS_MAX = 1000, BATCH_BYTES_MAX = 256 << 20, TAIL_BYTES_MAX = 64 << 20, MODE = 0644 };

/* Lines that lives before this one wrote, equal ones together; once its record has come again, one
 * counts no more. */
struct line {
    uint64_t hash;
    size_t left; /* whose record has not come yet      */
    size_t met;  /* … and has, by the call `met_in`    */
    uint64_t met_in;
};

struct file_sink {
    const char *path;
    int fd;
    ino_t inode;
    struct line *there; /* by hash; each hash once */
    size_t there_n, there_room;
    uint64_t call;
    char mark[80];
};

/* ---- what a kill left ---- */

static int by_hash(const void *a, const void *b)
{
    const struct line *const x = a, *const y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

/* The next of the lines that a text is written as. */
static struct str next_line(struct str *text, bool *is_last)
{
    *is_last = str_find(*text, '\n') == text->len;
    return str_cut(*text, '\n', text);
}

static void note_lines(struct sink *s, int fd, off_t from)
{
    struct file_sink *const file = s->state;
    struct arena tail;
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size <= from || st.st_size - from > TAIL_BYTES_MAX) {
        return; /* or somebody else writes there, too */
    }
    arena_init(&tail, 2 * (size_t)TAIL_BYTES_MAX);
    char *const bytes = arena_array(&tail, char, (size_t)(st.st_size - from));
    const ssize_t n = pread(fd, bytes, (size_t)(st.st_size - from), from);
    struct str rest = {bytes, n > 0 ? (size_t)n : 0};
    while (rest.len > 0) {
        file->there = arena_more(s->arena, file->there, file->there_n, &file->there_room,
                                 sizeof *file->there);
        file->there[file->there_n++] = (struct line){.hash = hash_64(str_cut(rest, '\n', &rest), 0),
                                                     .left = 1};
    }
    arena_close(&tail);
}

static void gather_equal(struct file_sink *file)
{
    size_t n = 0;
    if (file->there_n > 0) {
        qsort(file->there, file->there_n, sizeof *file->there, by_hash);
    }
    for (size_t i = 0; i < file->there_n; i++) {
        if (n > 0 && file->there[n - 1].hash == file->there[i].hash) {
            file->there[n - 1].left++;
        } else {
            file->there[n++] = file->there[i];
        }
    }
    file->there_n = n;
}

/* The file that was renamed, where it is still in the same folder; -1: it is not. */
static int find_renamed(const struct sink *s, uint64_t inode)
{
    const struct file_sink *const file = s->state;
    const char *const slash = strrchr(file->path, '/');
    const struct str folder = {file->path, slash ? (size_t)(slash - file->path) + 1 : 0};
    DIR *const dir = opendir(slash ? arena_cstr(s->arena, folder) : ".");
    struct stat st;
    int fd = -1;
    for (const struct dirent *one = dir ? readdir(dir) : NULL; one && fd < 0; one = readdir(dir)) {
        if (fstatat(dirfd(dir), one->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_ino == inode) {
            fd = openat(dirfd(dir), one->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return fd;
}

static void look_behind_mark(struct sink *s)
{
    struct file_sink *const file = s->state;
    struct failure ignored;
    yyjson_doc *doc = NULL;
    struct stat st;
    if (json_read(s->arena, s->mark, &doc, &ignored) != OK || fstat(file->fd, &st) != 0) {
        return;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    const off_t size = (off_t)yyjson_get_sint(json_get(root, S("size")));
    const uint64_t inode = yyjson_get_uint(json_get(root, S("inode")));
    if (size < 0) {
        return;
    }
    if (inode == (uint64_t)st.st_ino) {
        note_lines(s, file->fd, size <= st.st_size ? size : 0); /* smaller: it was emptied */
    } else {
        const int old = find_renamed(s, inode);
        if (old >= 0) {
            note_lines(s, old, size);
            close(old);
        }
        note_lines(s, file->fd, 0);
    }
    gather_equal(file);
}

static struct line *find_line(const struct file_sink *file, struct str text)
{
    const struct line wanted = {.hash = hash_64(text, 0)};
    return file->there_n > 0 ? bsearch(&wanted, file->there, file->there_n, sizeof wanted, by_hash)
                             : NULL;
}

/* All lines of the body are; else none of them is taken for one of it. */
static bool is_there(const struct file_sink *file, struct arena *a, struct str body)
{
    struct line **met = NULL;
    size_t n = 0, room = 0;
    bool is_there = file->there_n > 0;
    for (bool is_last = false; is_there && !is_last;) {
        struct line *const at = find_line(file, next_line(&body, &is_last));
        is_there = at && at->left > 0;
        if (is_there) {
            at->met = at->met_in == file->call ? at->met + 1 : 1;
            at->met_in = file->call;
            at->left--;
            met = arena_more(a, met, n, &room, sizeof *met);
            met[n++] = at;
        }
    }
    for (size_t i = 0; i < n && !is_there; i++) {
        met[i]->left++;
        met[i]->met--;
    }
    return is_there;
}

/* Nothing of this call was written: all of it comes again. */
static void unmeet(struct file_sink *file)
{
    for (size_t i = 0; i < file->there_n; i++) {
        struct line *const at = &file->there[i];
        if (at->met_in == file->call) {
            at->left += at->met;
            at->met = 0;
        }
    }
}

/* ---- the file ---- */

/* A line that a kill or somebody else tore is ended, so that the next one stands alone. */
static enum outcome end_line(const struct file_sink *file, off_t size, struct failure *f)
{
    char last = '\n';
    const bool is_torn = size > 0 && pread(file->fd, &last, 1, size - 1) == 1 && last != '\n';
    return is_torn ? file_write(file->fd, S("\n"), f) : OK;
}

static enum outcome file_reopen(struct sink *s, struct failure *f)
{
    struct file_sink *const file = s->state;
    struct stat st;
    if (file->fd >= 0) {
        close(file->fd);
    }
    file->fd = open(file->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, MODE);
    if (file->fd < 0) {
        const bool is_lasting = errno == EACCES || errno == ENOTDIR || errno == EISDIR;
        return failed_errno(f, is_lasting ? STOP : RETRY, "open %s", file->path);
    }
    if (fstat(file->fd, &st) != 0) {
        return failed_errno(f, RETRY, "look at %s", file->path);
    }
    const enum outcome result = end_line(file, st.st_size, f);
    file->inode = result == OK ? st.st_ino : 0; /* 0: it is opened again */
    return result;
}

/* What `open` is to know after a kill: where it ends now. */
static enum outcome set_mark(struct sink *s, struct failure *f)
{
    struct file_sink *const file = s->state;
    struct stat st;
    if (fstat(file->fd, &st) != 0) {
        return failed_errno(f, RETRY, "look at %s", file->path);
    }
    (void)snprintf(file->mark, sizeof file->mark, "{\"inode\":%llu,\"size\":%lld}",
                   (unsigned long long)st.st_ino, (long long)st.st_size);
    s->mark = str_of(file->mark);
    return OK;
}

static enum outcome file_open(struct sink *s, struct failure *f)
{
    struct file_sink *const file = s->state;
    const struct file_options *const o = s->options;
    file->path = arena_cstr(s->arena, o->path);
    file->fd = -1;
    const enum outcome result = file_reopen(s, f);
    if (result != OK || s->mark.len == 0) {
        return result == OK ? set_mark(s, f) : result;
    }
    look_behind_mark(s);
    return OK;
}

static bool is_renamed(const struct file_sink *file)
{
    struct stat st;
    return stat(file->path, &st) != 0 || st.st_ino != file->inode;
}

static enum outcome file_send(struct sink *s, const struct sink_item *item, size_t n, size_t *done,
                              struct failure *f)
{
    struct file_sink *const file = s->state;
    struct arena lines;
    struct buf b;
    struct stat before;
    *done = 0;
    file->call++;
    if (is_renamed(file)) {
        const enum outcome result = file_reopen(s, f);
        if (result != OK) {
            return result;
        }
    }
    arena_init(&lines, 2 * (size_t)BATCH_BYTES_MAX);
    buf_init(&b, &lines, BATCH_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!is_there(file, &lines, item[i].body)) {
            buf_add(&b, item[i].body);
            buf_add_byte(&b, '\n');
        }
    }
    enum outcome result = fstat(file->fd, &before) == 0
                              ? OK
                              : failed_errno(f, RETRY, "look at %s", file->path);
    if (result == OK) {
        result = file_write(file->fd, buf_str(&b), f);
        if (result != OK) { /* all or none of them; a line is never torn */
            (void)!ftruncate(file->fd, before.st_size);
        }
    }
    if (result != OK) {
        unmeet(file);
    }
    *done = result == OK ? n : 0;
    arena_close(&lines);
    return result;
}

static enum outcome file_flush(struct sink *s, struct failure *f)
{
    struct file_sink *const file = s->state;
    const struct file_options *const o = s->options;
    if (o->is_synced) {
        const enum outcome result = file_sync(file->fd, file->path, f);
        if (result != OK) {
            return result;
        }
    }
    return set_mark(s, f);
}

static void file_close(struct sink *s)
{
    struct file_sink *const file = s->state;
    if (file && file->fd >= 0) {
        close(file->fd);
    }
}

const struct sink_driver sink_file = {.name = "file",
                                      .state_bytes = sizeof(struct file_sink),
                                      .items_max = ITEMS_MAX,
                                      .open = file_open,
                                      .send = file_send,
                                      .flush = file_flush,
                                      .close = file_close};
