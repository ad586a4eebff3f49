/* files.h - where a lake's files are: a folder now, a bucket later; what both can promise.
 *
 * A key is a path below the lake's place (`change/_delta_log/…json`), '/'-separated, never
 * absolute. Durable when OK is returned. The only primitive that orders writers is put_if_absent.
 */
#ifndef WEIR_PERSIST_LAKE_FILES_H
#define WEIR_PERSIST_LAKE_FILES_H

#include "base/arena.h"
#include "base/failure.h"

struct files {
    const struct files_driver *driver;
    struct str place; /* as configured: an absolute folder */
};

/* The files of the lake at `lake.path`: its form says which driver reaches them. A path is a folder
 * of this machine; a bucket will be a file with its driver, and a line where this is decided. */
struct files files_at(struct str place);

struct files_entry {
    struct str key;
    size_t bytes;
    int64_t modified_ms;
};
struct files_list {
    struct files_entry *at;
    size_t n, room;
};

struct files_driver {
    const char *name;
    /* These bytes under a key that must not exist yet.
     *   returns OK | RETRY cause FENCED: it exists; else nothing was put | STOP rights */
    enum outcome (*put_if_absent)(const struct files *s, struct str key, struct str bytes,
                                  struct failure *f);
    /* These bytes under a key, whatever stood there. */
    enum outcome (*put)(const struct files *s, struct str key, struct str bytes, struct failure *f);
    /* The local file `from`, which is gone afterwards, under a key that names its content: a file
     * that stands there already is the same one. */
    enum outcome (*put_file)(const struct files *s, struct str key, const char *from,
                             struct failure *f);
    /* The whole of it; out->at == NULL when there is none. */
    enum outcome (*get)(const struct files *s, struct arena *a, struct str key, struct str *out,
                        struct failure *f);
    /* Every file below a folder, in no order; none when there is no such folder. */
    enum outcome (*list)(const struct files *s, struct arena *a, struct str folder,
                         struct files_list *out, struct failure *f);
    /* OK also when it is gone already. */
    enum outcome (*remove)(const struct files *s, struct str key, struct failure *f);
    /* Be one of those who put files here, until *fd is closed; children inherit it. It is -1 at
     * first; called again it changes what the same descriptor holds. is_alone: the only one, so
     * that what no commit names is nobody's work under way.
     *   returns OK | RETRY cause FENCED: is_alone, and others are here | STOP rights */
    enum outcome (*hold)(const struct files *s, bool is_alone, int *fd, struct failure *f);
    /* Where on this machine a file or folder of this key is made that put_file takes files of. */
    struct str (*scratch)(const struct files *s, struct arena *a, struct str key);
};

/* Hexadecimal digits for a name that no other process has, in whatever container: a process number
 * is one's own in each. */
enum { FILES_UNIQUE_BYTES = 17 }; /* with its end */
void files_unique(char out[FILES_UNIQUE_BYTES]);

/* What DuckDB writes it by; what reads takes the duck_pattern of it. */
struct str files_path(const struct files *s, struct arena *a, struct str key);

#endif
