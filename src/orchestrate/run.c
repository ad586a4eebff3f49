/* run.c - the orchestrator's one loop: set up, watch, mend, trim, rest, stop. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/log.h"
#include "bus/trim.h"
#include "orchestrate/children.h"
#include "orchestrate/lock.h"
#include "orchestrate/orchestrate.h"
#include "orchestrate/reload.h"

enum {
    TICK_MS = 1000,        /* while somebody works: hangs, trimming                        */
    REST_MS = 3600 * 1000, /* while nobody does: what grows old is forgotten all the same  */
    AGAIN_MS = 10000       /* who was asked to keep what it holds, and holds the same, is asked */
};
#define BUS_ARENA_BYTES_MAX ((size_t)64 << 20)
#define PAGE_ARENA_BYTES_MAX ((size_t)1 << 20)

struct weir {
    const struct orchestrate *how;
    struct setup setup;
    struct arena arena;
    struct bus *bus;
    int bus_lock_fd;
    struct progress *page; /* the orchestrator's own: restarts, who is down */
    struct children children;
    struct trim_reader reader[TRIM_READERS_MAX];
    struct gatherer {
        const struct duty *duty; /* of reader[i] */
        uint64_t held_bytes;     /* when it was asked last, at asked_us */
        int64_t asked_us;
    } gatherer[TRIM_READERS_MAX];
    size_t readers_n;
    int64_t begun_us, ticked_us, told_us;
    struct position closing; /* see trim.h */
    bool is_ready, is_resting;
};

/* ---- ready, stopping ---- */

static void check_ready(struct weir *w, int64_t now_us)
{
    if (w->is_ready || w->children.is_stopping || !children_all_run(&w->children, now_us)) {
        return;
    }
    struct arena a;
    arena_init(&a, PAGE_ARENA_BYTES_MAX);
    w->is_ready = true;
    *progress_counter(w->page, "ready") = 1;
    log_event(LOG_INFO, "ready", log_s("intake", doors_text(&a, &w->setup.intake)),
              log_s("admin", doors_text(&a, &w->setup.admin)), log_s("data", w->setup.config->data),
              log_n("collectors", (int64_t)w->setup.config->collectors.n), log_n("pid", getpid()),
              log_n("revision", w->setup.config->bus.revision),
              log_n("start_ms", (now_us - w->begun_us) / 1000));
    arena_close(&a);
}

/* Whoever sends may begin: the kernel keeps connections until a process takes them. A stage that is
 * down keeps `ready` from coming, and a port 0 is known here alone. */
static void tell_listening(const struct setup *s)
{
    struct arena a;
    if (s->intake.n == 0 && s->admin.n == 0) {
        return;
    }
    arena_init(&a, PAGE_ARENA_BYTES_MAX);
    log_event(LOG_INFO, "listening", log_s("intake", doors_text(&a, &s->intake)),
              log_s("admin", doors_text(&a, &s->admin)));
    arena_close(&a);
}

static void begin_stop(struct weir *w, int number)
{
    if (w->children.is_stopping && number == SIGINT) {
        log_event(LOG_WARN, "asked twice", log_c("next", "every process is killed at once"));
        children_kill(&w->children);
    } else if (!w->children.is_stopping) {
        w->children.is_stopping = true;
        *progress_counter(w->page, "ready") = 0;
        log_event(LOG_INFO, "stopping", log_n("signal", number),
                  log_n("within_ms", w->setup.config->stop_ms));
    }
}

/* ---- damage ---- */

static void tell_torn(const struct finding *found)
{
    log_event(LOG_WARN, "torn end cut", log_c("stream", stream_name(found->lane.stream)),
              log_s("lane", found->lane.name), log_n("position", (int64_t)found->at.at),
              log_n("bytes", (int64_t)found->bytes), log_s("file", found->path),
              log_c("lost", "nothing that was acknowledged"));
}

static void tell_page(const struct finding *found)
{
    log_event(
        LOG_ERROR, "page damaged", log_c("stream", stream_name(found->lane.stream)),
        log_s("lane", found->lane.name), log_s("folder", found->path),
        log_n("position", (int64_t)found->at.at), log_n("bytes", (int64_t)found->bytes),
        log_c("why", "its lane.page named an end so many bytes behind the one that was found"),
        log_c("next", "the page is made anew; look at the disk"));
}

static void tell_damage(struct progress *page, const struct finding *found)
{
    const bool is_known = found->signals != UINT64_MAX;
    ++*progress_counter(page, "damage_holes");
    *progress_counter(page, "damage_bytes") += found->bytes;
    *progress_counter(page, "damage_signals") += is_known ? found->signals : 0;
    log_event(LOG_ERROR, "damage set aside", log_c("stream", stream_name(found->lane.stream)),
              log_s("lane", found->lane.name), log_n("position", (int64_t)found->at.at),
              log_n("to", (int64_t)(found->at.at + found->bytes)),
              log_n("bytes", (int64_t)found->bytes),
              is_known ? log_n("signals_lost_at_most", (int64_t)found->signals)
                       : log_c("signals_lost_at_most", "unknown"),
              log_s("file", found->path),
              log_c("next", "the file keeps what was left of them; readers go on behind them"));
}

static void tell_finding(void *to, const struct finding *found)
{
    if (found->kind == FINDING_TORN) {
        tell_torn(found);
    } else if (found->kind == FINDING_PAGE) {
        tell_page(found);
    } else {
        tell_damage(to, found);
    }
}

/* Set aside what readers have met. true: some of it could not be, and is to be tried again. */
static bool mend(struct weir *w)
{
    struct failure f;
    if (bus_mend(w->bus, (struct finding_to){tell_finding, w->page}, &f) != OK) {
        log_failure(LOG_WARN, "mend failed", &f, "it is tried again; who reads there waits");
        return true;
    }
    return false;
}

/* ---- trimming, resting ---- */

/* The lake gathers for minutes, and what it gathers may not go: in a small bus it would wait while
 * the intake refuses. Who alone holds half of the budget is asked to keep it now. */
static void ask_gatherers(struct weir *w, const struct trimmed *done)
{
    const int64_t now_us = clock_mono_us();
    for (size_t i = 0; i < w->readers_n; i++) {
        struct gatherer *const g = &w->gatherer[i];
        const uint64_t held = done->held_bytes[i];
        if (held > w->setup.config->bus.disk_bytes_max / 2 &&
            (held != g->held_bytes || now_us - g->asked_us > AGAIN_MS * 1000LL)) {
            children_flush(&w->children, g->duty);
            g->held_bytes = held;
            g->asked_us = now_us;
        }
    }
}

/* By which clock things are old; TIME_NONE: by none now. */
static int64_t age_clock_us(struct weir *w)
{
    const struct wall_time wall = progress_wall(w->page);
    if (wall.step_us != 0) {
        log_event(LOG_WARN, "clock stepped", log_n("by_ms", wall.step_us / 1000),
                  log_n("hold_ms", WALL_HOLD_MS),
                  log_c("next", "nothing in the streams grows old until it has held that long"));
    }
    return wall.now_us;
}

/* Forget what may go. true: it failed, and is to be tried again. */
static bool trim(struct weir *w)
{
    struct failure f;
    struct trimmed done;
    const struct trim t = {.config = w->setup.config,
                           .bus = w->bus,
                           .reader = w->reader,
                           .readers_n = w->readers_n,
                           .now_us = age_clock_us(w),
                           .closing = &w->closing};
    if (trim_all(&t, &done, &f) != OK) {
        log_failure(LOG_WARN, "trim failed", &f, "it is tried again");
        return true;
    }
    ask_gatherers(w, &done);
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
    const bool must_mend = mend(w);
    const bool must_trim = trim(w);
    w->is_resting = false;
    children_probe(&w->children, w->told_us, now_us);
    if (must_mend || must_trim || now_us - w->told_us < TICK_MS * 1000LL ||
        children_any_busy(&w->children)) {
        return;
    }
    children_watch(&w->children);
    w->is_resting = !children_any_busy(&w->children);
}

/* ---- who reads ---- */

/* Trimming waits for every reader there is, run by this weir or not. Where one stood in other
 * streams says nothing of these. */
static enum outcome open_readers(struct weir *w, struct failure *f)
{
    enum outcome result = OK;
    struct str name;
    for (const struct duty *d = w->how->duties; d->stage && result == OK; d++) {
        for (size_t i = 0;
             d->reads && result == OK && (name = duty_process(d, w->setup.config, i)).len > 0;
             i++) {
            assert(w->readers_n <
                   TRIM_READERS_MAX); /* one left out would lose what it has not read */
            struct progress *page = NULL;
            result = progress_open(&w->arena, w->children.nursery.run_dir, name, &page, f);
            if (result == OK) {
                progress_join(page, bus_id(w->bus));
            }
            w->gatherer[w->readers_n] = (struct gatherer){.duty = d};
            w->reader[w->readers_n++] = (struct trim_reader){.streams = *d->reads, .page = page};
        }
    }
    return result;
}

static void close_readers(struct weir *w)
{
    for (size_t i = 0; i < w->readers_n; i++) {
        progress_close(w->reader[i].page);
    }
    w->readers_n = 0;
}

/* A reload may have brought sinks, or taken some away. */
static void renew_readers(struct weir *w)
{
    struct trim_reader before[TRIM_READERS_MAX];
    struct failure f;
    const size_t n = w->readers_n;
    memcpy(before, w->reader, sizeof before);
    w->readers_n = 0;
    if (open_readers(w, &f) != OK) { /* who was waited for is waited for */
        log_failure(LOG_ERROR, "readers not renewed", &f, "SIGHUP tries it again");
        close_readers(w);
        memcpy(w->reader, before, sizeof before);
        w->readers_n = n;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        progress_close(before[i].page);
    }
}

/* ---- the loop ---- */

static int wait_ms(struct weir *w, int64_t now_us)
{
    const int64_t tick_us = now_us + (w->is_resting ? REST_MS : TICK_MS) * 1000LL;
    const int64_t until_us = children_due_us(&w->children, tick_us);
    return until_us <= now_us ? 0 : (int)((until_us - now_us + 999) / 1000);
}

/* For status, health and metrics, which see pages and no log. */
static void note_configuration(struct weir *w, bool is_refused)
{
    *progress_counter(w->page, "reload_us") = (uint64_t)clock_now_us();
    *progress_counter(w->page, "reload_refused") = is_refused;
    *progress_counter(w->page, "revision") = w->setup.config->bus.revision;
    *progress_counter(w->page, "programs") = w->setup.config->programs;
}

static void hang_up(struct weir *w, int64_t now_us)
{
    const bool is_new = reload(w->how, &w->setup, &w->children);
    note_configuration(w, !is_new);
    if (is_new) {
        renew_readers(w);
        w->is_ready = false;
        w->begun_us = now_us;
    }
}

static void take_signals(struct weir *w)
{
    struct signalfd_siginfo info;
    const int64_t now_us = clock_mono_us();
    while (read(w->children.nursery.signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD: children_reap(&w->children, now_us); break;
        case SIGHUP:
            if (!w->children.is_stopping) {
                hang_up(w, now_us);
            }
            break;
        case SIGUSR1:
            (void)mend(w); /* a command reads too, and has no other way to say what it met */
            children_flush(&w->children, NULL);
            break;
        default: begin_stop(w, (int)info.ssi_signo); break;
        }
    }
}

static void wake(struct weir *w)
{
    w->is_resting = false;
    w->told_us = clock_mono_us();
}

/* While it rests it also looks at the intake's doors: an intake that hangs tells nothing. */
static void turn(struct weir *w)
{
    enum { OWN = 2 };
    const struct nursery *const n = &w->children.nursery;
    struct pollfd fds[OWN + DOORS_MAX] = {{.fd = n->signal_fd, .events = POLLIN},
                                          {.fd = n->event_fd, .events = POLLIN}};
    const size_t doors_n = w->is_resting ? n->intake->n : 0;
    for (size_t i = 0; i < doors_n; i++) {
        fds[OWN + i] = (struct pollfd){.fd = n->intake->fd[i], .events = POLLIN};
    }
    if (poll(fds, OWN + doors_n, wait_ms(w, clock_mono_us())) < 0 && errno != EINTR) {
        log_event(LOG_ERROR, "poll failed", log_n("errno", errno));
    }
    for (size_t i = 0; i < doors_n; i++) {
        if (fds[OWN + i].revents) {
            wake(w);
        }
    }
    eventfd_t told = 0;
    if (eventfd_read(n->event_fd, &told) == 0) {
        wake(w);
        (void)mend(w); /* perhaps a reader told that it met damage */
    }
    take_signals(w);
}

static void loop(struct weir *w)
{
    for (;;) {
        const int64_t now_us = clock_mono_us();
        children_turn(&w->children, now_us);
        check_ready(w, now_us);
        if (w->children.is_stopping && !children_drain(&w->children, now_us)) {
            return;
        }
        if (now_us - w->ticked_us >= TICK_MS * 1000LL) {
            tick(w, now_us);
        }
        turn(w);
    }
}

/* ---- set-up ---- */

static enum outcome take_signal_fd(struct nursery *n, struct failure *f)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&set, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on a file's size is an error of its write: EFBIG */
    n->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    n->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (n->signal_fd < 0 || n->event_fd < 0) {
        return failed_errno(f, STOP, "make descriptors for signals");
    }
    return OK;
}

static enum outcome open_bus(struct weir *w, struct failure *f)
{
    enum outcome result = lock_take_bus(&w->arena, w->setup.config->bus.path, &w->bus_lock_fd, f);
    if (result == OK) {
        result = bus_recover(&w->setup.config->bus, (struct finding_to){tell_finding, w->page}, f);
    }
    if (result == OK) {
        result = bus_open(&w->arena, &w->setup.config->bus, &w->bus, f);
    }
    return result;
}

static enum outcome set_up(struct weir *w, const struct config *config, struct failure *f)
{
    struct nursery *const n = &w->children.nursery;
    enum outcome result = take_signal_fd(n, f);
    if (result == OK) {
        result = setup_open(&w->setup, config, &w->children, f);
    }
    if (result == OK) {
        n->run_dir = arena_printf(&w->arena, "%.*s/run", STR_ARG(config->data));
        result = progress_open(&w->arena, n->run_dir, S("orchestrator"), &w->page, f);
    }
    if (result == OK) {
        result = open_bus(w, f);
    }
    if (result == OK) {
        result = open_readers(w, f);
    }
    if (result == OK) {
        n->weir_us = clock_now_us();
        *progress_counter(w->page, "started_us") = (uint64_t)n->weir_us;
        *progress_counter(w->page, "started_mono_us") = (uint64_t)clock_mono_us();
        *progress_counter(w->page, "ready") = 0;
        note_configuration(w, false);
        w->children.page = w->page;
        setup_keep_names(&w->setup);
        tell_listening(&w->setup);
        result = children_add(&w->children, f);
    }
    return result;
}

static void tear_down(struct weir *w)
{
    if (w->bus) {
        bus_close(w->bus);
    }
    setup_close(&w->setup);
    close(w->children.nursery.signal_fd);
    close(w->children.nursery.event_fd);
    close_readers(w);
    if (w->page) {
        progress_close(w->page);
    }
    if (w->bus_lock_fd >= 0) {
        close(w->bus_lock_fd);
    }
    arena_close(&w->arena);
}

enum outcome orchestrate_run(const struct orchestrate *o, struct arena *a, struct config *config,
                             struct failure *f)
{
    int lock_fd = -1;
    log_never_wait();
    /* before anything is made: the intake could only say so again and again */
    if (o->only.len == 0 && agent_raise_descriptors(config, f) != OK) {
        return STOP;
    }
    struct weir *const w = arena_new(a, struct weir);
    *w = (struct weir){.how = o, .begun_us = clock_mono_us(), .bus_lock_fd = -1};
    w->children = (struct children){.duties = o->duties,
                                    .only = o->only,
                                    .arena = &w->arena,
                                    .nursery = {.config = config,
                                                .intake = &w->setup.intake,
                                                .admin = &w->setup.admin,
                                                .event_fd = -1,
                                                .signal_fd = -1,
                                                .title = o->title,
                                                .title_bytes = o->title_bytes}};
    arena_init(&w->arena, BUS_ARENA_BYTES_MAX);
    const bool is_new = access(arena_cstr(a, config->data), F_OK) != 0;
    enum outcome result = lock_take(a, config->data, &lock_fd, f);
    if (result != OK) {
        return result;
    }
    result = set_up(w, config, f);
    if (result == OK) {
        loop(w);
        log_event(LOG_INFO, "stopped", log_c("next", "everything accepted is on disk"));
    }
    tear_down(w);
    if (result != OK && is_new) {
        lock_undo(a, config->data);
    }
    close(lock_fd);
    return result;
}
