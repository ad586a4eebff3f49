/* file.h - files that are on the disk when a function says so.
 *
 * Durable means: the bytes are synced, and so is the folder that names them. Short writes and EINTR
 * are handled here; a failed fsync is never tried again (the kernel has marked the pages clean). */
#ifndef WEIR_BASE_FILE_H
#define WEIR_BASE_FILE_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

/* The whole file in the arena, followed by a zero byte that is not counted.
 *   returns OK | STOP it cannot be read or holds more than bytes_max */
enum outcome file_read(struct arena *a, const char *path, size_t bytes_max, struct str *out,
                       struct failure *f);

/* All bytes at `offset`. RETRY: what was written before the failure stays. */
enum outcome file_write_at(int fd, struct str bytes, off_t offset, struct failure *f);
/* All bytes to a pipe, socket or growing file. */
enum outcome file_write(int fd, struct str bytes, struct failure *f);

/* fdatasync, with errno's text. RETRY: the unsynced part must be written anew elsewhere. */
enum outcome file_sync(int fd, const char *path, struct failure *f);
/* fsync of a folder, so that names in it last. */
enum outcome file_sync_dir(const char *path, struct failure *f);

/* Replace `path` with these bytes, durably and all at once: temporary name, fsync, rename, folder
 * fsync. */
enum outcome file_replace(const char *path, struct str bytes, mode_t mode, struct failure *f);

/* The folder and its parents, mode 0700 for new ones; each new name is synced. */
enum outcome file_make_dirs(const char *path, struct failure *f);

/* `name` beside the file `base` when it is relative, else as it is. */
struct str file_beside(struct arena *a, struct str base, struct str name);

/* A path as glob(3) takes it for itself alone, also with GLOB_BRACE. */
struct str file_pattern(struct arena *a, struct str path);

/* What a path is, however it is written: absolute, without `.`, `..` and symbolic links as far as
 * it exists; of the rest `.`, `..` and double slashes are worked out. */
struct str file_real(struct arena *a, struct str path);

#endif
