#include "orchestrate/survey.h"

#include <sys/stat.h>

#include "folder.h"
#include "test.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 24);
    (void)folder_make();
    return mkdir(folder_path("run"), 0700);
}

static int tear_down(void **state)
{
    (void)state;
    arena_close(&arena);
    folder_drop();
    return 0;
}

static const struct survey *take(void)
{
    static const struct duty none[] = {{0}};
    struct config *const config = arena_new(&arena, struct config);
    struct survey *const s = arena_new(&arena, struct survey);
    struct failure f;
    config->data = arena_str(&arena, str_of(folder_path(".")));
    assert_int_equal(survey_take(&arena, &(struct survey_of){config, none, NULL, S("")}, s, &f),
                     OK);
    return s;
}

static void nothing_is_complete_beyond_a_group_on_its_way_to_the_disk(void **state)
{
    struct progress *page[2];
    struct failure f;
    const struct str run = arena_str(&arena, str_of(folder_path("run")));
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct str name = arena_printf(&arena, "intake-%zu", i);
        assert_int_equal(progress_open(&arena, run, name, &page[i], &f), OK);
    }
    const struct survey *s = take();
    assert_true(s->complete_us == s->now_us);
    const int64_t since_us = s->now_us;
    progress_receiving(page[0], since_us + INT64_C(3600000000)); /* a clock that jumped */
    progress_receiving(page[1], since_us - 5000);
    assert_true(take()->complete_us == since_us - 5001);
    progress_receiving(page[0], since_us - 9000);
    assert_true(take()->complete_us == since_us - 9001);
    progress_receiving(page[0], 0);
    progress_receiving(page[1], 0);
    s = take();
    assert_true(s->complete_us == s->now_us);
    progress_close(page[0]);
    progress_close(page[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_complete_beyond_a_group_on_its_way_to_the_disk,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
