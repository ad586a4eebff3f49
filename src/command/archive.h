/* archive.h - a folder of copied files with their checksums, `SHA256SUMS`, which is written last:
 * a folder without it is no backup. `sha256sum -c SHA256SUMS` reads it, too: its first line, which
 * tells how many files there are, is a comment there. */
#ifndef WEIR_COMMAND_ARCHIVE_H
#define WEIR_COMMAND_ARCHIVE_H

#include "base/buf.h"
#include "base/failure.h"

struct archive {
    struct arena *arena;
    struct str folder; /* absolute, or relative to where the command runs */
    struct buf sums;
    uint64_t files, bytes;
};

/* A folder that is empty or not there yet. */
enum outcome archive_begin(struct archive *w, struct arena *a, struct str folder,
                           struct failure *f);
/* Copy a file, or its first bytes_max bytes, under a name below the folder, durably; what is zero
 * takes no room. *is_there: false when there was no such file (then nothing happened).
 *   returns OK | RETRY | STOP */
enum outcome archive_add(struct archive *w, const char *from, struct str name, uint64_t bytes_max,
                         bool *is_there, struct failure *f);
/* Note a file that was put below the folder already. */
enum outcome archive_note(struct archive *w, struct str name, struct failure *f);
enum outcome archive_end(struct archive *w, struct failure *f);

/* Every file of a finished archive, its checksum compared, once the list is known to be whole: it
 * has as many lines as it tells, and names all that is there. The visitor says whether to go on;
 * texts live as long as the arena.
 *   returns OK | REJECT a file is missing or damaged (names it), or no archive | as the visitor */
enum outcome archive_each(struct arena *a, struct str folder,
                          enum outcome (*visit)(void *to, struct str name, struct failure *f),
                          void *to, struct failure *f);

/* Copy a file durably, its folders made. `hex`: its SHA-256, or NULL. */
enum outcome archive_copy(struct arena *a, const char *from, const char *to, uint64_t bytes_max,
                          char hex[64], struct failure *f);

#endif
