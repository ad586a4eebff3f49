#include "command/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define SUMS "SHA256SUMS"
#define COUNT "# weir backup, files: " /* a comment to sha256sum */

enum { PIECE_BYTES = 1 << 20, SUMS_BYTES_MAX = 256 << 20, HEX = 64, SHA_BYTES = 32 };

static struct str folder_of(struct arena *a, const char *path)
{
    struct str folder = str_of(path);
    while (folder.len > 0 && folder.at[folder.len - 1] != '/') {
        folder.len--;
    }
    return folder.len ? arena_str(a, folder) : S("./");
}

static void write_hex(const unsigned char *bytes, char hex[HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA_BYTES; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static bool is_zero(struct str piece)
{
    return piece.len == 0 ||
           (piece.at[0] == 0 && memcmp(piece.at, piece.at + 1, piece.len - 1) == 0);
}

struct copying {
    const char *from, *path;
    int in, out; /* out -1: it is only read */
    EVP_MD_CTX *hash;
    char *piece;
};

/* Up to `most` bytes; what follows up to the file's size is a hole. */
static enum outcome copy_bytes(const struct copying *c, uint64_t most, struct failure *f)
{
    struct stat st;
    if (fstat(c->in, &st) != 0) {
        return failed_errno(f, RETRY, "read %s", c->from);
    }
    const uint64_t size = (uint64_t)st.st_size;
    memset(c->piece, 0, PIECE_BYTES);
    for (uint64_t at = 0; at < size;) {
        const uint64_t left = size - at;
        const uint64_t full = left < PIECE_BYTES ? left : PIECE_BYTES;
        const uint64_t wanted = at >= most ? 0 : most - at < full ? most - at : full;
        const ssize_t got = wanted ? pread(c->in, c->piece, (size_t)wanted, (off_t)at) : 0;
        if (got < 0 || (uint64_t)got != wanted) {
            return failed_errno(f, RETRY, "read %s", c->from);
        }
        memset(c->piece + wanted, 0, (size_t)(full - wanted));
        const struct str piece = {c->piece, (size_t)full};
        (void)EVP_DigestUpdate(c->hash, piece.at, piece.len);
        if (c->out >= 0 && !is_zero(piece)) {
            const enum outcome result = file_write_at(c->out, piece, (off_t)at, f);
            if (result != OK) {
                return result;
            }
        }
        at += full;
    }
    return c->out < 0 || ftruncate(c->out, st.st_size) == 0
               ? OK
               : failed_errno(f, RETRY, "write %s", c->path);
}

static enum outcome hash_and_copy(struct copying *c, uint64_t most, char hex[HEX],
                                  struct failure *f)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    c->hash = EVP_MD_CTX_new();
    if (!c->hash || EVP_DigestInit_ex(c->hash, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(c->hash);
        return failed(f, STOP, "no SHA-256 in this OpenSSL");
    }
    const enum outcome result = copy_bytes(c, most, f);
    (void)EVP_DigestFinal_ex(c->hash, sum, NULL);
    EVP_MD_CTX_free(c->hash);
    write_hex(sum, hex);
    return result;
}

enum outcome archive_copy(struct arena *a, const char *from, const char *to, uint64_t bytes_max,
                          char hex[HEX], struct failure *f)
{
    char unwanted[HEX];
    const struct str folder = folder_of(a, to);
    struct copying c = {.from = from, .path = to, .piece = arena_alloc(a, 1, PIECE_BYTES)};
    enum outcome result = file_make_dirs(folder.at, f);
    if (result != OK) {
        return result;
    }
    c.in = open(from, O_RDONLY | O_CLOEXEC);
    if (c.in < 0) {
        return failed_errno(f, RETRY, "open %s", from);
    }
    c.out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    result = c.out < 0 ? failed_errno(f, RETRY, "create %s", to)
                       : hash_and_copy(&c, bytes_max, hex ? hex : unwanted, f);
    result = result == OK ? file_sync(c.out, to, f) : result;
    if (c.out >= 0 && close(c.out) != 0 && result == OK) {
        result = failed_errno(f, RETRY, "close %s", to);
    }
    close(c.in); /* read alone */
    return result == OK ? file_sync_dir(folder.at, f) : result;
}

/* ---- writing ---- */

enum outcome archive_begin(struct archive *w, struct arena *a, struct str folder, struct failure *f)
{
    *w = (struct archive){.arena = a, .folder = arena_str(a, folder)};
    buf_init(&w->sums, a, SUMS_BYTES_MAX);
    DIR *const dir = opendir(w->folder.at);
    size_t n = 0;
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        n += e->d_name[0] != '.';
    }
    if (dir) {
        closedir(dir);
    }
    return n == 0 ? file_make_dirs(w->folder.at, f)
                  : failed(f, REJECT, "%s is not empty: a backup takes a folder of its own",
                           w->folder.at);
}

static void add_line(struct archive *w, const char hex[HEX], struct str name)
{
    buf_printf(&w->sums, "%.64s  ", hex);
    buf_add(&w->sums, name);
    buf_add_byte(&w->sums, '\n');
    w->files++;
}

enum outcome archive_add(struct archive *w, const char *from, struct str name, uint64_t bytes_max,
                         bool *is_there, struct failure *f)
{
    struct arena a;
    struct stat st;
    char hex[HEX];
    *is_there = stat(from, &st) == 0;
    if (!*is_there) {
        return errno == ENOENT ? OK : failed_errno(f, RETRY, "read %s", from);
    }
    arena_init(&a, 4 * (size_t)PIECE_BYTES);
    const struct str to = arena_printf(&a, "%.*s/%.*s", STR_ARG(w->folder), STR_ARG(name));
    const enum outcome result = archive_copy(&a, from, to.at, bytes_max, hex, f);
    arena_close(&a);
    if (result == OK) {
        add_line(w, hex, name);
        w->bytes += (uint64_t)st.st_size < bytes_max ? (uint64_t)st.st_size : bytes_max;
    }
    return result;
}

static enum outcome hash_file(struct arena *a, const char *path, char hex[HEX], struct failure *f)
{
    struct copying c = {.from = path, .out = -1, .piece = arena_alloc(a, 1, PIECE_BYTES)};
    c.in = open(path, O_RDONLY | O_CLOEXEC);
    if (c.in < 0) {
        return failed_errno(f, REJECT, "open %s", path);
    }
    const enum outcome result = hash_and_copy(&c, UINT64_MAX, hex, f);
    close(c.in); /* read alone */
    return result;
}

enum outcome archive_note(struct archive *w, struct str name, struct failure *f)
{
    struct stat st = {0};
    char hex[HEX];
    const struct str path = arena_printf(w->arena, "%.*s/%.*s", STR_ARG(w->folder), STR_ARG(name));
    const enum outcome result = hash_file(w->arena, path.at, hex, f);
    if (result == OK && stat(path.at, &st) == 0) {
        add_line(w, hex, name);
        w->bytes += (uint64_t)st.st_size;
    }
    return result;
}

/* How many there are stands first: a list that was cut, wherever, is none of a whole backup. */
enum outcome archive_end(struct archive *w, struct failure *f)
{
    struct buf all;
    const struct str path = arena_printf(w->arena, "%.*s/" SUMS, STR_ARG(w->folder));
    buf_init(&all, w->arena, SUMS_BYTES_MAX);
    buf_printf(&all, COUNT "%" PRIu64 "\n", w->files);
    buf_add(&all, buf_str(&w->sums));
    return buf_is_over(&w->sums) || buf_is_over(&all)
               ? failed(f, STOP, "too many files for one backup")
               : file_replace(path.at, buf_str(&all), 0600, f);
}

/* ---- reading ---- */

/* `<hex>  <name>`; a name leads nowhere but below the folder. */
static bool read_line(struct str line, struct str *hex, struct str *name)
{
    *hex = str_sub(line, 0, HEX);
    *name = str_sub(line, HEX + 2, line.len);
    const struct str up = S("..");
    for (size_t i = 0; i + up.len <= name->len; i++) {
        if (str_eq(str_sub(*name, i, up.len), up)) {
            return false;
        }
    }
    return name->len > 0 && name->at[0] != '/' && str_eq(str_sub(line, HEX, 2), S("  "));
}

static enum outcome check_one(struct str folder, struct str hex, struct str name, struct failure *f)
{
    struct arena a;
    char is[HEX];
    arena_init(&a, 4 * (size_t)PIECE_BYTES);
    const struct str path = arena_printf(&a, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
    enum outcome result = hash_file(&a, path.at, is, f);
    if (result == OK && !str_eq(hex, (struct str){is, HEX})) {
        result = failed(f, REJECT, "%s is damaged: its checksum is another", path.at);
    }
    arena_close(&a);
    return result;
}

struct list {
    struct arena *arena;
    struct str folder;
    const char *path; /* of the list itself */
    struct archived {
        struct str hex, name;
    } *at;            /* as they stand there */
    struct str *name; /* sorted */
    size_t n;
    bool is_counted;
    uint64_t count; /* that its first line tells; older backups have none */
};

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum outcome read_list(struct list *l, struct failure *f)
{
    struct str text;
    size_t room = 0;
    l->path = arena_printf(l->arena, "%.*s/" SUMS, STR_ARG(l->folder)).at;
    if (file_read(l->arena, l->path, SUMS_BYTES_MAX, &text, f) != OK) {
        return failed(f, REJECT, "%.*s is no finished backup: there is no " SUMS " in it",
                      STR_ARG(l->folder));
    }
    const struct str mark = S(COUNT);
    l->is_counted = str_starts(text, mark);
    if (l->is_counted) {
        const struct str line = str_cut(text, '\n', &text);
        if (!str_to_u64(str_sub(line, mark.len, line.len), &l->count)) {
            return failed(f, REJECT, "%s is damaged", l->path);
        }
    }
    while (text.len > 0) {
        const struct str line = str_cut(text, '\n', &text);
        l->at = arena_more(l->arena, l->at, l->n, &room, sizeof *l->at);
        if (!read_line(line, &l->at[l->n].hex, &l->at[l->n].name)) {
            return failed(f, REJECT, "%s is damaged", l->path);
        }
        l->n++;
    }
    l->name = arena_array(l->arena, struct str, l->n);
    for (size_t i = 0; i < l->n; i++) {
        l->name[i] = l->at[i].name;
    }
    if (l->n > 0) {
        qsort(l->name, l->n, sizeof *l->name, by_name);
    }
    return OK;
}

/* What stands below the folder and in no line: the list was cut, or it is of something else. Hidden
 * names at its top are not the backup's (of the file system, of a person). */
static enum outcome check_named(const struct list *l, struct str below, struct failure *f)
{
    const char *const path =
        arena_printf(l->arena, "%.*s/%.*s", STR_ARG(l->folder), STR_ARG(below)).at;
    DIR *const dir = opendir(path);
    enum outcome result = dir ? OK : failed_errno(f, REJECT, "read %s", path);
    const struct dirent *e;
    while (dir && result == OK && (e = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe) */
        struct stat st;
        const struct str is = str_of(e->d_name);
        const bool is_top = below.len == 0;
        if (str_eq(is, S(".")) || str_eq(is, S("..")) ||
            (is_top && (e->d_name[0] == '.' || str_eq(is, S(SUMS))))) {
            continue;
        }
        const struct str name = arena_printf(l->arena, "%.*s%s%s", STR_ARG(below),
                                             is_top ? "" : "/", e->d_name);
        const char *const at =
            arena_printf(l->arena, "%.*s/%.*s", STR_ARG(l->folder), STR_ARG(name)).at;
        if (stat(at, &st) == 0 && S_ISDIR(st.st_mode)) {
            result = check_named(l, name, f);
        } else if (l->n == 0 || !bsearch(&name, l->name, l->n, sizeof *l->name, by_name)) {
            result = failed(f, REJECT,
                            "%s is in no line of " SUMS ": the list is not whole (take the backup "
                            "from where it was copied from), or the file is not the backup's (move "
                            "it away)",
                            at);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return result;
}

/* Every line is read before any file is. */
static enum outcome open_list(struct list *l, struct failure *f)
{
    const enum outcome result = read_list(l, f);
    if (result == OK && (l->n == 0 || (l->is_counted && l->count != l->n))) {
        return failed(f, REJECT, "%s is not whole: it names %zu files%s", l->path, l->n,
                      l->is_counted ? arena_printf(l->arena, " of %" PRIu64, l->count).at : "");
    }
    return result == OK ? check_named(l, S(""), f) : result;
}

enum outcome archive_each(struct arena *a, struct str folder,
                          enum outcome (*visit)(void *to, struct str name, struct failure *f),
                          void *to, struct failure *f)
{
    struct list l = {.arena = a, .folder = folder};
    enum outcome result = open_list(&l, f);
    for (size_t i = 0; i < l.n && result == OK; i++) {
        result = check_one(folder, l.at[i].hex, l.at[i].name, f);
        result = result == OK ? visit(to, l.at[i].name, f) : result;
    }
    return result;
}
