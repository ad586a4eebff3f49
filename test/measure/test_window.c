#include "measure/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "test.h"

/* window/NAME.sql is a world, window/NAME.json what is told of it; WEIR_UPDATE writes the latter.
 */
enum { TEXT_BYTES_MAX = 1 << 20 };

static struct arena arena;
static struct duck *duck;
static struct window march = {.choice.zone = STR("UTC")};

static int begin(void **state)
{
    struct failure f;
    const struct duck_options o = {.memory_bytes_max = (size_t)1 << 30, .threads = 1};
    (void)state;
    arena_init(&arena, (size_t)1 << 30);
    assert_true(clock_parse(S("2026-03-01T00:00:00Z"), &march.from_us));
    assert_true(clock_parse(S("2026-04-01T00:00:00Z"), &march.to_us));
    march.choice.hides_people = march.choice.leaves_bots = false;
    return duck_open(&arena, &o, &duck, &f) != OK;
}

static int end(void **state)
{
    (void)state;
    duck_close(duck);
    arena_close(&arena);
    return 0;
}

static void must(enum outcome result, const struct failure *f)
{
    if (result != OK) {
        fail_msg("%s", f->text);
    }
}

static struct str file_text(const char *name)
{
    struct str text;
    struct failure f;
    must(file_read(&arena, arena_printf(&arena, "test/measure/window/%s", name).at, TEXT_BYTES_MAX,
                   &text, &f),
         &f);
    return text;
}

static void open_world(const char *name)
{
    struct failure f;
    must(duck_run(duck, arena_cstr(&arena, file_text(name)), &f), &f);
}

static void check(const struct window_part *part, const char *name)
{
    struct str told;
    struct failure f;
    size_t n = 0;
    while (part[n].name) {
        n++;
    }
    must(window_json(duck, &arena, part, n, &told, &f), &f);
    told = arena_printf(&arena, "%.*s\n", STR_ARG(told));
    if (getenv("WEIR_UPDATE")) {
        FILE *const out = fopen(arena_printf(&arena, "test/measure/window/%s", name).at, "w");
        assert_non_null(out);
        assert_int_equal(fwrite(told.at, 1, told.len, out), told.len);
        assert_int_equal(fclose(out), 0);
    }
    const struct str wanted = file_text(name);
    if (!str_eq(told, wanted)) {
        fail_msg("told\n%.*sinstead of\n%.*s", STR_ARG(told), STR_ARG(wanted));
    }
}

static void activity_counts_what_was_open_in_the_window(void **state)
{
    struct failure f;
    (void)state;
    open_world("activity.sql");
    must(window_take(duck, &arena, &march, &f), &f);
    must(window_activity_take(duck, &f), &f);
    check(window_activity, "activity.json");
}

static void names_can_be_hashed(void **state)
{
    struct failure f;
    (void)state;
    open_world("activity.sql");
    march.choice.hides_people = true;
    must(window_take(duck, &arena, &march, &f), &f);
    must(window_activity_take(duck, &f), &f);
    check(window_activity, "hashed.json");
    assert_null(strstr(arena_cstr(&arena, file_text("hashed.json")), "\"ann\""));
}

static void runs_are_told_by_pipeline_environment_user_and_error(void **state)
{
    struct failure f;
    (void)state;
    open_world("runs.sql");
    must(window_take(duck, &arena, &march, &f), &f);
    must(window_runs_take(duck, &f), &f);
    check(window_runs, "runs.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(activity_counts_what_was_open_in_the_window, begin, end),
        cmocka_unit_test_setup_teardown(names_can_be_hashed, begin, end),
        cmocka_unit_test_setup_teardown(runs_are_told_by_pipeline_environment_user_and_error, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
