/* Promise 1 as a power cut would judge it: what is called durable was synced as it stands, byte for
 * byte and name for name. fsync and fdatasync of this program are the test's: they note what the
 * file or the folder holds at that moment, in memory that children share. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/hash.h"
#include "bus/log.h"
#include "folder.h"
#include "persist/lake/lake.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "test.h"
#include "transform/repetitions.h"

enum { NOTES_MAX = 1 << 16, FACTS = 30 };

/* What a sync has made last: the content of a file, or one name in a folder. */
struct note {
    ino_t of, target; /* target 0: the content of `of`, else what the name stands for */
    uint64_t hash;    /* of the content, of the name          */
    unsigned sync;    /* of all syncs                         */
};

static struct notes {
    struct note note[NOTES_MAX];
    _Atomic unsigned n, syncs;
} *notes;

static void note_add(struct note note)
{
    const unsigned i = notes->n++;
    if (i < NOTES_MAX) {
        notes->note[i] = note;
    }
}

static uint64_t content_of(const char *path)
{
    char bytes[8192];
    uint64_t hash = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t n; fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0;) {
        hash = hash_64((struct str){bytes, (size_t)n}, hash);
    }
    (void)close(fd);
    return hash;
}

static void note_folder(const char *path, ino_t ino, unsigned sync)
{
    DIR *const dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        note_add((struct note){ino, e->d_ino, hash_64(str_of(e->d_name), 0), sync});
    }
    (void)closedir(dir);
}

static int note_sync(int fd, long call)
{
    char path[64];
    struct stat st;
    const int result = (int)syscall(call, fd);
    if (!notes || result != 0 || fstat(fd, &st) != 0) {
        return result;
    }
    const unsigned sync = ++notes->syncs;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (S_ISDIR(st.st_mode)) {
        note_folder(path, st.st_ino, sync);
    } else {
        note_add((struct note){st.st_ino, 0, content_of(path), sync});
    }
    return result;
}

/* What was written since the last sync of its file; the newest of them are enough. */
enum { WRITES_MAX = 64 };
static struct wrote {
    ino_t of;
    off_t from, to;
} wrote[WRITES_MAX];
static size_t wrote_n;

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    struct stat st;
    const ssize_t result = (ssize_t)syscall(SYS_pwrite64, fd, bytes, n, at);
    if (result > 0 && fstat(fd, &st) == 0) {
        wrote[wrote_n++ % WRITES_MAX] = (struct wrote){st.st_ino, at, at + result};
    }
    return result;
}

int fsync(int fd)
{
    return note_sync(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return note_sync(fd, SYS_fdatasync);
}

/* ---- what was synced ---- */

/* The newest sync's notes of a file or folder that say this; a later sync takes back what an
 * earlier one said. */
static bool is_noted(ino_t of, ino_t target, uint64_t hash)
{
    unsigned newest = 0;
    assert_true(notes->n < NOTES_MAX);
    for (unsigned i = 0; i < notes->n; i++) {
        newest = notes->note[i].of == of ? notes->note[i].sync : newest;
    }
    for (unsigned i = 0; i < notes->n; i++) {
        const struct note *const n = &notes->note[i];
        if (n->of == of && n->sync == newest && n->target == target && n->hash == hash) {
            return true;
        }
    }
    return false;
}

/* The file would be there after a power cut, as it is: its content, and each name down to it from
 * the test's folder. */
static void assert_durable(const char *file)
{
    char path[PATH_MAX];
    struct stat st, above;
    const size_t root_len = strlen(folder_path("")) - 1;
    assert_non_null(realpath(file, path));
    assert_int_equal(stat(path, &st), 0);
    if (!is_noted(st.st_ino, 0, content_of(path))) {
        fail_msg("%s was not synced as it is", path);
    }
    for (char *slash = strrchr(path, '/'); slash > path + root_len; slash = strrchr(path, '/')) {
        const uint64_t name = hash_64(str_of(slash + 1), 0);
        *slash = '\0';
        assert_int_equal(stat(path, &above), 0);
        if (!is_noted(above.st_ino, st.st_ino, name)) {
            fail_msg("the name %s in %s was not synced", slash + 1, path);
        }
        st = above;
    }
}

/* All that is noted is forgotten: as if another process had begun. */
static void forget(void)
{
    notes->n = 0;
    wrote_n = 0;
    memset(wrote, 0, sizeof wrote);
}

/* The name would be there after a power cut. */
static void assert_named(const char *file)
{
    char path[PATH_MAX];
    struct stat st, above;
    assert_non_null(realpath(file, path));
    assert_int_equal(stat(path, &st), 0);
    char *const slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(stat(path, &above), 0);
    if (!is_noted(above.st_ino, st.st_ino, hash_64(str_of(slash + 1), 0))) {
        fail_msg("the name of %s was not synced", file);
    }
}

static int set_up(void **state)
{
    (void)state;
    notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return notes == MAP_FAILED || !folder_make_fast() ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)munmap(notes, sizeof *notes);
    notes = NULL;
    folder_drop();
    return 0;
}

/* ---- the bus ---- */

static void every_append_is_synced_before_it_says_ok(void **state)
{
    (void)state;
    enum { APPENDS = 300 };
    struct log_bus l;
    size_t segments_n = 1;
    log_init(&l, 64 * 1024);
    log_open(&l);
    for (uint64_t i = 0; i < APPENDS; i++) {
        const unsigned before = notes->syncs;
        assert_int_equal(log_append(&l, i, 1, 1000), OK);
        segments_n += log_segment(&l, raw_lane("intake-0"), segments_n) != NULL;
        assert_durable(log_segment(&l, raw_lane("intake-0"), segments_n - 1));
        if (i > 0 && notes->syncs == before) {
            fail_msg("append %u synced nothing", (unsigned)i);
        }
    }
    assert_true(segments_n > 2);
    log_drop(&l);
}

/* What a killed writer left may be in the page cache alone; or, after a sync that failed, be marked
 * clean there and not be on the disk: only what is written anew is synced. */
static void recovery_writes_the_last_group_anew_and_syncs_it(void **state)
{
    (void)state;
    struct log_bus l;
    struct stat st;
    bool is_written = false;
    enum { BYTES = 1000 };
    log_init(&l, 64 * 1024);
    log_open(&l);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(log_append(&l, i, 1, BYTES), OK);
    }
    static char segment[PATH_MAX];
    (void)snprintf(segment, sizeof segment, "%s", log_segment(&l, raw_lane("intake-0"), 0));
    assert_int_equal(stat(segment, &st), 0);
    log_close(&l);
    forget();
    const struct finding_to nobody = {NULL, NULL};
    assert_int_equal(bus_recover_driver(&bus_embedded, &l.config, nobody, &l.f), OK);
    assert_true(is_noted(st.st_ino, 0, content_of(segment)));
    for (size_t i = 0; i < WRITES_MAX; i++) {
        is_written |= wrote[i].of == st.st_ino && wrote[i].from > 2 * BYTES &&
                      wrote[i].to - wrote[i].from > BYTES;
    }
    assert_true(is_written);
    log_open(&l);
    log_drop(&l);
}

static void the_name_of_a_buss_id_is_synced(void **state)
{
    (void)state;
    struct log_bus l;
    log_init(&l, 64 * 1024);
    log_open(&l);
    assert_named(folder_path("bus/id"));
    log_drop(&l);
}

/* ---- the transform, the store ---- */

static void the_name_of_a_new_bucket_is_synced_with_its_entries(void **state)
{
    (void)state;
    struct arena a;
    struct failure f;
    struct repetitions *r = NULL;
    size_t logs = 0;
    const struct config_keep keep = {.keep_ms = INT64_C(86400000), .disk_bytes_max = 1 << 30};
    const struct signal s = {.agent = S("github"), .source = S("s"), .id = S("1")};
    const struct sighting here = {{STREAM_RAW, S("intake-0")}, {1}, 1};
    arena_init(&a, 64 << 20);
    const struct str dir = arena_str(&a, str_of(folder_path("repetitions")));
    assert_int_equal(
        repetitions_open(&a, dir, S("0123456789abcdef0123456789abcdef"), &keep, &r, &f), OK);
    assert_int_equal(repetitions_put(r, &s, &here, clock_now_us(), &f), OK);
    assert_int_equal(repetitions_sync(r, &f), OK);
    DIR *const list = opendir(dir.at);
    assert_non_null(list);
    for (struct dirent *e; (e = readdir(list));) {
        if (str_ends(str_of(e->d_name), S(".log"))) {
            assert_named(arena_printf(&a, "%s/%s", dir.at, e->d_name).at);
            logs++;
        }
    }
    (void)closedir(list);
    assert_int_equal(logs, 1);
    repetitions_close(r);
    arena_close(&a);
}

/* ---- the lake ---- */

static void every_file_of_a_commit_is_synced_before_its_cursor_moves(void **state)
{
    (void)state;
    struct lakes lakes;
    struct failure f;
    struct files_list list;
    const struct lane lane = {STREAM_STANDARD, S("intake-0")};
    size_t data_n = 0;
    size_t commits_n = 0;
    lakes_begin(&lakes, folder_path("."));
    if (lakes_open(&lakes, &f) != OK) {
        fail_msg("open %s", f.text);
    }
    const uint64_t from = lakes_cursor(&lakes, lane);
    struct record *const r = arena_array(&lakes.arena, struct record, FACTS);
    for (uint64_t i = 0; i < FACTS; i++) {
        struct dice dice = {i + 1};
        r[i].signal = fact_random(&dice, &lakes.arena, model_find(S("change")), 1000000);
    }
    assert_int_equal(lakes_take(&lakes, lane, r, FACTS, from, &f), OK);
    if (persist_lake.flush(&lakes.persister, true, &f) != OK) {
        fail_msg("%s", f.text);
    }
    assert_true(lakes_cursor(&lakes, lane) > from);
    assert_int_equal(
        lakes.lake->files.driver->list(&lakes.lake->files, &lakes.arena, S("change"), &list, &f),
        OK);
    for (size_t i = 0; i < list.n; i++) {
        const struct str path = files_path(&lakes.lake->files, &lakes.arena, list.at[i].key);
        data_n += str_ends(path, S(".parquet"));
        commits_n += str_ends(path, S(".json"));
        assert_durable(path.at);
    }
    assert_true(data_n > 0 && commits_n > 1);
    lakes_close(&lakes);
    lakes_end(&lakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_append_is_synced_before_it_says_ok, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(recovery_writes_the_last_group_anew_and_syncs_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_name_of_a_buss_id_is_synced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_name_of_a_new_bucket_is_synced_with_its_entries, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_file_of_a_commit_is_synced_before_its_cursor_moves,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
