/* Two writers of one table: what a commit is refused for. */
#include "persist/lake/delta.h"

#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "test.h"

enum { FACTS = 20 };

static struct lakes lakes;
static struct files files;
static struct delta mine; /* as this writer saw it last */
static struct failure failure;

/* A table with files, read by this writer. */
static int begin(void **state)
{
    (void)state;
    const struct lane lane = {STREAM_STANDARD, S("intake-0")};
    struct record r[FACTS];
    lakes_begin(&lakes, folder_make());
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    for (size_t i = 0; i < FACTS; i++) {
        struct dice dice = {i + 1};
        r[i].signal = fact_random(&dice, &lakes.arena, model_find(S("change")), 1000000);
    }
    assert_int_equal(lakes_cursor(&lakes, lane), 0);
    assert_int_equal(lakes_take(&lakes, lane, r, FACTS, 0, &failure), OK);
    assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
    lakes_close(&lakes);
    files = files_at(lakes.config.lake.path);
    assert_int_equal(delta_open(&lakes.arena, &files, S("change"), &mine, &failure), OK);
    assert_true(mine.files_n > 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static enum outcome remove_first(struct delta *log)
{
    struct str path = log->file[0].path;
    struct delta_commit c = {.operation = "TEST", .removed = &path, .removed_n = 1};
    buf_init(&c.actions, &lakes.arena, 1 << 16);
    delta_add_remove(&c.actions, path, 1, true);
    return delta_commit(log, &c, &failure);
}

static bool is_there(struct str key)
{
    return access(files_path(&files, &lakes.arena, key).at, F_OK) == 0;
}

static void a_file_that_another_writer_removed_is_not_removed_again(void **state)
{
    (void)state;
    struct delta other;
    assert_int_equal(delta_open(&lakes.arena, &files, S("change"), &other, &failure), OK);
    assert_int_equal(remove_first(&other), OK);
    assert_int_equal(remove_first(&mine), RETRY);
    assert_int_equal(failure.cause, CAUSE_FENCED);
    assert_non_null(strstr(failure.text, "another writer removed"));
    assert_false(is_there(delta_name(&mine, &lakes.arena, other.version + 1, ".json")));
}

/* Its commits were cleaned away behind a checkpoint, so that the next number seems to be free. */
static void a_commit_below_a_newer_checkpoint_is_taken_back(void **state)
{
    (void)state;
    const struct str key = delta_name(&mine, &lakes.arena, mine.version + 1, ".json");
    const struct str newer = arena_printf(&lakes.arena, "{\"version\":%lld,\"size\":1}",
                                          (long long)mine.version + 5);
    assert_int_equal(
        files.driver->put(&files, S("change/_delta_log/_last_checkpoint"), newer, &failure), OK);
    assert_int_equal(remove_first(&mine), RETRY);
    assert_non_null(strstr(failure.text, "unnoticed"));
    assert_false(is_there(key));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_another_writer_removed_is_not_removed_again),
        TEST(a_commit_below_a_newer_checkpoint_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
