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

static int64_t at(const char *text)
{
    int64_t time_us = TIME_NONE;
    assert_true(clock_parse(str_of(text), &time_us));
    return time_us;
}

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
    must(window_json(duck, &arena, part, &told, &f), &f);
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

/* Of the bots' changes, those of the window. */
static void what_a_bot_closed_before_the_window_is_not_left_out_of_it(void **state)
{
    struct failure f;
    struct str told;
    (void)state;
    open_world("activity.sql");
    march.choice.leaves_bots = true;
    must(window_take(duck, &arena, &march, &f), &f);
    must(window_activity_take(duck, &f), &f);
    must(window_json(duck, &arena, window_activity, &told, &f), &f);
    assert_non_null(strstr(arena_cstr(&arena, told), "\"reason\":\"by a bot\",\"n\":1}"));
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

/* Both ends in UTC, and as the zone's clocks show them. */
static void settles(const char *zone, struct window w, const int64_t wanted[4])
{
    struct failure f;
    w.choice.zone = str_of(zone);
    must(window_settle(duck, &arena, &w, &f), &f);
    assert_int_equal(w.from_us, wanted[0]);
    assert_int_equal(w.to_us, wanted[1]);
    assert_int_equal(w.local_from_us, wanted[2]);
    assert_int_equal(w.local_to_us, wanted[3]);
}

static void a_day_begins_where_the_zone_has_it_begin_and_a_moment_stays(void **state)
{
    const int64_t first = at("2026-03-02T00:00:00Z"), last = at("2026-03-30T00:00:00Z");
    const struct window days = {
        .from_us = first, .to_us = last, .from_is_day = true, .to_is_day = true};
    const struct window moments = {.from_us = first, .to_us = last};
    (void)state;
    settles("UTC", days, (const int64_t[]){first, last, first, last});
    settles("Europe/Rome", days, /* summer time from the 29th on */
            (const int64_t[]){first - HOUR_US, last - 2 * HOUR_US, first, last});
    settles("Europe/Rome", moments,
            (const int64_t[]){first, last, first + HOUR_US, last + 2 * HOUR_US});
    settles("America/Lima", days,
            (const int64_t[]){first + 5 * HOUR_US, last + 5 * HOUR_US, first, last});
}

static void a_window_in_a_zone_that_is_not_known_is_refused(void **state)
{
    struct failure f;
    struct window w = {.to_us = 1, .choice.zone = S("Europe/Atlantis")};
    (void)state;
    assert_int_equal(window_settle(duck, &arena, &w, &f), REJECT);
    assert_string_equal(f.text, "zone \"Europe/Atlantis\" is not known; one is Europe/Rome");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_day_begins_where_the_zone_has_it_begin_and_a_moment_stays,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_window_in_a_zone_that_is_not_known_is_refused, begin,
                                        end),
        cmocka_unit_test_setup_teardown(activity_counts_what_was_open_in_the_window, begin, end),
        cmocka_unit_test_setup_teardown(what_a_bot_closed_before_the_window_is_not_left_out_of_it,
                                        begin, end),
        cmocka_unit_test_setup_teardown(names_can_be_hashed, begin, end),
        cmocka_unit_test_setup_teardown(runs_are_told_by_pipeline_environment_user_and_error, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
