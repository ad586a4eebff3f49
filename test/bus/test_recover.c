/* What a death, a power cut or a damaged disk leaves: nothing wrong is ever served, what is lost is
 * told. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "bus/frame.h"
#include "bus/log.h"
#include "folder.h"
#include "test.h"

enum { NUMBERS_MAX = 1024, FILE_BYTES_MAX = 16 << 20, SMALL = 16 * 1024, WIDE = 256 * 1024 };

static int set_up(void **state)
{
    static struct log_bus l;
    assert_non_null(folder_make_fast());
    log_init(&l, WIDE);
    log_open(&l);
    *state = &l;
    return 0;
}

static int set_up_small(void **state)
{
    const int result = set_up(state);
    struct log_bus *const l = *state;
    log_drop(l);
    log_init(l, SMALL);
    log_open(l);
    return result;
}

static int tear_down(void **state)
{
    log_drop(*state);
    folder_drop();
    return 0;
}

static struct str bytes_of(struct log_bus *l, const char *path)
{
    struct str bytes;
    assert_int_equal(file_read(&l->arena, path, FILE_BYTES_MAX, &bytes, &l->f), OK);
    return bytes;
}

static void put_bytes(const char *path, struct str bytes)
{
    struct failure f;
    const int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(file_write(fd, bytes, &f), OK);
    close(fd);
}

static struct position end_of(struct log_bus *l)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    assert_int_equal(bus_ends(l->bus, &l->arena, STREAM_RAW, &ends, &n, &l->f), OK);
    assert_int_equal(n, 1);
    return ends->end;
}

static void assert_lane_counts_to(struct log_bus *l, uint64_t to)
{
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    assert_int_equal(log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n), OK);
    assert_int_equal(n, to);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(numbers[i], i);
    }
}

static bool is_zero(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (at[i]) {
            return false;
        }
    }
    return true;
}

/* Cut the last group at every byte; behind the cut stands `filler`. The page is gone, as after a
 * power cut. */
static void tear_everywhere(struct log_bus *l, char filler)
{
    const struct lane lane = raw_lane("intake-0");
    assert_int_equal(log_append(l, 0, 3, 40), OK);
    assert_int_equal(log_append(l, 3, 2, 40), OK);
    const size_t kept = end_of(l).at;
    assert_int_equal(log_append(l, 5, 2, 10), OK);
    const size_t whole = end_of(l).at;
    const char *const path = log_segment(l, lane, 0);
    const char *const page = log_path(l, lane, "lane.page");
    const struct str bytes = bytes_of(l, path);
    char *const torn = arena_alloc(&l->arena, bytes.len, 1);
    for (size_t cut = kept; cut < whole; cut++) {
        const size_t at = SEGMENT_HEAD_BYTES + cut;
        memset(torn, 0, bytes.len);
        memcpy(torn, bytes.at, at);
        memset(torn + at, filler, SEGMENT_HEAD_BYTES + whole - at);
        if (memcmp(torn, bytes.at, SEGMENT_HEAD_BYTES + whole) == 0) {
            continue; /* what was cut off is the padding's zeros */
        }
        log_close(l);
        put_bytes(path, (struct str){torn, bytes.len});
        unlink(page);
        log_recover(l);
        assert_lane_counts_to(l, 5);
        assert_int_equal(l->found.n, !is_zero(torn + SEGMENT_HEAD_BYTES + kept, whole - kept));
        if (l->found.n) {
            assert_int_equal(l->found.finding[0].kind, FINDING_TORN);
            assert_int_equal(l->found.finding[0].at.at, kept);
        }
        assert_int_equal(log_append(l, 5, 1, 10), OK); /* and it goes on */
        log_recover(l);
        assert_lane_counts_to(l, 6);
        const char *const next = log_segment(l, lane, 1);
        if (next) {
            unlink(next);
        }
    }
}

static void an_end_torn_at_any_byte_is_cut(void **state)
{
    tear_everywhere(*state, 0);
}

static void an_end_torn_at_any_byte_before_garbage_is_cut(void **state)
{
    tear_everywhere(*state, 'x');
}

/* Flip one bit; whatever is served is right, and no more than one record is missing. */
static void flip_and_check(struct log_bus *l, const char *path, struct str good, size_t byte,
                           size_t n)
{
    uint64_t numbers[NUMBERS_MAX];
    size_t got = 0;
    char *const bad = arena_alloc(&l->arena, good.len, 1);
    memcpy(bad, good.at, good.len);
    bad[byte] = (char)(bad[byte] ^ (1 << (byte % 8)));
    log_close(l);
    put_bytes(path, (struct str){bad, good.len});
    log_open(l);
    (void)log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &got); /* STOP, or all right */
    for (size_t i = 0; i < got; i++) {
        assert_int_equal(numbers[i], i);
    }
    log_recover(l);
    assert_int_equal(log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &got), OK);
    assert_true(got + 1 >= n);
    uint64_t last = 0;
    for (size_t i = 0; i < got; i++) {
        assert_true(numbers[i] < n && (i == 0 || numbers[i] > last));
        last = numbers[i];
    }
    if (got < n) {
        assert_int_equal(l->found.n, 1);
        assert_int_equal(l->found.finding[0].kind, FINDING_CORRUPT);
    }
}

static void of_any_flipped_bit_at_most_one_record_is_lost_and_told(void **state)
{
    struct log_bus *const l = *state;
    for (uint64_t i = 0; i < 12; i += 3) {
        assert_int_equal(log_append(l, i, 3, 30), OK);
    }
    const size_t used = SEGMENT_HEAD_BYTES + end_of(l).at;
    const char *const path = log_segment(l, raw_lane("intake-0"), 0);
    const struct str good = bytes_of(l, path);
    for (size_t byte = 0; byte < used; byte++) {
        flip_and_check(l, path, good, byte, 12);
    }
}

/* Change `n` bytes at a byte of a segment's file, under everybody's feet. */
static void spoil(struct log_bus *l, const char *path, size_t at, size_t n)
{
    const struct str bytes = bytes_of(l, path);
    char *const bad = arena_alloc(&l->arena, n, 1);
    for (size_t i = 0; i < n; i++) {
        bad[i] = (char)(bytes.at[at + i] ^ 1);
    }
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(file_write_at(fd, (struct str){bad, n}, (off_t)at, &l->f), OK);
    close(fd);
}

static void fill_lane(struct log_bus *l, uint64_t first, uint64_t n)
{
    for (uint64_t i = first; i < first + n; i++) {
        assert_int_equal(log_append(l, i, 1, 500), OK);
    }
}

static size_t count_lane(struct log_bus *l)
{
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    assert_int_equal(log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n), OK);
    for (size_t i = 0; i < n; i++) {
        assert_true(numbers[i] != UINT64_MAX && (i == 0 || numbers[i] > numbers[i - 1]));
    }
    return n;
}

static void assert_is_damaged(struct log_bus *l)
{
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    assert_int_equal(log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n), RETRY);
    assert_non_null(strstr(l->f.text, "damaged"));
}

static const char *kept_path(struct log_bus *l, uint64_t at)
{
    return log_path(l, raw_lane("intake-0"),
                    arena_printf(&l->arena, "corrupt-%llu", (unsigned long long)at).at);
}

static void tell_nobody(void *to, const struct finding *finding)
{
    (void)to, (void)finding;
}

static void damage_in_an_old_segment_is_mended_while_its_writer_writes(void **state)
{
    struct log_bus *const l = *state;
    fill_lane(l, 0, 200);
    assert_non_null(log_segment(l, raw_lane("intake-0"), 3));
    spoil(l, log_segment(l, raw_lane("intake-0"), 1), 3000, 1);
    assert_is_damaged(l);
    fill_lane(l, 200, 10);
    log_mend(l);
    assert_int_equal(l->found.n, 1);
    assert_int_equal(l->found.finding[0].kind, FINDING_CORRUPT);
    assert_int_equal(l->found.finding[0].signals, 1);
    assert_int_equal(count_lane(l), 209);
    assert_int_equal(bytes_of(l, kept_path(l, l->found.finding[0].at.at)).len,
                     l->found.finding[0].bytes);
    fill_lane(l, 210, 10);
    log_mend(l);
    assert_int_equal(l->found.n, 0); /* told once */
    log_recover(l);
    assert_int_equal(l->found.n, 0);
    assert_int_equal(count_lane(l), 219);
}

/* What a power cut would leave of a file: its bytes when it was synced last. */
static struct {
    struct stat of;
    bool is_on;
    ssize_t n;
    char bytes[2 * SMALL];
} synced;

int fdatasync(int fd)
{
    struct stat st;
    if (synced.is_on && fstat(fd, &st) == 0 && st.st_ino == synced.of.st_ino &&
        st.st_dev == synced.of.st_dev) {
        synced.n = pread(fd, synced.bytes, sizeof synced.bytes, 0);
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void what_was_mended_lasts(void **state)
{
    struct log_bus *const l = *state;
    fill_lane(l, 0, 200);
    assert_non_null(log_segment(l, raw_lane("intake-0"), 3));
    const char *const path = log_segment(l, raw_lane("intake-0"), 1);
    spoil(l, path, 3000, 1);
    assert_is_damaged(l);
    assert_int_equal(stat(path, &synced.of), 0);
    synced.n = 0;
    synced.is_on = true;
    log_mend(l);
    synced.is_on = false;
    assert_int_equal(l->found.n, 1);
    const struct str bytes = bytes_of(l, path);
    assert_true(bytes.len < sizeof synced.bytes && (size_t)synced.n == bytes.len);
    assert_memory_equal(synced.bytes, bytes.at, bytes.len);
}

static void damage_anywhere_in_the_open_segment_is_mended_while_its_writer_writes(void **state)
{
    struct log_bus *const l = *state;
    fill_lane(l, 0, 20);
    uint64_t next = 20, lost = 0;
    const char *const path = log_segment(l, raw_lane("intake-0"), 0);
    for (size_t at = 64; at < 9000; at += 1500) { /* frames, heads, the last of them */
        spoil(l, path, at, 40);
        assert_is_damaged(l);
        log_mend(l);
        assert_in_range(l->found.n, 1, 2); /* two, where one item ends and another begins */
        for (size_t i = 0; i < l->found.n; i++) {
            lost += l->found.finding[i].signals;
        }
        fill_lane(l, next++, 1);
        assert_int_equal(count_lane(l), next - lost);
    }
    assert_in_range(lost, 1, 12);
    log_recover(l);
    assert_int_equal(l->found.n, 0);
    assert_int_equal(count_lane(l), next - lost);
}

static void a_lane_gained_in_a_read_that_fails_is_told(void **state)
{
    struct log_bus *const l = *state;
    struct reader *r = NULL;
    struct batch b = {.arena = &l->arena};
    fill_lane(l, 0, 1);
    assert_int_equal(reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("lake"), CURSOR_SINK, &r, &l->f),
                     OK);
    assert_int_equal(reader_read(r, 1000, 0, &b, &l->f), OK);
    assert_int_equal(reader_seek(r, raw_lane("intake-0"), (struct position){0}, &l->f), OK);
    spoil(l, log_segment(l, raw_lane("intake-0"), 0), SEGMENT_HEAD_BYTES, 40);
    assert_int_equal(bus_lane_make(l->bus, raw_lane("intake-1"), &l->f), OK);
    b = (struct batch){.arena = &l->arena}; /* the only lane that it may read is damaged */
    assert_int_equal(reader_read(r, 1000, 0, &b, &l->f), OK);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.gained_n, 1);
    assert_true(lane_eq(b.gained[0], raw_lane("intake-1")));
    b = (struct batch){.arena = &l->arena};
    assert_int_equal(reader_read(r, 1000, 0, &b, &l->f), RETRY);
    reader_leave(r);
}

static void a_segment_whose_beginning_was_lost_keeps_what_stands_behind(void **state)
{
    struct log_bus *const l = *state;
    fill_lane(l, 0, 100);
    spoil(l, log_segment(l, raw_lane("intake-0"), 1), 0, 1500); /* its head and two groups */
    log_close(l);
    log_open(l); /* no reader has it open, or its generation in mind */
    assert_is_damaged(l);
    log_mend(l);
    assert_int_equal(l->found.n, 1);
    assert_int_equal(count_lane(l), 97);
}

static void a_writer_goes_on_in_a_segment_of_which_nothing_valid_was_left(void **state)
{
    struct log_bus *const l = *state;
    fill_lane(l, 0, 2);
    spoil(l, log_segment(l, raw_lane("intake-0"), 0), 0, SEGMENT_HEAD_BYTES + end_of(l).at);
    assert_is_damaged(l);
    log_mend(l);
    assert_int_equal(l->found.n, 1);
    assert_int_equal(l->found.finding[0].signals, 2);
    fill_lane(l, 2, 2);
    assert_int_equal(count_lane(l), 2);
    log_recover(l);
    assert_int_equal(l->found.n, 0);
    assert_int_equal(count_lane(l), 2);
}

static void a_cursor_whose_step_was_damaged_goes_back_to_the_step_before(void **state)
{
    struct log_bus *const l = *state;
    struct reader *r = NULL;
    struct position at[3];
    struct tally tally;
    const struct lane out = {STREAM_STANDARD, S("intake-0")};
    assert_int_equal(
        reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &r, &l->f), OK);
    for (uint64_t i = 0; i < 3; i++) {
        struct batch b = {.arena = &l->arena};
        fill_lane(l, i, 1);
        do {
            b = (struct batch){.arena = &l->arena};
            assert_int_equal(reader_read(r, 1000, 0, &b, &l->f), OK);
        } while (b.n == 0);
        assert_int_equal(reader_step(r, &b, NULL, 0, NULL, &l->f), OK);
        assert_int_equal(reader_cursor(r, &l->arena, raw_lane("intake-0"), &at[i], &tally, &l->f),
                         OK);
    }
    struct lane_ends *ends = NULL;
    size_t n = 0;
    assert_int_equal(bus_ends(l->bus, &l->arena, STREAM_STANDARD, &ends, &n, &l->f), OK);
    spoil(l, log_segment(l, out, 0), SEGMENT_HEAD_BYTES + ends->end.at - 8, 8);
    struct batch b = {.arena = &l->arena};
    struct position now;
    assert_int_equal(reader_cursor(r, &l->arena, raw_lane("intake-0"), &now, &tally, &l->f), RETRY);
    log_mend(l);
    assert_int_equal(l->found.n, 1);
    assert_int_equal(reader_cursor(r, &l->arena, raw_lane("intake-0"), &now, &tally, &l->f), OK);
    assert_int_equal(now.at, at[1].at);
    fill_lane(l, 3, 1);
    assert_int_equal(reader_read(r, 1000, 0, &b, &l->f), OK);
    assert_int_equal(reader_step(r, &b, NULL, 0, NULL, &l->f), RETRY); /* fenced: it goes back */
    assert_int_equal(reader_read(r, 1 << 20, 0, &b, &l->f), OK);
    assert_int_equal(b.slice[0].from.at, at[1].at);
    assert_int_equal(b.slice[0].n, 2);
    assert_int_equal(reader_step(r, &b, NULL, 0, NULL, &l->f), OK);
    reader_leave(r);
}

static void a_damaged_lane_holds_up_no_other(void **state)
{
    struct log_bus *const l = *state;
    struct reader *r = NULL;
    struct arena a;
    uint64_t seen = 0;
    fill_lane(l, 0, 5);
    spoil(l, log_segment(l, raw_lane("intake-0"), 0), 200, 40);
    struct record other = log_record(&l->arena, 7, 100);
    assert_int_equal(bus_append(l->bus, raw_lane("intake-1"), &other, 1, &l->f), OK);
    assert_int_equal(
        reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &r, &l->f), OK);
    arena_init(&a, 1 << 26);
    size_t gained = 0;
    for (int turn = 0; turn < 4; turn++) {
        struct batch b = {.arena = &a};
        const enum outcome result = reader_read(r, 1 << 20, 0, &b, &l->f);
        gained += result == OK ? b.gained_n : 0;
        for (size_t i = 0; result == OK && i < b.n; i++) {
            seen += b.slice[i].n;
        }
    }
    arena_close(&a);
    reader_leave(r);
    assert_int_equal(gained, 2); /* a lane is told also when the same read fails */
    assert_int_equal(seen, 1);
}

static void what_a_writer_set_aside_as_it_began_is_told_by_the_keeper(void **state)
{
    struct log_bus *const l = *state;
    fill_lane(l, 0, 3);
    const uint64_t end = end_of(l).at;
    log_close(l);
    log_open(l);
    spoil(l, log_segment(l, raw_lane("intake-0"), 0), SEGMENT_HEAD_BYTES + end - 100, 8);
    fill_lane(l, 3, 1); /* the writer's recovery meets it */
    log_mend(l);
    assert_int_equal(l->found.n, 1);
    assert_int_equal(l->found.finding[0].signals, 1);
    assert_int_equal(count_lane(l), 3);
}

static void wherever_the_mending_is_killed_the_loss_is_told(void **state)
{
    static const char *const places[] = {"bus.quarantine.kept", "bus.recover.voided",
                                         "bus.quarantine.told"};
    struct log_bus *const l = *state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    uint64_t next = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        fill_lane(l, next, 4);
        next += 4;
        spoil(l, log_segment(l, raw_lane("intake-0"), 0), SEGMENT_HEAD_BYTES + end_of(l).at - 900,
              8);
        assert_is_damaged(l);
        log_close(l);
        const pid_t pid = fork();
        if (pid == 0) {
            const struct finding_to nobody = {tell_nobody, NULL};
            (void)setenv("WEIR_FAILPOINT", arena_printf(&l->arena, "%s:1:kill", places[i]).at, 1);
            failpoint_reset();
            log_open(l);
            _exit(bus_mend(l->bus, nobody, &l->f) == OK);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        log_recover(l);
        assert_int_equal(l->found.n, 1);
        assert_int_equal(l->found.finding[0].signals, 1);
        assert_int_equal(count_lane(l), next - i - 1);
        log_recover(l);
        assert_int_equal(l->found.n, 0);
    }
}

static void count_finding(void *to, const struct finding *finding)
{
    assert_int_equal(finding->kind, FINDING_DAMAGED);
    (*(size_t *)to)++;
}

static void verify_finds_what_is_damaged_and_changes_nothing(void **state)
{
    struct log_bus *const l = *state;
    size_t n = 0;
    const struct finding_to report = {count_finding, &n};
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(log_append(l, i, 1, 500), OK);
    }
    assert_int_equal(bus_verify(l->bus, report, &l->f), OK);
    assert_int_equal(n, 0);
    const char *const path = log_segment(l, raw_lane("intake-0"), 1);
    struct str bytes = bytes_of(l, path);
    char *const bad = arena_alloc(&l->arena, bytes.len, 1);
    memcpy(bad, bytes.at, bytes.len);
    bad[2000] ^= 1;
    bad[9000] ^= 1;
    put_bytes(path, (struct str){bad, bytes.len});
    assert_int_equal(bus_verify(l->bus, report, &l->f), OK);
    assert_int_equal(n, 2);
    assert_true(str_eq(bytes_of(l, path), (struct str){bad, bytes.len}));
}

static void what_a_recycled_segment_held_never_comes_alive(void **state)
{
    struct log_bus *const l = *state;
    uint64_t next = 0;
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    struct stat st;
    while (next < 400) {
        assert_int_equal(log_append(l, next++, 1, 500), OK);
    }
    assert_int_equal(bus_trim(l->bus, raw_lane("intake-0"), end_of(l), &l->f), OK);
    assert_int_equal(stat(log_path(l, raw_lane("intake-0"), "spare-0"), &st), 0);
    for (int round = 0; round < 60; round++) { /* one after the other is taken, half filled, cut */
        assert_int_equal(log_append(l, next++, 1, 700), OK);
        log_close(l);
        unlink(log_path(l, raw_lane("intake-0"), "lane.page"));
        log_recover(l);
        assert_int_equal(l->found.n, 0);
        assert_int_equal(log_read(l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n), OK);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(numbers[i], next - n + i);
        }
    }
}

/* A group of this segment's former life at the very place where the next one would stand: its
 * position is right, its generation is not. */
static void an_old_group_at_the_right_place_is_refused(void **state)
{
    struct log_bus *const l = *state;
    struct failure f;
    assert_int_equal(log_append(l, 0, 1, 40), OK);
    const uint64_t end = end_of(l).at;
    struct buf b;
    struct record r = log_record(&l->arena, 99, 40);
    struct group g = {.position = end, .records_before = 1};
    buf_init(&b, &l->arena, 1 << 20);
    group_write(&b, &g, NULL, &r, 1);
    group_seal(b.at, b.len, 12345);
    const char *const path = log_segment(l, raw_lane("intake-0"), 0);
    log_close(l);
    const int fd = open(path, O_WRONLY);
    assert_int_equal(file_write_at(fd, buf_str(&b), (off_t)(SEGMENT_HEAD_BYTES + end), &f), OK);
    close(fd);
    log_recover(l);
    assert_lane_counts_to(l, 1);
}

static void of_two_writers_the_second_is_told_the_pid_of_the_first(void **state)
{
    struct log_bus *const l = *state;
    struct log_bus other;
    log_init(&other, WIDE);
    log_open(&other);
    assert_int_equal(log_append(l, 0, 1, 10), OK);
    assert_int_equal(log_append(&other, 1, 1, 10), STOP);
    const struct str pid = arena_printf(&l->arena, "process %d", (int)getpid());
    assert_non_null(strstr(other.f.text, pid.at));
    const struct finding_to nobody = {count_finding, NULL};
    assert_int_equal(bus_recover_driver(&bus_embedded, &other.config, nobody, &other.f), STOP);
    assert_non_null(strstr(other.f.text, pid.at));
    log_close(l);
    assert_int_equal(log_append(&other, 1, 1, 10), OK); /* free when the first is gone */
    log_drop(&other);
    log_open(l);
    assert_lane_counts_to(l, 2);
}

/* A mark that moved before the sync would let readers take what the next power cut undoes. */
static void a_tail_that_cannot_be_synced_is_not_served(void **state)
{
    struct log_bus *const l = *state;
    const struct finding_to nobody = {count_finding, NULL};
    assert_int_equal(log_append(l, 0, 3, 40), OK);
    log_close(l);
    unlink(log_path(l, raw_lane("intake-0"), "lane.page"));
    log_fail_next("bus.recover.sync");
    assert_int_equal(bus_recover_driver(&bus_embedded, &l->config, nobody, &l->f), RETRY);
    log_fail_nothing();
    log_open(l);
    assert_int_equal(end_of(l).at, 0);
    log_recover(l);
    assert_lane_counts_to(l, 3);
}

static void an_idle_lane_is_small_and_grows_with_what_it_holds(void **state)
{
    struct log_bus *const l = *state;
    struct stat first;
    struct stat last;
    log_drop(l);
    log_init(l, (size_t)4 << 20);
    log_open(l);
    assert_int_equal(log_append(l, 0, 1, 10), OK);
    assert_int_equal(stat(log_segment(l, raw_lane("intake-0"), 0), &first), 0);
    assert_int_equal(first.st_size, 256 * 1024);
    for (uint64_t i = 1; i < 60; i++) {
        assert_int_equal(log_append(l, i, 1, 100 * 1024), OK);
    }
    size_t n = 0;
    while (log_segment(l, raw_lane("intake-0"), n)) {
        n++;
    }
    assert_int_equal(stat(log_segment(l, raw_lane("intake-0"), n - 1), &last), 0);
    assert_int_equal(last.st_size, 4 << 20);
    assert_lane_counts_to(l, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_torn_at_any_byte_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_end_torn_at_any_byte_before_garbage_is_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_any_flipped_bit_at_most_one_record_is_lost_and_told,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_in_an_old_segment_is_mended_while_its_writer_writes,
                                        set_up_small, tear_down),
        cmocka_unit_test_setup_teardown(
            damage_anywhere_in_the_open_segment_is_mended_while_its_writer_writes, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(what_was_mended_lasts, set_up_small, tear_down),
        cmocka_unit_test_setup_teardown(a_lane_gained_in_a_read_that_fails_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_segment_whose_beginning_was_lost_keeps_what_stands_behind,
                                        set_up_small, tear_down),
        cmocka_unit_test_setup_teardown(
            a_writer_goes_on_in_a_segment_of_which_nothing_valid_was_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_cursor_whose_step_was_damaged_goes_back_to_the_step_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wherever_the_mending_is_killed_the_loss_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_lane_holds_up_no_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_writer_set_aside_as_it_began_is_told_by_the_keeper,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(verify_finds_what_is_damaged_and_changes_nothing,
                                        set_up_small, tear_down),
        cmocka_unit_test_setup_teardown(what_a_recycled_segment_held_never_comes_alive,
                                        set_up_small, tear_down),
        cmocka_unit_test_setup_teardown(an_old_group_at_the_right_place_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_two_writers_the_second_is_told_the_pid_of_the_first,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tail_that_cannot_be_synced_is_not_served, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_idle_lane_is_small_and_grows_with_what_it_holds, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
