#include "measure/dora.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "test.h"

/* dora/NAME.sql is a world, dora/NAME.txt what is told of it; WEIR_UPDATE writes the latter anew.
 */
enum { TEXT_BYTES_MAX = 1 << 20 };

static struct arena arena;
static struct duck *duck;

static int64_t at(const char *text)
{
    int64_t us = 0;
    assert_true(clock_parse(str_of(text), &us));
    return us;
}

static struct dora_wish march(void)
{
    static struct str labels[] = {STR("hotfix")}, branches[] = {STR("hotfix/*")};
    return (struct dora_wish){
        .window = {.from_us = at("2026-03-01T00:00:00Z"),
                   .to_us = at("2026-04-01T00:00:00Z"),
                   .choice = {.zone = S("UTC"), .hotfix = {{labels, 1}, {branches, 1}}}},
        .group = DORA_SERVICE,
        .is_by_environment = true,
    };
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

static void run_file(const char *name)
{
    struct failure f;
    const struct str sql = file_text(arena_printf(&arena, "test/measure/dora/%s.sql", name).at);
    must(duck_run(duck, arena_cstr(&arena, sql), &f), &f);
}

static void open_world(void)
{
    struct failure f;
    const struct duck_options o = {.memory_bytes_max = (size_t)1 << 30, .threads = 2};
    must(duck_open(&arena, &o, &duck, &f), &f);
    run_file("world");
}

static void take(const struct dora_wish *w)
{
    struct failure f;
    must(dora_take(duck, &arena, w, &f), &f);
}

/* The rows of a file's query, a line each. */
static struct str told_by(const char *name)
{
    struct buf b;
    struct duck_result r;
    struct failure f;
    const struct str sql = file_text(arena_printf(&arena, "test/measure/dora/%s.sql", name).at);
    buf_init(&b, &arena, TEXT_BYTES_MAX);
    must(duck_query(duck, arena_cstr(&arena, sql), &r, &f), &f);
    while (duck_next(&r)) {
        buf_add(&b, duck_text(&r, 0));
        buf_add_byte(&b, '\n');
    }
    duck_result_close(&r);
    return buf_str(&b);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)1 << 30);
    open_world();
    return 0;
}

static int end(void **state)
{
    (void)state;
    duck_close(duck);
    arena_close(&arena);
    return 0;
}

/* What a world is told to be, and nothing that any case had before it. */
static struct str told_of(const char *world, const struct dora_wish *w)
{
    duck_close(duck);
    open_world();
    run_file(world);
    take(w);
    return told_by("told");
}

/* The line holds all of the figures. */
static void assert_line(struct str told, const char *line)
{
    const struct str text = arena_printf(&arena, "\n%.*s", STR_ARG(told));
    if (!strstr(text.at, arena_printf(&arena, "\n%s\n", line).at)) {
        fail_msg("\"%s\" is not told by\n%.*s", line, STR_ARG(told));
    }
}

static void check_case(const char *path)
{
    const char *const base = strrchr(path, '/') + 1;
    const char *const name = arena_printf(&arena, "%.*s", (int)strcspn(base, "."), base).at;
    const struct dora_wish w = march();
    run_file(name);
    take(&w);
    const struct str told = told_by("told");
    if (getenv("WEIR_UPDATE")) {
        FILE *const out = fopen(path, "w");
        assert_non_null(out);
        assert_int_equal(fwrite(told.at, 1, told.len, out), told.len);
        assert_int_equal(fclose(out), 0);
    }
    const struct str wanted = file_text(path);
    if (!str_eq(told, wanted)) {
        fail_msg("%s: told\n%.*sinstead of\n%.*s", name, STR_ARG(told), STR_ARG(wanted));
    }
}

static void every_way_to_ship_has_the_figures_of_its_golden_file(void **state)
{
    glob_t found;
    assert_int_equal(glob("test/measure/dora/*.txt", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 11);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        check_case(found.gl_pathv[i]);
        (void)end(state);
        (void)begin(state);
    }
    globfree(&found);
}

static void a_second_implementation_agrees_on_a_thousand_random_histories(void **state)
{
    struct failure f;
    struct dora_figure *figure;
    size_t n = 0;
    struct dora_wish w = march();
    (void)state;
    w.window.choice.leaves_bots = true;
    run_file("random");
    take(&w);
    must(dora_figures(duck, &arena, DORA_NOW, &figure, &n, &f), &f);
    assert_int_equal(n, 1001);
    assert_true(figure[0].is_all && figure[0].deployments > 10000 && figure[0].commits > 10000);
    assert_true(figure[0].failed > 1000 && figure[0].rework > 1000 && figure[0].recovered > 1000);
    assert_true(figure[0].changes > 1000 && figure[0].change_p90_s > figure[0].change_p50_s);
    assert_true(figure[0].recovery_p90_s > figure[0].recovery_p50_s);
    assert_str(told_by("second"), "");
}

static void rows_come_in_any_order_to_the_same_figures(void **state)
{
    struct failure f;
    struct str first, again;
    const struct dora_wish w = march();
    run_file("random");
    take(&w);
    must(dora_json(duck, &arena, &first, &f), &f);
    duck_close(duck);
    open_world();
    run_file("random");
    run_file("shuffle");
    take(&w);
    must(dora_json(duck, &arena, &again, &f), &f);
    assert_true(first.len > 100000);
    assert_true(str_eq(first, again));
    (void)state;
}

static void weeks_and_months_are_cut_in_the_zone(void **state)
{
    struct failure f;
    struct dora_figure *figure;
    size_t n = 0;
    struct dora_wish w = march();
    (void)state;
    w.window.choice.zone = S("Europe/Rome"); /* summer time from 29 March 2026 */
    w.window.from_us = at("2026-02-28T23:00:00Z");
    w.window.to_us = at("2026-04-30T22:00:00Z");
    run_file("squash");
    take(&w);
    must(dora_figures(duck, &arena, DORA_MONTH, &figure, &n, &f), &f);
    assert_int_equal(n, 4); /* over all, and of the one service: March and April */
    assert_int_equal(figure[0].to_us, at("2026-03-31T22:00:00Z"));
    assert_int_equal(figure[1].to_us, w.window.to_us);
    must(dora_figures(duck, &arena, DORA_WEEK, &figure, &n, &f), &f);
    assert_int_equal(n, 2 * 10);
    assert_int_equal(figure[0].from_us, w.window.from_us); /* a Sunday: a part of a week */
    assert_true(figure[0].is_part && !figure[1].is_part);
    assert_int_equal(figure[1].begins_us, at("2026-03-02T00:00:00Z")); /* as Rome's clocks show */
    assert_int_equal(figure[0].to_us, at("2026-03-01T23:00:00Z"));
    assert_int_equal(figure[1].to_us, at("2026-03-08T23:00:00Z"));
    assert_int_equal(figure[5].from_us, at("2026-03-29T22:00:00Z"));
}

static void a_time_before_anything_was_known_has_no_frequency(void **state)
{
    static const struct {
        const char *from, *to;
        bool has_before;
    } cases[] = {{"2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z", false}, /* known since the 1st */
                 {"2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", true}};
    struct failure f;
    struct dora_figure *figure;
    int64_t known_us = 0;
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dora_wish w = march();
        w.window.from_us = at(cases[i].from);
        w.window.to_us = at(cases[i].to);
        if (i > 0) {
            (void)end(NULL);
            assert_int_equal(begin(NULL), 0);
        }
        run_file("squash");
        take(&w);
        must(window_known_from(duck, &known_us, &f), &f);
        assert_int_equal(known_us, at("2026-03-01T08:00:00Z"));
        must(dora_figures(duck, &arena, DORA_NOW, &figure, &n, &f), &f);
        assert_true(figure[0].per_day > 0);
        must(dora_figures(duck, &arena, DORA_BEFORE, &figure, &n, &f), &f);
        assert_int_equal(figure[0].deployments, 1);
        assert_int_equal(isnan(figure[0].per_day), !cases[i].has_before);
    }
}

static void a_team_has_the_figures_of_its_services_together(void **state)
{
    static const struct dora_service services[] = {{STR("cart"), STR("front"), false, {0}},
                                                   {STR("search"), STR("find"), false, {0}},
                                                   {STR("till"), STR("front"), false, {0}}};
    struct failure f;
    struct dora_figure *figure;
    size_t n = 0;
    struct dora_wish w = march();
    (void)state;
    w.group = DORA_TEAM;
    w.is_by_environment = false;
    w.service = services;
    w.services_n = 3;
    run_file("teams");
    take(&w);
    must(dora_figures(duck, &arena, DORA_NOW, &figure, &n, &f), &f);
    assert_int_equal(n, 4); /* over all, of no team, find, front */
    assert_str(figure[1].service, "");
    assert_int_equal(figure[1].deployments, 1);
    assert_str(figure[2].service, "find");
    assert_int_equal(figure[2].deployments, 1);
    assert_str(figure[3].service, "front");
    assert_int_equal(figure[3].deployments, 3); /* two of cart, one of till */
    assert_int_equal(figure[3].failed, 1);
    assert_int_equal(figure[0].deployments, 5);
}

static void the_hours_of_a_change_go_to_its_stages(void **state)
{
    static const double hours[DORA_STAGES_N] = {2, 10, 4.5, 4.5};
    struct dora_wish w = march();
    struct dora_figure *figure = NULL;
    struct failure f;
    size_t n = 0;
    (void)state;
    w.window.choice.leaves_bots = true;
    (void)told_of("stages", &w);
    must(dora_figures(duck, &arena, DORA_NOW, &figure, &n, &f), &f);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < DORA_STAGES_N; k++) {
            assert_true(fabs(figure[i].stage_s[k] - 3600 * hours[k]) < 0.001);
        }
        assert_int_equal(figure[i].last_failed_us, at("2026-03-03T12:00:00Z"));
        assert_str(figure[i].last_failed_by, "I3");
    }
    (void)told_of("nothing", &w);
    must(dora_figures(duck, &arena, DORA_NOW, &figure, &n, &f), &f);
    assert_true(n > 0 && isnan(figure[0].stage_s[DORA_CODING]));
    assert_true(figure[0].last_failed_us == TIME_NONE && figure[0].last_failed_by.len == 0);
}

static void what_is_mended_after_a_period_is_open_in_it(void **state)
{
    struct dora_wish w = march();
    struct dora_figure *figure = NULL;
    struct failure f;
    struct str json;
    size_t n = 0;
    (void)state;
    w.is_explained = true;
    (void)told_of("mended_later", &w);
    must(dora_figures(duck, &arena, DORA_NOW, &figure, &n, &f), &f);
    assert_true(n > 0 && figure[0].failed == 4 && figure[0].recovered == 1);
    assert_true(fabs(figure[0].oldest_failure_s - 14 * 3600) < 0.001); /* D2, at midnight */
    must(dora_figures(duck, &arena, DORA_BEFORE, &figure, &n, &f), &f);
    assert_true(n > 0 && figure[0].failed == 1 && figure[0].recovered == 0);
    assert_true(isnan(figure[0].recovery_p50_s) && figure[0].oldest_failure_s > 0);
    must(dora_json(duck, &arena, &json, &f), &f);
    assert_non_null(strstr(arena_cstr(&arena, json), "\"id\":\"I5\"")); /* stands behind D4 */
}

static void a_lead_time_begins_where_it_is_chosen(void **state)
{
    struct dora_wish w = march();
    (void)state;
    assert_line(told_of("choices", &w), "commit c2 D2 7200.0 s");
    w.window.choice.lead_from = REPORT_AUTHORED;
    assert_line(told_of("choices", &w), "commit c2 D2 100800.0 s");
    w.window.choice.lead_from = REPORT_PUSHED;
    assert_line(told_of("choices", &w), "commit c2 D2 3600.0 s");
}

static void what_shows_a_failure_is_chosen(void **state)
{
    static struct str link[] = {STR("link")}, two[] = {STR("time"), STR("rollback")};
    struct dora_wish w = march();
    (void)state;
    assert_line(told_of("choices", &w), "deployment shop production D3 failed, 7200.0 s");
    assert_line(told_of("choices", &w), "deployment shop production D1");
    w.window.choice.failures = (struct str_list){link, 1};
    assert_line(told_of("choices", &w), "deployment shop production D3");
    w.window.choice.failures = (struct str_list){two, 2};
    assert_line(told_of("choices", &w), "deployment shop production D3 failed, 7200.0 s");
    assert_line(told_of("choices", &w), "deployment shop production D1 failed, 3600.0 s");
}

/* The oldest report's restore has no tier between a day and a week. */
static void a_week_before_anything_was_known_is_none_without_deployments(void **state)
{
    struct dora_wish w = march();
    struct dora_figure *figure = NULL;
    struct failure f;
    struct str json;
    size_t n = 0;
    (void)state;
    w.window.from_us = at("2026-03-02T00:00:00Z");
    w.window.to_us = at("2026-03-30T00:00:00Z");
    w.tiers_year = 2019;
    (void)told_of("late_start", &w);
    must(dora_figures(duck, &arena, DORA_NOW, &figure, &n, &f), &f);
    assert_true(n == 2 && figure[0].days_per_week_p50 == 7 && figure[1].days_per_week_p50 == 7);
    assert_true(figure[0].recovery_p50_s == 2 * 86400);
    must(dora_json(duck, &arena, &json, &f), &f);
    assert_non_null(strstr(arena_cstr(&arena, json), "\"deployment_frequency\":\"elite\""));
    assert_non_null(strstr(json.at, "\"failed_deployment_recovery_time\":null"));
}

static void what_names_a_deployment_that_is_not_known_is_told(void **state)
{
    struct dora_wish w = march();
    struct failure f;
    struct str json;
    (void)state;
    w.is_explained = true;
    (void)told_of("late_start", &w);
    must(dora_json(duck, &arena, &json, &f), &f);
    assert_non_null(strstr(arena_cstr(&arena, json),
                           "\"left_out\":\"names a deployment that is not known: D99\""));
}

static void a_rollback_of_a_rollback_shows_no_failure(void **state)
{
    static struct str rollback[] = {STR("rollback")};
    struct dora_wish w = march();
    (void)state;
    w.window.choice.failures = (struct str_list){rollback, 1};
    const struct str told = told_of("rollbacks", &w);
    assert_line(told, "deployment shop production D1 failed, 4200.0 s");
    assert_line(told, "deployment shop production R1 rework: a rollback");
    assert_line(told, "deployment shop production D2");
}

static void what_is_open_was_merged_by_the_end_and_by_no_bot_that_is_left_out(void **state)
{
    struct dora_wish w = march();
    struct dora_figure *figure = NULL;
    struct failure f;
    size_t n = 0;
    (void)state;
    for (int leaves = 0; leaves <= 1; leaves++) {
        w.window.choice.leaves_bots = leaves;
        (void)told_of("bots_change", &w);
        must(dora_figures(duck, &arena, DORA_NOW, &figure, &n, &f), &f);
        assert_true(n > 0 && figure[0].undeployed_changes == (leaves ? 1 : 2));
        must(dora_figures(duck, &arena, DORA_BEFORE, &figure, &n, &f), &f);
        assert_true(n > 0 && figure[0].undeployed_changes == 0);
    }
}

static void who_wrote_when_is_not_known_began_with_the_commit(void **state)
{
    static const char reason[] = "of an author's time that is not known";
    struct dora_wish w = march();
    struct failure f;
    struct str json;
    (void)state;
    assert_line(told_of("bots_change", &w), "commit c2 D2 3600.0 s");
    must(dora_json(duck, &arena, &json, &f), &f);
    assert_null(strstr(arena_cstr(&arena, json), reason));
    w.window.choice.lead_from = REPORT_AUTHORED;
    const struct str told = told_of("bots_change", &w);
    assert_line(told, "commit c1 D1 7200.0 s");
    assert_line(told, "commit c2 D2 3600.0 s");
    must(dora_json(duck, &arena, &json, &f), &f);
    assert_non_null(strstr(arena_cstr(&arena, json), reason));
}

static void a_repository_that_the_configuration_names_is_it_though_nothing_else_tells_of_it(
    void **state)
{
    static struct str cart[] = {STR("acme/cart-*")};
    static const struct dora_service service = {STR("cart"), STR(""), false, {cart, 1}};
    struct dora_wish w = march();
    (void)state;
    w.service = &service;
    w.services_n = 1;
    assert_line(told_of("not_seen", &w), "left out change git.example.org/acme/cart-old #1 no "
                                         "deployment names its repository");
}

static void bots_are_also_those_that_are_named(void **state)
{
    static struct str bots[] = {STR("renovate")};
    struct dora_wish w = march();
    (void)state;
    w.window.choice.leaves_bots = true;
    assert_line(told_of("choices", &w), "commit c3 D3 7200.0 s");
    w.window.choice.bots = (struct str_list){bots, 1};
    assert_line(told_of("choices", &w), "commit c3 D3 by a bot");
    w.window.choice.leaves_bots = false;
    assert_line(told_of("choices", &w), "commit c3 D3 7200.0 s");
}

static void bots_are_named_by_globs(void **state)
{
    static const struct {
        const char *glob;
        bool is_renovate; /* or another name */
    } cases[] = {{"reno*", true},       {"*ATE", true},         {"reno?ate", true},
                 {"*", true},           {"renovat[ae]", false}, {"*[bot]", false},
                 {"reno_ate", false},   {"%", false},           {"reno", false},
                 {"reno\\vate", false}, {"'", false},           {"re*n*v*e", true}};
    struct dora_wish w = march();
    (void)state;
    w.window.choice.leaves_bots = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str bot = str_of(cases[i].glob);
        w.window.choice.bots = (struct str_list){&bot, 1};
        assert_line(told_of("choices", &w),
                    cases[i].is_renovate ? "commit c3 D3 by a bot" : "commit c3 D3 7200.0 s");
    }
}

static void hotfix_branches_are_named_by_the_same_globs(void **state)
{
    static const struct {
        const char *glob, *told; /* of the branches urgent/[1]-fix and none */
    } cases[] = {{"urgent/*", "hotfix"},
                 {"URGENT/[1]-fix", "hotfix"},
                 {"*[1]*", "hotfix"},
                 {"urgent/?1?-f?x", "hotfix"},
                 {"urgent/[[]1]-fix", ""},
                 {"urgent", ""},
                 {"urgent_[1]-fix", ""},
                 {"%", ""},
                 {"'", ""}};
    struct dora_wish w = march();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str branch = str_of(cases[i].glob);
        w.window.choice.hotfix.branches = (struct str_list){&branch, 1};
        const struct str told = told_of("hotfix_branches", &w);
        assert_line(told, arena_printf(&arena, "change #1 D1 3600.0 s%s%s",
                                       cases[i].told[0] ? " " : "", cases[i].told)
                              .at);
        assert_line(told, "change #2 D1 7200.0 s");
    }
}

static void a_service_of_a_monorepo_has_what_touches_its_paths(void **state)
{
    static const struct dora_service services[] = {{STR("cart"), STR(""), true, {0}},
                                                   {STR("search"), STR(""), true, {0}}};
    struct dora_wish w = march();
    (void)state;
    w.service = services;
    w.services_n = 2;
    run_file("monorepo");
    take(&w);
    const struct str told = told_by("told"), wanted = file_text("test/measure/dora/monorepo.told");
    if (!str_eq(told, wanted)) {
        fail_msg("told\n%.*sinstead of\n%.*s", STR_ARG(told), STR_ARG(wanted));
    }
}

static void a_service_has_the_repository_that_the_configuration_gives_it(void **state)
{
    static struct str cart[] = {STR("acme/cart")}, all[] = {STR("git.*.org/**")};
    struct dora_service services[] = {{STR("cart"), STR(""), false, {cart, 1}},
                                      {STR("lamp"), STR(""), false, {all, 1}}};
    struct dora_wish w = march();
    (void)state;
    w.service = services;
    w.services_n = 2;
    const struct str told = told_of("configured", &w);
    assert_line(told, "change #2 e2 18000.0 s"); /* of two with this number by its artifact */
    assert_line(told, "change #3 e3 18000.0 s"); /* merged before, which is all that is known */
    assert_line(told, "left out change git.example.org/acme/lamp #2 no deployment names its "
                      "repository"); /* lamp's could be both */
    services[1].repositories = (struct str_list){0};
    assert_line(told_of("configured", &w), "deployment lamp production f1");
    services[0].repositories = (struct str_list){0};
    assert_line(told_of("configured", &w), "left out change git.example.org/acme/cart #2 no "
                                           "deployment names its repository");
}

static void a_zone_that_is_not_known_is_refused(void **state)
{
    struct failure f;
    struct dora_wish w = march();
    (void)state;
    w.window.choice.zone = S("Europe/Atlantis");
    assert_int_equal(dora_take(duck, &arena, &w, &f), REJECT);
    assert_non_null(strstr(f.text, "Europe/Atlantis"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_way_to_ship_has_the_figures_of_its_golden_file, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            a_second_implementation_agrees_on_a_thousand_random_histories, begin, end),
        cmocka_unit_test_setup_teardown(rows_come_in_any_order_to_the_same_figures, begin, end),
        cmocka_unit_test_setup_teardown(weeks_and_months_are_cut_in_the_zone, begin, end),
        cmocka_unit_test_setup_teardown(a_time_before_anything_was_known_has_no_frequency, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_team_has_the_figures_of_its_services_together, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_hours_of_a_change_go_to_its_stages, begin, end),
        cmocka_unit_test_setup_teardown(what_is_mended_after_a_period_is_open_in_it, begin, end),
        cmocka_unit_test_setup_teardown(a_lead_time_begins_where_it_is_chosen, begin, end),
        cmocka_unit_test_setup_teardown(what_shows_a_failure_is_chosen, begin, end),
        cmocka_unit_test_setup_teardown(
            a_week_before_anything_was_known_is_none_without_deployments, begin, end),
        cmocka_unit_test_setup_teardown(what_names_a_deployment_that_is_not_known_is_told, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_rollback_of_a_rollback_shows_no_failure, begin, end),
        cmocka_unit_test_setup_teardown(
            what_is_open_was_merged_by_the_end_and_by_no_bot_that_is_left_out, begin, end),
        cmocka_unit_test_setup_teardown(who_wrote_when_is_not_known_began_with_the_commit, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            a_repository_that_the_configuration_names_is_it_though_nothing_else_tells_of_it, begin,
            end),
        cmocka_unit_test_setup_teardown(bots_are_also_those_that_are_named, begin, end),
        cmocka_unit_test_setup_teardown(bots_are_named_by_globs, begin, end),
        cmocka_unit_test_setup_teardown(hotfix_branches_are_named_by_the_same_globs, begin, end),
        cmocka_unit_test_setup_teardown(a_service_of_a_monorepo_has_what_touches_its_paths, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            a_service_has_the_repository_that_the_configuration_gives_it, begin, end),
        cmocka_unit_test_setup_teardown(a_zone_that_is_not_known_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
