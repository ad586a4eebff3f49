#include "command/report/dora_html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "command/report/html.h"
#include "command/report/sentence.h"
#include "command/report/svg.h"
#include "test.h"

/* page/NAME.html is what page/NAME.sql is drawn as; WEIR_UPDATE writes it anew. */
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

static struct str file_text(const char *path)
{
    struct str text;
    struct failure f;
    must(file_read(&arena, path, TEXT_BYTES_MAX, &text, &f), &f);
    return text;
}

static void check_golden(const char *path, struct str told)
{
    struct failure f;
    if (getenv("WEIR_UPDATE")) {
        must(file_replace(path, told, 0644, &f), &f);
    }
    const struct str wanted = file_text(path);
    if (!str_eq(told, wanted)) {
        must(file_replace("build-quick/told.html", told, 0644, &f), &f);
        fail_msg("%s is drawn otherwise: see build-quick/told.html", path);
    }
}

static size_t count(struct str text, const char *word)
{
    size_t n = 0;
    const struct str w = str_of(word);
    for (size_t i = 0; i + w.len <= text.len; i++) {
        n += memcmp(text.at + i, w.at, w.len) == 0;
    }
    return n;
}

static int64_t at(const char *text)
{
    int64_t us = 0;
    assert_true(clock_parse(str_of(text), &us));
    return us;
}

static struct str page_of(const char *world)
{
    static struct str labels[] = {STR("hotfix")}, branches[] = {STR("hotfix/*")};
    struct failure f;
    struct str page;
    const struct duck_options o = {.memory_bytes_max = (size_t)1 << 30, .threads = 1};
    const struct dora_wish w = {
        .window = {.from_us = at("2026-03-01T00:00:00Z"),
                   .to_us = at("2026-04-01T00:00:00Z"),
                   .local_from_us = at("2026-03-01T00:00:00Z"),
                   .local_to_us = at("2026-04-01T00:00:00Z"),
                   .choice = {.zone = S("UTC"), .hotfix = {{labels, 1}, {branches, 1}}}},
        .group = DORA_SERVICE,
        .is_by_environment = true,
        .is_explained = true,
    };
    must(duck_open(&arena, &o, &duck, &f), &f);
    must(duck_run(duck, file_text("test/measure/dora/world.sql").at, &f), &f);
    must(duck_run(duck, file_text(world).at, &f), &f);
    must(dora_take(duck, &arena, &w, &f), &f);
    const struct dora_page p = {
        .duck = duck, .arena = &arena, .wish = &w, .complete_us = at("2026-04-01T08:00:11Z")};
    must(dora_html(&p, &page, &f), &f);
    return page;
}

static void a_small_world_has_the_page_of_its_golden_file(void **state)
{
    (void)state;
    check_golden("test/command/page/small.html", page_of("test/command/page/small.sql"));
}

static void nothing_from_outside_comes_alive(void **state)
{
    (void)state;
    const struct str page = page_of("test/command/page/small.sql");
    assert_int_equal(count(page, "<script"), 0);
    assert_int_equal(count(page, "<b>bell"), 0);
    assert_int_equal(count(page, "javascript:"), 0);
    assert_int_equal(count(page, "href=\"data:text"), 0);
    assert_int_equal(count(page, "\x1b"), 0);
    assert_true(count(page, "&lt;script&gt;") >= 2); /* the dot and the table */
    assert_true(count(page, "href=\"https://example.org/shop/1?a=1&amp;b=&quot;2&quot;\"") >= 2);
    assert_int_equal(count(page, "pay<ments>"), 0);
    assert_true(count(page, "pay&lt;ments&gt;") > 0);
}

static void a_world_without_anything_is_a_page_too(void **state)
{
    (void)state;
    const struct str page = page_of("test/measure/dora/nothing.sql");
    assert_int_equal(count(page, "class=\"mark"), count(page, " zero\""));
    assert_int_equal(count(page, "nan"), 0);
    assert_int_equal(count(page, "Nothing was deployed in these 31 days."),
                     2); /* the chart, the text */
}

static struct str drawn(void (*draw)(struct buf *, const struct svg_plot *), const double *value,
                        size_t n)
{
    struct buf b;
    struct svg_point *const point = arena_array(&arena, struct svg_point, n);
    for (size_t i = 0; i < n; i++) {
        point[i] = (struct svg_point){value[i], arena_printf(&arena, "week %zu <&>", i), i == 0};
    }
    const struct svg_plot p = {.arena = &arena,
                               .name = S("A \"name\""),
                               .unit = FIGURE_SPAN_S,
                               .point = point,
                               .n = n,
                               .first = S("1 Mar"),
                               .last = S("29 Mar"),
                               .before = 5000};
    buf_init(&b, &arena, TEXT_BYTES_MAX);
    draw(&b, &p);
    return buf_str(&b);
}

static const double with_gaps[] = {3600, NONE, 7200, NONE, NONE, 0, 10800, 1800};
enum { GAPS_N = sizeof with_gaps / sizeof *with_gaps, GIVEN = 5 };

static struct str drawn_dots(size_t n)
{
    struct buf b;
    struct svg_dot *const dot = arena_array(&arena, struct svg_dot, n);
    for (size_t i = 0; i < n; i++) {
        dot[i] = (struct svg_dot){
            .across = (double)i / (double)n,
            .s = 40.0 * pow(3, (double)(i % 12)), /* below a minute, and 80 days */
            .kind = (enum svg_dot_kind)(i % 3),
            .name = arena_printf(&arena, "change %zu", i),
            .url = i % 2 ? S("https://example.org/1") : S("ftp://example.org/1"),
        };
    }
    const struct svg_dots p = {
        .name = S("dots"), .first = S("1 Mar"), .last = S("31 Mar"), .dot = dot, .n = n};
    buf_init(&b, &arena, TEXT_BYTES_MAX);
    svg_dots(&b, &p);
    return buf_str(&b);
}

static struct str drawn_shares(void)
{
    struct buf b;
    const struct svg_share part[] = {
        {0.5, S("a: 50 %")}, {0, S("b: none")}, {0.001, S("c <&>")}, {0.499, S("d")}};
    buf_init(&b, &arena, TEXT_BYTES_MAX);
    svg_shares(&b, S("A \"whole\""), part, 4);
    return buf_str(&b);
}

static struct str drawn_cells(void)
{
    static const char *const rows[] = {"Mon", "Tue"}, *const columns[] = {"0 h", "", "16 h"};
    static const int values[] = {0, 1, 2, 10, 0, 4};
    struct svg_cell cell[6];
    struct buf b;
    for (size_t i = 0; i < 6; i++) {
        cell[i] = (struct svg_cell){values[i], arena_printf(&arena, "cell %zu <&>", i),
                                    values[i] ? arena_printf(&arena, "%d", values[i]) : S("")};
    }
    const struct svg_cells c = {S("A \"week\""), rows, columns, cell, 2, 3};
    buf_init(&b, &arena, TEXT_BYTES_MAX);
    svg_cells(&b, &c);
    return buf_str(&b);
}

static void shapes_have_the_geometry_of_their_golden_file(void **state)
{
    (void)state;
    const struct str bars = drawn(svg_bars, with_gaps, GAPS_N);
    const struct str line = drawn(svg_line, with_gaps, GAPS_N);
    const struct str spark = drawn(svg_spark, with_gaps, GAPS_N);
    const struct str dots = drawn_dots(12), shares = drawn_shares(), cells = drawn_cells();
    check_golden("test/command/page/shapes.svg",
                 arena_printf(&arena, "%.*s%.*s%.*s\n%.*s%.*s%.*s", STR_ARG(bars), STR_ARG(line),
                              STR_ARG(spark), STR_ARG(dots), STR_ARG(shares), STR_ARG(cells)));
}

static void as_many_marks_are_drawn_as_values_are_given(void **state)
{
    (void)state;
    assert_int_equal(count(drawn(svg_bars, with_gaps, GAPS_N), "class=\"mark"), GIVEN);
    assert_int_equal(count(drawn(svg_line, with_gaps, GAPS_N), "class=\"mark"), GIVEN);
    assert_int_equal(count(drawn(svg_spark, with_gaps, GAPS_N), "class=\"mark"), GIVEN);
    assert_int_equal(count(drawn_dots(719), "class=\"mark"), 719);
    assert_int_equal(count(drawn_dots(719), "<a "), 359);
    assert_int_equal(count(drawn_dots(0), "class=\"mark"), 0);
    assert_int_equal(count(drawn(svg_bars, with_gaps, 0), "class=\"mark"), 0);
    assert_int_equal(count(drawn_shares(), "class=\"mark"), 3);
    assert_int_equal(count(drawn_cells(), "class=\"mark"), 6);
    assert_int_equal(count(drawn_cells(), "mark none"), 2);
    assert_int_equal(count(drawn_cells(), "class=\"told\""), 4);
}

static void an_axis_is_told_in_one_unit(void **state)
{
    static const double hours[] = {36 * 3600.0}, days[] = {50 * 3600.0};
    (void)state;
    assert_int_equal(count(drawn(svg_line, hours, 1), ">40 h<"), 1);
    assert_int_equal(count(drawn(svg_line, hours, 1), ">20 h<"), 1);
    assert_int_equal(count(drawn(svg_line, days, 1), ">4 d<"), 1);
    assert_int_equal(count(drawn(svg_line, days, 1), ">2 d<"), 1);
}

static void only_the_web_is_linked(void **state)
{
    (void)state;
    assert_true(html_is_link(S("https://example.org/")));
    assert_true(html_is_link(S("HTTP://example.org/")));
    assert_false(html_is_link(S("javascript:alert(1)//https://")));
    assert_false(html_is_link(S(" https://example.org/")));
    assert_false(html_is_link(S("//example.org/")));
    assert_false(html_is_link(S("")));
}

/* ---- sentences ---- */

static struct dora_figure figure(int64_t n)
{
    return (struct dora_figure){
        .is_all = true,
        .to_us = (int64_t)30 * 86400 * 1000000,
        .deployments = n,
        .days_deployed = n,
        .commits = n,
        .failed = n,
        .recovered = n,
        .rework = n,
        .per_day = (double)n / 30,
        .lead_p50_s = n ? 7200 : NONE,
        .lead_p90_s = n ? 9000 : NONE,
        .fail_rate = n ? 1 : NONE,
        .recovery_p50_s = n ? 5400 : NONE,
        .recovery_p90_s = n ? 9000 : NONE,
        .rework_rate = n ? 1 : NONE,
    };
}

static const struct {
    int64_t n;
    const char *frequency, *lead, *fail_rate, *recovery, *rework;
} sentences[] = {
    {0, "Nothing was deployed in these 30 days.", "No commit that counts reached production.",
     "Nothing was deployed, so nothing could fail.",
     "No deployment failed: there was nothing to recover from.",
     "Nothing was deployed, so nothing was rework."},
    {1, "1 deployment, on one day of 30.", "The one commit reached production in 2.0 h.",
     "The one deployment caused an incident.", "The one recovery took 1.5 h.",
     "The one deployment mended an earlier one."},
    {2, "2 deployments, on 2 of 30 days.",
     "The two commits reached production in 2.0 h in the middle.",
     "All 2 deployments caused an incident.", "Two recoveries took 1.5 h in the middle.",
     "All 2 deployments mended an earlier one."},
    {3, "3 deployments, on 3 of 30 days.",
     "Of 3 commits half reached production within 2.0 h, nine in ten within 2.5 h.",
     "All 3 deployments caused an incident.",
     "Of 3 recoveries half took at most 1.5 h, nine in ten at most 2.5 h.",
     "All 3 deployments mended an earlier one."},
};

static void check_sentence(struct sentence s, const char *wanted, int64_t n)
{
    if (!str_eq(s.text, str_of(wanted))) {
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(s.text), wanted);
    }
    assert_int_equal(str_ends(s.figure, arena_printf(&arena, " (%lld)", (long long)n)), n < 3);
    assert_string_equal(s.trend, "");
    assert_int_equal(s.before.len, 0);
}

static void sentences_are_true_of_none_one_two_and_more(void **state)
{
    const struct dora_figure before = figure(0);
    (void)state;
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        const int64_t n = sentences[i].n;
        const struct dora_figure now = figure(n);
        const struct sentence first = sentence_frequency(&arena, &now, &before);
        assert_string_equal(arena_cstr(&arena, first.text), sentences[i].frequency);
        check_sentence(sentence_lead(&arena, &now, &before), sentences[i].lead, n);
        check_sentence(sentence_fail_rate(&arena, &now, &before), sentences[i].fail_rate, n);
        check_sentence(sentence_recovery(&arena, &now, &before), sentences[i].recovery, n);
        check_sentence(sentence_rework(&arena, &now, &before), sentences[i].rework, n);
    }
}

static void the_span_of_a_change_is_told_of_three_and_more(void **state)
{
    struct dora_figure now = {.changes = 2, .change_p50_s = 7200, .change_p90_s = 9000};
    (void)state;
    assert_int_equal(sentence_per_change(&arena, &now).len, 0);
    now.changes = 3;
    assert_str(sentence_per_change(&arena, &now),
               " Of 3 that count half took at most 2.0 h, nine in ten at most 2.5 h.");
}

static void sentences_tell_what_is_open_and_what_was_before(void **state)
{
    (void)state;
    struct dora_figure now = figure(1), before = figure(40);
    assert_int_equal(sentence_open(&arena, &now).len, 0);
    now.open_incidents = 1;
    now.undeployed_changes = 2;
    now.oldest_undeployed_s = 90000;
    assert_str(sentence_open(&arena, &now),
               "Open at the end: 2 merged changes, the oldest for 25 h.");
    now.failed = now.rework = 0;
    assert_str(sentence_lead(&arena, &now, &before).text,
               "The one commit reached production in 2.0 h. 2 changes are merged and not "
               "deployed, the oldest for 25 h.");
    assert_str(sentence_lead(&arena, &now, &before).before, "was 2.0 h");
    assert_string_equal(sentence_lead(&arena, &now, &before).trend, "same");
    assert_str(sentence_fail_rate(&arena, &now, &before).text,
               "The one deployment caused no incident.");
    now.failed = 2;
    now.recovered = 0;
    now.oldest_failure_s = 306000;
    assert_str(
        sentence_recovery(&arena, &now, &before).text,
        "2 failed deployments, none recovered yet. 1 incident is open, the oldest for 3.5 d.");
    now.failed = 1;
    assert_str(sentence_open(&arena, &now),
               "Open at the end: 1 failed deployment, for 3.5 d; 2 merged changes, the oldest for "
               "25 h.");
    now.failed = 2;
    now.deployments = 17;
    now.per_day = 1;
    assert_str(sentence_rework(&arena, &now, &before).text,
               "None of 17 deployments mended an earlier one.");
    assert_str(sentence_frequency(&arena, &now, &before).before, "was 1.3/d");
}

static void what_is_not_known_and_not_come_is_told_in_days(void **state)
{
    const int64_t first = at("2026-03-01T00:00:00Z"), last = at("2026-04-01T00:00:00Z");
    const struct window w = {
        .from_us = first, .to_us = last, .local_from_us = first, .local_to_us = last};
    (void)state;
    assert_str(sentence_unknown(&arena, &w, at("2026-03-11T09:00:00Z"), "Nothing."),
               "Nothing is known before 11 Mar: 10 of 31 days have no data.");
    assert_str(sentence_unknown(&arena, &w, at("2026-03-02T00:00:00Z"), "Nothing."),
               "Nothing is known before 2 Mar: 1 of 31 days has no data.");
    assert_str(sentence_unknown(&arena, &w, at("2027-01-01T00:00:00Z"), "Nothing."),
               "Nothing is known before 1 Jan 2027: 31 of 31 days have no data.");
    assert_str(sentence_unknown(&arena, &w, TIME_NONE, "Nothing."), "Nothing.");
    assert_int_equal(sentence_unknown(&arena, &w, at("2026-03-01T23:59:59Z"), "").len, 0);
    assert_str(sentence_to_come(&arena, &w, at("2026-03-22T12:00:00Z")),
               "9 of 31 days have not come yet; a frequency counts them.");
    assert_str(sentence_to_come(&arena, &w, at("2026-03-31T00:00:00Z")),
               "1 of 31 days has not come yet; a frequency counts it.");
    assert_str(sentence_to_come(&arena, &w, at("2025-03-31T00:00:00Z")),
               "31 of 31 days have not come yet; a frequency counts them.");
    assert_int_equal(sentence_to_come(&arena, &w, at("2026-03-31T00:00:01Z")).len, 0);
    assert_int_equal(sentence_to_come(&arena, &w, last + DAY_US).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_world_has_the_page_of_its_golden_file, begin, end),
        cmocka_unit_test_setup_teardown(nothing_from_outside_comes_alive, begin, end),
        cmocka_unit_test_setup_teardown(a_world_without_anything_is_a_page_too, begin, end),
        cmocka_unit_test_setup_teardown(shapes_have_the_geometry_of_their_golden_file, begin, end),
        cmocka_unit_test_setup_teardown(as_many_marks_are_drawn_as_values_are_given, begin, end),
        cmocka_unit_test_setup_teardown(an_axis_is_told_in_one_unit, begin, end),
        cmocka_unit_test_setup_teardown(only_the_web_is_linked, begin, end),
        cmocka_unit_test_setup_teardown(sentences_are_true_of_none_one_two_and_more, begin, end),
        cmocka_unit_test_setup_teardown(the_span_of_a_change_is_told_of_three_and_more, begin, end),
        cmocka_unit_test_setup_teardown(sentences_tell_what_is_open_and_what_was_before, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_is_not_known_and_not_come_is_told_in_days, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
