/* The embedded bus between processes, on a full disk, and what it says of itself. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "bus/frame.h"
#include "bus/log.h"
#include "bus/upkeep.h"
#include "folder.h"
#include "test.h"

enum { SEGMENT = 64 * 1024, NUMBERS_MAX = 1024, FOR_EVER = -1 };

static int set_up(void **state)
{
    static struct log_bus l;
    assert_non_null(folder_make_fast());
    log_init(&l, SEGMENT);
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

/* Exit status of a child that runs `work` on a bus of its own. */
static pid_t in_child(int (*work)(struct log_bus *l))
{
    const pid_t pid = fork();
    if (pid == 0) {
        struct log_bus l;
        log_init(&l, SEGMENT);
        log_open(&l);
        _exit(work(&l));
    }
    assert_true(pid > 0);
    return pid;
}

static int status_of(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int read_until_ten(struct log_bus *l)
{
    struct reader *r = NULL;
    struct arena a;
    uint64_t next = 0;
    arena_init(&a, (size_t)1 << 28);
    if (reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("lake"), CURSOR_SINK, &r, &l->f) != OK) {
        return 2;
    }
    while (next < 10) {
        struct batch b = {.arena = &a};
        if (reader_read(r, 1000, FOR_EVER, &b, &l->f) != OK) {
            return 3;
        }
        for (size_t i = 0; i < b.gained_n; i++) {
            (void)reader_seek(r, b.gained[i], (struct position){0}, &l->f);
        }
        for (size_t i = 0; b.n && i < b.slice->n; i++) {
            if (log_number(&b.slice->record[i]) != next++) {
                return 4;
            }
        }
    }
    return 0;
}

static void a_reader_in_another_process_is_woken_by_each_append(void **state)
{
    struct log_bus *const l = *state;
    const pid_t child = in_child(read_until_ten); /* waits for ever if it is not woken */
    for (uint64_t i = 0; i < 10; i++) {
        usleep(2000); /* let it fall asleep, mostly */
        assert_int_equal(log_append(l, i, 1, 100), OK);
    }
    assert_int_equal(status_of(child), 0);
}

/* Step over what is there, and stay the owner: *out is to be left. */
static int step_and_stay(struct log_bus *l, struct reader **out)
{
    struct batch b = {.arena = &l->arena};
    if (reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, out, &l->f) != OK ||
        reader_read(*out, 1000, 0, &b, &l->f) != OK || b.n != 1) {
        return 2;
    }
    return (int)reader_step(*out, &b, NULL, 0, NULL, &l->f);
}

static int step_once(struct log_bus *l)
{
    struct reader *r = NULL;
    return step_and_stay(l, &r);
}

static void a_step_in_another_process_is_fenced_while_this_one_owns_the_output(void **state)
{
    struct log_bus *const l = *state;
    struct reader *r = NULL;
    assert_int_equal(log_append(l, 0, 2, 100), OK);
    assert_int_equal(step_and_stay(l, &r), OK);
    assert_int_equal(log_append(l, 2, 2, 100), OK);
    assert_int_equal(status_of(in_child(step_once)), RETRY);
    reader_leave(r);
    assert_int_equal(status_of(in_child(step_once)), OK);
}

/* In a file system of 1 MiB; needs the right to mount one. */
static int fill_the_disk(const char *dir)
{
    struct log_bus l;
    uint64_t next = 0;
    size_t n = 0;
    static uint64_t numbers[NUMBERS_MAX];
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", dir, "tmpfs", 0, "size=1m") != 0) {
        return 77;
    }
    const int fd = open(folder_path("filler"), O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, 300 * 1024) != 0) {
        return 2;
    }
    close(fd);
    log_init(&l, SEGMENT);
    log_open(&l);
    enum outcome result = OK;
    while (result == OK && next < 2000) {
        result = log_append(&l, next, 1, 1000);
        next += result == OK;
    }
    if (result != RETRY || l.f.cause != CAUSE_OTHER || !strstr(l.f.text, strerror(ENOSPC))) {
        return 3;
    }
    if (log_append(&l, next, 1, 1000) != RETRY) {
        return 4;
    }
    unlink(folder_path("filler")); /* and when there is room again it goes on by itself */
    if (log_append(&l, next++, 1, 1000) != OK) {
        return 5;
    }
    log_recover(&l);
    if (log_read(&l, raw_lane("intake-0"), numbers, NUMBERS_MAX, &n) != OK || n != next) {
        return 6;
    }
    for (size_t i = 0; i < n; i++) {
        if (numbers[i] != i) {
            return 7;
        }
    }
    return 0;
}

static void a_full_disk_is_told_and_nothing_is_lost(void **state)
{
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(fill_the_disk(folder_path(".")));
    }
    const int status = status_of(pid);
    if (status == 77) {
        skip_because("no right to mount a small file system");
    }
    assert_int_equal(status, 0);
}

static void an_interrupted_step_leaves_its_dead_letters_once(void **state)
{
    struct log_bus *const l = *state;
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    const struct lane dead = lane_dead(&l->arena, S("lake"), raw_lane("intake-0"));
    struct record letters[3];
    for (uint64_t i = 0; i < 3; i++) {
        letters[i] = log_record(&l->arena, i, 50);
        letters[i].origin = (struct origin){raw_lane("intake-0"), {100 * (i + 1)}, 1, 1};
    }
    assert_int_equal(bus_append(l->bus, dead, letters, 2, &l->f), OK);
    const struct position first = letters[0].at;
    assert_int_equal(bus_append(l->bus, dead, letters, 2, &l->f), OK); /* the same process */
    log_recover(l);
    assert_int_equal(bus_append(l->bus, dead, letters, 3, &l->f),
                     OK); /* another life, and one more */
    assert_int_equal(letters[0].at.at, first.at);
    assert_int_equal(log_read(l, dead, numbers, NUMBERS_MAX, &n), OK);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(numbers[i], i);
    }
}

static void the_bus_keeps_its_id_and_says_when_it_is_damaged(void **state)
{
    struct log_bus *const l = *state;
    const struct str id = arena_str(&l->arena, bus_id(l->bus));
    log_recover(l);
    assert_true(str_eq(bus_id(l->bus), id));
    log_close(l);
    const int fd = open(folder_path("bus/id"), O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    close(fd);
    struct bus *b = NULL;
    assert_int_equal(bus_open_driver(&l->arena, &bus_embedded, &l->config, &b, &l->f), STOP);
    assert_non_null(strstr(l->f.text, "bus/id"));
}

/* A new id over old lanes would make the store stop, and the lake take everything once more. */
static void streams_whose_id_is_gone_get_no_new_one(void **state)
{
    struct log_bus *const l = *state;
    const struct finding_to nobody = {NULL, NULL};
    struct str id;
    struct bus *b = NULL;
    assert_int_equal(log_append(l, 0, 1, 40), OK);
    log_close(l);
    const char *const path = arena_str(&l->arena, str_of(folder_path("bus/id"))).at;
    assert_int_equal(file_read(&l->arena, path, 64, &id, &l->f), OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bus_recover_driver(&bus_embedded, &l->config, nobody, &l->f), STOP);
    assert_int_equal(bus_open_driver(&l->arena, &bus_embedded, &l->config, &b, &l->f), STOP);
    assert_non_null(strstr(l->f.text, "bus/id is gone"));
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(file_replace(path, id, 0600, &l->f), OK); /* the way out that it names */
    log_recover(l);
    assert_true(str_eq(bus_id(l->bus), str_sub(id, 0, 32)));
}

/* The head of the first step's group in standard/intake-0, as it stands on the disk. */
static struct group_step first_step(struct log_bus *l)
{
    char bytes[4096] = "";
    struct group_step step = {0};
    const struct lane image = {STREAM_STANDARD, S("intake-0")};
    const int fd = open(log_segment(l, image, 0), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, bytes, sizeof bytes), sizeof bytes);
    close(fd);
    const struct str all = {bytes, sizeof bytes};
    const struct segment_head_found head = segment_head_read(all);
    const struct item item = item_read(str_sub(all, SEGMENT_HEAD_BYTES, all.len), head.generation,
                                       head.first);
    assert_int_equal(item.kind, ITEM_GROUP);
    assert_true(group_step_read(&l->arena, item.group.step, &step));
    return step;
}

static void a_step_says_which_configuration_it_was_made_under(void **state)
{
    struct log_bus *const l = *state;
    struct reader *r = NULL;
    l->config.revision = 0x89abcdef;
    assert_int_equal(log_append(l, 0, 1, 40), OK);
    assert_int_equal(step_and_stay(l, &r), OK);
    const struct group_step step = first_step(l);
    assert_int_equal(step.revision, 0x89abcdef);
    assert_true(lane_eq(step.input, raw_lane("intake-0")));
    reader_leave(r);
}

/* The cursor of a stage is its output's last group. A segment behind it may hold nothing. */
static void trimming_never_takes_the_last_group_though_an_empty_segment_follows(void **state)
{
    struct log_bus *const l = *state;
    uint64_t number[NUMBERS_MAX];
    struct lane_ends *ends = NULL;
    size_t n = 0;
    assert_int_equal(log_append(l, 0, 1, 1000), OK);
    log_fail_next("bus.append.sync.fail"); /* seals the segment */
    assert_int_not_equal(log_append(l, 1, 1, 1000), OK);
    log_fail_next("bus.append.write.fail"); /* in the next one, which is there by then */
    assert_int_not_equal(log_append(l, 1, 1, 1000), OK);
    log_fail_nothing();
    assert_non_null(log_segment(l, raw_lane("intake-0"), 1));
    assert_int_equal(bus_ends(l->bus, &l->arena, STREAM_RAW, &ends, &n, &l->f), OK);
    assert_int_equal(bus_trim(l->bus, raw_lane("intake-0"), ends[0].end, &l->f), OK);
    assert_int_equal(log_read(l, raw_lane("intake-0"), number, NUMBERS_MAX, &n), OK);
    assert_int_equal(n, 1);
    assert_int_equal(number[0], 0);
}

static size_t spares_n(struct log_bus *l)
{
    size_t n = 0;
    for (int k = 0; k < 10; k++) {
        const char *const name = arena_printf(&l->arena, "spare-%d", k).at;
        n += access(log_path(l, raw_lane("intake-0"), name), F_OK) == 0;
    }
    return n;
}

enum { ALARMS_MAX = 1000, ALARM_EVERY_US = 10000 };
static volatile sig_atomic_t alarms;
static struct reader *waiting;

static void count_alarm(int number)
{
    (void)number;
    alarms++;
    if (alarms == ALARMS_MAX) {
        reader_wake(waiting); /* or it would wait for ever */
    }
}

/* How a duty that waits hears that it shall stop or flush. */
static void a_wait_without_end_ends_when_a_signal_came(void **state)
{
    struct log_bus *const l = *state;
    struct batch in = {.arena = &l->arena};
    const struct sigaction count = {.sa_handler = count_alarm};
    struct sigaction before;
    const struct itimerval never = {{0, 0}, {0, 0}};
    const struct itimerval often = {{0, ALARM_EVERY_US}, {0, ALARM_EVERY_US}};
    assert_int_equal(
        reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &waiting, &l->f),
        OK);
    alarms = 0;
    assert_int_equal(sigaction(SIGALRM, &count, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    const enum outcome result = reader_read(waiting, 4096, -1, &in, &l->f);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    reader_leave(waiting);
    assert_int_equal(result, OK);
    assert_int_equal(in.n, 0);
    assert_in_range(alarms, 1, ALARMS_MAX - 1);
}

/* What the bus takes beside the signals it holds. */
static void trimmed_files_wait_to_be_used_again_where_the_budget_has_room_for_them(void **state)
{
    enum { SMALL = 16 * 1024, BUDGET = 64 * SMALL };
    struct log_bus *const l = *state;
    log_drop(l);
    log_init(l, SMALL);
    log_open(l);
    for (int is_large = 0; is_large < 2; is_large++) {
        struct lane_ends *ends = NULL;
        size_t n = 0;
        l->config.disk_bytes_max = is_large ? BUDGET : BUDGET - 1;
        for (uint64_t i = 0; i < 200; i++) { /* seven segments */
            assert_int_equal(log_append(l, i, 1, 500), OK);
        }
        assert_int_equal(bus_ends(l->bus, &l->arena, STREAM_RAW, &ends, &n, &l->f), OK);
        assert_int_equal(bus_trim(l->bus, raw_lane("intake-0"), ends[0].end, &l->f), OK);
        assert_in_range(spares_n(l), is_large ? 4 : 0, is_large ? 4 : 1);
    }
}

static void more_lanes_than_a_reader_can_keep_are_told_with_a_way_out(void **state)
{
    struct log_bus *const l = *state;
    struct reader *r = NULL;
    enum outcome result = OK;
    for (int i = 0; i <= READER_LANES_MAX; i++) {
        const struct str name = arena_printf(&l->arena, "left-%d", i);
        assert_int_equal(file_make_dirs(log_path(l, (struct lane){STREAM_RAW, name}, ""), &l->f),
                         OK);
    }
    log_close(l);
    log_open(l);
    assert_int_equal(reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("lake"), CURSOR_SINK, &r, &l->f),
                     OK);
    for (int i = 0; i <= READER_LANES_MAX && result == OK; i++) {
        struct batch b = {.arena = &l->arena};
        result = reader_read(r, 1000, 0, &b, &l->f);
        for (size_t k = 0; k < b.gained_n && result == OK; k++) {
            assert_int_equal(reader_seek(r, b.gained[k], (struct position){0}, &l->f), OK);
        }
    }
    assert_int_equal(result, STOP);
    assert_non_null(strstr(l->f.text, "move folders"));
    reader_leave(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reader_in_another_process_is_woken_by_each_append, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_step_in_another_process_is_fenced_while_this_one_owns_the_output, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_is_told_and_nothing_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interrupted_step_leaves_its_dead_letters_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_step_says_which_configuration_it_was_made_under, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            trimmed_files_wait_to_be_used_again_where_the_budget_has_room_for_them, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            trimming_never_takes_the_last_group_though_an_empty_segment_follows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_lanes_than_a_reader_can_keep_are_told_with_a_way_out,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wait_without_end_ends_when_a_signal_came, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(streams_whose_id_is_gone_get_no_new_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_bus_keeps_its_id_and_says_when_it_is_damaged, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
