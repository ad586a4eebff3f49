/* A table's log: checkpoints, what was swept before them, what another wrote into it. */
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "test.h"

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
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static enum outcome take(uint64_t from, size_t n)
{
    struct record *const r = arena_array(&lakes.arena, struct record, n);
    for (size_t i = 0; i < n; i++) {
        struct dice dice = {(from + i) * 7919 + 1};
        r[i].signal = fact_random(&dice, &lakes.arena, model_find(S("change")), 1000000);
    }
    return lakes_take(&lakes, lane, r, n, from, &failure);
}

static enum outcome flush(void)
{
    return persist_lake.flush(&lakes.persister, true, &failure);
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

static void a_checkpoint_stands_for_the_commits_before_it(void **state)
{
    (void)state;
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    for (uint64_t i = 0; i < 103; i++) {
        /* rare facts, so that most commits move positions alone */
        assert_ok(i % 50 ? lakes_take(&lakes, lane, NULL, 0, 10 * i, &failure) : take(10 * i, 3));
        assert_ok(flush());
    }
    const struct delta *const log = table("change");
    assert_true(log->checkpoint == 100);
    const int64_t rows = lakes_count(&lakes, "change", "SELECT count(*)");
    const uint64_t at = lakes_cursor(&lakes, lane);
    for (int64_t v = 0; v < log->checkpoint; v++) {
        assert_ok(log->files->driver->remove(log->files, delta_name(log, &lakes.arena, v, ".json"),
                                             &failure));
    }
    lakes_close(&lakes);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), rows);
    assert_ok(lakes_open(&lakes, &failure));
    assert_int_equal(lakes_cursor(&lakes, lane), at);
    lakes_close(&lakes);
}

static const struct files_driver *local;
static pid_t lister; /* who cannot list a folder, as when descriptors have run out */

static enum outcome list_not(const struct files *s, struct arena *a, struct str folder,
                             struct files_list *out, struct failure *f)
{
    return lister == getpid() ? failed(f, RETRY, "no descriptor for %.*s", STR_ARG(folder))
                              : local->list(s, a, folder, out, f);
}

/* When logs are swept, commits before the checkpoint are gone: who forgot the table could not
 * replay it from its beginning. */
static void a_log_that_cannot_be_read_anew_is_known_as_before(void **state)
{
    struct files_driver driver;
    enum outcome result = OK;
    int64_t v = 0;
    (void)state;
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    local = lakes.lake->files.driver;
    driver = *local;
    driver.list = list_not;
    lakes.lake->files.driver = &driver;
    for (uint64_t i = 0; i < 110 && result == OK; i++) {
        for (; v < table("change")->version - 1; v++) {
            (void)local->remove(&lakes.lake->files,
                                delta_name(table("change"), &lakes.arena, v, ".json"), &failure);
        }
        lister = table("change")->version >= 98 ? getpid() : 0;
        assert_ok(lakes_take(&lakes, lane, NULL, 0, 10 * i, &failure));
        result = flush();
    }
    assert_int_equal(result, RETRY);
    assert_non_null(strstr(failure.text, "no descriptor"));
    lister = 0;
    persist_lake.drop(&lakes.persister); /* as persist/run.c does */
    (void)lakes_cursor(&lakes, lane);
    assert_ok(take(10000, 3));
    assert_ok(flush());
    assert_true(table("change")->checkpoint >= 100);
    lakes_close(&lakes);
    assert_true(lakes_count(&lakes, "change", "SELECT count(*)") > 0);
}

static void a_protocol_that_it_does_not_know_stops_it(void **state)
{
    (void)state;
    struct delta log;
    struct delta_commit c = {.operation = "TEST"};
    const struct files files = files_at(lakes.config.lake.path);
    assert_ok(lakes_open(&lakes, &failure));
    lakes_close(&lakes);
    assert_ok(delta_open(&lakes.arena, &files, S("change"), &log, &failure));
    buf_init(&c.actions, &lakes.arena, 4096);
    buf_add(&c.actions, S("{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7}}\n"));
    assert_int_equal(delta_commit(&log, &c, &failure), STOP);
    assert_int_equal(lakes_open(&lakes, &failure), STOP);
    assert_non_null(strstr(failure.text, "reader version 3"));
    lakes_close(&lakes);
}

static void a_bound_that_would_lie_in_the_year_10000_is_left_out(void **state)
{
    (void)state;
    static const char last[] = "9999-12-31T23:59:59.999999Z";
    static const char member[] = "\"fact_at\":\"";
    struct dice dice = {1};
    struct str text;
    struct record r = {
        .signal = fact_random(&dice, &lakes.arena, model_find(S("change")), 1000000)};
    char *const line = arena_cstr(&lakes.arena, r.signal.data);
    char *const at = strstr(line, member);
    assert_non_null(at);
    memcpy(at + sizeof member - 1, last, sizeof last - 1);
    r.signal.data = str_of(line);
    assert_true(clock_parse(str_of(last), &r.signal.time_us));
    assert_ok(lakes_open(&lakes, &failure));
    (void)lakes_cursor(&lakes, lane);
    assert_ok(lakes_take(&lakes, lane, &r, 1, 0, &failure));
    assert_ok(flush());
    const struct delta *const log = table("change");
    const struct str key = delta_name(log, &lakes.arena, log->version, ".json");
    assert_ok(log->files->driver->get(log->files, &lakes.arena, key, &text, &failure));
    assert_non_null(strstr(text.at, "year=9999/month=12/day=31"));
    assert_non_null(
        strstr(text.at, "\"minValues\\\":{\\\"fact_at\\\":\\\"9999-12-31T23:59:59.999Z"));
    assert_non_null(strstr(text.at, "\"maxValues\\\":{"));
    assert_null(strstr(text.at, "10000-"));
    lakes_close(&lakes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_checkpoint_stands_for_the_commits_before_it),
        TEST(a_log_that_cannot_be_read_anew_is_known_as_before),
        TEST(a_protocol_that_it_does_not_know_stops_it),
        TEST(a_bound_that_would_lie_in_the_year_10000_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
