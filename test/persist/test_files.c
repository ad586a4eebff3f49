/* What files.h promises of the place where a lake's files are; that it lasts, bytes and names, is
 * looked at in contract/test_durable.c. */
#include "persist/lake/files.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "folder.h"
#include "test.h"

static struct arena arena;
static struct files files;
static struct failure failure;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    if (!folder_make()) {
        return -1;
    }
    files = files_at(arena_str(&arena, str_of(folder_path("lake"))));
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_close(&arena);
    folder_drop();
    return 0;
}

static void assert_holds(struct str key, const char *text)
{
    struct str got;
    assert_int_equal(files.driver->get(&files, &arena, key, &got, &failure), OK);
    assert_true(str_eq(got, str_of(text)));
}

static size_t count(struct str folder)
{
    struct files_list list;
    assert_int_equal(files.driver->list(&files, &arena, folder, &list, &failure), OK);
    return list.n;
}

static void of_two_who_put_a_name_that_must_be_absent_one_is_fenced(void **state)
{
    (void)state;
    const struct str key = S("change/_delta_log/0.json");
    assert_int_equal(files.driver->put_if_absent(&files, key, S("first"), &failure), OK);
    assert_int_equal(files.driver->put_if_absent(&files, key, S("second"), &failure), RETRY);
    assert_int_equal(failure.cause, CAUSE_FENCED);
    assert_holds(key, "first");
    assert_int_equal(files.driver->put(&files, key, S("third"), &failure), OK);
    assert_holds(key, "third");
    assert_int_equal(count(S("change")), 1);
}

static void what_is_removed_is_gone_and_what_never_was_is_no_failure(void **state)
{
    (void)state;
    struct str got;
    const struct str key = S("change/a/b.parquet");
    assert_int_equal(count(S("change")), 0);
    assert_int_equal(files.driver->put(&files, key, S("bytes"), &failure), OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(files.driver->remove(&files, key, &failure), OK);
        assert_int_equal(files.driver->get(&files, &arena, key, &got, &failure), OK);
        assert_null(got.at);
    }
    assert_int_equal(count(S("change")), 0);
}

static void a_file_that_was_made_in_scratch_is_put_under_its_key(void **state)
{
    (void)state;
    const struct str key = S("change/year=2026/0-1.parquet");
    const struct str folder = files.driver->scratch(&files, &arena, S("change/.stage-1"));
    const char *const made = arena_printf(&arena, "%.*s/0.parquet", STR_ARG(folder)).at;
    assert_int_equal(file_make_dirs(folder.at, &failure), OK);
    assert_int_equal(file_replace(made, S("columns"), 0600, &failure), OK);
    assert_int_equal(files.driver->put_file(&files, key, made, &failure), OK);
    assert_int_not_equal(access(made, F_OK), 0);
    assert_holds(key, "columns");
}

static void what_another_of_the_same_process_number_is_writing_stays_as_it_is(void **state)
{
    (void)state;
    const struct str key = S("change/_delta_log/0.json");
    const struct str other = arena_printf(&arena, "change/_delta_log/.0.json.%ld", (long)getpid());
    const struct str path = files_path(&files, &arena, other);
    assert_int_equal(files.driver->put(&files, key, S("older"), &failure), OK);
    assert_int_equal(file_replace(path.at, S("another's"), 0600, &failure), OK);
    assert_int_equal(files.driver->put(&files, key, S("newer"), &failure), OK);
    assert_int_equal(files.driver->put_if_absent(&files, key, S("late"), &failure), RETRY);
    assert_holds(other, "another's");
    assert_holds(key, "newer");
    assert_int_equal(count(S("change")), 2);
}

static void who_is_alone_is_told_so_and_shuts_out_nobody_for_ever(void **state)
{
    (void)state;
    int one = -1;
    int other = -1;
    assert_int_equal(files.driver->hold(&files, true, &one, &failure), OK);
    assert_int_equal(files.driver->hold(&files, true, &other, &failure), RETRY);
    assert_int_equal(failure.cause, CAUSE_FENCED);
    assert_int_equal(files.driver->hold(&files, false, &one, &failure), OK);
    assert_int_equal(files.driver->hold(&files, false, &other, &failure), OK);
    assert_int_equal(files.driver->hold(&files, true, &other, &failure), RETRY);
    assert_int_equal(failure.cause, CAUSE_FENCED);
    close(one);
    assert_int_equal(files.driver->hold(&files, true, &other, &failure), OK);
    close(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(of_two_who_put_a_name_that_must_be_absent_one_is_fenced),
        TEST(what_is_removed_is_gone_and_what_never_was_is_no_failure),
        TEST(a_file_that_was_made_in_scratch_is_put_under_its_key),
        TEST(what_another_of_the_same_process_number_is_writing_stays_as_it_is),
        TEST(who_is_alone_is_told_so_and_shuts_out_nobody_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
