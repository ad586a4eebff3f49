#include "collector/state.h"

#include <stdio.h>

#include "collector/source.h"
#include "folder.h"
#include "test.h"
#include "wire/sqlite.h"

enum { ARENA_BYTES = 4 << 20 };

static void an_entry_comes_back_as_it_was_put(void **state)
{
    struct arena a;
    struct failure f;
    struct state *s = NULL;
    struct state_entry e, *all = NULL;
    size_t n = 0;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct str data = str_of(folder_make());
    assert_int_equal(state_open(&a, data, STATE_READ, &s, &f), STOP);
    assert_int_equal(state_open(&a, data, STATE_WRITE, &s, &f), OK);
    assert_int_equal(state_get(s, &a, S("users"), &e, &f), OK);
    assert_true(e.window_end_us == TIME_NONE && e.n == 0 && e.begun_us == TIME_NONE);
    const struct state_entry put = {.id = S("users"),
                                    .window_us = 60,
                                    .window_end_us = 120,
                                    .bookmark = S("2024-01-01"),
                                    .begun_us = 1,
                                    .scheduled_us = 2,
                                    .ended_us = 3,
                                    .took_us = 4,
                                    .window = {60, 120},
                                    .outcome = STOP,
                                    .why = S("no rights"),
                                    .rows = 5,
                                    .metrics = 6,
                                    .empty = 7,
                                    .aside = 8,
                                    .ok_us = 9,
                                    .n = 10,
                                    .failed_n = 11,
                                    .skipped_n = 12,
                                    .passed_n = 13,
                                    .next_us = 14};
    const struct state_entry fresh = state_entry_new(S("accounts"));
    assert_int_equal(state_put(s, &put, &f), OK);
    assert_int_equal(state_put(s, &fresh, &f), OK);
    state_close(s);
    assert_int_equal(state_open(&a, data, STATE_READ, &s, &f), OK);
    assert_int_equal(state_all(s, &a, &all, &n, &f), OK);
    assert_int_equal(n, 2);
    assert_str(all[0].id, "accounts");
    assert_true(all[0].next_us == TIME_NONE && all[0].window.start_us == TIME_NONE);
    e = all[1];
    assert_str(e.id, "users");
    assert_str(e.bookmark, "2024-01-01");
    assert_str(e.why, "no rights");
    assert_int_equal(e.outcome, STOP);
    const int64_t got[] = {e.window_us,
                           e.window_end_us,
                           e.begun_us,
                           e.scheduled_us,
                           e.ended_us,
                           e.took_us,
                           e.window.start_us,
                           e.window.end_us,
                           (int64_t)e.rows,
                           (int64_t)e.metrics,
                           (int64_t)e.empty,
                           (int64_t)e.aside,
                           e.ok_us,
                           (int64_t)e.n,
                           (int64_t)e.failed_n,
                           (int64_t)e.skipped_n,
                           (int64_t)e.passed_n,
                           e.next_us};
    const int64_t want[] = {60, 120, 1, 2, 3, 4, 60, 120, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    assert_memory_equal(got, want, sizeof want);
    state_close(s);
    folder_drop();
    arena_close(&a);
}

static void what_is_undone_was_never_put(void **state)
{
    struct arena a;
    struct failure f;
    struct state *s = NULL;
    struct state_entry e = state_entry_new(S("users"));
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(state_open(&a, str_of(folder_make()), STATE_WRITE, &s, &f), OK);
    e.n = 1;
    assert_int_equal(state_begin(s, &f), OK);
    assert_int_equal(state_put(s, &e, &f), OK);
    assert_int_equal(state_end(s, &f), OK);
    e.n = 2;
    assert_int_equal(state_begin(s, &f), OK);
    assert_int_equal(state_put(s, &e, &f), OK);
    state_undo(s);
    assert_int_equal(state_get(s, &a, S("users"), &e, &f), OK);
    assert_int_equal(e.n, 1);
    state_close(s);
    folder_drop();
    arena_close(&a);
}

static void windows_of_a_backfill_are_remembered_by_their_length(void **state)
{
    struct arena a;
    struct failure f;
    struct state *s = NULL;
    struct state_starts start;
    const struct windows of = {.first_us = 100, .length_us = 10, .n = 5};
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(state_open(&a, str_of(folder_make()), STATE_WRITE, &s, &f), OK);
    static const struct window_span put[] = {{130, 140}, {100, 110}, {100, 110}, {140, 150},
                                             {90, 100},  {150, 160}, {110, 115}};
    for (size_t i = 0; i < sizeof put / sizeof *put; i++) {
        assert_int_equal(state_backfilled_put(s, S("users"), put[i], &f), OK);
    }
    assert_int_equal(state_backfilled(s, &a, S("users"), &of, &start, &f), OK);
    assert_int_equal(start.n, 3);
    assert_true(start.at[0] == 100 && start.at[1] == 130 && start.at[2] == 140);
    assert_int_equal(state_backfilled(s, &a, S("other"), &of, &start, &f), OK);
    assert_int_equal(start.n, 0);
    assert_int_equal(state_backfilled_drop(s, S("users"), &of, &f), OK);
    assert_int_equal(state_backfilled(s, &a, S("users"), &of, &start, &f), OK);
    assert_int_equal(start.n, 0);
    state_close(s);
    folder_drop();
    arena_close(&a);
}

static void what_is_observed_adds_up_by_bucket(void **state)
{
    struct arena a;
    struct failure f;
    struct state *s = NULL;
    struct state_observed *all = NULL;
    size_t n = 0;
    static const struct {
        bool is_ok;
        int64_t took_us;
        int bucket;
    } seen[] = {{true, 0, 0},          {true, 1000, 0},   {true, 1001, 1}, {true, 600000000, 12},
                {true, 600000001, 13}, {false, 30000, 3}, {true, 7, 0}};
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(state_open(&a, str_of(folder_make()), STATE_WRITE, &s, &f), OK);
    uint64_t bucket[2][HISTOGRAM_BOUNDS + 1] = {{0}};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        const struct state_observed one = {
            .series = S("invoke"), .label = S("users"), .is_ok = seen[i].is_ok, .metrics = i};
        assert_int_equal(state_observe(s, &one, seen[i].took_us, &f), OK);
        bucket[seen[i].is_ok][seen[i].bucket]++;
    }
    assert_int_equal(state_observed_all(s, &a, &all, &n, &f), OK);
    assert_int_equal(n, 2);
    assert_true(all[0].is_ok && !all[1].is_ok);
    assert_int_equal(all[0].n, 6);
    assert_int_equal(all[0].sum_us, 2001 + 1200000001 + 7);
    assert_int_equal(all[0].metrics, 6);
    assert_memory_equal(all[0].bucket, bucket[1], sizeof bucket[1]);
    assert_memory_equal(all[1].bucket, bucket[0], sizeof bucket[0]);
    state_close(s);
    folder_drop();
    arena_close(&a);
}

static void all_of_an_entry_goes_with_it_to_another_id(void **state)
{
    struct arena a;
    struct failure f;
    struct state *s = NULL;
    struct state_entry e = state_entry_new(S("users"));
    struct state_starts filled;
    const struct windows of = {.first_us = 0, .length_us = 60, .n = 4};
    const struct state_observed run = {.series = S("invoke"), .label = S("users"), .is_ok = true};
    struct state_observed *observed = NULL;
    struct aside row = {UINT64_MAX - 1, 7};
    struct asides told;
    bool was_there = false;
    size_t n = 0;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(state_open(&a, str_of(folder_make()), STATE_WRITE, &s, &f), OK);
    e.bookmark = S("7");
    assert_int_equal(state_put(s, &e, &f), OK);
    assert_int_equal(state_backfilled_put(s, e.id, (struct window_span){60, 120}, &f), OK);
    assert_int_equal(state_observe(s, &run, 1000, &f), OK);
    assert_int_equal(state_aside_put(s, e.id, &(struct asides){.at = &row, .n = 1}, &f), OK);
    assert_int_equal(state_rename(s, S("users"), S("users@eu"), &f), OK);
    assert_int_equal(state_get(s, &a, S("users"), &e, &f), OK);
    assert_int_equal(e.bookmark.len, 0);
    assert_int_equal(state_get(s, &a, S("users@eu"), &e, &f), OK);
    assert_str(e.bookmark, "7");
    assert_int_equal(state_backfilled(s, &a, S("users@eu"), &of, &filled, &f), OK);
    assert_int_equal(filled.n, 1);
    assert_int_equal(state_observed_all(s, &a, &observed, &n, &f), OK);
    assert_int_equal(n, 1);
    assert_str(observed[0].label, "users@eu");
    assert_int_equal(state_aside(s, &a, S("users@eu"), &told, &f), OK);
    assert_int_equal(told.n, 1);
    assert_true(told.at[0].all == row.all && told.at[0].lasting == row.lasting);
    assert_int_equal(state_drop(s, S("users@eu"), &was_there, &f), OK);
    assert_true(was_there);
    assert_int_equal(state_aside(s, &a, S("users@eu"), &told, &f), OK);
    assert_int_equal(told.n, 0);
    state_close(s);
    folder_drop();
    arena_close(&a);
}

static void a_bookmark_has_a_kind_unless_an_earlier_weir_wrote_it(void **state)
{
    struct arena a;
    struct failure f;
    struct state *s = NULL;
    struct state_entry e = state_entry_new(S("users"));
    sqlite3 *db = NULL;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    const struct str data = str_of(folder_make());
    assert_int_equal(state_open(&a, data, STATE_WRITE, &s, &f), OK);
    e.bookmark = S("7");
    e.bookmark_kind = CELL_TEXT;
    assert_int_equal(state_put(s, &e, &f), OK);
    assert_int_equal(state_rename(s, S("users"), S("others"), &f), OK);
    assert_int_equal(state_get(s, &a, S("others"), &e, &f), OK);
    assert_int_equal(e.bookmark_kind, CELL_TEXT);
    assert_int_equal(sqlite_open(folder_path("state.db"), SQLITE_USE_WRITE, &db, &f), OK);
    assert_int_equal(sqlite_exec(db, "UPDATE collector SET bookmark = '8'", &f), OK);
    assert_int_equal(state_get(s, &a, S("others"), &e, &f), OK);
    assert_str(e.bookmark, "8");
    assert_int_equal(e.bookmark_kind, CELL_NULL);
    state_close(s);
    assert_int_equal(sqlite_exec(db, "DROP TABLE kind; DROP TABLE aside", &f), OK);
    sqlite_close(db);
    assert_int_equal(state_open(&a, data, STATE_READ, &s, &f), OK);
    assert_int_equal(state_get(s, &a, S("others"), &e, &f), OK);
    assert_str(e.bookmark, "8");
    state_close(s);
    assert_int_equal(state_open(&a, data, STATE_WRITE, &s, &f), OK);
    assert_int_equal(state_get(s, &a, S("others"), &e, &f), OK);
    assert_int_equal(e.bookmark_kind, CELL_NULL);
    state_close(s);
    folder_drop();
    arena_close(&a);
}

/* What a row with this key and time says, as its run tells it; returns since when. */
static int64_t say(struct state *s, struct str key, struct str what, int64_t run_us)
{
    struct failure f;
    int64_t since_us = -1;
    const struct state_said row = {.key = key, .id = what, .at_us = key.at[0]};
    assert_int_equal(state_say(s, S("users"), &row, run_us, &since_us, &f), OK);
    return since_us;
}

static void what_a_row_says_is_known_by_the_run_since_when(void **state)
{
    struct arena a;
    struct failure f;
    struct state *s = NULL;
    int64_t anew_us = 0, again_us = 0;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(state_open(&a, str_of(folder_make()), STATE_WRITE, &s, &f), OK);
    assert_int_equal(say(s, S("a"), S("5"), 100), 0);
    assert_int_equal(say(s, S("a"), S("5"), 200), 0);
    assert_int_equal(say(s, S("b"), S("5"), 200), 0);
    assert_int_equal(say(s, S("a"), S("6"), 300), 300);
    assert_int_equal(say(s, S("a"), S("6"), 400), 300);
    assert_int_equal(say(s, S("a"), S("5"), 300), 301); /* the same run, done again */
    assert_int_equal(say(s, S("b"), S("5"), 400), 0);
    assert_int_equal(state_rename(s, S("users"), S("others"), &f), OK);
    assert_int_equal(state_rename(s, S("others"), S("users"), &f), OK);
    assert_int_equal(state_said_forget(s, S("users"), 'b', &f), OK);
    assert_int_equal(say(s, S("a"), S("5"), 500), 0);
    assert_int_equal(say(s, S("b"), S("6"), 500), 500);
    assert_int_equal(state_anew_us(s, S("users"), &anew_us, &f), OK);
    assert_int_equal(anew_us, 0);
    assert_int_equal(state_anew(s, S("users"), &anew_us, &f), OK);
    assert_int_equal(state_anew(s, S("users"), &again_us, &f), OK);
    assert_true(again_us > anew_us && anew_us > 0);
    assert_int_equal(state_anew_us(s, S("users"), &anew_us, &f), OK);
    assert_int_equal(anew_us, again_us);
    assert_int_equal(say(s, S("b"), S("5"), 600), 0);
    state_close(s);
    folder_drop();
    arena_close(&a);
}

static void of_rows_beyond_the_most_the_oldest_are_forgotten(void **state)
{
    struct arena a;
    struct failure f;
    struct state *s = NULL;
    int64_t since_us = 0;
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_int_equal(state_open(&a, str_of(folder_make()), STATE_WRITE, &s, &f), OK);
    assert_int_equal(state_begin(s, &f), OK);
    for (int i = 0; i < STATE_SAID_MAX + 2; i++) {
        char key[16];
        const int len = snprintf(key, sizeof key, "%d", i);
        const struct state_said row = {
            .key = {key, (size_t)len}, .id = S("5"), .at_us = STATE_SAID_MAX - i};
        assert_int_equal(state_say(s, S("users"), &row, 1, &since_us, &f), OK);
    }
    assert_int_equal(state_said_forget(s, S("users"), INT64_MIN, &f), OK);
    assert_int_equal(state_end(s, &f), OK);
    assert_int_equal(say(s, S("0"), S("6"), 9), 9);
    char last[16], other[16];
    (void)snprintf(last, sizeof last, "%d", STATE_SAID_MAX - 1);
    (void)snprintf(other, sizeof other, "%d", STATE_SAID_MAX);
    assert_int_equal(say(s, str_of(last), S("6"), 9), 9);
    assert_int_equal(say(s, str_of(other), S("6"), 9),
                     0); /* it was forgotten, so it is the first */
    state_close(s);
    folder_drop();
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(an_entry_comes_back_as_it_was_put),
        cmocka_unit_test(what_is_undone_was_never_put),
        cmocka_unit_test(windows_of_a_backfill_are_remembered_by_their_length),
        cmocka_unit_test(what_a_row_says_is_known_by_the_run_since_when),
        cmocka_unit_test(of_rows_beyond_the_most_the_oldest_are_forgotten),
        cmocka_unit_test(all_of_an_entry_goes_with_it_to_another_id),
        cmocka_unit_test(what_is_observed_adds_up_by_bucket),
        cmocka_unit_test(a_bookmark_has_a_kind_unless_an_earlier_weir_wrote_it),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
