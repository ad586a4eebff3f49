/* Writers of one lake that know nothing of each other, each with a process number that may be the
 * other's, too. */
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "folder.h"
#include "persist/lake/stage.h"
#include "persist/lake/vacuum.h"
#include "persist/lakes.h"
#include "test.h"

static struct lakes lakes;
static struct failure failure;

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
    return lakes_open(&lakes, &failure) == OK ? 0 : -1;
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

static struct stage stage_here(void)
{
    struct stage s;
    assert_ok(stage_open(&s, &lakes.arena, NULL, &lakes.lake->table[0].log, &failure));
    return s;
}

static bool is_there(struct str path)
{
    return access(path.at, F_OK) == 0;
}

static struct str in(const struct stage *s)
{
    return arena_printf(&lakes.arena, "%.*s/0.parquet", STR_ARG(s->folder));
}

static void two_stages_of_one_process_number_are_two(void **state)
{
    (void)state;
    struct stage one = stage_here();
    assert_ok(file_replace(in(&one).at, S("rows"), 0600, &failure));
    struct stage other = stage_here();
    assert_true(is_there(in(&one)));
    assert_false(is_there(in(&other)));
    stage_close(&other);
    assert_true(is_there(in(&one)));
    stage_close(&one);
    assert_false(is_there(one.folder));
}

/* The folder of a stage whose process was killed with a file in it, or before there was one. */
static struct str killed(void)
{
    int ends[2];
    char path[512] = "";
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const struct stage s = stage_here();
        const bool is_told = file_replace(in(&s).at, S("rows"), 0600, &failure) == OK &&
                             write(ends[1], s.folder.at, s.folder.len) == (ssize_t)s.folder.len;
        _exit(is_told ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(read(ends[0], path, sizeof path - 1) > 0);
    close(ends[0]);
    close(ends[1]);
    return arena_str(&lakes.arena, str_of(path));
}

static void beside_others_a_start_removes_what_the_dead_left_and_nothing_of_the_living(void **state)
{
    (void)state;
    const struct files files = files_at(lakes.config.lake.path);
    struct stage living = stage_here();
    const struct str dead = killed();
    const struct str empty = arena_printf(&lakes.arena, "%.*s-", STR_ARG(dead));
    int other = -1;
    assert_ok(file_replace(in(&living).at, S("rows"), 0600, &failure));
    assert_int_equal(mkdir(empty.at, 0700), 0);
    assert_true(is_there(dead));
    assert_ok(files.driver->hold(&files, false, &other, &failure));
    lakes_close(&lakes);
    assert_ok(lakes_open(&lakes, &failure));
    assert_false(is_there(dead));
    assert_false(is_there(empty));
    assert_true(is_there(in(&living)));
    stage_close(&living);
    close(other);
}

static void once_a_day_what_the_dead_left_goes_and_nothing_of_the_living(void **state)
{
    (void)state;
    const struct files files = files_at(lakes.config.lake.path);
    struct stage living = stage_here();
    const struct str dead = killed();
    const struct str half = files_path(
        &files, &lakes.arena,
        arena_printf(&lakes.arena, "%.*s/_delta_log/.1.json.0", STR_ARG(living.log->table)));
    assert_ok(file_replace(half.at, S("{"), 0600, &failure));
    const int64_t now_us = clock_now_us();
    assert_ok(vacuum_run(lakes.lake, now_us + HOUR_US / 2, &failure));
    assert_true(is_there(half));
    assert_false(is_there(dead));
    assert_true(is_there(living.folder));
    assert_ok(vacuum_run(lakes.lake, now_us + 2 * DAY_US, &failure));
    assert_false(is_there(half));
    assert_true(is_there(living.folder));
    stage_close(&living);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(two_stages_of_one_process_number_are_two),
        TEST(beside_others_a_start_removes_what_the_dead_left_and_nothing_of_the_living),
        TEST(once_a_day_what_the_dead_left_goes_and_nothing_of_the_living),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
