/* bucket.h - one bucket of the repetition index: an append-only log of entries and a hash table
 * that finds them.
 *
 * The log `<start>.log` is the truth: 48 bytes an entry, each with its own checksum, synced by
 * bucket_sync. The table `<start>.table` is a mapped hint that is never synced: it survives a
 * killed process (the page cache does), and is made anew from the log after a reboot, which its
 * header tells by the kernel's boot id. */
#ifndef WEIR_TRANSFORM_BUCKET_H
#define WEIR_TRANSFORM_BUCKET_H

#include "base/arena.h"
#include "base/failure.h"

struct bucket_entry {
    uint64_t id[2];    /* hash of the identity                                   */
    uint64_t lane;     /* hash of the lane's name                                */
    uint64_t position; /* top bit: taken out                                     */
    uint64_t body;     /* XXH3-64 of the payload                                 */
    uint64_t check;    /* XXH3-64 of the members before, under the entry's index */
};

#define BUCKET_TAKEN_OUT (UINT64_C(1) << 63)

struct bucket {
    int64_t start_us; /* oldest receipt that belongs here                      */
    const char *log_path, *table_path;
    int log_fd;
    struct bucket_entry *entry; /* the log, mapped; room for entries_room                */
    size_t entries_n, entries_room;
    size_t synced_n;            /* entries that are on the disk: 0 when it was opened, since
                                 * who wrote them may have been killed before its sync */
    bool is_sync_lost;          /* the last sync failed                                  */
    struct bucket_table *table; /* mapped                                                */
    size_t table_bytes;
};

/* Open or make the bucket of `start_us` in `dir`; its paths live in the arena. Entries that are
 * damaged or torn are blanked; *cut_n tells how many, with those that its table counted and that
 * are no more. returns OK | STOP rights | RETRY disk */
enum outcome bucket_open(struct bucket *b, struct arena *a, const char *dir, int64_t start_us,
                         size_t *cut_n, struct failure *f);
void bucket_close(struct bucket *b);
const char *bucket_log_path(struct arena *a, const char *dir, int64_t start_us);
/* How many entries of the bucket are damaged or gone: not whole, though a whole one follows, or
 * counted by the table, and not in the log (which may be gone as a whole). It may be in use.
 * returns OK | RETRY unreadable */
enum outcome bucket_damage(struct arena *a, const char *dir, int64_t start_us, size_t *out,
                           struct failure *f);
/* Close it and remove its files. */
void bucket_forget(struct bucket *b);

/* Newest entry of the identity, or NULL. Good until the next put. */
const struct bucket_entry *bucket_find(const struct bucket *b, const uint64_t id[2]);
/* Append; e->check is set here. */
enum outcome bucket_put(struct bucket *b, struct bucket_entry e, struct failure *f);
enum outcome bucket_sync(struct bucket *b, struct failure *f);
/* Of both files. */
uint64_t bucket_bytes(const struct bucket *b);

#endif
