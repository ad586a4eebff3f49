#include "transform/bucket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"

enum {
    ENTRY_BYTES = 48,
    ROOM_FIRST = 1024, /* entries: 48 KiB, so that an idle weir is small */
    BOOT_ID_BYTES = 36
};
_Static_assert(sizeof(struct bucket_entry) == ENTRY_BYTES, "an entry is written as it stands");

/* A slot holds 24 bits of the identity and the entry's number + 1, so that a foreign slot costs no
 * look at the log. */
enum { SLOT_NUMBER_BITS = 40 };
#define SLOT_NUMBER ((UINT64_C(1) << SLOT_NUMBER_BITS) - 1)

struct bucket_table {
    char boot_id[BOOT_ID_BYTES + 4]; /* of the kernel that wrote it     */
    uint64_t included_n;             /* entries of the log in it        */
    uint64_t slots_n;                /* a power of two, at most half full */
    uint64_t slot[];
};

static uint64_t check_of(const struct bucket_entry *e, size_t index)
{
    return hash_64((struct str){(const char *)e, offsetof(struct bucket_entry, check)}, index + 1);
}

static uint64_t tag_of(const uint64_t id[2])
{
    return id[0] & ~SLOT_NUMBER;
}

/* Slot of the identity, or the free one where it would go. */
static uint64_t *slot_of(const struct bucket *b, const uint64_t id[2])
{
    struct bucket_table *const t = b->table;
    for (uint64_t i = id[1];; i++) {
        uint64_t *const slot = &t->slot[i & (t->slots_n - 1)];
        if (*slot == 0) {
            return slot;
        }
        const uint64_t number = (*slot & SLOT_NUMBER) - 1;
        if ((*slot & ~SLOT_NUMBER) == tag_of(id) && number < b->entries_n &&
            memcmp(b->entry[number].id, id, sizeof b->entry->id) == 0) {
            return slot;
        }
    }
}

static bool is_whole(const struct bucket_entry *entry, size_t index)
{
    return entry[index].check == check_of(&entry[index], index);
}

static bool is_blank(const struct bucket_entry *e)
{
    static const struct bucket_entry blank;
    return memcmp(e, &blank, sizeof blank) == 0;
}

/* A blank among the others was damaged once. */
static void include(struct bucket *b, size_t index)
{
    /* Whoever verifies meanwhile finds each entry that is counted whole. */
    __atomic_store_n(&b->table->included_n, index + 1, __ATOMIC_RELEASE);
    if (is_blank(&b->entry[index])) {
        return;
    }
    *slot_of(b, b->entry[index].id) = tag_of(b->entry[index].id) | (index + 1);
}

/* `bytes` of the file, mapped. Allocated first, so that a full disk is an error here and no SIGBUS
 * at a later store. */
static void *map_allocated(int fd, size_t bytes)
{
    const int full = posix_fallocate(fd, 0, (off_t)bytes);
    if (full) {
        errno = full;
        return MAP_FAILED;
    }
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void read_boot_id(char out[BOOT_ID_BYTES + 4])
{
    memset(out, 0, BOOT_ID_BYTES + 4);
    const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, out, BOOT_ID_BYTES) != BOOT_ID_BYTES) {
            out[0] = '\0'; /* without one the table is made anew at each start */
        }
        close(fd);
    }
}

/* A new mapped table for the log's room, in place of the old one. On failure the old one stays in
 * use. */
static enum outcome table_make(struct bucket *b, struct failure *f)
{
    uint64_t slots_n = (uint64_t)ROOM_FIRST * 2;
    while (slots_n < b->entries_room * 2) {
        slots_n *= 2;
    }
    const size_t bytes = sizeof(struct bucket_table) + slots_n * sizeof(uint64_t);
    unlink(b->table_path);
    const int fd = open(b->table_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    void *const at = fd < 0 ? MAP_FAILED : map_allocated(fd, bytes);
    const enum outcome result = at != MAP_FAILED ? OK
                                                 : failed_errno(f, RETRY, "make %s (%zu bytes)",
                                                                b->table_path, bytes);
    if (fd >= 0) {
        close(fd);
    }
    if (result != OK) {
        return result;
    }
    if (b->table) {
        munmap(b->table, b->table_bytes);
    }
    b->table = at;
    b->table_bytes = bytes;
    b->table->slots_n = slots_n;
    read_boot_id(b->table->boot_id);
    for (size_t i = 0; i < b->entries_n; i++) {
        include(b, i);
    }
    return OK;
}

/* Take the table that lies there if this boot wrote it and its size is right; false: make it anew.
 */
static bool table_take(struct bucket *b)
{
    struct stat st;
    char boot_id[BOOT_ID_BYTES + 4];
    read_boot_id(boot_id);
    const int fd = open(b->table_path, O_RDWR | O_CLOEXEC);
    const bool is_there = fd >= 0 && fstat(fd, &st) == 0 &&
                          (size_t)st.st_size > sizeof(struct bucket_table);
    void *const at = is_there
                         ? mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                         : MAP_FAILED;
    if (fd >= 0) {
        close(fd);
    }
    if (at == MAP_FAILED) {
        return false;
    }
    struct bucket_table *const t = at;
    const bool is_good = boot_id[0] && memcmp(t->boot_id, boot_id, sizeof boot_id) == 0 &&
                         (size_t)st.st_size == sizeof *t + t->slots_n * sizeof(uint64_t) &&
                         t->slots_n >= b->entries_room * 2 && t->included_n <= b->entries_n;
    if (!is_good) {
        munmap(at, (size_t)st.st_size);
        return false;
    }
    b->table = t;
    b->table_bytes = (size_t)st.st_size;
    for (size_t i = t->included_n; i < b->entries_n; i++) {
        include(b, i);
    }
    return true;
}

/* Room for `room` entries. On failure the old mapping stays in use. */
static enum outcome log_room(struct bucket *b, size_t room, struct failure *f)
{
    void *const at = map_allocated(b->log_fd, room * ENTRY_BYTES);
    if (at == MAP_FAILED) {
        return failed_errno(f, RETRY, "grow %s to %zu bytes", b->log_path, room * ENTRY_BYTES);
    }
    if (b->entry) {
        munmap(b->entry, b->entries_room * ENTRY_BYTES);
    }
    b->entry = at;
    b->entries_room = room;
    return OK;
}

/* How many entries the table at `path` counted; 0: there is none, or it is not sure. What another
 * boot wrote is sure only if nothing else can be asked (`is_any_boot`). */
static size_t table_counted(const char *path, bool is_any_boot)
{
    struct stat st;
    char boot_id[BOOT_ID_BYTES + 4];
    read_boot_id(boot_id);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool is_there = fd >= 0 && fstat(fd, &st) == 0 &&
                          (size_t)st.st_size > sizeof(struct bucket_table);
    void *const at = is_there
                         ? mmap(NULL, sizeof(struct bucket_table), PROT_READ, MAP_SHARED, fd, 0)
                         : MAP_FAILED;
    if (fd >= 0) {
        close(fd); /* read only: nothing can be lost */
    }
    if (at == MAP_FAILED) {
        return 0;
    }
    const struct bucket_table *const t = at;
    const uint64_t n = __atomic_load_n(&t->included_n, __ATOMIC_ACQUIRE);
    const uint64_t room = ((uint64_t)st.st_size - sizeof *t) / sizeof(uint64_t) / 2;
    const bool is_sure = is_any_boot ||
                         (boot_id[0] && memcmp(t->boot_id, boot_id, sizeof boot_id) == 0);
    munmap(at, sizeof(struct bucket_table));
    return is_sure && n <= room ? n : 0;
}

/* The log ends behind its last whole entry: zeros of the allocation follow, or what a power cut
 * tore. */
struct log_view {
    size_t end_n;     /* entries up to the last whole one                    */
    size_t damaged_n; /* of them: neither whole nor blank                    */
    size_t behind_n;  /* behind them: not blank                              */
};

static struct log_view log_view(const struct bucket_entry *entry, size_t n)
{
    struct log_view v = {0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        if (is_blank(&entry[i])) {
            continue;
        }
        if (is_whole(entry, i)) {
            v.end_n = i + 1;
            v.damaged_n += v.behind_n;
            v.behind_n = 0;
        } else {
            v.behind_n++;
        }
    }
    return v;
}

/* Entries that were known and are no more: all that the table counted were whole once. */
static size_t log_lost(const struct log_view *v, size_t counted_n)
{
    return v->damaged_n + (counted_n > v->end_n ? counted_n - v->end_n : 0);
}

/* An entry that is not whole is blanked, and those behind it stay known: if their output was never
 * made, they are read again at the same position. */
static void log_end(struct bucket *b, size_t counted_n, size_t *cut_n)
{
    const struct log_view v = log_view(b->entry, b->entries_room);
    for (size_t i = 0; i < b->entries_room && v.damaged_n + v.behind_n > 0; i++) {
        if (!is_blank(&b->entry[i]) && !is_whole(b->entry, i)) {
            b->entry[i] = (struct bucket_entry){.check = 0};
        }
    }
    *cut_n = counted_n > 0 ? log_lost(&v, counted_n) : v.damaged_n + v.behind_n;
    b->entries_n = v.end_n;
}

static const char *file_path(struct arena *a, const char *dir, int64_t start_us, const char *ending)
{
    return arena_printf(a, "%s/%020lld.%s", dir, (long long)start_us, ending).at;
}

const char *bucket_log_path(struct arena *a, const char *dir, int64_t start_us)
{
    return file_path(a, dir, start_us, "log");
}

enum outcome bucket_damage(struct arena *a, const char *dir, int64_t start_us, size_t *out,
                           struct failure *f)
{
    struct stat st = {0};
    const char *const log_path = bucket_log_path(a, dir, start_us);
    const char *const table_path = file_path(a, dir, start_us, "table");
    *out = 0;
    const int fd = open(log_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *out = table_counted(table_path, true); /* one that is forgotten has lost its table first */
        return OK;
    }
    const size_t counted_n = table_counted(table_path, false); /* before the log is looked at */
    if (fd < 0 || fstat(fd, &st) != 0) {
        const enum outcome result = failed_errno(f, RETRY, "read %s", log_path);
        if (fd >= 0) {
            close(fd);
        }
        return result;
    }
    const size_t n = (size_t)st.st_size / ENTRY_BYTES;
    void *const at = n ? mmap(NULL, n * ENTRY_BYTES, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    close(fd); /* read only: nothing can be lost */
    if (at == MAP_FAILED) {
        return failed_errno(f, RETRY, "map %s", log_path);
    }
    const struct log_view v = log_view(at, n);
    *out = log_lost(&v, counted_n);
    if (counted_n == 0 && v.behind_n > 1) {
        *out += v.behind_n; /* a single one may be in the middle of its writing */
    }
    if (n) {
        munmap(at, n * ENTRY_BYTES);
    }
    return OK;
}

enum outcome bucket_open(struct bucket *b, struct arena *a, const char *dir, int64_t start_us,
                         size_t *cut_n, struct failure *f)
{
    struct stat st;
    *b = (struct bucket){
        .start_us = start_us,
        .log_path = bucket_log_path(a, dir, start_us),
        .table_path = file_path(a, dir, start_us, "table"),
    };
    b->log_fd = open(b->log_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (b->log_fd < 0 || fstat(b->log_fd, &st) != 0) {
        return failed_errno(f, STOP, "open %s", b->log_path);
    }
    const size_t room = (size_t)st.st_size / ENTRY_BYTES;
    enum outcome result = log_room(b, room > ROOM_FIRST ? room : ROOM_FIRST, f);
    if (result == OK && st.st_size == 0) {
        result = file_sync_dir(dir, f);
    }
    if (result == OK) {
        log_end(b, table_counted(b->table_path, st.st_size == 0), cut_n);
        result = table_take(b) ? OK : table_make(b, f);
    }
    if (result != OK) {
        bucket_close(b);
    }
    return result;
}

void bucket_close(struct bucket *b)
{
    if (b->table) {
        munmap(b->table, b->table_bytes);
    }
    if (b->entry) {
        munmap(b->entry, b->entries_room * ENTRY_BYTES);
    }
    if (b->log_fd >= 0) {
        close(b->log_fd); /* what is not synced was never promised */
    }
    b->table = NULL;
    b->entry = NULL;
    b->log_fd = -1;
}

void bucket_forget(struct bucket *b)
{
    bucket_close(b);
    unlink(b->table_path);
    unlink(b->log_path);
}

const struct bucket_entry *bucket_find(const struct bucket *b, const uint64_t id[2])
{
    const uint64_t slot = *slot_of(b, id);
    return slot ? &b->entry[(slot & SLOT_NUMBER) - 1] : NULL;
}

enum outcome bucket_put(struct bucket *b, struct bucket_entry e, struct failure *f)
{
    enum outcome result = OK;
    if (b->entries_n == b->entries_room) {
        result = log_room(b, b->entries_room * 2, f);
    }
    if (result == OK && b->table->slots_n < b->entries_room * 2) {
        result = table_make(b, f);
    }
    if (result != OK) {
        return result;
    }
    const size_t index = b->entries_n;
    assert(index < SLOT_NUMBER);
    e.check = check_of(&e, index);
    b->entry[index] = e;
    b->entries_n++;
    include(b, index);
    return OK;
}

enum outcome bucket_sync(struct bucket *b, struct failure *f)
{
    if (b->synced_n == b->entries_n) {
        return OK;
    }
    if (b->is_sync_lost) {
        /* The kernel has marked the pages of the failed sync clean: store the entries anew. */
        for (size_t i = b->synced_n; i < b->entries_n; i++) {
            volatile struct bucket_entry *const e = &b->entry[i];
            e->check = b->entry[i].check;
        }
    }
    FAILPOINT("repetitions.sync");
    /* fdatasync covers stores through the shared mapping: Linux has one page cache for both. */
    b->is_sync_lost = failpoint_fails("repetitions.sync.fails") || fdatasync(b->log_fd) != 0;
    if (b->is_sync_lost) {
        return failed_errno(f, RETRY, "sync %s", b->log_path);
    }
    b->synced_n = b->entries_n;
    return OK;
}

uint64_t bucket_bytes(const struct bucket *b)
{
    return b->entries_room * ENTRY_BYTES + b->table_bytes;
}
