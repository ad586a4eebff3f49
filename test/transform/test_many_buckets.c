/* A folder of repetitions may hold more buckets than the index does, in any order. */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "folder.h"
#include "test.h"
#include "transform/bucket.h"
#include "transform/repetitions.h"

enum { BUCKETS_MAX = 64, OLDER = 200, YEAR_S = 365 * 86400 };
#define NOW_US (INT64_C(1764000000) * 1000000)

static struct arena arena;
static const char *dir;
static struct repetitions *known;
static struct failure f;

static void open_index(const char *bus)
{
    const struct config_keep keep = {.keep_ms = YEAR_S * INT64_C(1000), .disk_bytes_max = 64 << 20};
    assert_int_equal(repetitions_open(&arena, str_of(dir), str_of(bus), &keep, &known, &f), OK);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 256 << 20);
    if (!folder_make_fast()) {
        return -1;
    }
    dir = arena_printf(&arena, "%s", folder_path("repetitions")).at;
    open_index("bus");
    return 0;
}

static int end(void **state)
{
    (void)state;
    repetitions_close(known);
    arena_close(&arena);
    folder_drop();
    return 0;
}

static const struct signal seen = {
    .agent = STR("github"), .source = STR("/agents/github"), .id = STR("id-1")};

static struct sighting sighting_at(uint64_t at)
{
    return (struct sighting){.lane = {STREAM_RAW, S("intake-0")}, .at = {at}, .body = 7};
}

/* So many entries in one bucket, which is closed then. */
static void fill_one(unsigned entries)
{
    repetitions_clock(known, &(struct wall_time){.now_us = NOW_US});
    for (unsigned i = 1; i <= entries; i++) {
        struct signal s = seen;
        const struct sighting here = sighting_at((uint64_t)10 * i);
        s.id = arena_printf(&arena, "id-%u", i);
        assert_int_equal(repetitions_put(known, &s, &here, NOW_US, &f), OK);
    }
    assert_int_equal(repetitions_sync(known, &f), OK);
    repetitions_close(known);
}

/* Buckets of a time before that one's, each with a copy of its log. */
static void add_older(void)
{
    struct str log;
    const char *const newest = bucket_log_path(&arena, dir, NOW_US);
    assert_int_equal(file_read(&arena, newest, 1 << 20, &log, &f), OK);
    for (unsigned i = 1; i <= OLDER; i++) {
        const char *const older = bucket_log_path(&arena, dir, NOW_US - i);
        assert_int_equal(file_replace(older, log, 0600, &f), OK);
    }
}

static size_t files(void)
{
    size_t n = 0;
    DIR *const d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

static void of_more_than_there_is_room_for_the_newest_stay(void **state)
{
    (void)state;
    fill_one(1);
    add_older();
    open_index("bus");
    const struct repetitions_size size = repetitions_size(known);
    assert_int_equal(size.buckets, BUCKETS_MAX);
    assert_int_equal(size.since_us, NOW_US - (BUCKETS_MAX - 1));
    assert_int_equal(size.forgotten, OLDER + 1 - BUCKETS_MAX);
    assert_int_equal(files(), 2 * BUCKETS_MAX + 1); /* log and table of each, and meta */
    const struct sighting here = sighting_at(10);
    assert_int_equal(repetitions_find(known, &seen, &here), KNOWN_HERE);
}

static void those_of_other_streams_all_go(void **state)
{
    (void)state;
    fill_one(1);
    add_older();
    open_index("another bus");
    assert_int_equal(repetitions_size(known).buckets, 0);
    assert_int_equal(files(), 1);
}

static void count(void *to, struct str what)
{
    (void)what;
    ++*(size_t *)to;
}

static void each_that_is_damaged_is_told(void **state)
{
    size_t told = 0;
    const struct repetitions_to to = {count, &told};
    (void)state;
    fill_one(3);
    const int fd = open(bucket_log_path(&arena, dir, NOW_US), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "rotten", 6, 4), 6); /* in the first of the three entries */
    close(fd);
    add_older();
    assert_int_equal(repetitions_verify(&arena, str_of(dir), S("bus"), true, &to, &f), OK);
    assert_int_equal(told, OLDER + 1);
    open_index("bus");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_more_than_there_is_room_for_the_newest_stay, begin, end),
        cmocka_unit_test_setup_teardown(those_of_other_streams_all_go, begin, end),
        cmocka_unit_test_setup_teardown(each_that_is_damaged_is_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
