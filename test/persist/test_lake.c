#include "persist/lake/lake.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "bus/driver.h"
#include "folder.h"
#include "persist/lake/schema.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "test.h"
#include "wire/json.h"

enum { FACTS = 60, HOUR_MS = 3600 * 1000 };

static struct lakes lakes;
static struct failure failure;
static const struct lane lane = {STREAM_STANDARD, STR("intake-0")};

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != OK) {                                                                        \
            fail_msg("%s", failure.text);                                                          \
        }                                                                                          \
    } while (0)

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    return 0;
}

static int end(void **state)
{
    (void)state;
    clock_set(TIME_NONE);
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

/* The fact that stands at a position: the same whoever asks. */
static struct record record_at(uint64_t at)
{
    struct dice dice = {at * 7919 + 1};
    return (struct record){.signal = fact_random(&dice, &lakes.arena,
                                                 model_find(at % 3 ? S("change") : S("deployment")),
                                                 1000000)};
}

static enum outcome take(uint64_t from, size_t n)
{
    struct record *const r = arena_array(&lakes.arena, struct record, n);
    for (size_t i = 0; i < n; i++) {
        r[i] = record_at(from + i);
    }
    return lakes_take(&lakes, lane, r, n, from, &failure);
}

static enum outcome flush(void)
{
    return persist_lake.flush(&lakes.persister, true, &failure);
}

/* Each position below `end` stands in its table exactly once. */
static void assert_holds(uint64_t end_at)
{
    const int64_t deployments = (int64_t)((end_at + 2) / 3);
    assert_int_equal(lakes_count(&lakes, "deployment", "SELECT count(*)"), deployments);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"),
                     (int64_t)end_at - deployments);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(DISTINCT fact_id)"),
                     (int64_t)end_at - deployments);
}

static void rows_and_position_move_in_one_commit(void **state)
{
    (void)state;
    assert_ok(lakes_open(&lakes, &failure));
    assert_int_equal(lakes_cursor(&lakes, lane), 0);
    assert_ok(take(0, FACTS));
    assert_int_equal(lakes_cursor(&lakes, lane), 0);
    assert_ok(flush());
    assert_int_equal(lakes_cursor(&lakes, lane), FACTS + 1);
    assert_holds(FACTS);
    lakes_close(&lakes);
    assert_ok(lakes_open(&lakes, &failure));
    assert_int_equal(lakes_cursor(&lakes, lane), FACTS + 1);
    lakes_close(&lakes);
}

/* In a process that dies, or whose flush does, at the nth time that a place is reached; exits 0
 * when nothing died. */
static void write_and_die(const char *place, int nth)
{
    char point[64];
    (void)snprintf(point, sizeof point, "%s:%d:kill", place, nth);
    (void)setenv("WEIR_FAILPOINT", point, 1);
    failpoint_reset();
    if (lakes_open(&lakes, &failure) != OK) {
        _exit(3);
    }
    const uint64_t at = lakes_cursor(&lakes, lane);
    const bool is_taken = take(at, FACTS) == OK && take(at + FACTS + 1, FACTS) == OK;
    _exit(is_taken && flush() == OK ? 0 : 4);
}

static int status_of(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0) {
    }
    return status;
}

static void wherever_a_writer_is_killed_every_row_is_there_once(void **state)
{
    (void)state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#else
    static const char *const places[] = {"lake.put",   "lake.linked", "lake.synced",
                                         "lake.named", "lake.staged", "lake.committed"};
    size_t deaths = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (int nth = 1, died = 1; died && nth < 100; nth += nth < 3 ? 1 : 9) {
            const pid_t child = fork();
            if (child == 0) {
                write_and_die(places[i], nth);
            }
            died = status_of(child) != 0;
            deaths += (size_t)died;
        }
    }
    assert_true(deaths >= 2 * sizeof places / sizeof *places);
    /* a last writer, undisturbed: it takes up what the dead left, wherever that was */
    assert_ok(lakes_open(&lakes, &failure));
    const uint64_t at = lakes_cursor(&lakes, lane);
    assert_ok(take(at, FACTS));
    assert_ok(flush());
    const int64_t rows = lakes_count(&lakes, "change", "SELECT count(*)");
    assert_int_equal(rows, lakes_count(&lakes, "change", "SELECT count(DISTINCT fact_id)"));
    struct files_list list;
    size_t live = 0;
    assert_ok(lakes.lake->files.driver->list(&lakes.lake->files, &lakes.arena, S("change"), &list,
                                             &failure));
    for (size_t i = 0; i < list.n; i++) {
        const struct str path = str_sub(list.at[i].key, 7, list.at[i].key.len);
        live += str_ends(path, S(".parquet")) && str_starts(path, S("year="));
        assert_true(!str_ends(path, S(".parquet")) || delta_find(&lakes.lake->table[2].log, path));
    }
    assert_true(live > 0);
    lakes_close(&lakes);
#endif
}

static void a_trickle_does_not_put_the_flush_off(void **state)
{
    (void)state;
    enum { FLUSH_MS = 300000, STEP_MS = 100000 };
    const int64_t begin_us = INT64_C(1764000000) * 1000000;
    clock_set(begin_us);
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    lakes.config.lake.flush_ms = FLUSH_MS;
    for (int64_t i = 0; i * STEP_MS < FLUSH_MS; i++) { /* the oldest row counts, not the newest */
        clock_set(begin_us + i * STEP_MS * 1000);
        assert_ok(take((uint64_t)i * 10, 9));
        assert_int_equal(persist_lake.due_ms(&lakes.persister), FLUSH_MS - i * STEP_MS);
    }
    clock_set(begin_us + FLUSH_MS * INT64_C(1000));
    assert_int_equal(persist_lake.due_ms(&lakes.persister), 0);
    lakes_close(&lakes);
}

static void of_two_writers_of_a_lane_one_is_fenced(void **state)
{
    (void)state;
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    assert_ok(take(0, FACTS));
    struct lake *const first = lakes.lake;
    const struct persister first_persister = lakes.persister;
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    assert_ok(take(0, FACTS / 2));
    assert_ok(flush());
    lakes_close(&lakes);
    lakes.lake = first;
    lakes.persister = first_persister;
    assert_int_equal(flush(), RETRY);
    assert_int_equal(failure.cause, CAUSE_FENCED);
    persist_lake.drop(&lakes.persister);
    const uint64_t at = lakes_cursor(&lakes, lane);
    assert_int_equal(at, FACTS / 2 + 1);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"),
                     lakes_count(&lakes, "change", "SELECT count(DISTINCT fact_id)"));
    lakes_close(&lakes);
}

static void a_batch_that_fails_in_its_second_slice_is_taken_again_once(void **state)
{
    (void)state;
    enum { ROWS = 20, FILES_MAX = 64 };
    const struct lane lanes[] = {{STREAM_STANDARD, S("one")}, {STREAM_STANDARD, S("two")}};
    struct record record[2][ROWS];
    struct slice slice[2];
    struct rejects rejects = {.arena = &lakes.arena};
    assert_ok(lakes_open(&lakes, &failure));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(lakes_cursor(&lakes, lanes[i]), 0);
        for (size_t k = 0; k < ROWS; k++) {
            record[i][k] = record_at(1 + 3 * (i * ROWS + k));
            record[i][k].at.at = k;
        }
        slice[i] = (struct slice){.lane = lanes[i], .to = {ROWS}, .record = record[i], .n = ROWS};
    }
    const struct batch batch = {.arena = &lakes.arena, .slice = slice, .n = 2};
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const int last = open("/dev/null",
                          O_RDONLY | O_CLOEXEC); /* room for the first slice's rows alone */
    const struct rlimit few = {(rlim_t)last + 1, limit.rlim_max};
    assert_int_equal(close(last), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int tries = 0; tries < 3; tries++) {
        assert_int_equal(persist_lake.take(&lakes.persister, &batch, &rejects, &failure), RETRY);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_ok(persist_lake.take(&lakes.persister, &batch, &rejects, &failure));
    assert_ok(flush());
    lakes_close(&lakes);
    const char *const model = "change";
    assert_int_equal(lakes_count(&lakes, model, "SELECT count(*)"),
                     lakes_count(&lakes, model, "SELECT count(DISTINCT fact_id)"));
    assert_int_equal(lakes_count(&lakes, model, "SELECT count(*)"), (int64_t)2 * ROWS);
}

static void different_lanes_may_be_written_by_processes_at_once(void **state)
{
    (void)state;
    enum { WRITERS = 3, ROUNDS = 4 };
    pid_t child[WRITERS];
    assert_ok(lakes_open(&lakes, &failure));
    lakes_close(&lakes);
    for (size_t w = 0; w < WRITERS; w++) {
        child[w] = fork();
        if (child[w] == 0) {
            const struct lane own = {STREAM_STANDARD, arena_printf(&lakes.arena, "lane-%zu", w)};
            bool is_ok = lakes_open(&lakes, &failure) == OK;
            for (uint64_t i = 0; is_ok && i < ROUNDS; i++) {
                struct record *const r = arena_array(&lakes.arena, struct record, FACTS);
                for (size_t k = 0; k < FACTS; k++) {
                    r[k] = record_at(1 + 3 * ((w * ROUNDS + i) * FACTS + k));
                }
                const uint64_t at = lakes_cursor(&lakes, own);
                is_ok = lakes_take(&lakes, own, r, FACTS, at, &failure) == OK && flush() == OK;
            }
            _exit(is_ok ? 0 : 1);
        }
    }
    for (size_t w = 0; w < WRITERS; w++) {
        assert_int_equal(status_of(child[w]), 0);
    }
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(DISTINCT fact_id)"),
                     WRITERS * ROUNDS * FACTS);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), WRITERS * ROUNDS * FACTS);
}

/* Positions of different lanes have nothing to do with each other. */
static void each_lane_of_a_lake_goes_on_from_its_own_position(void **state)
{
    (void)state;
    enum { LANES = 2 };
    static const uint64_t n[LANES] = {FACTS, FACTS / 3};
    struct lane own[LANES];
    struct record *r[LANES];
    assert_ok(lakes_open(&lakes, &failure));
    for (size_t i = 0; i < LANES; i++) {
        own[i] = (struct lane){STREAM_STANDARD, arena_printf(&lakes.arena, "lane-%zu", i)};
        r[i] = arena_array(&lakes.arena, struct record, n[i]);
        for (size_t k = 0; k < n[i]; k++) {
            r[i][k] = record_at(1 + 3 * (i * FACTS + k));
        }
        assert_int_equal(lakes_cursor(&lakes, own[i]), 0);
    }
    for (size_t i = 0; i < LANES; i++) { /* the second is behind the first */
        assert_ok(lakes_take(&lakes, own[i], r[i], n[i], 0, &failure));
        assert_ok(flush());
    }
    for (int life = 0; life < 2; life++) { /* what is handed over again is known in each */
        for (size_t i = 0; i < LANES; i++) {
            assert_int_equal(lakes_cursor(&lakes, own[i]), n[i] + 1);
        }
        for (size_t i = 0; i < LANES; i++) {
            assert_ok(lakes_take(&lakes, own[i], r[i], n[i], 0, &failure));
        }
        assert_ok(flush());
        assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), n[0] + n[1]);
        assert_int_equal(lakes_count(&lakes, "change", "SELECT count(DISTINCT fact_id)"),
                         n[0] + n[1]);
        lakes_close(&lakes);
        assert_ok(lakes_open(&lakes, &failure));
    }
    lakes_close(&lakes);
}

static const struct delta *table(const char *name)
{
    for (size_t i = 0; i < lakes.lake->tables_n; i++) {
        if (strcmp(lakes.lake->table[i].model->name, name) == 0) {
            return &lakes.lake->table[i].log;
        }
    }
    return NULL;
}

static size_t live_files(const char *name)
{
    const struct delta *const log = table(name);
    size_t n = 0;
    for (size_t i = 0; i < log->files_n; i++) {
        n += !log->file[i].removed_ms;
    }
    return n;
}

static void fill(size_t rounds)
{
    for (size_t i = 0; i < rounds; i++) {
        const uint64_t at = lakes_cursor(&lakes, lane);
        assert_ok(take(at, FACTS));
        assert_ok(flush());
    }
}

static void small_files_are_merged_when_their_hour_is_over_and_vacuumed_later(void **state)
{
    (void)state;
    const int64_t now = clock_now_us();
    assert_ok(lakes_open(&lakes, &failure));
    fill(6);
    const size_t before = live_files("change");
    const int64_t rows = lakes_count(&lakes, "change", "SELECT count(*)");
    const int64_t sum = lakes_count(&lakes, "change",
                                    "SELECT hash(string_agg(fact_id, '' ORDER BY "
                                    "fact_id)) % 1000000007");
    const struct delta *const log = table("change");
    const struct str victim = log->file[0].path;
    clock_set(now + 2 * HOUR_MS * INT64_C(1000));
    assert_ok(flush());
    assert_ok(flush());
    assert_true(live_files("change") * 5 < before);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), rows);
    assert_int_equal(lakes_count(&lakes, "change",
                                 "SELECT hash(string_agg(fact_id, '' ORDER BY "
                                 "fact_id)) % 1000000007"),
                     sum);
    const struct str path = files_path(log->files, &lakes.arena,
                                       arena_printf(&lakes.arena, "change/%.*s", STR_ARG(victim)));
    assert_int_equal(access(path.at, F_OK), 0);
    clock_set(now + 4 * HOUR_MS * INT64_C(1000));
    assert_int_equal(persist_lake.due_ms(&lakes.persister), 0);
    assert_ok(flush());
    assert_int_not_equal(access(path.at, F_OK), 0);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), rows);
    lakes_close(&lakes);
}

/* A merge would give the wrong bytes a right checksum. */
static void a_damaged_file_is_left_out_of_a_merge_and_told_once(void **state)
{
    (void)state;
    unsigned char byte = 0;
    const int64_t now = clock_now_us();
    assert_ok(lakes_open(&lakes, &failure));
    fill(6);
    const size_t before = live_files("change");
    const struct delta *log = table("change");
    const struct str victim = arena_str(&lakes.arena, log->file[0].path);
    const struct str path = files_path(log->files, &lakes.arena,
                                       arena_printf(&lakes.arena, "change/%.*s", STR_ARG(victim)));
    const int fd = open(path.at, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, log->file[0].bytes / 2), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, log->file[0].bytes / 2), 1);
    assert_int_equal(close(fd), 0);
    clock_set(now + 2 * HOUR_MS * INT64_C(1000));
    assert_int_equal(flush(), RETRY);
    assert_non_null(strstr(failure.text, arena_cstr(&lakes.arena, victim)));
    assert_non_null(strstr(failure.text, "checksum differs"));
    assert_true(live_files("change") < before);
    assert_true(live_files("change") > 1);
    const struct delta_file *const left = delta_find(table("change"), victim);
    assert_true(left && !left->removed_ms);
    clock_set(now + 3 * HOUR_MS * INT64_C(1000));
    assert_ok(flush());
    lakes_close(&lakes);
}

static void facts_older_than_keep_are_forgotten(void **state)
{
    (void)state;
    clock_set(INT64_C(1577836800000000)); /* 2020-01-01 */
    assert_ok(lakes_open(&lakes, &failure));
    fill(2);
    assert_true(lakes_count(&lakes, "change", "SELECT count(*) FILTER (year(fact_at) < 2018)") > 0);
    const int64_t all = lakes_count(&lakes, "change", "SELECT count(*)");
    lakes.config.lake.keep_ms = INT64_C(86400000) * 365 * 4;
    clock_set(INT64_C(1767225600000000)); /* 2026-01-01 */
    assert_ok(flush());
    assert_ok(flush());
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*) FILTER (year(fact_at) < 2018)"),
                     0);
    const int64_t left = lakes_count(&lakes, "change", "SELECT count(*)");
    assert_true(left > 0);
    assert_int_equal(*progress_counter(lakes.progress, "lake_expired{model=change}"), all - left);
    lakes_close(&lakes);
}

/* Commit a metaData that lacks a column, as an older weir would have made it. */
static void narrow(const char *column)
{
    struct delta log;
    struct buf text;
    struct delta_commit c = {.operation = "TEST"};
    const struct files files = files_at(lakes.config.lake.path);
    const struct str field = arena_printf(
        &lakes.arena,
        "{\\\"name\\\":\\\"%s\\\",\\\"type\\\":\\\"string\\\",\\\"nullable\\\":true,"
        "\\\"metadata\\\":{}},",
        column);
    assert_ok(delta_open(&lakes.arena, &files, S("change"), &log, &failure));
    const char *const at = strstr(log.metadata.at, field.at);
    assert_non_null(at);
    buf_init(&text, &lakes.arena, 1 << 20);
    buf_init(&c.actions, &lakes.arena, 1 << 20);
    const size_t before = (size_t)(at - log.metadata.at);
    buf_add(&c.actions, str_sub(log.metadata, 0, before));
    buf_add(&c.actions, str_sub(log.metadata, before + field.len, log.metadata.len));
    buf_add(&c.actions, S("\n"));
    assert_ok(delta_commit(&log, &c, &failure));
}

static void a_column_that_is_new_widens_the_table(void **state)
{
    (void)state;
    assert_ok(lakes_open(&lakes, &failure));
    lakes_close(&lakes);
    narrow("title");
    assert_ok(lakes_open(&lakes, &failure));
    assert_non_null(strstr(table("change")->schema.at, "\"title\""));
    fill(1);
    assert_true(lakes_count(&lakes, "change", "SELECT count(title)") > 0);
    lakes_close(&lakes);
}

static void what_is_gathered_is_due_by_size_and_by_age(void **state)
{
    (void)state;
    const int64_t now = clock_now_us();
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    assert_int_equal(persist_lake.due_ms(&lakes.persister), -1);
    clock_set(now);
    assert_ok(take(0, FACTS));
    assert_in_range(persist_lake.due_ms(&lakes.persister), 299000, 300000);
    clock_set(now + INT64_C(301000000));
    assert_int_equal(persist_lake.due_ms(&lakes.persister), 0);
    assert_ok(persist_lake.flush(&lakes.persister, false, &failure));
    assert_holds(FACTS);
    lakes.config.lake.flush_bytes = 1000;
    assert_ok(take(FACTS + 1, FACTS));
    assert_int_equal(persist_lake.due_ms(&lakes.persister), 0);
    lakes_close(&lakes);
}

/* Else a restart would read for hours to find nothing of it, and nothing of it could be trimmed. */
static void a_table_that_gets_nothing_moves_on_behind_64_mib_of_others(void **state)
{
    (void)state;
    enum { BODY = 1 << 20, BODIES = 64 };
    char *const body = arena_alloc(&lakes.arena, BODY, 1);
    memset(body, 'x', BODY);
    lakes.config.lake.flush_bytes = (size_t)1 << 30;
    lakes.config.lake.flush_ms = INT64_C(365) * 86400000;
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    for (uint64_t i = 0; i < BODIES; i++) {
        assert_true(persist_lake.due_ms(&lakes.persister) != 0);
        struct record r = record_at(0);
        r.signal.data = (struct str){body, BODY};
        assert_ok(lakes_take(&lakes, lane, &r, 1, i * 2, &failure));
    }
    assert_int_equal(persist_lake.due_ms(&lakes.persister), 0);
    lakes_close(&lakes);
}

static uint64_t done(uint64_t restart)
{
    return persist_lake.done(&lakes.persister, lane, (struct position){restart}).at;
}

static void what_waits_for_a_flush_is_not_done_and_what_is_in_no_table_is(void **state)
{
    (void)state;
    enum { FROM = 100 };
    struct record r = record_at(1);
    r.signal.type = S("weir.fact.novelty");
    assert_ok(lakes_open(&lakes, &failure));
    assert_int_equal(lakes_cursor(&lakes, lane), 0);
    assert_int_equal(done(0), 0);
    assert_ok(lakes_take(&lakes, lane, &r, 1, 0, &failure));
    assert_int_equal(done(0), 2); /* behind the slice: no row of it waits */
    assert_ok(take(FROM, FACTS));
    assert_int_equal(done(0), FROM); /* as far as a crash now would lose nothing */
    assert_int_equal(done(FROM + 1), FROM + 1);
    assert_ok(flush());
    assert_int_equal(done(0), FROM + FACTS + 1);
    lakes_close(&lakes);
}

static void a_newer_weirs_model_is_passed_over_and_counted(void **state)
{
    (void)state;
    struct record r[] = {record_at(0), record_at(1)}; /* a deployment, a change */
    r[0].signal.type = S("weir.fact.novelty");
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    assert_ok(lakes_take(&lakes, lane, r, 2, 0, &failure)); /* and asserts: no dead letter */
    assert_ok(flush());
    assert_int_equal(lakes_cursor(&lakes, lane), 3);
    assert_int_equal(lakes_count(&lakes, "deployment", "SELECT count(*)"), 0);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), 1);
    assert_int_equal(*progress_counter(lakes.progress, "unknown_models"), 1);
    lakes_close(&lakes);
}

/* ---- files that no commit names ---- */

static void a_start_refuses_a_log_that_lacks_a_commit_and_removes_nothing(void **state)
{
    (void)state;
    static const char *const gone[] = {"change/_delta_log/00000000000000000000.json",
                                       "change/_delta_log/00000000000000000002.json",
                                       "change/_delta_log"};
    const int64_t now = clock_now_us();
    assert_ok(lakes_open(&lakes, &failure));
    fill(4);
    lakes_close(&lakes);
    const size_t before = lakes_data_files(&lakes, "change");
    const int64_t rows = lakes_count(&lakes, "change", "SELECT count(*)");
    clock_set(now + 2 * HOUR_MS * INT64_C(1000)); /* old enough to be orphans */
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        lakes_move(&lakes, str_of(gone[i]), S("kept"));
        assert_int_equal(lakes_open(&lakes, &failure), STOP);
        lakes_close(&lakes);
        assert_non_null(strstr(failure.text, "from a copy"));
        assert_int_equal(lakes_data_files(&lakes, "change"), before);
        lakes_move(&lakes, S("kept"), str_of(gone[i]));
    }
    assert_ok(lakes_open(&lakes, &failure));
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), rows);
    lakes_close(&lakes);
}

static void another_writers_file_is_an_orphan_when_it_is_an_hour_old_and_counted(void **state)
{
    (void)state;
    const struct str key = S("change/year=2020/month=01/day=01/other-1-2-01234567.parquet");
    const struct files files = files_at(lakes.config.lake.path);
    assert_ok(lakes_open(&lakes, &failure));
    lakes_close(&lakes);
    assert_ok(files.driver->put(&files, key, S("PAR1"), &failure));
    const int64_t now = clock_now_us();
    for (int64_t minutes = 0; minutes <= 61; minutes += 59) {
        clock_set(now + minutes * 60 * 1000000);
        const bool is_due = minutes > 60;
        assert_ok(lakes_open(&lakes, &failure));
        assert_int_equal(lakes_data_files(&lakes, "change"), is_due ? 0 : 1);
        assert_int_equal(*progress_counter(lakes.progress, "orphans"), is_due);
        assert_int_equal(lakes.persister.told.len > 0, is_due);
        lakes_close(&lakes);
    }
}

static void orphans_stay_while_a_live_file_is_missing(void **state)
{
    (void)state;
    const struct str orphan = S("change/year=2020/other-1-2-01234567.parquet");
    const struct timespec written[2] = {{.tv_sec = 1600000000}, {.tv_sec = 1600000000}};
    assert_ok(lakes_open(&lakes, &failure));
    fill(2);
    const struct delta *const log = table("change");
    const struct str victim = arena_printf(&lakes.arena, "change/%.*s", STR_ARG(log->file[0].path));
    const struct files files = files_at(lakes.config.lake.path);
    lakes_close(&lakes);
    assert_ok(files.driver->put(&files, orphan, S("PAR1"), &failure));
    assert_int_equal(utimensat(AT_FDCWD, files_path(&files, &lakes.arena, orphan).at, written, 0),
                     0);
    const size_t before = lakes_data_files(&lakes, "change");
    lakes_move(&lakes, victim, S("kept"));
    assert_ok(lakes_open(&lakes, &failure));
    lakes_close(&lakes);
    lakes_move(&lakes, S("kept"), victim);
    assert_int_equal(lakes_data_files(&lakes, "change"), before);
    assert_ok(lakes_open(&lakes, &failure));
    lakes_close(&lakes);
    assert_int_equal(lakes_data_files(&lakes, "change"), before - 1);
}

/* The newest commit is gone, and the stream has forgotten what it brought. */
static void orphans_stay_while_a_position_lies_outside_its_lane(void **state)
{
    (void)state;
    const struct lane raw = {STREAM_RAW, S("intake-0")};
    struct record r[8];
    for (size_t i = 0; i < 8; i++) {
        r[i] = (struct record){.signal = {.id = arena_printf(&lakes.arena, "delivery-%zu", i),
                                          .source = S("/agents/github"),
                                          .type = S("github.push"),
                                          .agent = S("github"),
                                          .data = S("{}"),
                                          .time_us = 1,
                                          .received_us = 1}};
        assert_ok(bus_append(lakes.bus, raw, &r[i], 1, &failure));
    }
    const uint64_t second = r[6].at.at;
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, raw);
    assert_ok(lakes_take(&lakes, raw, &r[0], 1, 0, &failure));
    assert_ok(flush());
    assert_ok(lakes_take(&lakes, raw, &r[6], 1, second, &failure));
    assert_ok(flush());
    const int64_t newest = table("raw")->version;
    const struct str key = delta_name(table("raw"), &lakes.arena, newest, ".json");
    lakes_close(&lakes);
    const size_t before = lakes_data_files(&lakes, "raw");
    assert_int_equal(before, 2);
    lakes_move(&lakes, key, S("kept"));
    assert_ok(bus_memory.trim(lakes.bus, raw, (struct position){UINT64_MAX}, &failure));
    assert_ok(lakes_open(&lakes, &failure));
    lakes_close(&lakes);
    assert_int_equal(lakes_data_files(&lakes, "raw"), before);
    lakes_move(&lakes, S("kept"), key);
    assert_ok(lakes_open(&lakes, &failure));
    assert_int_equal(lakes_count(&lakes, "raw", "SELECT count(*)"), 2);
    lakes_close(&lakes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(rows_and_position_move_in_one_commit),
        TEST(wherever_a_writer_is_killed_every_row_is_there_once),
        TEST(a_trickle_does_not_put_the_flush_off),
        TEST(of_two_writers_of_a_lane_one_is_fenced),
        TEST(a_batch_that_fails_in_its_second_slice_is_taken_again_once),
        TEST(different_lanes_may_be_written_by_processes_at_once),
        TEST(each_lane_of_a_lake_goes_on_from_its_own_position),
        TEST(small_files_are_merged_when_their_hour_is_over_and_vacuumed_later),
        TEST(a_damaged_file_is_left_out_of_a_merge_and_told_once),
        TEST(facts_older_than_keep_are_forgotten),
        TEST(a_column_that_is_new_widens_the_table),
        TEST(what_is_gathered_is_due_by_size_and_by_age),
        TEST(a_table_that_gets_nothing_moves_on_behind_64_mib_of_others),
        TEST(what_waits_for_a_flush_is_not_done_and_what_is_in_no_table_is),
        TEST(a_newer_weirs_model_is_passed_over_and_counted),
        TEST(a_start_refuses_a_log_that_lacks_a_commit_and_removes_nothing),
        TEST(another_writers_file_is_an_orphan_when_it_is_an_hour_old_and_counted),
        TEST(orphans_stay_while_a_live_file_is_missing),
        TEST(orphans_stay_while_a_position_lies_outside_its_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
