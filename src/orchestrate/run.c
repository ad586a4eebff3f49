/* run.c - the orchestrator's one loop: start, watch, restart, reload, drain. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/log.h"
#include "bus/upkeep.h"
#include "orchestrate/child.h"
#include "orchestrate/lock.h"
#include "orchestrate/orchestrate.h"
#include "orchestrate/trim.h"

enum {
    CHILDREN_MAX = 160,    /* 64 intake processes, once more during a reload, and the rest */
    READERS_MAX = 8,       /* duties that read streams                                     */
    TICK_MS = 1000,        /* while somebody works: hangs, trimming                        */
    REST_MS = 3600 * 1000, /* while nobody does: what grows old is forgotten all the same  */
    LASTING_MS = 30000,    /* a child that lived so long starts its tries anew             */
    NEVER_MS = -1
};
#define BUS_ARENA_BYTES_MAX ((size_t)64 << 20)
#define CONFIG_ARENA_BYTES_MAX ((size_t)64 << 20)
#define PAGE_ARENA_BYTES_MAX ((size_t)1 << 20)

struct weir {
    const struct orchestrate *how;
    struct arena config_arena[2]; /* the one in use and the one before the last reload */
    int config_turn;
    const struct config *config;
    struct arena arena;
    struct bus *bus;
    struct progress *page; /* the orchestrator's own: restarts, who is down */
    struct doors intake, admin;
    struct nursery nursery;
    struct child child[CHILDREN_MAX];
    struct trim_reader reader[READERS_MAX];
    size_t readers_n;
    int64_t begun_us, ticked_us, told_us;
    bool is_ready, is_stopping, is_resting;
    int wave; /* of draining */
};

/* ---- which children there are ---- */

static bool is_wanted(const struct weir *w, const struct duty *d)
{
    struct str rest = w->how->only;
    if (rest.len == 0) {
        return true;
    }
    while (rest.len > 0) {
        if (str_eq(str_trim(str_cut(rest, ',', &rest)), str_of(d->stage))) {
            return true;
        }
    }
    return false;
}

static bool index_is_taken(const struct weir *w, const struct duty *d, size_t index)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (w->child[i].duty == d && w->child[i].index == index) {
            return true;
        }
    }
    return false;
}

/* The page outlives processes: counters go on, and trimming knows who stood where. */
static enum outcome add_child(struct weir *w, const struct duty *d, struct failure *f)
{
    struct child *c = w->child;
    while (c < w->child + CHILDREN_MAX && c->duty) {
        c++;
    }
    if (c == w->child + CHILDREN_MAX) {
        return failed(f, RETRY, "more than %d processes: an earlier reload is still draining",
                      CHILDREN_MAX);
    }
    size_t index = 0; /* the lowest free one: old intake processes keep their lanes as they drain */
    while (index_is_taken(w, d, index)) {
        index++;
    }
    *c = (struct child){.index = index};
    (void)snprintf(c->name, sizeof c->name, d->is_many ? "%s-%zu" : "%s", d->stage, index);
    const enum outcome result = progress_open(&w->arena, w->nursery.run_dir, str_of(c->name),
                                              &c->page, f);
    if (result == OK) {
        progress_state(c->page, DUTY_STARTING);
        c->duty = d;
    }
    return result;
}

static enum outcome add_children(struct weir *w, bool is_many_alone, struct failure *f)
{
    for (const struct duty *d = duty_all; d->stage; d++) {
        const int64_t n = d->is_many ? w->config->intake.processes : 1;
        for (int64_t i = 0; i < n && is_wanted(w, d) && (d->is_many || !is_many_alone); i++) {
            const enum outcome result = add_child(w, d, f);
            if (result != OK) {
                return result;
            }
        }
    }
    return OK;
}

static _Atomic uint64_t *counter_of(const struct weir *w, const char *what, const struct child *c)
{
    return progress_counter(w->page, "%s{%s}", what, c->name);
}

static void forget_child(const struct weir *w, struct child *c)
{
    *counter_of(w, "process", c) = 0;
    progress_close(c->page);
    *c = (struct child){.duty = NULL};
}

/* ---- starting, ending ---- */

static void start_due(struct weir *w, int64_t now_us)
{
    for (struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (!c->duty || c->pid > 0 || c->due_us > now_us || w->is_stopping) {
            continue;
        }
        struct failure f;
        if (child_start(c, &w->nursery, &f) == OK) {
            *counter_of(w, "down", c) = 0;
            *counter_of(w, "process", c) = (uint64_t)c->pid;
            continue;
        }
        const int64_t wait_ms = backoff_ms(++c->tries);
        c->due_us = now_us + wait_ms * 1000;
        log_event(LOG_ERROR, "start failed", log_c("duty", c->name), log_c("why", f.text),
                  log_n("next_try_ms", wait_ms));
    }
}

static void tell_end(const struct child *c, pid_t pid, int status, int64_t wait_ms)
{
    char how[64];
    if (WIFSIGNALED(status)) {
        (void)snprintf(how, sizeof how, "killed by signal %d%s", WTERMSIG(status),
                       c->is_killed ? " of the orchestrator" : "");
    } else {
        (void)snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(status));
    }
    log_event(LOG_ERROR, "duty ended", log_c("duty", c->name), log_n("pid", pid), log_c("how", how),
              log_n("restart_ms", wait_ms));
}

static void ended(struct weir *w, struct child *c, int status, int64_t now_us)
{
    const bool was_asked = c->deadline_us > 0;
    if (w->is_stopping || c->is_old) {
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            log_event(LOG_WARN, "did not drain", log_c("duty", c->name), log_n("status", status),
                      log_c("next", "nothing is lost: the next start goes on from its cursor"));
        }
        forget_child(w, c);
        return;
    }
    const pid_t pid = c->pid;
    c->pid = 0;
    if (was_asked) { /* by a reload: it starts at once with the new configuration */
        c->tries = 0;
        c->due_us = 0;
        c->deadline_us = 0;
        return;
    }
    c->tries = now_us - c->started_us > LASTING_MS * 1000LL ? 1 : c->tries + 1;
    const int64_t wait_ms = backoff_ms(c->tries);
    c->due_us = now_us + wait_ms * 1000;
    ++*counter_of(w, "restarts", c);
    *counter_of(w, "down", c) = c->tries; /* red until it has started again */
    tell_end(c, pid, status, wait_ms);
}

static void reap(struct weir *w)
{
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
            if (c->duty && c->pid == pid) {
                ended(w, c, status, clock_mono_us());
                break;
            }
        }
    }
}

static void kill_hanging(struct weir *w, int64_t now_us)
{
    for (struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (!c->duty || c->pid == 0 || c->is_killed) {
            continue;
        }
        const int64_t busy_us = progress_busy_since_us(c->page);
        if (c->deadline_us > 0 && now_us >= c->deadline_us) {
            log_event(LOG_WARN, "drains too long", log_c("duty", c->name), log_n("pid", c->pid),
                      log_c("next", "it is killed; what is accepted stays on disk"));
            child_kill(c);
        } else if (busy_us > 0 && now_us - busy_us > c->duty->hang_ms * 1000) {
            log_event(LOG_ERROR, "hangs", log_c("duty", c->name), log_n("pid", c->pid),
                      log_n("silent_ms", (now_us - busy_us) / 1000),
                      log_c("next", "it is killed and started again"));
            child_kill(c);
        }
    }
}

/* ---- ready, draining ---- */

static bool is_running(const struct child *c)
{
    return c->pid > 0 && c->deadline_us == 0 && progress_state_is(c->page) == DUTY_RUNNING;
}

/* Every duty of the present configuration (of this kind alone, if one is given) does its work. */
static bool all_run(const struct weir *w, bool is_many_alone)
{
    for (const struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (c->duty && !c->is_old && (c->duty->is_many || !is_many_alone) && !is_running(c)) {
            return false;
        }
    }
    return true;
}

static void check_ready(struct weir *w, int64_t now_us)
{
    if (w->is_ready || w->is_stopping || !all_run(w, false)) {
        return;
    }
    struct arena a;
    arena_init(&a, PAGE_ARENA_BYTES_MAX);
    w->is_ready = true;
    *progress_counter(w->page, "ready") = 1;
    log_event(LOG_INFO, "ready", log_s("intake", doors_text(&a, &w->intake)),
              log_s("admin", doors_text(&a, &w->admin)), log_s("data", w->config->data),
              log_n("pid", getpid()), log_n("start_ms", (now_us - w->begun_us) / 1000));
    arena_close(&a);
}

/* Once the new intake processes accept, the old ones may go. */
static void relieve_old(struct weir *w, int64_t now_us)
{
    const bool may_go = all_run(w, true);
    for (struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (!c->duty || !c->is_old) {
            continue;
        }
        if (c->pid == 0) {
            forget_child(w, c);
        } else if (may_go) {
            child_ask(c, now_us, w->config->stop_ms);
        }
    }
}

static int last_wave(void)
{
    int last = 0;
    for (const struct duty *d = duty_all; d->stage; d++) {
        last = d->wave > last ? d->wave : last;
    }
    return last;
}

/* false: nobody is left. */
static bool drain(struct weir *w, int64_t now_us)
{
    for (; w->wave <= last_wave(); w->wave++) {
        bool is_left = false;
        for (struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
            if (!c->duty || c->duty->wave != w->wave) {
                continue;
            }
            if (c->pid == 0) {
                forget_child(w, c); /* it waited to be started again */
            } else {
                child_ask(c, now_us, w->config->stop_ms);
                is_left = true;
            }
        }
        if (is_left) {
            return true;
        }
    }
    return false;
}

static void begin_stop(struct weir *w, int number)
{
    if (w->is_stopping && number == SIGINT) {
        log_event(LOG_WARN, "asked twice", log_c("next", "every process is killed at once"));
        for (struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
            if (c->duty) {
                child_kill(c);
            }
        }
    } else if (!w->is_stopping) {
        w->is_stopping = true;
        *progress_counter(w->page, "ready") = 0;
        log_event(LOG_INFO, "stopping", log_n("signal", number),
                  log_n("within_ms", w->config->stop_ms));
    }
}

/* ---- reload ---- */

static void set_log(const struct config *c)
{
    log_set_level((enum log_level)c->log.level);
    log_set_json(c->log.format == 1);
}

static void refused(const char *why)
{
    log_event(LOG_ERROR, "reload refused", log_c("why", why),
              log_c("next", "the configuration before stays in force"));
}

/* The new configuration, or NULL: it is wrong, and every reason is logged. */
static struct config *read_new(struct weir *w, struct arena *a)
{
    struct config *next = NULL;
    struct str_list errors;
    struct failure f;
    arena_init(a, CONFIG_ARENA_BYTES_MAX);
    if (config_read(a, w->how->place, w->how->agents, &next, &errors, &f) != OK) {
        for (size_t i = 0; i < errors.n; i++) {
            refused(arena_cstr(a, errors.at[i]));
        }
        return NULL;
    }
    if (!str_eq(next->data, w->config->data) || !str_eq(next->bus.path, w->config->bus.path)) {
        refused("`data` and `bus.path` cannot change while weir runs: stop it, then start it");
        return NULL;
    }
    return next;
}

static enum outcome open_doors(const struct config *c, const struct weir *w, struct doors *intake,
                               struct doors *admin, struct failure *f)
{
    enum outcome result = doors_open(intake, &c->intake.listen, &w->intake, f);
    if (result == OK) {
        result = doors_open(admin, &c->admin.listen, &w->admin, f);
        if (result != OK) {
            doors_close(intake, &w->intake);
        }
    }
    return result;
}

/* The old intake processes go on until the new ones accept from the same sockets; the others are
 * drained and started again where they stood. */
static void switch_to(struct weir *w, struct config *next, const struct doors *intake,
                      const struct doors *admin)
{
    struct failure f;
    const int64_t now_us = clock_mono_us();
    doors_close(&w->intake, intake);
    doors_close(&w->admin, admin);
    w->intake = *intake;
    w->admin = *admin;
    w->config = next;
    w->nursery.config = next;
    set_log(next);
    for (struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (c->duty && c->duty->is_many) {
            c->is_old = true;
        } else if (c->duty) {
            child_ask(c, now_us, next->stop_ms);
        }
    }
    if (add_children(w, true, &f) != OK) {
        log_failure(LOG_ERROR, "reload is not whole", &f, "send SIGHUP again later");
    }
    w->is_ready = false;
    w->begun_us = now_us;
}

static void reload(struct weir *w)
{
    struct failure f;
    struct doors intake, admin;
    struct arena *const a = &w->config_arena[!w->config_turn];
    if (w->is_stopping) {
        return;
    }
    struct config *const next = read_new(w, a);
    if (next && open_doors(next, w, &intake, &admin, &f) == OK) {
        log_event(LOG_INFO, "reload", log_s("configuration", next->place));
        switch_to(w, next, &intake, &admin);
        w->config_turn = !w->config_turn;
        arena_close(&w->config_arena[!w->config_turn]); /* children have copies of their own */
        return;
    }
    if (next) {
        refused(f.text);
    }
    arena_close(a);
}

static void pass_flush(struct weir *w)
{
    for (const struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (c->duty && c->pid > 0 && !c->duty->is_many &&
            (c->duty->reads & STREAM_BIT(STREAM_STANDARD))) {
            (void)kill(c->pid, SIGUSR1);
        }
    }
}

/* ---- the loop ---- */

static bool is_anyone_busy(const struct weir *w)
{
    for (const struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (c->duty && c->pid > 0 &&
            (progress_busy_since_us(c->page) > 0 || progress_state_is(c->page) != DUTY_RUNNING)) {
            return true;
        }
    }
    return false;
}

/* Forget what may go. true: it failed, and is to be tried again. */
static bool trim(struct weir *w)
{
    struct failure f;
    struct trimmed done;
    const struct trim t = {.config = w->config,
                           .bus = w->bus,
                           .reader = w->reader,
                           .readers_n = w->readers_n,
                           .now_us = clock_now_us()};
    if (trim_all(&t, &done, &f) != OK) {
        log_failure(LOG_WARN, "trim failed", &f, "it is tried again");
        return true;
    }
    if (done.dead_n > 0) {
        *progress_counter(w->page, "dead_dropped") += done.dead_n;
        log_event(LOG_WARN, "dead letters dropped", log_n("n", (int64_t)done.dead_n),
                  log_c("why", "they are older than dead.keep or over dead.disk_max"));
    }
    return false;
}

/* Rest when nobody works, and a while after the last one did, so that what it left is trimmed; who
 * begins to work from here on wakes the orchestrator. A reader that gathers (the lake, for minutes)
 * is behind, and yet there is nothing to do until it flushes. */
static void tick(struct weir *w, int64_t now_us)
{
    w->ticked_us = now_us;
    const bool must_trim = trim(w);
    w->is_resting = false;
    if (must_trim || now_us - w->told_us < TICK_MS * 1000LL || is_anyone_busy(w)) {
        return;
    }
    for (const struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (c->duty) {
            progress_watch(c->page);
        }
    }
    w->is_resting = !is_anyone_busy(w);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(const struct weir *w, int64_t now_us)
{
    int64_t until_us = now_us + (w->is_resting ? REST_MS : TICK_MS) * 1000LL;
    for (const struct child *c = w->child; c < w->child + CHILDREN_MAX; c++) {
        if (c->duty && c->pid == 0 && !w->is_stopping) {
            until_us = sooner(until_us, c->due_us);
        }
        if (c->duty && c->pid > 0 && c->deadline_us > 0 && !c->is_killed) {
            until_us = sooner(until_us, c->deadline_us);
        }
    }
    return until_us <= now_us ? 0 : (int)((until_us - now_us + 999) / 1000);
}

static void take_signals(struct weir *w)
{
    struct signalfd_siginfo info;
    while (read(w->nursery.signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD: reap(w); break;
        case SIGHUP: reload(w); break;
        case SIGUSR1: pass_flush(w); break;
        default: begin_stop(w, (int)info.ssi_signo); break;
        }
    }
}

static void turn(struct weir *w)
{
    const int64_t now_us = clock_mono_us();
    struct pollfd fds[] = {{.fd = w->nursery.signal_fd, .events = POLLIN},
                           {.fd = w->nursery.event_fd, .events = POLLIN}};
    if (poll(fds, sizeof fds / sizeof *fds, wait_ms(w, now_us)) < 0 && errno != EINTR) {
        log_event(LOG_ERROR, "poll failed", log_n("errno", errno));
    }
    uint64_t told = 0;
    if (read(w->nursery.event_fd, &told, sizeof told) == (ssize_t)sizeof told) {
        w->is_resting = false;
        w->told_us = clock_mono_us();
    }
    take_signals(w);
}

static void loop(struct weir *w)
{
    for (;;) {
        const int64_t now_us = clock_mono_us();
        start_due(w, now_us);
        relieve_old(w, now_us);
        kill_hanging(w, now_us);
        check_ready(w, now_us);
        if (w->is_stopping && !drain(w, now_us)) {
            return;
        }
        if (now_us - w->ticked_us >= TICK_MS * 1000LL) {
            tick(w, now_us);
        }
        turn(w);
    }
}

/* ---- set-up ---- */

static enum outcome take_signal_fd(struct weir *w, struct failure *f)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&set, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    w->nursery.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    w->nursery.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->nursery.signal_fd < 0 || w->nursery.event_fd < 0) {
        return failed_errno(f, STOP, "make descriptors for signals");
    }
    return OK;
}

static void tell_finding(void *to, const struct finding *found)
{
    (void)to;
    const bool is_torn = found->kind == FINDING_TORN;
    log_event(is_torn ? LOG_WARN : LOG_ERROR, is_torn ? "torn end cut" : "damage set aside",
              log_c("stream", stream_name(found->lane.stream)), log_s("lane", found->lane.name),
              log_n("position", (int64_t)found->at.at), log_n("bytes", (int64_t)found->bytes),
              log_s("file", found->path),
              log_c("lost", is_torn ? "nothing that was acknowledged"
                                    : "the signals in these bytes; the file keeps them"));
}

static enum outcome open_bus(struct weir *w, struct failure *f)
{
    enum outcome result = bus_recover(&w->config->bus, (struct finding_to){.found = tell_finding},
                                      f);
    if (result == OK) {
        result = bus_open(&w->arena, w->config->bus.type, &w->config->bus, &w->bus, f);
    }
    return result;
}

/* Trimming waits for every reader there is, run by this weir or not. */
static enum outcome open_readers(struct weir *w, struct failure *f)
{
    enum outcome result = OK;
    for (const struct duty *d = duty_all; d->stage && result == OK; d++) {
        if (d->reads == 0) {
            continue;
        }
        assert(w->readers_n < READERS_MAX); /* one left out would lose what it has not read */
        struct progress *page = NULL;
        result = progress_open(&w->arena, w->nursery.run_dir, str_of(d->stage), &page, f);
        w->reader[w->readers_n++] = (struct trim_reader){.streams = d->reads, .page = page};
    }
    return result;
}

static enum outcome set_up(struct weir *w, struct failure *f)
{
    struct doors intake, admin;
    enum outcome result = take_signal_fd(w, f);
    if (result == OK) {
        result = open_doors(w->config, w, &intake, &admin, f);
    }
    if (result != OK) {
        return result;
    }
    w->intake = intake;
    w->admin = admin;
    w->nursery.run_dir = arena_printf(&w->arena, "%.*s/run", STR_ARG(w->config->data));
    result = progress_open(&w->arena, w->nursery.run_dir, S("orchestrator"), &w->page, f);
    if (result == OK) {
        result = open_bus(w, f);
    }
    if (result == OK) {
        result = open_readers(w, f);
    }
    if (result == OK) {
        *progress_counter(w->page, "started_us") = (uint64_t)clock_now_us();
        *progress_counter(w->page, "ready") = 0;
        result = add_children(w, false, f);
    }
    for (struct child *c = w->child; c < w->child + CHILDREN_MAX && result == OK; c++) {
        if (c->duty) {
            *counter_of(w, "restarts", c) = 0;
            *counter_of(w, "down", c) = 1;
        }
    }
    return result;
}

static void tear_down(struct weir *w)
{
    if (w->bus) {
        bus_close(w->bus);
    }
    doors_close(&w->intake, NULL);
    doors_close(&w->admin, NULL);
    close(w->nursery.signal_fd);
    close(w->nursery.event_fd);
    for (size_t i = 0; i < w->readers_n; i++) {
        progress_close(w->reader[i].page);
    }
    if (w->page) {
        progress_close(w->page);
    }
    arena_close(&w->config_arena[0]);
    arena_close(&w->config_arena[1]);
    arena_close(&w->arena);
}

enum outcome orchestrate_run(const struct orchestrate *o, struct arena *a, struct config *config,
                             struct failure *f)
{
    int lock_fd = -1;
    struct weir *const w = arena_new(a, struct weir);
    *w = (struct weir){.how = o, .config = config, .begun_us = clock_mono_us()};
    w->nursery = (struct nursery){.config = config,
                                  .intake = &w->intake,
                                  .admin = &w->admin,
                                  .event_fd = -1,
                                  .signal_fd = -1,
                                  .title = o->title,
                                  .title_bytes = o->title_bytes};
    arena_init(&w->arena, BUS_ARENA_BYTES_MAX);
    set_log(config);
    enum outcome result = lock_take(a, config->data, &lock_fd, f);
    if (result != OK) {
        return result;
    }
    result = set_up(w, f);
    if (result == OK) {
        loop(w);
        log_event(LOG_INFO, "stopped", log_c("next", "everything accepted is on disk"));
    }
    tear_down(w);
    close(lock_fd);
    return result;
}
