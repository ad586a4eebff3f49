/* What verify can tell of a lake that somebody damaged. */
#include "persist/lake/audit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "folder.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "test.h"

enum { FACTS = 12 };

static struct lakes lakes;
static struct failure failure;
static struct audit_to report;
static struct str told; /* the last sentence */
static const struct lane lane = {STREAM_STANDARD, STR("intake-0")};

static void found(void *to, struct str what)
{
    size_t *const n = to;
    (*n)++;
    told = arena_str(&lakes.arena, what);
}

static size_t noted_n;

static void noted(void *to, struct str what)
{
    (void)to;
    noted_n++;
    told = arena_str(&lakes.arena, what);
}

static void looked(void *to, const char *table, size_t files, size_t of)
{
    (void)to;
    assert_true(*table && files <= of);
}

/* How many faults there are; commits without a checksum are one each. */
static size_t audit(void)
{
    size_t n = 0;
    report = (struct audit_to){.found = found, .noted = noted, .looked = looked, .to = &n};
    if (audit_lake(&lakes.config, lakes.bus, &report, &failure) != OK) {
        fail_msg("%s", failure.text);
    }
    return n + report.unsealed;
}

static void commit(size_t times)
{
    for (size_t i = 0; i < times; i++) {
        const uint64_t from = lakes_cursor(&lakes, lane);
        struct dice dice = {from + 1};
        struct record *const r = arena_array(&lakes.arena, struct record, FACTS);
        for (size_t k = 0; k < FACTS; k++) {
            r[k].signal = fact_random(&dice, &lakes.arena, model_find(S("change")), 1000);
        }
        assert_int_equal(lakes_take(&lakes, lane, r, i % 50 ? 0 : FACTS, from, &failure), OK);
        assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
    }
}

static struct str path_of(const char *name)
{
    return arena_printf(&lakes.arena, "%.*s/change/%s", STR_ARG(lakes.config.lake.path), name);
}

static struct str whole(struct str path)
{
    struct str bytes;
    assert_int_equal(file_read(&lakes.arena, path.at, 64 << 20, &bytes, &failure), OK);
    return bytes;
}

static void put(struct str path, struct str bytes)
{
    FILE *const to = fopen(path.at, "wb");
    assert_non_null(to);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, to), bytes.len);
    assert_int_equal(fclose(to), 0);
}

/* The file with one bit of byte `at` turned, looked at, and as it was. */
static size_t audit_flipped(struct str path, struct str bytes, size_t at)
{
    char *const other = arena_alloc(&lakes.arena, bytes.len, 1);
    memcpy(other, bytes.at, bytes.len);
    other[at] = (char)(other[at] ^ 1);
    put(path, (struct str){other, bytes.len});
    const size_t n = audit();
    put(path, bytes);
    return n;
}

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    clock_set(TIME_NONE);
    lakes_close(&lakes);
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static void no_byte_of_a_commit_can_be_turned_unnoticed(void **state)
{
    (void)state;
    commit(2);
    assert_int_equal(audit(), 0);
    assert_true(report.commits > 2);
    const struct str path = path_of("_delta_log/00000000000000000001.json");
    const struct str bytes = whole(path);
    for (size_t i = 0; i < bytes.len; i += 3) { /* no field is shorter */
        if (audit_flipped(path, bytes, i) == 0) {
            fail_msg("byte %zu (%c) of %.*s", i, bytes.at[i], STR_ARG(bytes));
        }
    }
    assert_int_equal(audit(), 0);
}

/* A position that rotted would skip facts for good, and is as good JSON as the right one. */
static void a_commit_that_is_not_what_was_written_is_not_believed(void **state)
{
    (void)state;
    static const char *const names[] = {"_delta_log/00000000000000000000.json",
                                        "_delta_log/00000000000000000002.json"};
    commit(2);
    lakes_close(&lakes);
    for (size_t i = 0; i < 2; i++) {
        const struct str path = path_of(names[i]);
        const struct str bytes = whole(path);
        char *const other = arena_cstr(&lakes.arena, bytes);
        char *const version = strstr(other, i ? "\"version\":" : "\\\"name\\\":\\\"title");
        assert_non_null(version);
        version[11] = (char)(version[11] ^ 1);
        put(path, (struct str){other, bytes.len});
        assert_int_equal(lakes_open(&lakes, &failure), STOP);
        assert_non_null(strstr(failure.text, "checksum differs"));
        lakes_close(&lakes);
        put(path, bytes);
    }
    assert_int_equal(lakes_open(&lakes, &failure), OK);
}

static void a_damaged_checkpoint_is_told_and_so_is_its_snapshot(void **state)
{
    (void)state;
    static const char *const names[] = {"_delta_log/00000000000000000100.checkpoint.parquet",
                                        "_delta_log/.weir-00000000000000000100.json"};
    commit(102);
    assert_int_equal(audit(), 0);
    for (size_t i = 0; i < 2; i++) {
        const struct str path = path_of(names[i]);
        const struct str bytes = whole(path);
        for (size_t at = 0; at < bytes.len; at += bytes.len / 7) {
            assert_int_not_equal(audit_flipped(path, bytes, at), 0);
        }
        assert_int_equal(remove(path.at), 0);
        assert_int_not_equal(audit(), 0);
        put(path, bytes);
    }
    assert_int_equal(audit(), 0);
}

static void a_commit_that_is_gone_is_told_though_the_log_reads_well_up_to_it(void **state)
{
    (void)state;
    commit(4);
    assert_int_equal(remove(path_of("_delta_log/00000000000000000002.json").at), 0);
    assert_int_not_equal(audit(), 0);
    assert_non_null(strstr(told.at, "lacks commit 2"));
}

static void a_data_file_that_no_commit_names_is_told_once_no_writer_can_be_at_it(void **state)
{
    (void)state;
    enum { WRITTEN_S = 2000000000, HOUR_S = 3600 };
    commit(1);
    assert_int_equal(file_make_dirs(path_of("year=2020/month=01/day=01").at, &failure), OK);
    const struct str path = path_of("year=2020/month=01/day=01/other-1-2-01234567.parquet");
    put(path, S("PAR1"));
    const struct timespec written[2] = {{.tv_sec = WRITTEN_S}, {.tv_sec = WRITTEN_S}};
    assert_int_equal(utimensat(AT_FDCWD, path.at, written, 0), 0);
    clock_set((WRITTEN_S + HOUR_S) * INT64_C(1000000));
    assert_int_equal(audit(), 0);
    clock_set((WRITTEN_S + HOUR_S) * INT64_C(1000000) + 1000);
    assert_int_equal(audit(), 1);
    assert_non_null(strstr(told.at, "is in no commit"));
}

/* Another file of facts under the name, size, checksum and numRecords of a commit of its own. */
static void add_to_log(struct str path, struct str bytes, int64_t rows, bool is_twice)
{
    struct delta log;
    struct delta_commit c = {.operation = "TEST"};
    char sum[32];
    const struct files files = files_at(lakes.config.lake.path);
    const struct str name = is_twice ? arena_printf(&lakes.arena, "%.*s-again.parquet",
                                                    (int)path.len - 8, path.at)
                                     : path;
    put(path_of(arena_cstr(&lakes.arena, name)), bytes);
    hash_128_hex(bytes, sum);
    assert_int_equal(delta_open(&lakes.arena, &files, S("change"), &log, &failure), OK);
    const struct delta_file *const file = delta_find(&log, path);
    buf_init(&c.actions, &lakes.arena, 1 << 16);
    buf_printf(&c.actions,
               "{\"add\":{\"path\":\"%.*s\",\"partitionValues\":{\"year\":\"%.4s\",\"month\":"
               "\"%.2s\",\"day\":\"%.2s\"},\"size\":%zu,\"modificationTime\":1,\"dataChange\":true,"
               "\"tags\":{\"weir.xxh3\":\"%.32s\",\"weir.schema\":\"%.*s\"},\"stats\":"
               "\"{\\\"numRecords\\\":%" PRId64 "}\"}}\n",
               STR_ARG(name), file->day.at, file->day.at + 5, file->day.at + 8, bytes.len, sum,
               STR_ARG(file->schema), rows);
    assert_int_equal(delta_commit(&log, &c, &failure), OK);
}

/* The first live file of the table. */
static struct delta_file first_file(void)
{
    struct delta log;
    const struct files files = files_at(lakes.config.lake.path);
    assert_int_equal(delta_open(&lakes.arena, &files, S("change"), &log, &failure), OK);
    assert_true(log.files_n > 0);
    return log.file[0];
}

static void a_file_that_holds_another_number_of_facts_than_its_log_says_is_told(void **state)
{
    (void)state;
    commit(1);
    assert_int_equal(audit(), 0);
    assert_int_equal(report.rows, FACTS);
    assert_int_equal(report.distinct, FACTS);
    const struct delta_file file = first_file();
    const struct str bytes = whole(path_of(arena_cstr(&lakes.arena, file.path)));
    add_to_log(file.path, bytes, file.rows + 1, false);
    assert_int_equal(audit(), 1);
    assert_non_null(
        strstr(told.at, arena_printf(&lakes.arena, "holds %" PRId64 " facts", file.rows).at));
}

static void facts_that_stand_twice_are_counted_once_and_noted(void **state)
{
    (void)state;
    commit(1);
    const struct delta_file file = first_file();
    const struct str bytes = whole(path_of(arena_cstr(&lakes.arena, file.path)));
    add_to_log(file.path, bytes, file.rows, true);
    noted_n = 0;
    assert_int_equal(audit(), 0);
    assert_int_equal(noted_n, 1);
    assert_int_equal(report.rows, FACTS + file.rows);
    assert_int_equal(report.distinct, FACTS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(no_byte_of_a_commit_can_be_turned_unnoticed),
        TEST(a_commit_that_is_not_what_was_written_is_not_believed),
        TEST(a_damaged_checkpoint_is_told_and_so_is_its_snapshot),
        TEST(a_commit_that_is_gone_is_told_though_the_log_reads_well_up_to_it),
        TEST(a_data_file_that_no_commit_names_is_told_once_no_writer_can_be_at_it),
        TEST(a_file_that_holds_another_number_of_facts_than_its_log_says_is_told),
        TEST(facts_that_stand_twice_are_counted_once_and_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
