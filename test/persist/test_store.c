#include "persist/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "bus/driver.h"
#include "persist/rig.h"
#include "test.h"
#include "wire/sqlite.h"

static struct rig rig;

static int up(void **state)
{
    (void)state;
    rig_open(&rig);
    return 0;
}

static int down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void run_to_the_end(size_t bytes)
{
    struct failure f = {0};
    if (rig_run(&rig, bytes, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

static enum outcome run_sql(const char *sql, struct failure *f)
{
    sqlite3 *db = NULL;
    enum outcome result = sqlite_open(rig.config.store.path.at, SQLITE_USE_WRITE, &db, f);
    if (result == OK) {
        result = sqlite_exec(db, sql, f);
    }
    sqlite_close(db);
    return result;
}

static void rows_are_the_fold_of_all_facts_whatever_the_batches(void **state)
{
    (void)state;
    struct dice d = {1};
    for (int i = 0; i < 20; i++) {
        rig_send_random(&rig, &d, i % 3 ? "intake-0" : "collect", 1 + roll(&d, 40));
    }
    run_to_the_end(2000);
    rig_check(&rig);
    for (int i = 0; i < 20; i++) {
        rig_send_random(&rig, &d, i % 3 ? "intake-1" : "collect", 1 + roll(&d, 40));
    }
    run_to_the_end(4 << 20);
    rig_check(&rig);
}

static void lanes_that_go_and_come_back_leave_no_gap(void **state)
{
    (void)state;
    struct dice d = {3};
    rig.is_shared = true;
    for (int i = 0; i < 30; i++) {
        rig_send_random(&rig, &d, i % 3 ? "intake-0" : "collect", 1 + roll(&d, 40));
    }
    run_to_the_end(2000);
    rig_check(&rig);
    assert_int_equal(rig.fenced_n, 0); /* it let go by itself: nothing of its own is in the way */
}

static void what_a_reader_of_sqlite_sees_is_readable(void **state)
{
    (void)state;
    struct failure f = {0};
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool is_row = false;
    struct str labels[] = {S("a\"b")};
    struct fact fact = fact_begin(&rig.arena, model_find(S("change")), 1700000000000000);
    struct signal out;
    fact_text(&fact, "repository", S("r"));
    fact_text(&fact, "id", S("1"));
    fact_group(&fact, "what", 1700000000000000, 0);
    fact_group(&fact, "state", 1700000000000000, 0);
    fact_group(&fact, "full", 1700000000000000, 0);
    fact_bool(&fact, "is_draft", true);
    fact_set(&fact, "labels", (struct value){.kind = VALUE_LIST, .list = {labels, 1}});
    assert_int_equal(fact_end(&fact, &(struct signal){.received_us = 1}, S("l:1"), &out, &f), OK);
    rig_send(&rig, "intake-0", &out, 1);
    run_to_the_end(4 << 20);
    assert_int_equal(sqlite_open(rig.config.store.path.at, SQLITE_USE_READ, &db, &f), OK);
    assert_int_equal(sqlite_prepare(db,
                                    S("SELECT revised_at||' '||is_draft||' '||labels||' '||"
                                      "strftime('%s', revised_at) FROM change"),
                                    &s, &f),
                     OK);
    assert_int_equal(sqlite_row(s, &is_row, &f), OK);
    assert_str(sqlite_str(s, 0), "2023-11-14T22:13:20.000000Z 1 [\"a\\\"b\"] 1700000000");
    sqlite_close(db);
}

/* ---- once ---- */

static void child(const char *failpoint)
{
    struct failure f = {0};
    assert_int_equal(setenv("WEIR_FAILPOINT", failpoint, 1), 0);
    failpoint_reset();
    const enum outcome result = rig_run(&rig, 3000, &f);
    if (result != OK) {
        (void)fprintf(stderr, "%s\n", f.text);
    }
    _exit(result == OK ? 0 : 1);
}

/* Killed at the n-th pass of a failpoint, for every n until it lives to the end: the memory bus is
 * the parent's, so the child's end is a crash of the store alone. */
static void killed_at_every_failpoint_each_fact_counts_once(void **state)
{
    (void)state;
    static const char *const names[] = {"store.make", "store.put",       "store.row",
                                        "store.rows", "store.cursor",    "store.commit",
                                        "store.done", "persist.flushed", "persist.taken"};
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    struct dice d = {3};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool is_through = false;
        unsigned killed = 0;
        for (unsigned n = 1; !is_through; n = n < 8 ? n + 1 : n * 3) {
            char failpoint[64];
            rig_send_random(&rig, &d, i % 2 ? "collect" : "intake-0", 30);
            (void)snprintf(failpoint, sizeof failpoint, "%s:%u:kill", names[i], n);
            const pid_t pid = fork();
            assert_true(pid >= 0);
            if (pid == 0) {
                child(failpoint);
            }
            int status = 0;
            assert_int_equal(waitpid(pid, &status, 0), pid);
            is_through = WIFEXITED(status);
            assert_true(is_through ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
            killed += !is_through;
        }
        if (killed == 0) {
            fail_msg("%s is never passed", names[i]);
        }
        run_to_the_end(3000);
        rig_check(&rig);
    }
}

static void a_failed_commit_is_tried_again(void **state)
{
    (void)state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    struct dice d = {4};
    rig_send_random(&rig, &d, "intake-0", 50);
    const pid_t pid = fork();
    if (pid == 0) {
        child("store.commit:1:fail");
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    rig_check(&rig);
}

static void a_flush_that_is_asked_for_while_it_fails_leaves_the_pauses_as_they_are(void **state)
{
    (void)state;
    struct dice d = {6};
    struct failure f = {0};
    rig_send_random(&rig, &d, "intake-0", 50);
    rig.failing_n = 3;
    assert_int_equal(rig_run(&rig, 4 << 20, &f), OK);
    assert_int_equal(rig.failing_n, 0);
    assert_int_equal(rig.unseen_n, 0);
    rig_check(&rig);
}

static void a_flush_that_fails_and_then_is_fenced_shows_no_failure_afterwards(void **state)
{
    (void)state;
    struct dice d = {7};
    struct failure f = {0};
    rig_send_random(&rig, &d, "intake-0", 50);
    rig.failing_n = 2;
    rig.is_fenced = true;
    assert_int_equal(rig_run(&rig, 4 << 20, &f), OK);
    assert_int_equal(rig.failing_n, 0);
    assert_int_equal(rig.state, DUTY_RUNNING);
    rig_check(&rig);
}

static void a_full_disk_is_waited_out(void **state)
{
    (void)state;
    struct dice d = {5};
    struct failure f = {0};
    struct rlimit before;
    run_to_the_end(4 << 20);
    rig_send_random(&rig, &d, "intake-0", 2000);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {100 * 1024, before.rlim_max};
    struct store *s = NULL;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum outcome result = store_open(&rig.arena, &rig.config, bus_id(rig.bus), &s, &f);
    assert_int_equal(result, OK);
    bool is_there = false;
    const struct rows rows = {
        .model = rig.want[0].model, .row = rig.want, .is_there = &is_there, .n = 1};
    for (uint64_t i = 0; i < 1000 && result == OK; i++) {
        struct slice slice = {.lane = {STREAM_STANDARD, S("x")}, .from = {i}, .to = {i + 1}};
        result = s->driver->put(s, &rows, 1, &(struct batch){.slice = &slice, .n = 1}, &f);
        is_there = true;
    }
    assert_int_equal(result, RETRY);
    assert_int_equal(f.cause, CAUSE_OTHER);
    assert_non_null(strstr(f.text, "disk"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    store_close(s);
    run_to_the_end(4 << 20);
    rig_check(&rig);
}

/* ---- dead letters, retries, newer models ---- */

static struct signal broken(const char *data)
{
    return (struct signal){.id = S("broken"),
                           .source = S("/agents/github"),
                           .type = S("weir.fact.branch"),
                           .time_us = 1,
                           .received_us = 1,
                           .data = str_of(data)};
}

static struct record *dead_letters(struct str lane, size_t *n)
{
    struct lane_ends *ends = NULL;
    size_t lanes_n = 0;
    struct failure f = {0};
    struct batch out = {.arena = &rig.arena};
    assert_int_equal(bus_ends(rig.bus, &rig.arena, STREAM_DEAD, &ends, &lanes_n, &f), OK);
    *n = 0;
    for (size_t i = 0; i < lanes_n; i++) {
        if (str_eq(ends[i].lane.name, lane)) {
            const struct span all = {ends[i].lane, ends[i].begin, ends[i].end};
            assert_int_equal(bus_look(rig.bus, all, 1 << 20, &out, &f), OK);
            *n = out.n ? out.slice->n : 0;
        }
    }
    return *n ? out.slice->record : NULL;
}

static void a_fact_that_can_never_be_kept_is_a_dead_letter_and_the_rest_is_kept(void **state)
{
    (void)state;
    struct dice d = {6};
    size_t n = 0;
    const struct signal bad = broken("{\"repository\":\"r\",\"name\":7}");
    rig_send_random(&rig, &d, "intake-0", 10);
    rig_send(&rig, "intake-0", &bad, 1);
    rig_send_random(&rig, &d, "intake-0", 10);
    run_to_the_end(4 << 20);
    rig_check(&rig);
    const struct record *const dead = dead_letters(S("store-standard-intake-0"), &n);
    assert_int_equal(n, 1);
    assert_str(dead->signal.id, "broken");
    assert_str(dead->signal.stage, "store");
    assert_str(dead->signal.pointer, "/name");
    assert_str(dead->signal.data, "{\"repository\":\"r\",\"name\":7}");
    assert_non_null(strstr(arena_cstr(&rig.arena, dead->signal.reason), "name"));
    assert_str(dead->origin.lane.name, "intake-0");
    assert_int_equal(rig_counter(&rig, "dead"), 1);
}

/* It was as large as the bus takes, and a dead letter says why it is one, too. */
static void a_fact_that_leaves_no_room_for_a_reason_is_buried_without_its_data(void **state)
{
    (void)state;
    size_t n = 0;
    static char data[4000];
    (void)snprintf(data, sizeof data, "{\"repository\":\"r\",\"name\":7,\"padding\":\"%0*d\"}",
                   (int)sizeof data - 100, 0);
    const struct signal bad = broken(data);
    rig_send(&rig, "intake-0", &bad, 1);
    const struct bus_driver *const before = rig.bus->driver;
    struct bus_driver narrow = *before;
    narrow.record_bytes_max = sizeof data;
    rig.bus->driver = &narrow;
    run_to_the_end(4 << 20);
    rig.bus->driver = before;
    const struct record *const dead = dead_letters(S("store-standard-intake-0"), &n);
    assert_int_equal(n, 1);
    assert_str(dead->signal.id, "broken");
    assert_str(dead->signal.pointer, "/name");
    assert_int_equal(dead->signal.data.len, 0);
    assert_non_null(strstr(arena_cstr(&rig.arena, dead->signal.reason), "name"));
    assert_non_null(strstr(arena_cstr(&rig.arena, dead->signal.reason), "look at its raw signal"));
    assert_str(dead->origin.lane.name, "intake-0");
    assert_int_equal(rig_counter(&rig, "dead"), 1);
}

static void anothers_retry_and_a_newer_weirs_model_are_passed_over(void **state)
{
    (void)state;
    struct dice d = {8};
    size_t n = 0;
    struct signal s[] = {broken("{}"), broken("{}")};
    s[0].stage = S("lake");
    s[1].type = S("weir.fact.novelty");
    rig_send(&rig, "intake-0", s, 2);
    rig_send_random(&rig, &d, "intake-0", 10);
    run_to_the_end(4 << 20);
    rig_check(&rig);
    (void)dead_letters(S("store-standard-intake-0"), &n);
    assert_int_equal(n, 0);
    assert_int_equal(rig_counter(&rig, "unknown_models"), 1);
    s[0].stage = S("store");
    rig_send(&rig, "intake-0", s, 1);
    run_to_the_end(4 << 20);
    (void)dead_letters(S("store-standard-intake-0"), &n);
    assert_int_equal(n, 1); /* its own it takes, and this one is still broken */
}

/* ---- who may write ---- */

static void a_moved_cursor_fences_and_changes_nothing(void **state)
{
    (void)state;
    struct dice d = {9};
    struct failure f = {0};
    struct store *s = NULL;
    struct position at = {0};
    rig_send_random(&rig, &d, "intake-0", 10);
    run_to_the_end(4 << 20);
    assert_int_equal(store_open(&rig.arena, &rig.config, bus_id(rig.bus), &s, &f), OK);
    const struct lane lane = {STREAM_STANDARD, S("intake-0")};
    assert_int_equal(s->driver->cursor(s, lane, &at, &f), OK);
    assert_true(at.at > 0);
    struct row row = row_new(&rig.arena, model_find(S("branch")));
    row.value[0] = row.value[1] = (struct value){.kind = VALUE_TEXT, .text = S("intruder")};
    bool is_there = false;
    const struct rows rows = {.model = row.model, .row = &row, .is_there = &is_there, .n = 1};
    struct slice slice = {.lane = lane, .from = {at.at - 1}, .to = {at.at + 9}};
    const struct batch batch = {.slice = &slice, .n = 1};
    assert_int_equal(s->driver->put(s, &rows, 1, &batch, &f), RETRY);
    assert_int_equal(f.cause, CAUSE_FENCED);
    store_close(s);
    rig_check(&rig);
}

/* What commits next loses its file on the way: where it was, and where it is then. */
static struct {
    const char *from, *to;
    bool is_armed;
} moving;

static int move_away(void *unused)
{
    (void)unused;
    if (moving.is_armed) {
        moving.is_armed = false;
        assert_int_equal(rename(moving.from, moving.to), 0);
    }
    return 0;
}

static int hook_in(sqlite3 *db, char **why, const void *api)
{
    (void)why;
    (void)api;
    (void)sqlite3_commit_hook(db, move_away, NULL);
    return SQLITE_OK;
}

static void a_file_that_goes_while_it_is_written_is_not_taken_for_kept(void **state)
{
    (void)state;
    struct failure f = {0};
    struct store *s = NULL;
    struct position at = {0};
    run_to_the_end(4 << 20); /* the file is made */
    moving.from = rig.config.store.path.at;
    moving.to = arena_printf(&rig.arena, "%s/away.db", rig.folder).at;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))hook_in), SQLITE_OK);
    assert_int_equal(store_open(&rig.arena, &rig.config, bus_id(rig.bus), &s, &f), OK);
    struct slice slice = {.lane = {STREAM_STANDARD, S("x")}, .from = {0}, .to = {5}};
    const struct batch batch = {.slice = &slice, .n = 1};
    assert_int_equal(s->driver->cursor(s, slice.lane, &at, &f), OK);
    moving.is_armed = true;
    const enum outcome result = s->driver->put(s, NULL, 0, &batch, &f);
    sqlite3_reset_auto_extension();
    assert_false(moving.is_armed); /* it was in place when the transaction began */
    assert_int_equal(result, STOP);
    assert_non_null(strstr(f.text, "removed or replaced while it was open"));
    store_close(s);
}

static void streams_made_anew_stop_the_store_and_say_the_way_out(void **state)
{
    (void)state;
    struct failure f = {0};
    run_to_the_end(4 << 20);
    assert_int_equal(run_sql("UPDATE weir_meta SET value='other' WHERE name='bus'", &f), OK);
    assert_int_equal(rig_run(&rig, 4 << 20, &f), STOP);
    assert_non_null(strstr(f.text, "move the file away"));
}

static void a_newer_schema_or_column_stops_the_store(void **state)
{
    (void)state;
    struct failure f = {0};
    run_to_the_end(4 << 20);
    assert_int_equal(run_sql("ALTER TABLE branch ADD COLUMN novelty TEXT", &f), OK);
    assert_int_equal(rig_run(&rig, 4 << 20, &f), STOP);
    assert_non_null(strstr(f.text, "novelty"));
    assert_int_equal(run_sql("ALTER TABLE branch DROP COLUMN novelty;"
                             "UPDATE weir_meta SET value='2' WHERE name='schema'",
                             &f),
                     OK);
    assert_int_equal(rig_run(&rig, 4 << 20, &f), STOP);
    assert_non_null(strstr(f.text, "newer weir"));
}

static void a_column_that_an_older_weir_lacked_is_added(void **state)
{
    (void)state;
    struct dice d = {10};
    struct failure f = {0};
    rig_send_random(&rig, &d, "intake-0", 1);
    run_to_the_end(4 << 20);
    assert_int_equal(run_sql("ALTER TABLE branch DROP COLUMN is_default;"
                             "ALTER TABLE change DROP COLUMN full_rank",
                             &f),
                     OK);
    rig_send_random(&rig, &d, "intake-0", 100);
    run_to_the_end(4 << 20);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite_open(rig.config.store.path.at, SQLITE_USE_READ, &db, &f), OK);
    assert_int_equal(sqlite_exec(db, "SELECT is_default, full_rank FROM branch, change", &f), OK);
    sqlite_close(db);
}

static void overwrite(const char *path)
{
    FILE *const file = fopen(path, "r+");
    assert_non_null(file);
    for (int i = 0; i < 20000; i++) {
        (void)fputc('x', file);
    }
    assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_stops_the_store_and_says_the_way_out(void **state)
{
    (void)state;
    struct dice d = {11};
    struct failure f = {0};
    rig_send_random(&rig, &d, "intake-0", 100);
    run_to_the_end(4 << 20);
    overwrite(rig.config.store.path.at);
    assert_int_equal(rig_run(&rig, 4 << 20, &f), STOP);
    assert_non_null(strstr(f.text, "move it away"));
}

static void a_command_finds_no_store_and_makes_none(void **state)
{
    (void)state;
    struct failure f = {0};
    struct store *s = NULL;
    assert_int_equal(store_look(&rig.arena, &rig.config, S(""), &s, &f), OK);
    assert_null(s);
    assert_int_not_equal(access(arena_cstr(&rig.arena, rig.config.store.path), F_OK), 0);
}

/* ---- a copy, a second store ---- */

static void a_copy_is_the_store_as_of_one_moment(void **state)
{
    (void)state;
    struct dice d = {13};
    struct failure f = {0};
    struct store *s = NULL;
    sqlite3 *writer = NULL;
    const struct str copy = arena_printf(&rig.arena, "%s/copy.db", rig.folder);
    rig_send_random(&rig, &d, "intake-0", 100);
    run_to_the_end(4 << 20);
    assert_int_equal(store_look(&rig.arena, &rig.config, bus_id(rig.bus), &s, &f), OK);
    assert_int_equal(sqlite_open(rig.config.store.path.at, SQLITE_USE_WRITE, &writer, &f), OK);
    assert_int_equal(sqlite_exec(writer, "BEGIN IMMEDIATE; DELETE FROM branch", &f), OK);
    assert_int_equal(s->driver->copy(s, copy.at, &f), OK);
    assert_int_equal(sqlite_exec(writer, "DELETE FROM change; COMMIT", &f), OK);
    sqlite_close(writer);
    store_close(s);
    rig.config.store.path = copy;
    rig_check(&rig);
}

static enum outcome catch_up(void *to, struct failure *f)
{
    size_t *const calls = to;
    return ++*calls == 1 ? failed(f, RETRY, "as a test asked") : OK;
}

static uint64_t cursor_of(struct store *s)
{
    struct failure f = {0};
    struct position at = {0};
    assert_int_equal(s->driver->cursor(s, (struct lane){STREAM_STANDARD, S("intake-0")}, &at, &f),
                     OK);
    return at.at;
}

static void a_second_stores_rows_take_the_place_of_all_at_once(void **state)
{
    (void)state;
    struct dice d = {14};
    struct failure f = {0};
    struct store *s = NULL;
    struct config_store config;
    size_t calls = 0;
    uint64_t n = 0;
    struct store_second by = {&config, false, catch_up, &calls};
    rig_send_random(&rig, &d, "intake-0", 100);
    run_to_the_end(4 << 20);
    assert_int_equal(store_open(&rig.arena, &rig.config, bus_id(rig.bus), &s, &f), OK);
    const struct str folder = arena_printf(&rig.arena, "%s/second", rig.folder);
    assert_int_equal(file_make_dirs(folder.at, &f), OK);
    const char *const old = arena_printf(&rig.arena, "%.*s/store.db", STR_ARG(folder)).at;
    assert_int_equal(file_replace(old, S("of an earlier one"), 0600, &f), OK);
    assert_int_equal(s->driver->second(s, folder, &config, &f), OK);
    assert_int_equal(s->driver->copy(s, config.path.at, &f), OK);
    const uint64_t at = cursor_of(s);
    assert_int_equal(
        run_sql("DELETE FROM branch; UPDATE weir_rows SET n = 0 WHERE model = 'branch';"
                "UPDATE weir_cursor SET position = position + 1",
                &f),
        OK);
    assert_int_equal(s->driver->replace(s, &by, &f), RETRY);
    assert_int_equal(s->driver->rows(s, model_find(S("branch")), &n, &f), OK);
    assert_int_equal(n, 0);
    assert_int_equal(s->driver->replace(s, &by, &f), OK);
    rig_check(&rig);
    assert_int_equal(cursor_of(s), at + 1);
    by.with_cursors = true;
    assert_int_equal(s->driver->replace(s, &by, &f), OK);
    assert_int_equal(cursor_of(s), at);
    store_close(s);
}

/* The page cache (32 MiB) and little more, also for a table of 80 MB. */
static void a_large_table_is_replaced_in_little_memory(void **state)
{
    static const char fill[] =
        "INSERT INTO branch(repository, name, head_sha) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 200000) SELECT 'r', i, hex(zeroblob(200)) FROM n";
    (void)state;
    struct failure f = {0};
    struct store *s = NULL;
    struct config_store config;
    size_t calls = 1;
    struct store_second by = {&config, false, catch_up, &calls};
    assert_int_equal(store_open(&rig.arena, &rig.config, bus_id(rig.bus), &s, &f), OK);
    const struct str folder = arena_printf(&rig.arena, "%s/second", rig.folder);
    assert_int_equal(file_make_dirs(folder.at, &f), OK);
    assert_int_equal(s->driver->second(s, folder, &config, &f), OK);
    assert_int_equal(run_sql(fill, &f), OK);
    assert_int_equal(s->driver->copy(s, config.path.at, &f), OK);
    (void)sqlite3_memory_highwater(1);
    assert_int_equal(s->driver->replace(s, &by, &f), OK);
    const sqlite3_int64 most = sqlite3_memory_highwater(0);
    if (most > 64 << 20) {
        fail_msg("%lld MiB", (long long)most >> 20);
    }
    store_close(s);
}

/* ---- retention ---- */

static void rows_older_than_their_keep_are_forgotten(void **state)
{
    (void)state;
    struct dice d = {12};
    rig_send_random(&rig, &d, "intake-0", 300);
    const int64_t now_us = 1700000000000000;
    clock_set(now_us);
    run_to_the_end(4 << 20);
    rig.config.store.keep_ms = 1000;
    run_to_the_end(4 << 20); /* at its start, then once a day */
    clock_set(TIME_NONE);
    size_t n = 0;
    for (size_t i = 0; i < rig.want_n; i++) {
        const size_t at = model_column(rig.want[i].model, S("revised_at"));
        if (rig.want[i].value[at].number >= now_us - 1000000) {
            rig.want[n++] = rig.want[i];
        }
    }
    assert_true(n > 0 && n < rig.want_n);
    uint64_t expired = 0;
    for (size_t i = 0; i < model_all_n; i++) {
        const char *const model = model_all[i]->name;
        expired += rig_counter(&rig, arena_printf(&rig.arena, "store_expired{model=%s}", model).at);
    }
    assert_int_equal(expired, rig.want_n - n);
    rig.want_n = n;
    rig_check(&rig);
}

/* A start with a clock that is wrong, then with one that has just been set right: the rows stay. */
static void a_clock_that_is_wrong_for_a_moment_forgets_no_row(void **state)
{
    (void)state;
    struct dice d = {15};
    const int64_t keep_us = 36500 * DAY_US;
    rig.config.store.keep_ms = keep_us / 1000;
    rig_send_random(&rig, &d, "intake-0", 300);
    clock_set(1700000000000000);
    run_to_the_end(4 << 20);
    for (int i = 0; i < 2; i++) {
        clock_step(2 * keep_us);
        run_to_the_end(4 << 20);
        rig_check(&rig);
        clock_step(-2 * keep_us);
        run_to_the_end(4 << 20);
        rig_check(&rig);
    }
    rig.config.store.keep_ms = 1000;
    run_to_the_end(4 << 20);
    rig_check(&rig);
    clock_set(clock_now_us() + WALL_HOLD_MS * 1000LL);
    run_to_the_end(4 << 20); /* it has held */
    clock_set(TIME_NONE);
    const struct model *const m = model_find(S("branch"));
    assert_true(rig_counter(&rig, arena_printf(&rig.arena, "store_expired{model=%s}", m->name).at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_the_fold_of_all_facts_whatever_the_batches, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_copy_is_the_store_as_of_one_moment, up, down),
        cmocka_unit_test_setup_teardown(a_clock_that_is_wrong_for_a_moment_forgets_no_row, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_large_table_is_replaced_in_little_memory, up, down),
        cmocka_unit_test_setup_teardown(a_second_stores_rows_take_the_place_of_all_at_once, up,
                                        down),
        cmocka_unit_test_setup_teardown(lanes_that_go_and_come_back_leave_no_gap, up, down),
        cmocka_unit_test_setup_teardown(what_a_reader_of_sqlite_sees_is_readable, up, down),
        cmocka_unit_test_setup_teardown(killed_at_every_failpoint_each_fact_counts_once, up, down),
        cmocka_unit_test_setup_teardown(a_failed_commit_is_tried_again, up, down),
        cmocka_unit_test_setup_teardown(
            a_flush_that_is_asked_for_while_it_fails_leaves_the_pauses_as_they_are, up, down),
        cmocka_unit_test_setup_teardown(
            a_flush_that_fails_and_then_is_fenced_shows_no_failure_afterwards, up, down),
        cmocka_unit_test_setup_teardown(a_full_disk_is_waited_out, up, down),
        cmocka_unit_test_setup_teardown(
            a_fact_that_can_never_be_kept_is_a_dead_letter_and_the_rest_is_kept, up, down),
        cmocka_unit_test_setup_teardown(
            a_fact_that_leaves_no_room_for_a_reason_is_buried_without_its_data, up, down),
        cmocka_unit_test_setup_teardown(anothers_retry_and_a_newer_weirs_model_are_passed_over, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_moved_cursor_fences_and_changes_nothing, up, down),
        cmocka_unit_test_setup_teardown(a_file_that_goes_while_it_is_written_is_not_taken_for_kept,
                                        up, down),
        cmocka_unit_test_setup_teardown(streams_made_anew_stop_the_store_and_say_the_way_out, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_newer_schema_or_column_stops_the_store, up, down),
        cmocka_unit_test_setup_teardown(a_column_that_an_older_weir_lacked_is_added, up, down),
        cmocka_unit_test_setup_teardown(a_damaged_file_stops_the_store_and_says_the_way_out, up,
                                        down),
        cmocka_unit_test_setup_teardown(a_command_finds_no_store_and_makes_none, up, down),
        cmocka_unit_test_setup_teardown(rows_older_than_their_keep_are_forgotten, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
