#include "persist/lake/sound.h"

#include <inttypes.h>

#include "base/hash.h"

enum outcome sound_check(const struct delta *log, struct arena *scratch,
                         const struct delta_file *file, enum soundness *out, struct str *why,
                         struct failure *f)
{
    static const char way_out[] = "restore it, or rebuild the table with weir replay";
    struct str bytes;
    char hash[32];
    const struct str key = arena_printf(scratch, "%.*s/%.*s", STR_ARG(log->table),
                                        STR_ARG(file->path));
    const enum outcome result = log->files->driver->get(log->files, scratch, key, &bytes, f);
    if (result != OK) {
        return result;
    }
    if (!bytes.at) {
        *out = SOUND_GONE;
        *why = arena_printf(scratch, "%.*s is gone, and the log of %.*s names it: %s", STR_ARG(key),
                            STR_ARG(log->table), way_out);
        return OK;
    }
    hash_128_hex(bytes, hash);
    const bool is_same = file->checksum.len == 0 ||
                         str_eq(file->checksum, (struct str){hash, sizeof hash});
    *out = bytes.len == (size_t)file->bytes && is_same ? SOUND_WHOLE : SOUND_CHANGED;
    *why = *out == SOUND_WHOLE ? S("")
                               : arena_printf(scratch,
                                              "%.*s is not what was written (%zu bytes, %" PRId64
                                              " in the log%s): %s",
                                              STR_ARG(key), bytes.len, file->bytes,
                                              is_same ? "" : "; its checksum differs", way_out);
    return OK;
}
