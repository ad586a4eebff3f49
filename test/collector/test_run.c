#include "collector/run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/asked.h"
#include "collector/source.h"
#include "signal/metric.h"

enum { ARENA_BYTES = 8 << 20, LINES_MAX = 20000 };

/* A source that gives as many rows as its options say, then ends as they say. */
struct fake {
    int rows, aside, empty; /* of the rows: every n-th is set aside, is empty; 0: none */
    enum outcome outcome;
    bool dies, waits;
};

static enum outcome fake_read(const struct source_ask *ask, const struct source_to *to,
                              struct failure *f)
{
    const struct fake *const fake = ask->options;
    enum outcome result = OK;
    for (int i = 1; i <= fake->rows && result == OK; i++) {
        char n[16];
        const bool is_aside = fake->aside && i % fake->aside == 0;
        (void)snprintf(n, sizeof n, "%d", i);
        const struct cell row[] = {{S("id"), CELL_NUMBER, str_of(n)},
                                   {S("value"),
                                    fake->empty && i % fake->empty == 0 ? CELL_NULL : CELL_TEXT,
                                    is_aside ? S("many") : str_of(n)}};
        result = to->row(to->to, row, 2, f);
    }
    while (fake->waits && !asked_to_stop()) {
        asked_pause(10000);
    }
    if (fake->dies) {
        abort();
    }
    return result != OK          ? result
           : fake->outcome != OK ? failed(f, fake->outcome, "users: no such table")
                                 : OK;
}

static const struct source_driver fake_source = {.name = "fake", .read = fake_read};
static const struct section_type fake_type = {.name = "fake", .driver = &fake_source};

struct heard {
    struct run_line line[LINES_MAX];
    size_t n;
    int status;
};

/* A source that gives these rows. */
struct given {
    const struct cell (*row)[2];
    size_t n;
};

static enum outcome given_read(const struct source_ask *ask, const struct source_to *to,
                               struct failure *f)
{
    const struct given *const given = ask->options;
    enum outcome result = OK;
    for (size_t i = 0; i < given->n && result == OK; i++) {
        result = to->row(to->to, given->row[i], 2, f);
    }
    return result;
}

static const struct source_driver given_source = {.name = "given", .read = given_read};
static const struct section_type given_type = {.name = "given", .driver = &given_source};

/* All lines of the run, to its end. */
static struct heard *hear_run(struct arena *a, const struct run *r, bool ask_to_stop_it)
{
    struct failure f;
    pid_t pid = 0;
    int fd = -1;
    struct heard *const heard = arena_new(a, struct heard);
    char *text = NULL;
    size_t bytes = 0;
    assert_int_equal(run_start(r, &pid, &fd, &f), OK);
    if (ask_to_stop_it) {
        (void)kill(pid, SIGTERM);
    }
    FILE *const in = fdopen(fd, "r");
    assert_non_null(in);
    for (ssize_t len; (len = getline(&text, &bytes, in)) > 0;) {
        assert_true(heard->n < LINES_MAX);
        const struct str line = arena_str(a, (struct str){text, (size_t)len - 1});
        assert_int_equal(run_line_read(a, line, &heard->line[heard->n++], &f), OK);
    }
    free(text);
    (void)fclose(in);
    assert_int_equal(waitpid(pid, &heard->status, 0), pid);
    return heard;
}

static struct heard *hear(struct arena *a, const struct fake *fake, bool ask_to_stop_it)
{
    static const struct collector_tag fixed[] = {{STR("env"), STR("prod")}};
    const struct collector c = {.id = S("users"),
                                .metric_name = S("users.total"),
                                .tag = (struct collector_tag *)fixed,
                                .tags_n = 1,
                                .strategy = STRATEGY_GROWING,
                                .column = S("id"),
                                .source = &fake_type,
                                .source_options = (void *)fake};
    const struct run r = {.collector = &c,
                          .scheduled_us = 1700000000000000,
                          .start_us = TIME_NONE,
                          .end_us = TIME_NONE,
                          .bookmark = S("2"),
                          .bookmark_kind = CELL_TEXT};
    return hear_run(a, &r, ask_to_stop_it);
}

static struct heard *hear_given(struct arena *a, struct collector c, const struct cell (*row)[2],
                                size_t n)
{
    const struct given given = {row, n};
    c.id = c.metric_name = S("users");
    c.source = &given_type;
    c.source_options = (void *)&given;
    const struct run r = {.collector = &c,
                          .scheduled_us = 1700000000000000,
                          .start_us = TIME_NONE,
                          .end_us = TIME_NONE};
    return hear_run(a, &r, false);
}

static void a_second_row_of_the_same_tags_is_set_aside_and_says_of_which(void **state)
{
    /* GROUP BY ROLLUP (customer): an account that is null, and all of them together */
    const struct cell rows[][2] = {
        {{S("customer"), CELL_TEXT, S("a")}, {S("value"), CELL_NUMBER, S("3")}},
        {{S("customer"), CELL_NULL, S("")}, {S("value"), CELL_NUMBER, S("1")}},
        {{S("customer"), CELL_NULL, S("")}, {S("value"), CELL_NUMBER, S("4")}}};
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct heard *const h = hear_given(&a, (struct collector){.kind = COLLECT_METRIC}, rows,
                                             3);
    assert_int_equal(h->n, 4);
    assert_true(h->line[0].is == RUN_METRIC && h->line[1].is == RUN_METRIC);
    assert_int_equal(h->line[2].is, RUN_ASIDE);
    assert_int_equal(h->line[2].row, 3);
    assert_true(str_starts(h->line[2].why, S("same tags as row 2,")));
    assert_int_equal(h->line[3].is, RUN_DONE);
    assert_int_equal(h->line[3].metrics, 2);
    arena_close(&a);
}

static void what_is_read_again_in_the_overlap_is_told_by_its_own_value(void **state)
{
    const struct cell rows[][2] = {
        {{S("at"), CELL_TIME, S("2024-01-01T00:00:00Z")}, {S("value"), CELL_NUMBER, S("3")}},
        {{S("at"), CELL_TIME, S("2024-01-01T00:00:01Z")}, {S("value"), CELL_NUMBER, S("3")}}};
    const struct collector c = {
        .strategy = STRATEGY_GROWING, .column = S("at"), .overlap_us = 1000000};
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct heard *const h = hear_given(&a, c, rows, 2);
    assert_int_equal(h->n, 3);
    for (size_t i = 0; i < 2; i++) {
        struct metric m;
        struct failure f;
        assert_int_equal(metric_read(&a, h->line[i].metric, &m, &f), OK);
        assert_true(str_eq(m.row, rows[i][0].text));
    }
    arena_close(&a);
}

/* The key of each metric of these lines, in their order. */
static size_t keys_of(struct arena *a, const struct heard *h, struct str *key)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct metric m;
        struct failure f;
        if (h->line[i].is == RUN_METRIC) {
            assert_int_equal(metric_read(a, h->line[i].metric, &m, &f), OK);
            key[n++] = metric_key(a, &m);
        }
    }
    return n;
}

static int by_bytes(const void *x, const void *y)
{
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

static void rows_that_grow_have_the_same_keys_in_whatever_order_they_are_read(void **state)
{
    const struct cell row[][2] = {
        {{S("id"), CELL_NUMBER, S("1")}, {S("value"), CELL_NUMBER, S("3")}},
        {{S("id"), CELL_NUMBER, S("2")}, {S("value"), CELL_NUMBER, S("4")}},
        {{S("id"), CELL_NUMBER, S("3")}, {S("value"), CELL_NUMBER, S("3")}}};
    const struct cell same[][2] = {
        {row[0][0], row[0][1]}, {row[1][0], row[1][1]}, {row[0][0], row[1][1]}};
    const struct cell turned[][2] = {
        {row[2][0], row[2][1]}, {row[0][0], row[0][1]}, {row[1][0], row[1][1]}};
    const struct collector c = {.strategy = STRATEGY_GROWING, .column = S("id")};
    struct arena a;
    struct str key[2][3];
    (void)state;
    arena_init(&a, 8 * (size_t)ARENA_BYTES);
    assert_int_equal(keys_of(&a, hear_given(&a, c, row, 3), key[0]), 3);
    assert_int_equal(keys_of(&a, hear_given(&a, c, turned, 3), key[1]), 3);
    assert_int_equal(keys_of(&a, hear_given(&a, c, same, 3), (struct str[3]){{0}}), 2);
    qsort(key[0], 3, sizeof key[0][0], by_bytes);
    qsort(key[1], 3, sizeof key[1][0], by_bytes);
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_eq(key[0][i], key[1][i]));
        assert_false(i > 0 && str_eq(key[0][i], key[0][i - 1]));
    }
    arena_close(&a);
}

static void what_is_one_text_in_json_is_set_aside_as_one(void **state)
{
    const struct cell rows[][2] = {
        {{S("name"), CELL_TEXT, S("caf\xE9")}, {S("value"), CELL_NUMBER, S("1")}},
        {{S("name"), CELL_TEXT, S("caf\xE8")}, {S("value"), CELL_NUMBER, S("2")}}};
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct heard *const h = hear_given(&a, (struct collector){.kind = COLLECT_METRIC}, rows,
                                             2);
    assert_int_equal(h->n, 3);
    assert_int_equal(h->line[0].is, RUN_METRIC);
    assert_int_equal(h->line[1].is, RUN_ASIDE);
    assert_true(str_starts(h->line[1].why, S("same tags as row 1,")));
    arena_close(&a);
}

static void a_grain_is_of_the_key_where_its_file_means_it_and_nothing_grows(void **state)
{
    static const struct {
        enum collector_dialect dialect;
        const char *file;
        enum collector_strategy strategy;
        bool is_of_key;
    } cases[] = {
        {DIALECT_A0, "a.yaml", STRATEGY_TICK, true}, {DIALECT_A, "a.yaml", STRATEGY_TICK, true},
        {DIALECT_C, "", STRATEGY_TICK, true},        {DIALECT_B, "a.yaml", STRATEGY_TICK, false},
        {DIALECT_C, "a.yaml", STRATEGY_TICK, false}, {DIALECT_C, "", STRATEGY_GROWING, false}};
    const struct cell row[][2] = {
        {{S("id"), CELL_NUMBER, S("1")}, {S("value"), CELL_NUMBER, S("3")}}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct metric m;
        struct failure f;
        arena_init(&a, ARENA_BYTES);
        const struct heard *const h = hear_given(&a,
                                                 (struct collector){.dialect = cases[i].dialect,
                                                                    .file = str_of(cases[i].file),
                                                                    .strategy = cases[i].strategy,
                                                                    .column = S("id"),
                                                                    .grain_us = DAY_US},
                                                 row, 1);
        assert_int_equal(metric_read(&a, h->line[0].metric, &m, &f), OK);
        assert_int_equal(m.grain_us > 0, cases[i].is_of_key);
        arena_close(&a);
    }
}

static void a_run_of_which_no_row_is_a_record_has_failed(void **state)
{
    const struct cell rows[][2] = {
        {{S("customer"), CELL_TEXT, S("a")}, {S("total"), CELL_NUMBER, S("3")}},
        {{S("customer"), CELL_TEXT, S("b")}, {S("value"), CELL_NULL, S("")}}};
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct heard *const h = hear_given(&a, (struct collector){.kind = COLLECT_METRIC}, rows,
                                             2);
    assert_int_equal(h->n, 2);
    assert_int_equal(h->line[0].is, RUN_ASIDE);
    assert_int_equal(h->line[1].is, RUN_FAILED);
    assert_int_equal(h->line[1].outcome, REJECT);
    assert_true(str_eq(h->line[1].why, S("no row is a record; row 1: each row must contain a "
                                         "\"value\" key")));
    arena_close(&a);
}

static void every_row_comes_through_the_pipe_and_the_last_line_counts_them(void **state)
{
    struct arena a;
    struct failure f;
    (void)state;
    arena_init(&a, (size_t)64 << 20);
    const struct fake fake = {.rows = 9000, .aside = 1000, .empty = 90};
    const struct heard *const h = hear(&a, &fake, false);
    const struct run_line *const last = &h->line[h->n - 1];
    size_t metrics = 0, asides = 0;
    for (size_t i = 0; i + 1 < h->n; i++) {
        struct metric m;
        if (h->line[i].is == RUN_ASIDE) {
            asides++;
            assert_int_equal(h->line[i].row, asides * 1000);
            continue;
        }
        metrics++;
        assert_int_equal(h->line[i].is, RUN_METRIC);
        assert_int_equal(metric_read(&a, h->line[i].metric, &m, &f), OK);
        assert_int_equal(m.tags_n, 1); /* the column that grows is none */
        assert_true(m.scheduled_us == 1700000000000000 && m.window_start_us == TIME_NONE);
        assert_int_equal(m.nth, metrics == 1 ? 0 : metrics); /* no tags tell them apart */
    }
    assert_int_equal(last->is, RUN_DONE);
    assert_int_equal(last->rows, 9000);
    assert_int_equal(last->metrics, metrics);
    assert_int_equal(last->empty, 9000 - metrics - asides);
    assert_int_equal(asides, 8); /* the 9000th is empty */
    assert_int_equal(last->empty, 100);
    assert_true(str_eq(last->bookmark, S("9000")));
    assert_int_equal(last->bookmark_kind, CELL_NUMBER);
    assert_int_equal(h->status, 0);
    arena_close(&a);
}

static void what_nothing_is_beyond_is_no_bookmark(void **state)
{
    static const struct cell rows[][2] = {
        {{STR("at"), CELL_TIME, STR("2024-03-01T00:00:00Z")},
         {STR("value"), CELL_NUMBER, STR("1")}},
        {{STR("at"), CELL_TIME, STR("infinity")}, {STR("value"), CELL_NUMBER, STR("2")}},
        {{STR("at"), CELL_NUMBER, STR("NaN")}, {STR("value"), CELL_NUMBER, STR("3")}}};
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct collector c = {
        .kind = COLLECT_METRIC, .strategy = STRATEGY_GROWING, .column = S("at")};
    const struct heard *const h = hear_given(&a, c, rows, 3);
    const struct run_line *const last = &h->line[h->n - 1];
    assert_int_equal(last->is, RUN_DONE);
    assert_int_equal(last->metrics, 3);
    assert_true(str_eq(last->bookmark, S("2024-03-01T00:00:00Z")));
    arena_close(&a);
}

static void a_run_without_rows_keeps_its_bookmark(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct heard *const h = hear(&a, &(struct fake){.rows = 0}, false);
    assert_int_equal(h->n, 1);
    assert_int_equal(h->line[0].is, RUN_DONE);
    assert_true(str_eq(h->line[0].bookmark, S("2")));
    assert_int_equal(h->line[0].bookmark_kind, CELL_TEXT);
    arena_close(&a);
}

static void a_failure_is_the_last_line_with_its_outcome(void **state)
{
    static const enum outcome outcomes[] = {RETRY, REJECT, STOP};
    (void)state;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        struct arena a;
        arena_init(&a, ARENA_BYTES);
        const struct heard *const h = hear(&a, &(struct fake){.rows = 3, .outcome = outcomes[i]},
                                           false);
        assert_int_equal(h->n, 4); /* what came before stays: the same keys come again */
        assert_int_equal(h->line[3].is, RUN_FAILED);
        assert_int_equal(h->line[3].outcome, outcomes[i]);
        assert_true(str_eq(h->line[3].why, S("users: no such table")));
        assert_int_not_equal(h->status, 0);
        arena_close(&a);
    }
}

static void a_run_that_dies_leaves_no_last_line(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct heard *const h = hear(&a, &(struct fake){.rows = 4, .dies = true}, false);
    for (size_t i = 0; i < h->n; i++) {
        assert_int_equal(h->line[i].is, RUN_METRIC);
    }
    assert_true(WIFSIGNALED(h->status));
    arena_close(&a);
}

static void who_is_asked_to_stop_ends(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct heard *const h = hear(&a, &(struct fake){.waits = true}, true);
    assert_true(h->n <= 1); /* it may have died before it listened */
    arena_close(&a);
}

static enum outcome name_uri(const struct source_ask *ask, const struct source_to *to,
                             struct failure *f)
{
    const struct cell uri = {S("uri"), CELL_TEXT, S("https://b.s3/year=2024")};
    (void)ask;
    return to->row(to->to, &uri, 1, f);
}

static void a_partition_gives_the_text_of_its_template(void **state)
{
    static const struct source_driver source = {.name = "uri", .read = name_uri};
    static const struct section_type type = {.name = "uri", .driver = &source};
    struct arena a;
    struct failure f;
    struct run_line line;
    struct metric m;
    char text[2000];
    pid_t pid = 0;
    int fd = -1;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct collector c = {.id = S("events"),
                                .kind = COLLECT_PARTITION,
                                .template = S("INSERT INTO t SELECT * FROM s3('{{ .URI }}')"),
                                .source = &type};
    const struct run r = {.collector = &c, .start_us = 60000000, .end_us = 120000000};
    assert_int_equal(run_start(&r, &pid, &fd, &f), OK);
    const ssize_t n = read(fd, text, sizeof text);
    struct str rest;
    assert_true(n > 0);
    const struct str first = str_cut((struct str){text, (size_t)n}, '\n', &rest);
    assert_int_equal(run_line_read(&a, first, &line, &f), OK);
    assert_int_equal(line.is, RUN_METRIC);
    assert_int_equal(metric_read(&a, line.metric, &m, &f), OK);
    assert_true(str_eq(m.body, S("INSERT INTO t SELECT * FROM s3('https://b.s3/year=2024')")));
    assert_true(m.window_start_us == 60000000 && m.window_end_us == 120000000);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(fd);
    arena_close(&a);
}

static void a_line_of_another_form_is_refused(void **state)
{
    struct arena a;
    struct run_line line;
    struct failure f;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(run_line_read(&a, S("{\"metrics\":1}"), &line, &f), REJECT);
    assert_int_equal(run_line_read(&a, S("{\"metric\":{\"value\":"), &line, &f), REJECT);
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(every_row_comes_through_the_pipe_and_the_last_line_counts_them),
        cmocka_unit_test(a_second_row_of_the_same_tags_is_set_aside_and_says_of_which),
        cmocka_unit_test(what_is_read_again_in_the_overlap_is_told_by_its_own_value),
        cmocka_unit_test(rows_that_grow_have_the_same_keys_in_whatever_order_they_are_read),
        cmocka_unit_test(what_is_one_text_in_json_is_set_aside_as_one),
        cmocka_unit_test(a_grain_is_of_the_key_where_its_file_means_it_and_nothing_grows),
        cmocka_unit_test(a_run_of_which_no_row_is_a_record_has_failed),
        cmocka_unit_test(what_nothing_is_beyond_is_no_bookmark),
        cmocka_unit_test(a_run_without_rows_keeps_its_bookmark),
        cmocka_unit_test(a_failure_is_the_last_line_with_its_outcome),
        cmocka_unit_test(a_run_that_dies_leaves_no_last_line),
        cmocka_unit_test(who_is_asked_to_stop_ends),
        cmocka_unit_test(a_partition_gives_the_text_of_its_template),
        cmocka_unit_test(a_line_of_another_form_is_refused),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
