/* A file that grows by one record a line. Whoever renames it (logrotate) gets a whole one: it is
 * looked for by its name before each write. After a kill the lines behind the mark are compared, so
 * that none stands there twice. */
#include "base/file.h"

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

/* A line that a life before this one wrote; once its record has come again, it counts no more. */
struct line {
    uint64_t hash;
    uint64_t met_in; /* the call that gave its record; 0: none yet */
};

struct file_sink {
    const char *path;
    int fd;
    ino_t inode;
    struct line *there; /* behind the mark, by hash */
    size_t there_n;
    uint64_t call;
    char mark[80];
};

/* ---- what a kill left ---- */

static int by_hash(const void *a, const void *b)
{
    const struct line *const x = a, *const y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

/* A line that was torn is ended, so that the next one stands alone: it is whole in what comes. */
static enum outcome read_tail(struct sink *s, off_t from, off_t size, struct failure *f)
{
    struct file_sink *const file = s->state;
    struct arena tail;
    if (size - from > TAIL_BYTES_MAX) {
        return OK; /* somebody else writes there, too */
    }
    arena_init(&tail, 2 * (size_t)TAIL_BYTES_MAX);
    char *const bytes = arena_array(&tail, char, (size_t)(size - from) + 1);
    const ssize_t n = pread(file->fd, bytes, (size_t)(size - from), from);
    struct str rest = {bytes, n > 0 ? (size_t)n : 0};
    const bool is_torn = rest.len > 0 && rest.at[rest.len - 1] != '\n';
    size_t lines = 1;
    for (size_t i = 0; i < rest.len; i++) {
        lines += rest.at[i] == '\n';
    }
    file->there = arena_array(s->arena, struct line, lines);
    while (rest.len > 0) {
        file->there[file->there_n++].hash = hash_64(str_cut(rest, '\n', &rest), 0);
    }
    qsort(file->there, file->there_n, sizeof *file->there, by_hash);
    arena_close(&tail);
    return is_torn ? file_write(file->fd, S("\n"), f) : OK;
}

static enum outcome look_behind_mark(struct sink *s, struct failure *f)
{
    struct file_sink *const file = s->state;
    struct failure ignored;
    yyjson_doc *doc = NULL;
    struct stat st;
    if (s->mark.len == 0 || json_read(s->arena, s->mark, &doc, &ignored) != OK ||
        fstat(file->fd, &st) != 0) {
        return OK;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    const off_t size = (off_t)yyjson_get_sint(json_get(root, S("size")));
    const bool is_same = yyjson_get_uint(json_get(root, S("inode"))) == (uint64_t)st.st_ino;
    return is_same && st.st_size > size && size >= 0 ? read_tail(s, size, st.st_size, f) : OK;
}

static bool is_there(struct file_sink *file, struct str text)
{
    const struct line wanted = {.hash = file->there_n > 0 ? hash_64(text, 0) : 0};
    struct line *const end = file->there + file->there_n;
    struct line *at = file->there_n > 0
                          ? bsearch(&wanted, file->there, file->there_n, sizeof wanted, by_hash)
                          : NULL;
    if (!at) {
        return false;
    }
    while (at > file->there && at[-1].hash == wanted.hash) {
        at--;
    }
    while (at < end && at->hash == wanted.hash && at->met_in > 0) {
        at++;
    }
    if (at == end || at->hash != wanted.hash) {
        return false;
    }
    at->met_in = file->call;
    return true;
}

/* Nothing of this call was written: all of it comes again. */
static void unmeet(struct file_sink *file)
{
    for (size_t i = 0; i < file->there_n; i++) {
        file->there[i].met_in = file->there[i].met_in == file->call ? 0 : file->there[i].met_in;
    }
}

/* ---- the file ---- */

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
    file->inode = st.st_ino;
    return OK;
}

static enum outcome file_open(struct sink *s, struct failure *f)
{
    struct file_sink *const file = s->state;
    const struct file_options *const o = s->options;
    file->path = arena_cstr(s->arena, o->path);
    file->fd = -1;
    const enum outcome result = file_reopen(s, f);
    return result == OK ? look_behind_mark(s, f) : result;
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
        file->there_n = 0;
    }
    arena_init(&lines, 2 * (size_t)BATCH_BYTES_MAX);
    buf_init(&b, &lines, BATCH_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!is_there(file, item[i].body)) {
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
    struct stat st;
    if (o->is_synced) {
        const enum outcome result = file_sync(file->fd, file->path, f);
        if (result != OK) {
            return result;
        }
    }
    if (fstat(file->fd, &st) != 0) {
        return failed_errno(f, RETRY, "look at %s", file->path);
    }
    (void)snprintf(file->mark, sizeof file->mark, "{\"inode\":%llu,\"size\":%lld}",
                   (unsigned long long)st.st_ino, (long long)st.st_size);
    s->mark = str_of(file->mark);
    return OK;
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
