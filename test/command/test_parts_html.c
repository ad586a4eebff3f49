#include "command/report/parts_html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "command/report/parts_say.h"
#include "test.h"

/* page/NAME.html is what a world of test/measure/window is drawn as; WEIR_UPDATE writes it anew. */
enum { TEXT_BYTES_MAX = 1 << 20 };
#define NONE ((double)NAN)

static struct arena arena;
static struct duck *duck;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)1 << 30);
    duck = NULL;
    return 0;
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

static int64_t at(const char *text)
{
    int64_t us = 0;
    assert_true(clock_parse(str_of(text), &us));
    return us;
}

static struct str file_text(const char *path)
{
    struct str text;
    struct failure f;
    must(file_read(&arena, path, TEXT_BYTES_MAX, &text, &f), &f);
    return text;
}

static struct str page_of(const struct parts *of, const char *world, const char *then)
{
    struct failure f;
    struct str page;
    const struct duck_options o = {.memory_bytes_max = (size_t)1 << 30, .threads = 1};
    const struct window w = {.from_us = at("2026-03-01T00:00:00Z"),
                             .to_us = at("2026-04-01T00:00:00Z"),
                             .local_from_us = at("2026-03-01T00:00:00Z"),
                             .local_to_us = at("2026-04-01T00:00:00Z"),
                             .choice = {.zone = S("UTC"), .leaves_bots = true}};
    must(duck_open(&arena, &o, &duck, &f), &f);
    must(duck_run(duck, arena_cstr(&arena, file_text(world)), &f), &f);
    must(duck_run(duck, then, &f), &f);
    must(window_take(duck, &arena, &w, &f), &f);
    must(of == &parts_runs ? window_runs_take(duck, &f) : window_activity_take(duck, &f), &f);
    const struct parts_page p = {.duck = duck,
                                 .arena = &arena,
                                 .of = of,
                                 .window = &w,
                                 .complete_us = at("2026-04-01T08:00:11Z")};
    must(parts_html(&p, &page, &f), &f);
    return page;
}

static void check_golden(const char *path, struct str told)
{
    struct failure f;
    if (getenv("WEIR_UPDATE")) {
        must(file_replace(path, told, 0644, &f), &f);
    }
    if (!str_eq(told, file_text(path))) {
        must(file_replace("build-quick/told.html", told, 0644, &f), &f);
        fail_msg("%s is drawn otherwise: see build-quick/told.html", path);
    }
}

static void activity_has_the_page_of_its_golden_file(void **state)
{
    (void)state;
    check_golden("test/command/page/activity.html",
                 page_of(&parts_activity, "test/measure/window/activity.sql", ""));
}

static void runs_have_the_page_of_their_golden_file(void **state)
{
    (void)state;
    check_golden("test/command/page/runs.html",
                 page_of(&parts_runs, "test/measure/window/runs.sql", ""));
}

static void a_world_without_runs_is_a_page_too(void **state)
{
    (void)state;
    const char *const text = arena_cstr(&arena,
                                        page_of(&parts_runs, "test/measure/window/runs.sql",
                                                "DELETE FROM pipeline_run; DELETE FROM task_run"));
    assert_non_null(strstr(text, "No run is known."));
    assert_non_null(strstr(text, "No run finished in 31 days."));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "class=\"mark"));
}

static void sentences_are_true_of_none_one_two_and_more(void **state)
{
    static const struct {
        const char *key;
        enum figure_unit unit;
        double value;
        const char *told[4]; /* of none, one, two and three cases */
    } cases[] = {
        {"merged_per_day",
         FIGURE_PER_DAY,
         0.1,
         {"No change merged in 30 days.", "1 change merged in 30 days.",
          "2 changes merged in 30 days.", "3 changes merged in 30 days."}},
        {"first_review_p50_s",
         FIGURE_SPAN_S,
         7200,
         {"There is no reviewed change to tell it of.", "The one reviewed change waited 2.0 h.",
          "The two reviewed changes waited 2.0 h in the middle.",
          "Of 3 reviewed changes half waited at most 2.0 h, nine in ten at most 2.5 h."}},
        {"unreviewed_rate",
         FIGURE_SHARE,
         1,
         {"There is no merged change to tell it of.",
          "The one merged change went without a review.",
          "All 2 merged changes went without a review.",
          "All 3 merged changes went without a review."}},
        {"fail_rate",
         FIGURE_SHARE,
         0,
         {"There is no run to tell it of.", "The one run did not fail.", "None of 2 runs failed.",
          "None of 3 runs failed."}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int64_t n = 0; n < 4; n++) {
            const struct figure f = {.key = str_of(cases[i].key),
                                     .unit = cases[i].unit,
                                     .sign = -1,
                                     .now = n > 0 ? cases[i].value : NONE,
                                     .before = NONE,
                                     .n = n,
                                     .weight = n};
            const struct sentence s = parts_say(&arena, &f, n > 0 ? 9000 : NONE, 30);
            assert_string_equal(arena_cstr(&arena, s.text), cases[i].told[n]);
            assert_string_equal(s.trend, "");
            assert_int_equal(s.before.len, 0);
            assert_int_equal(str_ends(s.figure, arena_printf(&arena, " (%d)", (int)n)),
                             n < 3 && f.unit != FIGURE_PER_DAY);
        }
    }
}

static void a_sentence_says_what_was_before(void **state)
{
    struct figure f = {.key = S("lines_p50"),
                       .unit = FIGURE_NUMBER,
                       .now = 300,
                       .before = 100.5,
                       .n = 40,
                       .before_n = 2,
                       .weight = 40};
    (void)state;
    struct sentence s = parts_say(&arena, &f, NONE, 30);
    assert_str(s.before, "was 100.5 (2)");
    assert_string_equal(s.trend, "more");
    assert_str(s.text, "Of 40 merged changes half had at most 300 lines.");
    f.sign = -1;
    assert_string_equal(parts_say(&arena, &f, NONE, 30).trend, "worse");
    f.weight = 1; /* too few for a difference to mean anything */
    assert_string_equal(parts_say(&arena, &f, NONE, 30).trend, "same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(activity_has_the_page_of_its_golden_file, begin, end),
        cmocka_unit_test_setup_teardown(runs_have_the_page_of_their_golden_file, begin, end),
        cmocka_unit_test_setup_teardown(a_world_without_runs_is_a_page_too, begin, end),
        cmocka_unit_test_setup_teardown(sentences_are_true_of_none_one_two_and_more, begin, end),
        cmocka_unit_test_setup_teardown(a_sentence_says_what_was_before, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
