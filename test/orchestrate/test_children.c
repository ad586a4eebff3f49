#include "orchestrate/children.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/log.h"
#include "bus/driver.h"
#include "folder.h"
#include "test.h"

/* ---- duties of the test's own; what they do is set before they are forked ---- */

enum behaviour {
    WORKS,
    FAILS,
    IS_SLOW_TO_START, /* until the test says so */
    IS_DEAF,          /* to SIGTERM */
    GETS_FURTHER,     /* before it fails */
    BEATS
};

static enum behaviour behaviour;
static _Atomic uint64_t *may_run; /* shared with the children */

/* Waits for something to do, for ever, as duties do: only who is woken shows a beat. */
static enum outcome wait_for_work(const struct post *p)
{
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct pollfd fds = {.fd = wake_fd, .events = POLLIN};
    asked_install(asked_wake_fd, &wake_fd);
    progress_state(p->progress, DUTY_RUNNING);
    while (!asked_to_stop()) {
        eventfd_t n = 0;
        progress_beat(p->progress, false);
        (void)poll(&fds, 1, -1);
        (void)eventfd_read(wake_fd, &n);
    }
    return OK;
}

static enum outcome toy(const struct post *p, struct failure *f)
{
    if (behaviour == BEATS) {
        return wait_for_work(p);
    }
    if (behaviour == FAILS) {
        return failed(f, STOP, "it fails");
    }
    if (behaviour == GETS_FURTHER) {
        static const struct lane lane = {STREAM_RAW, STR("intake-0")};
        struct progress_cursor before = {.at = {0}};
        (void)progress_cursor_at(p->progress, 0, &before);
        const struct position at = {before.at.at + 1};
        progress_cursor(p->progress, lane, at, at, 0, TIME_NONE);
        return failed(f, STOP, "it fails");
    }
    if (behaviour == IS_DEAF) {
        (void)signal(SIGTERM, SIG_IGN);
    }
    while (behaviour == IS_SLOW_TO_START && *may_run == 0) {
        asked_pause(5);
    }
    *progress_counter(p->progress, "named") = strcmp(program_invocation_short_name, "weir") == 0;
    *progress_counter(p->progress, "processes") = (uint64_t)p->config->intake.processes;
    progress_state(p->progress, DUTY_RUNNING);
    while (!asked_to_stop()) {
        if (asked_to_flush()) {
            ++*progress_counter(p->progress, "flushed");
        }
        asked_pause(1000);
    }
    return OK;
}

static struct str one_sink(const struct config *c, size_t i)
{
    (void)c;
    return i == 0 ? S("sink-far") : S("");
}

enum { HANG_MS = 500 };
static const unsigned raw = STREAM_BIT(STREAM_RAW), standard = STREAM_BIT(STREAM_STANDARD);
static const struct duty duties[] = {
    {.stage = "many", .run = toy, .is_many = true, .wave = 0, .hang_ms = HANG_MS},
    {.stage = "middle", .run = toy, .reads = &raw, .wave = 1, .hang_ms = HANG_MS},
    {.stage = "keeper", .run = toy, .reads = &standard, .wave = 2, .hang_ms = HANG_MS},
    {0},
};

/* ---- the rig ---- */

struct rig {
    struct arena arena;
    struct config config, next;
    struct doors none;
    struct children all;
    struct failure f;
};

static struct rig *rig_open(int64_t processes)
{
    static struct rig the_one; /* too large for the stack */
    struct rig *const r = &the_one;
    memset(r, 0, sizeof *r);
    assert_non_null(folder_make());
    arena_init(&r->arena, (size_t)256 << 20);
    behaviour = WORKS;
    log_set_level(LOG_ERROR + 1); /* what is tested here is no news */
    static const struct section_type embedded = {.name = "embedded", .driver = &bus_embedded};
    r->config.bus = (struct config_bus){.type = &embedded,
                                        .path = str_of(folder_path("bus")),
                                        .segment_bytes = 1 << 20,
                                        .disk_bytes_max = 16 << 20};
    r->config.bus.path = arena_str(&r->arena, r->config.bus.path);
    r->config.stop_ms = 30000;
    r->config.intake.processes = processes;
    const struct finding_to nobody = {NULL, NULL};
    assert_int_equal(bus_recover(&r->config.bus, nobody, &r->f), OK);
    r->all = (struct children){.duties = duties,
                               .arena = &r->arena,
                               .nursery = {.config = &r->config,
                                           .intake = &r->none,
                                           .admin = &r->none,
                                           .run_dir = arena_str(&r->arena, str_of(folder_path(""))),
                                           .event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                           .signal_fd = eventfd(0, EFD_CLOEXEC)}};
    assert_int_equal(
        progress_open(&r->arena, r->all.nursery.run_dir, S("orchestrator"), &r->all.page, &r->f),
        OK);
    may_run = progress_counter(r->all.page, "may_run");
    return r;
}

static void rig_close(struct rig *r)
{
    children_kill(&r->all);
    r->all.is_stopping = true;
    while (children_drain(&r->all, clock_mono_us())) {
        children_reap(&r->all, clock_mono_us());
        poll(NULL, 0, 1);
    }
    progress_close(r->all.page);
    close(r->all.nursery.event_fd);
    close(r->all.nursery.signal_fd);
    arena_close(&r->arena);
    folder_drop();
}

static struct child *find(struct rig *r, const char *name)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (r->all.child[i].duty && strcmp(r->all.child[i].name, name) == 0) {
            return &r->all.child[i];
        }
    }
    return NULL;
}

static size_t count(struct rig *r, const char *stage)
{
    size_t n = 0;
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        n += r->all.child[i].duty && strcmp(r->all.child[i].duty->stage, stage) == 0;
    }
    return n;
}

static uint64_t counter(struct rig *r, const char *what, const char *name)
{
    return *progress_counter(r->all.page, "%s{%s}", what, name);
}

/* Turn until it is so; the wait is for processes, which the clock that is given has no part in. */
#define until(r, what)                                                                             \
    do {                                                                                           \
        for (int turns = 0; !(what); turns++) {                                                    \
            assert_true(turns < 30000);                                                            \
            poll(NULL, 0, 1);                                                                      \
            children_reap(&(r)->all, clock_mono_us());                                             \
            children_turn(&(r)->all, clock_mono_us());                                             \
        }                                                                                          \
    } while (0)

static void start(struct rig *r)
{
    assert_int_equal(children_add(&r->all, &r->f), OK);
    until(r, children_all_run(&r->all, clock_mono_us()));
}

/* One process of one stage, which is not started yet. */
static struct rig *rig_of(const char *stage, enum behaviour is)
{
    struct rig *const r = rig_open(1);
    r->all.only = str_of(stage);
    behaviour = is;
    assert_int_equal(children_add(&r->all, &r->f), OK);
    return r;
}

/* ---- which there are ---- */

static void only_the_stages_that_were_named_run(void **state)
{
    (void)state;
    struct rig *const r = rig_open(2);
    r->all.only = S("keeper, many");
    start(r);
    assert_int_equal(count(r, "many"), 2);
    assert_int_equal(count(r, "middle"), 0);
    assert_int_equal(count(r, "keeper"), 1);
    rig_close(r);
}

static void a_stage_whose_name_only_begins_alike_does_not_run(void **state)
{
    (void)state;
    struct rig *const r = rig_open(1);
    r->all.only = S("man,keepers");
    assert_int_equal(children_add(&r->all, &r->f), OK);
    assert_int_equal(count(r, "many") + count(r, "middle") + count(r, "keeper"), 0);
    rig_close(r);
}

/* ---- starting again ---- */

static void who_fails_is_started_again_later_and_later_and_is_down_meanwhile(void **state)
{
    (void)state;
    struct rig *const r = rig_of("middle", FAILS);
    struct child *const c = find(r, "middle");
    int64_t now_us = clock_mono_us(), waited_us = 0;
    for (unsigned tries = 1; tries <= 8; tries++) {
        children_turn(&r->all, now_us);
        assert_true(c->pid > 0);
        assert_int_equal(counter(r, "down", "middle"), 0);
        while (c->pid > 0) {
            children_reap(&r->all, now_us);
        }
        assert_int_equal(c->tries, tries);
        assert_int_equal(counter(r, "restarts", "middle"), tries);
        assert_int_equal(counter(r, "down", "middle"), tries);
        waited_us = c->due_us - now_us;
        assert_int_equal(children_due_us(&r->all, INT64_MAX), c->due_us);
        children_turn(&r->all, c->due_us - 1);
        assert_int_equal(c->pid, 0);
        now_us = c->due_us;
    }
    assert_true(waited_us > 3 * 1000 * 1000); /* 100 ms doubled 7 times, half of it taken off */
    assert_false(children_all_run(&r->all, clock_mono_us()));
    rig_close(r);
}

/* Poison by the dozen: each is passed after two deaths, and the path must not stand still for
 * longer and longer. */
static void who_got_further_starts_its_tries_anew(void **state)
{
    (void)state;
    struct rig *const r = rig_of("middle", GETS_FURTHER);
    struct child *const c = find(r, "middle");
    int64_t now_us = clock_mono_us();
    for (unsigned deaths = 1; deaths <= 8; deaths++) {
        behaviour = deaths % 2 ? GETS_FURTHER : FAILS;
        children_turn(&r->all, now_us);
        while (c->pid > 0) {
            children_reap(&r->all, now_us);
        }
        assert_int_equal(c->tries, deaths % 2 ? 1 : 2);
        assert_int_equal(counter(r, "restarts", "middle"), deaths);
        now_us = c->due_us;
    }
    rig_close(r);
}

static void who_lasted_starts_its_tries_anew(void **state)
{
    (void)state;
    struct rig *const r = rig_of("middle", WORKS);
    until(r, children_all_run(&r->all, clock_mono_us()));
    struct child *const c = find(r, "middle");
    const int64_t later_us = clock_mono_us() + 31 * 1000 * 1000LL;
    c->tries = 7;
    kill(c->pid, SIGKILL);
    while (c->pid > 0) {
        children_reap(&r->all, later_us);
    }
    assert_int_equal(c->tries, 1);
    rig_close(r);
}

static void who_is_busy_without_a_beat_hangs_and_who_waits_does_not(void **state)
{
    (void)state;
    struct rig *const r = rig_open(1);
    start(r);
    struct child *const middle = find(r, "middle"), *const keeper = find(r, "keeper");
    const pid_t hanging = middle->pid, waiting = keeper->pid;
    progress_beat(middle->page, true);
    const int64_t busy_us = progress_busy_since_us(middle->page);
    children_turn(&r->all, busy_us + HANG_MS * 1000);
    assert_false(middle->is_killed);
    children_turn(&r->all, busy_us + HANG_MS * 1000 + 1);
    assert_true(middle->is_killed);
    until(r, middle->pid != hanging && children_all_run(&r->all, clock_mono_us()));
    assert_int_equal(keeper->pid, waiting);
    assert_int_equal(counter(r, "restarts", "middle"), 1);
    rig_close(r);
}

/* Stopped together with its children: they could not beat, and nobody could have heard them. */
static void a_pause_of_the_whole_machine_is_no_hang(void **state)
{
    enum { PAUSE_US = 100 * 1000 * 1000 };
    (void)state;
    struct rig *const r = rig_open(1);
    start(r);
    struct child *const middle = find(r, "middle"), *const keeper = find(r, "keeper");
    progress_beat(middle->page, true);
    const int64_t later_us = progress_busy_since_us(middle->page) + PAUSE_US;
    keeper->probed_us = later_us - PAUSE_US;
    children_turn(&r->all, later_us);
    children_probe(&r->all, later_us, later_us);
    assert_false(middle->is_killed || keeper->is_killed || keeper->is_silent);
    children_turn(&r->all, later_us + HANG_MS * 1000 + 1);
    assert_true(middle->is_killed);
    rig_close(r);
}

static void who_waits_is_asked_for_a_turn_and_hangs_when_it_does_not_answer(void **state)
{
    (void)state;
    struct rig *const r = rig_open(1);
    behaviour = BEATS;
    start(r);
    struct child *const middle = find(r, "middle"), *const keeper = find(r, "keeper");
    assert_int_equal(kill(middle->pid, SIGSTOP), 0);
    poll(NULL, 0, 2); /* what it was about to write is written */
    const int64_t now_us = clock_mono_us();
    children_probe(&r->all, now_us, now_us);
    assert_true(children_any_busy(&r->all)); /* nobody rests before the answers */
    for (int turns = 0; progress_beat_us(keeper->page) < now_us; turns++) {
        assert_true(turns < 30000);
        poll(NULL, 0, 1);
    }
    children_probe(&r->all, now_us, now_us + 1);
    assert_int_equal(keeper->probed_us, 0);
    assert_int_equal(middle->probed_us, now_us);
    children_probe(&r->all, now_us, now_us + 11 * 1000 * 1000);
    assert_int_equal(counter(r, "down", "middle"), 1);
    assert_int_equal(counter(r, "down", "keeper"), 0);
    children_turn(&r->all, now_us + HANG_MS * 1000);
    assert_false(middle->is_killed);
    children_turn(&r->all, now_us + HANG_MS * 1000 + 1);
    assert_true(middle->is_killed);
    assert_false(keeper->is_killed);
    const pid_t hung = middle->pid;
    until(r, middle->pid != hung && children_all_run(&r->all, clock_mono_us()));
    assert_int_equal(counter(r, "restarts", "middle"), 1);
    rig_close(r);
}

static void who_comes_after_a_process_that_hung_is_not_killed_for_it(void **state)
{
    (void)state;
    struct rig *const r = rig_of("middle", WORKS);
    until(r, children_all_run(&r->all, clock_mono_us()));
    struct child *const c = find(r, "middle");
    progress_beat(c->page, true);
    kill(c->pid, SIGKILL);
    until(r, c->pid == 0);
    behaviour = IS_SLOW_TO_START;
    children_turn(&r->all, clock_mono_us() + 3600 * 1000000LL);
    assert_true(c->pid > 0);
    assert_false(c->is_killed);
    assert_false(children_all_run(&r->all, clock_mono_us()));
    rig_close(r);
}

/* The record in hand is suspected less of a kill from outside (the machine was out of memory) than
 * of an end of the process's own, to which a hang belongs. */
static void a_kill_from_outside_is_told_from_a_hang(void **state)
{
    (void)state;
    struct rig *const r = rig_of("middle", WORKS);
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    const struct position at = {7};
    until(r, children_all_run(&r->all, clock_mono_us()));
    struct child *const c = find(r, "middle");
    (void)progress_hand(c->page, lane, at);
    const pid_t first = c->pid;
    kill(first, SIGKILL);
    until(r, c->pid != first && children_all_run(&r->all, clock_mono_us()));
    struct hand_past past = progress_hand(c->page, lane, at);
    assert_int_equal(past.kills, 1);
    assert_int_equal(past.deaths, 0);
    progress_beat(c->page, true);
    const pid_t second = c->pid;
    children_turn(&r->all, progress_busy_since_us(c->page) + HANG_MS * 1000 + 1);
    until(r, c->pid != second && children_all_run(&r->all, clock_mono_us()));
    past = progress_hand(c->page, lane, at);
    assert_int_equal(past.kills, 1);
    assert_int_equal(past.deaths, 1);
    rig_close(r);
}

/* ---- draining ---- */

static void each_wave_is_asked_once_the_one_before_it_is_gone(void **state)
{
    (void)state;
    struct rig *const r = rig_open(2);
    start(r);
    r->all.is_stopping = true;
    static const char *const order[] = {"many", "middle", "keeper"};
    for (size_t wave = 0; wave < 3; wave++) {
        assert_true(children_drain(&r->all, clock_mono_us()));
        for (size_t i = wave; i < 3; i++) {
            for (size_t k = 0; k < CHILDREN_MAX; k++) {
                const struct child *const c = &r->all.child[k];
                if (c->duty && strcmp(c->duty->stage, order[i]) == 0) {
                    assert_int_equal(c->deadline_us > 0, i == wave);
                }
            }
        }
        until(r, count(r, order[wave]) == 0);
    }
    assert_false(children_drain(&r->all, clock_mono_us()));
    rig_close(r);
}

static void who_does_not_drain_in_time_is_killed_and_not_started_again(void **state)
{
    (void)state;
    struct rig *const r = rig_of("middle", IS_DEAF);
    until(r, children_all_run(&r->all, clock_mono_us()));
    const struct child *const c = find(r, "middle");
    r->all.is_stopping = true;
    const int64_t now_us = clock_mono_us(), due_us = now_us + r->config.stop_ms * 1000;
    assert_true(children_drain(&r->all, now_us));
    assert_int_equal(children_due_us(&r->all, INT64_MAX), due_us);
    children_turn(&r->all, due_us - 1);
    assert_false(c->is_killed);
    children_turn(&r->all, due_us);
    assert_true(c->is_killed);
    assert_int_equal(children_due_us(&r->all, INT64_MAX), INT64_MAX);
    until(r, count(r, "middle") == 0);
    assert_false(children_drain(&r->all, due_us));
    rig_close(r);
}

static void who_waits_to_be_started_again_does_not_hold_up_the_stop(void **state)
{
    (void)state;
    struct rig *const r = rig_of("many", FAILS);
    until(r, find(r, "many-0")->due_us > 0);
    r->all.is_stopping = true;
    assert_int_equal(children_due_us(&r->all, INT64_MAX), INT64_MAX);
    children_turn(&r->all, INT64_MAX / 2);
    assert_int_equal(find(r, "many-0")->pid, 0);
    assert_false(children_drain(&r->all, clock_mono_us()));
    assert_int_equal(count(r, "many"), 0);
    rig_close(r);
}

/* ---- another configuration ---- */

static void renew(struct rig *r, int64_t processes)
{
    r->next = r->config;
    r->next.intake.processes = processes;
    r->all.nursery.config = &r->next;
    assert_int_equal(children_renew(&r->all, clock_mono_us(), &r->f), OK);
}

static size_t asked(struct rig *r, const char *stage)
{
    size_t n = 0;
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        const struct child *const c = &r->all.child[i];
        n += c->duty && strcmp(c->duty->stage, stage) == 0 && c->deadline_us > 0;
    }
    return n;
}

/* From `from` processes to `to`, of which none accepts before the test says so. */
static void move(int64_t from, int64_t to)
{
    struct rig *const r = rig_open(from);
    start(r);
    behaviour = IS_SLOW_TO_START;
    renew(r, to);
    assert_int_equal(count(r, "many"), from + to);
    assert_int_equal(asked(r, "middle") + asked(r, "keeper"), 2);
    until(r, counter(r, "process", "middle") > 0 && asked(r, "middle") == 0);
    children_turn(&r->all, clock_mono_us());
    assert_int_equal(count(r, "many"), from + to);
    assert_int_equal(asked(r, "many"), 0); /* the old ones go on: nobody would be refused */
    *may_run = 1;
    until(r, children_all_run(&r->all, clock_mono_us()) && count(r, "many") == (size_t)to);
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (r->all.child[i].duty) {
            assert_int_equal(*progress_counter(r->all.child[i].page, "processes"), to);
            assert_int_equal(*progress_counter(r->all.child[i].page, "named"), 1);
        }
    }
    rig_close(r);
}

static void old_processes_go_once_the_new_ones_accept_when_there_are_more_of_them(void **state)
{
    (void)state;
    move(1, 3);
}

static void old_processes_go_once_the_new_ones_accept_when_there_are_fewer_of_them(void **state)
{
    (void)state;
    move(3, 1);
}

static void old_and_new_processes_never_share_a_lane(void **state)
{
    (void)state;
    struct rig *const r = rig_open(2);
    start(r);
    for (int turn = 0; turn < 4; turn++) {
        renew(r, 2);
        bool is_taken[CHILDREN_MAX] = {false};
        for (size_t i = 0; i < CHILDREN_MAX; i++) {
            const struct child *const c = &r->all.child[i];
            if (c->duty && c->duty->is_many) {
                assert_false(is_taken[c->index]);
                is_taken[c->index] = true;
            }
        }
        assert_true(is_taken[0] && is_taken[1] && is_taken[2] && is_taken[3]);
        assert_false(is_taken[4]); /* lanes are used again: they do not grow with each reload */
        until(r, children_all_run(&r->all, clock_mono_us()) && count(r, "many") == 2);
    }
    rig_close(r);
}

static void a_renewal_without_room_changes_nothing(void **state)
{
    (void)state;
    struct rig *const r = rig_open(64);
    r->all.only = S("many");
    assert_int_equal(children_add(&r->all, &r->f), OK);
    renew(r, 64);
    static struct children before;
    before = r->all;
    assert_int_equal(children_renew(&r->all, clock_mono_us(), &r->f), RETRY);
    assert_non_null(strstr(r->f.text, "again later"));
    assert_memory_equal(&before, &r->all, sizeof before);
    rig_close(r);
}

static void an_old_process_that_waited_to_be_started_again_is_not(void **state)
{
    (void)state;
    struct rig *const r = rig_of("many", FAILS);
    until(r, find(r, "many-0")->due_us > 0);
    behaviour = WORKS;
    renew(r, 1);
    children_turn(&r->all, clock_mono_us());
    assert_null(find(r, "many-0"));
    until(r, children_all_run(&r->all, clock_mono_us()));
    assert_int_equal(count(r, "many"), 1);
    rig_close(r);
}

static void who_was_asked_to_stop_runs_no_more(void **state)
{
    (void)state;
    struct rig *const r = rig_of("middle", IS_DEAF);
    until(r, children_all_run(&r->all, clock_mono_us()));
    renew(r, 1);
    assert_false(children_all_run(&r->all, clock_mono_us()));
    rig_close(r);
}

static void a_renewal_starts_at_once_who_waited_to_be_started_again(void **state)
{
    (void)state;
    struct rig *const r = rig_of("middle", FAILS);
    struct child *const c = find(r, "middle");
    until(r, c->due_us > 0);
    c->due_us = INT64_MAX;
    behaviour = WORKS;
    renew(r, 1);
    children_turn(&r->all, clock_mono_us());
    assert_true(c->pid > 0);
    until(r, children_all_run(&r->all, clock_mono_us()));
    rig_close(r);
}

static void a_sink_whose_far_end_does_not_answer_keeps_nobody_from_being_ready_for_long(
    void **state)
{
    static const struct duty each[] = {
        {.stage = "sink", .run = toy, .each = one_sink, .hang_ms = HANG_MS}, {0}};
    (void)state;
    for (int is_sink = 0; is_sink < 2; is_sink++) {
        struct rig *const r = rig_open(1);
        behaviour = IS_SLOW_TO_START;
        r->all.duties = is_sink ? each : duties;
        r->all.only = is_sink ? S("sink") : S("middle");
        assert_int_equal(children_add(&r->all, &r->f), OK);
        const struct child *const c = find(r, is_sink ? "sink-far" : "middle");
        until(r, c->pid > 0);
        assert_false(children_all_run(&r->all, c->started_us + 100000));
        assert_int_equal(children_all_run(&r->all, c->started_us + 2000000), is_sink);
        *may_run = 1;
        until(r, progress_state_is(c->page) == DUTY_RUNNING);
        assert_true(children_all_run(&r->all, c->started_us));
        rig_close(r);
    }
}

/* ---- flushing, resting ---- */

static void a_flush_is_passed_to_who_keeps_standard_models_alone(void **state)
{
    (void)state;
    struct rig *const r = rig_open(1);
    assert_int_equal(children_add(&r->all, &r->f), OK);
    children_flush(&r->all, NULL); /* nobody is there yet: no other process may get it */
    until(r, children_all_run(&r->all, clock_mono_us()));
    children_flush(&r->all, NULL);
    until(r, *progress_counter(find(r, "keeper")->page, "flushed") == 1);
    assert_int_equal(*progress_counter(find(r, "middle")->page, "flushed"), 0);
    assert_int_equal(*progress_counter(find(r, "many-0")->page, "flushed"), 0);
    rig_close(r);
}

static void who_begins_to_work_while_it_is_watched_tells_so_once(void **state)
{
    (void)state;
    struct rig *const r = rig_open(1);
    eventfd_t told = 0;
    start(r);
    assert_false(children_any_busy(&r->all));
    struct child *const c = find(r, "middle");
    progress_tell(c->page, r->all.nursery.event_fd); /* as the process itself does */
    (void)eventfd_read(r->all.nursery.event_fd, &told);
    progress_beat(c->page, true);
    assert_true(children_any_busy(&r->all));
    assert_int_equal(eventfd_read(r->all.nursery.event_fd, &told), -1);
    progress_beat(c->page, false);
    children_watch(&r->all);
    progress_beat(c->page, true);
    progress_beat(c->page, true);
    assert_int_equal(eventfd_read(r->all.nursery.event_fd, &told), 0);
    assert_int_equal(told, 1);
    progress_beat(c->page, false);
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_stages_that_were_named_run),
        cmocka_unit_test(a_stage_whose_name_only_begins_alike_does_not_run),
        cmocka_unit_test(who_fails_is_started_again_later_and_later_and_is_down_meanwhile),
        cmocka_unit_test(who_got_further_starts_its_tries_anew),
        cmocka_unit_test(who_lasted_starts_its_tries_anew),
        cmocka_unit_test(who_is_busy_without_a_beat_hangs_and_who_waits_does_not),
        cmocka_unit_test(a_pause_of_the_whole_machine_is_no_hang),
        cmocka_unit_test(who_waits_is_asked_for_a_turn_and_hangs_when_it_does_not_answer),
        cmocka_unit_test(who_comes_after_a_process_that_hung_is_not_killed_for_it),
        cmocka_unit_test(a_kill_from_outside_is_told_from_a_hang),
        cmocka_unit_test(each_wave_is_asked_once_the_one_before_it_is_gone),
        cmocka_unit_test(who_does_not_drain_in_time_is_killed_and_not_started_again),
        cmocka_unit_test(who_waits_to_be_started_again_does_not_hold_up_the_stop),
        cmocka_unit_test(old_processes_go_once_the_new_ones_accept_when_there_are_more_of_them),
        cmocka_unit_test(old_processes_go_once_the_new_ones_accept_when_there_are_fewer_of_them),
        cmocka_unit_test(old_and_new_processes_never_share_a_lane),
        cmocka_unit_test(a_renewal_without_room_changes_nothing),
        cmocka_unit_test(an_old_process_that_waited_to_be_started_again_is_not),
        cmocka_unit_test(who_was_asked_to_stop_runs_no_more),
        cmocka_unit_test(a_renewal_starts_at_once_who_waited_to_be_started_again),
        cmocka_unit_test(
            a_sink_whose_far_end_does_not_answer_keeps_nobody_from_being_ready_for_long),
        cmocka_unit_test(a_flush_is_passed_to_who_keeps_standard_models_alone),
        cmocka_unit_test(who_begins_to_work_while_it_is_watched_tells_so_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
