/* Segments that somebody removed: the lane goes on behind a hole that is told, gives out no
 * position twice, and its readers and its writer go on. And a page that says what is not so. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/frame.h"
#include "bus/log.h"
#include "bus/page.h"
#include "folder.h"

enum { NUMBERS_MAX = 1024, SMALL = 16 * 1024, WRITTEN = 110 };

/* What a power cut would leave of the page that was synced last. */
static char synced[sizeof(struct lane_page)];

int msync(void *at, size_t bytes, int flags)
{
    if (bytes == sizeof synced) {
        memcpy(synced, at, bytes);
    }
    return (int)syscall(SYS_msync, at, bytes, flags);
}

static int set_up_small(void **state)
{
    static struct log_bus l;
    assert_non_null(folder_make_fast());
    log_init(&l, SMALL);
    log_open(&l);
    *state = &l;
    return 0;
}

static int tear_down(void **state)
{
    log_drop(*state);
    folder_drop();
    return 0;
}

static void fill(struct log_bus *l, uint64_t first, uint64_t n)
{
    for (uint64_t i = first; i < first + n; i++) {
        assert_int_equal(log_append(l, i, 1, 500), OK);
    }
}

static struct lane_ends ends_of(struct log_bus *l, enum stream stream)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    assert_int_equal(bus_ends(l->bus, &l->arena, stream, &ends, &n, &l->f), OK);
    assert_int_equal(n, 1);
    return *ends;
}

static size_t segments_n(struct log_bus *l)
{
    size_t n = 0;
    while (log_segment(l, raw_lane("intake-0"), n)) {
        n++;
    }
    return n;
}

static void count(void *to, const struct finding *finding)
{
    uint64_t *const bytes = to;
    *bytes += finding->kind == FINDING_DAMAGED ? finding->bytes : 0;
}

static uint64_t damaged_bytes(struct log_bus *l)
{
    uint64_t bytes = 0;
    const struct finding_to report = {count, &bytes};
    assert_int_equal(bus_verify(l->bus, report, &l->f), OK);
    return bytes;
}

static uint64_t told(const struct log_bus *l)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < l->found.n; i++) {
        assert_int_equal(l->found.finding[i].kind, FINDING_CORRUPT);
        lost += l->found.finding[i].signals;
    }
    return lost;
}

/* Read the lane as readers do, mended where they meet damage: what is read and what was told as
 * lost is together what was written, each once and in order. */
static void assert_adds_up(struct log_bus *l, uint64_t written, uint64_t *lost)
{
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    while (log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n) == RETRY) {
        log_mend(l);
        assert_true(l->found.n > 0); /* or it would try for good */
        *lost += told(l);
    }
    assert_in_range(*lost, 1, written);
    assert_int_equal(n + *lost, written);
    for (size_t i = 1; i < n; i++) {
        assert_true(numbers[i] > numbers[i - 1]);
    }
}

enum { ALL = 1000 };

static void lose(struct log_bus *l, size_t which)
{
    for (size_t i = segments_n(l); i-- > 0;) {
        if (which == i || which == ALL) {
            assert_int_equal(unlink(log_segment(l, raw_lane("intake-0"), i)), 0);
        }
    }
}

/* At rest: verify finds it, the next start or the first reader tells it, and the lane goes on. */
static void lose_at_rest(struct log_bus *l, size_t which)
{
    uint64_t lost = 0;
    const struct lane_ends before = ends_of(l, STREAM_RAW);
    log_close(l);
    lose(l, which);
    log_open(l);
    assert_in_range(damaged_bytes(l), 1, before.end.at);
    log_recover(l);
    lost += told(l);
    assert_int_equal(ends_of(l, STREAM_RAW).begin.at, before.begin.at);
    assert_int_equal(ends_of(l, STREAM_RAW).end.at, before.end.at);
    assert_adds_up(l, WRITTEN, &lost);
    fill(l, WRITTEN, 1);
    assert_true(ends_of(l, STREAM_RAW).end.at > before.end.at);
    assert_adds_up(l, WRITTEN + 1, &lost);
    struct bus_size size;
    assert_int_equal(bus_size(l->bus, raw_lane("intake-0"), &size, &l->f), OK);
    assert_int_equal(size.signals, WRITTEN + 1); /* so that the next damage is counted right */
    log_recover(l);
    assert_int_equal(l->found.n, 0); /* told once */
    assert_int_equal(damaged_bytes(l), 0);
}

static void lost_at_rest_is_a_hole(void **state, bool is_last)
{
    struct log_bus *const l = *state;
    fill(l, 0, WRITTEN);
    const size_t n = segments_n(l);
    assert_true(n > 3);
    lose_at_rest(l, is_last ? n - 1 : 0);
}

static void a_last_segment_lost_at_rest_is_a_hole_and_its_positions_are_used_up(void **state)
{
    lost_at_rest_is_a_hole(state, true);
}

static void a_first_segment_lost_at_rest_is_a_hole(void **state)
{
    lost_at_rest_is_a_hole(state, false);
}

static void a_middle_segment_lost_at_rest_is_a_hole(void **state)
{
    fill(*state, 0, WRITTEN);
    lose_at_rest(*state, 2);
}

static void a_lane_of_which_every_segment_was_lost_goes_on_at_its_mark(void **state)
{
    fill(*state, 0, WRITTEN);
    lose_at_rest(*state, ALL);
}

/* In use: its writer notices that it writes to nothing, and its readers are mended. */
static void lose_in_use(struct log_bus *l, size_t which)
{
    uint64_t lost = 0;
    const bool is_last = which + 1 >= segments_n(l);
    lose(l, which);
    if (is_last) {
        assert_int_equal(log_append(l, WRITTEN, 1, 500), RETRY);
        assert_non_null(strstr(l->f.text, "was removed while weir wrote it"));
    }
    fill(l, WRITTEN, 1);
    assert_adds_up(l, WRITTEN + 1, &lost);
    fill(l, WRITTEN + 1, 40);
    assert_adds_up(l, WRITTEN + 41, &lost);
    log_recover(l);
    assert_int_equal(l->found.n, 0);
    assert_adds_up(l, WRITTEN + 41, &lost);
    assert_int_equal(damaged_bytes(l), 0);
}

static void segments_lost_in_use_are_holes(void **state)
{
    struct log_bus *const l = *state;
    for (size_t which = 0; which < 4; which++) {
        if (which > 0) {
            log_drop(l);
            folder_drop();
            assert_int_equal(set_up_small(state), 0);
        }
        fill(l, 0, WRITTEN);
        const size_t n = segments_n(l);
        lose_in_use(l, which == 0 ? 0 : which == 1 ? 2 : which == 2 ? n - 1 : ALL);
    }
}

static void a_trimmed_lane_misses_nothing(void **state)
{
    struct log_bus *const l = *state;
    fill(l, 0, WRITTEN);
    assert_int_equal(bus_trim(l->bus, raw_lane("intake-0"), ends_of(l, STREAM_RAW).end, &l->f), OK);
    assert_true(ends_of(l, STREAM_RAW).begin.at > 0);
    assert_int_equal(damaged_bytes(l), 0);
    log_recover(l);
    log_recover(l);
    assert_int_equal(l->found.n, 0);
}

/* A power cut right behind a trim: the files are gone, and of the page there is what was synced. */
static void a_lane_whose_power_went_behind_a_trim_misses_nothing(void **state)
{
    struct log_bus *const l = *state;
    const char *const path = log_path(l, raw_lane("intake-0"), "lane.page");
    fill(l, 0, WRITTEN);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, synced, sizeof synced, 0), sizeof synced);
    assert_int_equal(bus_trim(l->bus, raw_lane("intake-0"), ends_of(l, STREAM_RAW).end, &l->f), OK);
    const uint64_t begin = ends_of(l, STREAM_RAW).begin.at;
    assert_true(begin > 0);
    log_close(l);
    assert_int_equal(pwrite(fd, synced, sizeof synced, 0), sizeof synced);
    close(fd);
    log_open(l);
    log_recover(l);
    assert_int_equal(l->found.n, 0);
    assert_int_equal(ends_of(l, STREAM_RAW).begin.at, begin);
}

/* ---- a page that says what is not so ---- */

/* Change the words of the lane's page while nobody has the bus open. */
static void page_change(struct log_bus *l, void (*change)(struct lane_page *page, uint64_t by),
                        uint64_t by)
{
    struct lane_page page;
    log_close(l);
    const int fd = open(log_path(l, raw_lane("intake-0"), "lane.page"), O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &page, sizeof page, 0), sizeof page);
    change(&page, by);
    assert_int_equal(pwrite(fd, &page, sizeof page, 0), sizeof page);
    close(fd);
    log_open(l);
}

/* What of it is CORRUPT; of the page, one line at most. */
static size_t corrupt_n(const struct log_bus *l)
{
    size_t pages = 0;
    for (size_t i = 0; i < l->found.n; i++) {
        pages += l->found.finding[i].kind == FINDING_PAGE;
    }
    assert_in_range(pages, 0, 1);
    return l->found.n - pages;
}

/* All that was written is there and counted, once, and the next number is taken. */
static void assert_whole(struct log_bus *l, uint64_t from, uint64_t *written)
{
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    struct bus_size size;
    assert_int_equal(log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n), OK);
    assert_int_equal(n, *written - from);
    assert_int_equal(numbers[0], from);
    assert_int_equal(numbers[n - 1], *written - 1);
    assert_int_equal(bus_size(l->bus, raw_lane("intake-0"), &size, &l->f), OK);
    assert_int_equal(size.signals, n);
    assert_int_equal(size.trimmed, from);
    fill(l, (*written)++, 1);
}

static void flip_mark(struct lane_page *page, uint64_t by)
{
    page->mark ^= by;
}

static void flip_not_mark(struct lane_page *page, uint64_t by)
{
    page->not_mark ^= by;
}

static void flip_begin(struct lane_page *page, uint64_t by)
{
    page->begin ^= by;
}

static void flip_begin_twin(struct lane_page *page, uint64_t by)
{
    page->begin_twin ^= by;
}

static void flip_last(struct lane_page *page, uint64_t by)
{
    page->last ^= by;
}

static void flip_records(struct lane_page *page, uint64_t by)
{
    page->records ^= by;
}

static void flip_passed(struct lane_page *page, uint64_t by)
{
    page->passed ^= by;
}

static void no_flipped_bit_of_a_page_loses_or_invents_anything(void **state)
{
    static void (*const flips[])(struct lane_page *,
                                 uint64_t) = {flip_mark, flip_not_mark, flip_begin, flip_begin_twin,
                                              flip_last, flip_records,  flip_passed};
    struct log_bus *const l = *state;
    uint64_t numbers[NUMBERS_MAX];
    uint64_t written = WRITTEN;
    size_t n = 0;
    fill(l, 0, WRITTEN);
    assert_int_equal(bus_trim(l->bus, raw_lane("intake-0"), ends_of(l, STREAM_RAW).end, &l->f), OK);
    assert_int_equal(log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n), OK);
    const uint64_t from = numbers[0];
    assert_true(from > 0);
    for (size_t i = 0; i < sizeof flips / sizeof *flips; i++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            const struct lane_ends before = ends_of(l, STREAM_RAW);
            page_change(l, flips[i], UINT64_C(1) << bit);
            log_recover(l);
            assert_int_equal(corrupt_n(l), 0);
            assert_int_equal(ends_of(l, STREAM_RAW).begin.at, before.begin.at);
            assert_int_equal(ends_of(l, STREAM_RAW).end.at, before.end.at);
            assert_int_equal(damaged_bytes(l), 0);
            assert_whole(l, from, &written);
        }
    }
}

static void name_end(struct lane_page *page, uint64_t end)
{
    page->mark = end;
    page->not_mark = ~end;
}

/* Both copies of it: no segment can have held so much, or a record end there. */
static void an_end_that_cannot_be_is_told_and_the_segments_say_where_it_is(void **state)
{
    static const uint64_t ends[] = {UINT64_C(1) << 40, UINT64_MAX, (UINT64_C(1) << 20) + 1};
    struct log_bus *const l = *state;
    uint64_t written = WRITTEN;
    fill(l, 0, WRITTEN);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const uint64_t end = ends_of(l, STREAM_RAW).end.at;
        page_change(l, name_end, ends[i]);
        log_recover(l);
        assert_int_equal(l->found.n, 1);
        assert_int_equal(l->found.finding[0].kind, FINDING_PAGE);
        assert_int_equal(l->found.finding[0].at.at, end);
        assert_int_equal(ends_of(l, STREAM_RAW).end.at, end);
        assert_whole(l, 0, &written);
        log_recover(l);
        assert_int_equal(l->found.n, 0);
    }
}

/* No file grows by what is gone, or the next start would read it. */
static void assert_segments_are_small(struct log_bus *l)
{
    const char *path = NULL;
    for (size_t i = 0; (path = log_segment(l, raw_lane("intake-0"), i)); i++) {
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_in_range(st.st_size, 1, 2 * SMALL);
    }
}

/* As if gibibytes of segments behind the last one were gone. */
static void a_long_end_that_is_gone_is_one_hole_in_small_files(void **state)
{
    enum { GIB_LOST = 5 };
    struct log_bus *const l = *state;
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    fill(l, 0, WRITTEN);
    const uint64_t end = ends_of(l, STREAM_RAW).end.at;
    const uint64_t to = end + ((uint64_t)GIB_LOST << 30);
    page_change(l, name_end, to);
    assert_int_equal(damaged_bytes(l), to - end);
    log_recover(l);
    uint64_t lost = 0;
    for (size_t i = 0; i < l->found.n; i++) {
        lost += l->found.finding[i].bytes;
    }
    assert_in_range(l->found.n, 1, 2); /* what its last segment says, and the rest */
    assert_int_equal(lost, to - end);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(ends_of(l, STREAM_RAW).end.at, to);
        assert_segments_are_small(l);
        log_recover(l);
        assert_int_equal(l->found.n, 0);
    }
    fill(l, WRITTEN, 3);
    assert_int_equal(log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n), OK);
    assert_int_equal(n, WRITTEN + 3);
    assert_segments_are_small(l);
    assert_int_equal(damaged_bytes(l), 0);
}

/* ---- readers that stand in what was lost ---- */

/* Everything behind the reader's cursors; mended where it must be, at most `mends` times. */
static uint64_t read_all(struct log_bus *l, struct reader *r, int mends)
{
    struct arena a;
    uint64_t n = 0;
    arena_init(&a, 1 << 28);
    for (;;) {
        struct batch b = {.arena = &a};
        const enum outcome result = reader_read(r, 4096, 0, &b, &l->f);
        if (result == RETRY && mends-- > 0) {
            log_mend(l);
            continue;
        }
        assert_int_equal(result, OK);
        if (b.n == 0 && b.gained_n == 0) {
            break;
        }
        n += b.n ? b.slice[0].n : 0;
    }
    arena_close(&a);
    return n;
}

static struct reader *sink_at(struct log_bus *l, uint64_t at)
{
    struct reader *r = NULL;
    struct batch b = {.arena = &l->arena};
    assert_int_equal(reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("lake"), CURSOR_SINK, &r, &l->f),
                     OK);
    assert_int_equal(reader_read(r, 4096, 0, &b, &l->f), OK);
    assert_int_equal(reader_seek(r, raw_lane("intake-0"), (struct position){at}, &l->f), OK);
    return r;
}

static void a_reader_that_stands_in_a_hole_goes_on_behind_it_and_nothing_more_is_told(void **state)
{
    struct log_bus *const l = *state;
    fill(l, 0, WRITTEN - 5);
    const uint64_t at = ends_of(l, STREAM_RAW).end.at;
    fill(l, WRITTEN - 5, 1);
    log_close(l);
    lose(l, segments_n(l) - 1);
    log_recover(l);
    assert_true(l->found.n > 0);
    fill(l, WRITTEN, 7);
    l->found.n = 0;
    struct reader *const r = sink_at(l, at);
    assert_int_equal(read_all(l, r, 0), 7);
    assert_int_equal(l->found.n, 0);
    reader_leave(r);
}

static void a_reader_that_stands_inside_a_record_is_told_and_goes_on_at_the_next(void **state)
{
    struct log_bus *const l = *state;
    fill(l, 0, 3);
    const uint64_t at = ends_of(l, STREAM_RAW).end.at;
    fill(l, 3, 7);
    struct reader *const r = sink_at(l, at + GROUP_HEAD_BYTES + 104);
    struct batch b = {.arena = &l->arena};
    assert_int_equal(reader_read(r, 4096, 0, &b, &l->f), RETRY);
    assert_non_null(strstr(l->f.text, "no record begins at position"));
    assert_int_equal(read_all(l, r, 1), 6);
    assert_int_equal(l->found.n, 1);
    assert_int_equal(l->found.finding[0].kind, FINDING_CORRUPT);
    assert_int_equal(l->found.finding[0].signals, 1);
    reader_leave(r);
    struct reader *const again = sink_at(l, at + GROUP_HEAD_BYTES + 104);
    assert_int_equal(read_all(l, again, 0), 6); /* as after a restart of that stage */
    reader_leave(again);
}

/* ---- the lane that holds the cursor ---- */

static void steps(struct log_bus *l, struct reader *r, uint64_t *seen)
{
    struct batch b = {.arena = &l->arena};
    *seen = 0;
    for (;;) {
        b = (struct batch){.arena = &l->arena};
        const enum outcome read = reader_read(r, 1500, 0, &b, &l->f);
        if (read == RETRY) {
            log_mend(l);
            continue;
        }
        assert_int_equal(read, OK);
        if (b.n == 0 && b.gained_n == 0) {
            return;
        }
        if (b.n > 0) {
            const struct output out = {.lane = {STREAM_STANDARD, S("intake-0")},
                                       .record = b.slice[0].record,
                                       .n = b.slice[0].n};
            const enum outcome step = reader_step(r, &b, &out, 1, NULL, &l->f);
            assert_in_range(step, OK, RETRY);
            *seen += step == OK ? b.slice[0].n : 0;
        }
    }
}

static struct reader *transform(struct log_bus *l)
{
    struct reader *r = NULL;
    assert_int_equal(
        reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &r, &l->f), OK);
    return r;
}

/* Lose output segments from the i-th on, at rest; the input was trimmed to its last segment before.
 */
static void lose_output(struct log_bus *l, size_t i, bool is_trimmed)
{
    const struct lane out = {STREAM_STANDARD, S("intake-0")};
    uint64_t seen = 0;
    uint64_t lost = 0;
    fill(l, 0, WRITTEN);
    struct reader *r = transform(l);
    steps(l, r, &seen);
    assert_int_equal(seen, WRITTEN);
    reader_leave(r);
    if (is_trimmed) {
        assert_int_equal(bus_trim(l->bus, raw_lane("intake-0"), ends_of(l, STREAM_RAW).end, &l->f),
                         OK);
    }
    const struct lane_ends before = ends_of(l, STREAM_STANDARD);
    log_close(l);
    for (const char *path = NULL; (path = log_segment(l, out, i));) {
        assert_int_equal(unlink(path), 0);
    }
    log_recover(l);
    lost = told(l);
    assert_true(lost > 0);
    assert_int_equal(ends_of(l, STREAM_STANDARD).end.at, before.end.at);
    r = transform(l);
    steps(l, r, &seen);
    assert_in_range(seen, 1, WRITTEN);
    if (!is_trimmed) {
        assert_int_equal(seen, lost); /* what was lost is made again */
    }
    fill(l, WRITTEN, 3);
    steps(l, r, &seen);
    assert_int_equal(seen, 3);
    assert_true(ends_of(l, STREAM_STANDARD).end.at > before.end.at);
    reader_leave(r);
}

static void of_lost_outputs_the_steps_are_made_again(void **state)
{
    lose_output(*state, 2, false);
}

static void where_no_step_is_left_all_that_is_kept_is_made_again(void **state)
{
    lose_output(*state, 0, false);
}

static void a_cursor_that_was_lost_begins_where_its_input_does(void **state)
{
    lose_output(*state, 0, true);
}

static void steps_lost_in_use_are_made_again(void **state)
{
    struct log_bus *const l = *state;
    const struct lane out = {STREAM_STANDARD, S("intake-0")};
    uint64_t seen = 0;
    fill(l, 0, WRITTEN);
    struct reader *const r = transform(l);
    steps(l, r, &seen);
    for (const char *path = NULL; (path = log_segment(l, out, 1));) {
        assert_int_equal(unlink(path), 0);
    }
    fill(l, WRITTEN, 1);
    steps(l, r, &seen);
    assert_in_range(seen, 1, WRITTEN + 1);
    fill(l, WRITTEN + 1, 3);
    steps(l, r, &seen);
    assert_true(seen >= 3);
    reader_leave(r);
    log_recover(l);
    fill(l, WRITTEN + 4, 2);
    struct reader *const again = transform(l);
    steps(l, again, &seen);
    assert_in_range(seen, 2, WRITTEN + 6);
    reader_leave(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up_small, tear_down)
        CASE(a_last_segment_lost_at_rest_is_a_hole_and_its_positions_are_used_up),
        CASE(a_first_segment_lost_at_rest_is_a_hole),
        CASE(a_middle_segment_lost_at_rest_is_a_hole),
        CASE(a_lane_of_which_every_segment_was_lost_goes_on_at_its_mark),
        CASE(segments_lost_in_use_are_holes),
        CASE(a_trimmed_lane_misses_nothing),
        CASE(a_lane_whose_power_went_behind_a_trim_misses_nothing),
        CASE(no_flipped_bit_of_a_page_loses_or_invents_anything),
        CASE(an_end_that_cannot_be_is_told_and_the_segments_say_where_it_is),
        CASE(a_long_end_that_is_gone_is_one_hole_in_small_files),
        CASE(a_reader_that_stands_in_a_hole_goes_on_behind_it_and_nothing_more_is_told),
        CASE(a_reader_that_stands_inside_a_record_is_told_and_goes_on_at_the_next),
        CASE(of_lost_outputs_the_steps_are_made_again),
        CASE(where_no_step_is_left_all_that_is_kept_is_made_again),
        CASE(a_cursor_that_was_lost_begins_where_its_input_does),
        CASE(steps_lost_in_use_are_made_again),
#undef CASE
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
