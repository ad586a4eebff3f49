/* sound.h - whether a data file is what was written: its size and checksum against the log's. */
#ifndef WEIR_PERSIST_LAKE_SOUND_H
#define WEIR_PERSIST_LAKE_SOUND_H

#include "persist/lake/delta.h"

enum soundness {
    SOUND_WHOLE,
    SOUND_GONE,    /* there is no such file                                      */
    SOUND_CHANGED, /* another size or checksum than the log has                  */
};

/* Read a file of the table whole; one without a checksum (another writer's) is judged by its size.
 * *why: a sentence about what is wrong, in `scratch`.
 *   returns OK | RETRY it cannot be read */
enum outcome sound_check(const struct delta *log, struct arena *scratch,
                         const struct delta_file *file, enum soundness *out, struct str *why,
                         struct failure *f);

#endif
