#include "orchestrate/children.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/asked.h"
#include "base/log.h"

enum {
    LASTING_MS = 30000,  /* a child that lived so long starts its tries anew */
    SILENT_MS = 10000,   /* a waiting one that does not answer is told       */
    AWAY_MS = 10000,     /* between two turns: the orchestrator was away or at rest */
    FAR_END_US = 1000000 /* who has asked its far end for so long is waited for no more */
};

/* ---- which there are ---- */

/* The slot in use behind `c` (NULL: the first). NULL: there is none. */
static struct child *next(struct children *all, const struct child *c)
{
    for (size_t i = c ? (size_t)(c - all->child) + 1 : 0; i < CHILDREN_MAX; i++) {
        if (all->child[i].duty) {
            return &all->child[i];
        }
    }
    return NULL;
}

static bool is_wanted(const struct children *all, const struct duty *d)
{
    struct str rest = all->only;
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

bool children_want_door(const struct children *all, enum duty_door door)
{
    for (const struct duty *d = all->duties; d->stage; d++) {
        if (d->door == door && is_wanted(all, d)) {
            return true;
        }
    }
    return false;
}

static bool index_is_taken(struct children *all, const struct duty *d, size_t index)
{
    for (const struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (c->duty == d && c->index == index) {
            return true;
        }
    }
    return false;
}

/* The page outlives processes: counters go on, and trimming knows who stood where. */
static enum outcome add_child(struct children *all, const struct duty *d, struct str name,
                              struct failure *f)
{
    struct child *c = all->child;
    while (c < all->child + CHILDREN_MAX && c->duty) {
        c++;
    }
    size_t index = 0; /* the lowest free one: old intake processes keep their lanes as they drain */
    while (index_is_taken(all, d, index)) {
        index++;
    }
    if (c == all->child + CHILDREN_MAX || index == INTAKE_LANES_MAX) {
        return failed(f, RETRY,
                      "more than %d processes: an earlier reload is still draining; send SIGHUP "
                      "again later",
                      INTAKE_LANES_MAX);
    }
    *c = (struct child){.index = index};
    (void)snprintf(c->name, sizeof c->name, d->is_many ? "%.*s-%zu" : "%.*s", STR_ARG(name), index);
    const enum outcome result = progress_open(all->arena, all->nursery.run_dir, str_of(c->name),
                                              &c->page, f);
    if (result == OK) {
        progress_state(c->page, DUTY_STARTING);
        c->duty = d;
    }
    return result;
}

/* Collector files alone have no intake: nothing listens, and nobody is to. */
static int64_t wanted_n(const struct config *c, const struct duty *d)
{
    if (d->door == DOOR_INTAKE && c->intake.listen.n == 0) {
        return 0;
    }
    return d->is_many ? c->intake.processes : 1;
}

static enum outcome add_many(struct children *all, const struct duty *d, struct failure *f)
{
    const int64_t n = wanted_n(all->nursery.config, d);
    enum outcome result = OK;
    for (int64_t i = 0; i < n && result == OK && is_wanted(all, d); i++) {
        result = add_child(all, d, str_of(d->stage), f);
    }
    return result;
}

static bool is_there(struct children *all, struct str name)
{
    for (const struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (str_eq(str_of(c->name), name)) {
            return true;
        }
    }
    return false;
}

/* Those of the configuration that have no slot yet. */
static enum outcome add_each(struct children *all, const struct duty *d, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; result == OK && is_wanted(all, d); i++) {
        const struct str name = d->each(all->nursery.config, i);
        if (name.len == 0) {
            break;
        }
        result = is_there(all, name) ? OK : add_child(all, d, name, f);
    }
    return result;
}

static bool is_configured(struct children *all, const struct child *c)
{
    struct str name;
    for (size_t i = 0; (name = duty_process(c->duty, all->nursery.config, i)).len > 0; i++) {
        if (str_eq(name, str_of(c->name))) {
            return true;
        }
    }
    return false;
}

static _Atomic uint64_t *counter_of(struct children *all, const char *what, const struct child *c)
{
    return progress_counter(all->page, "%s{%s}", what, c->name);
}

static void forget(struct children *all, struct child *c)
{
    *counter_of(all, "process", c) = 0;
    progress_close(c->page);
    *c = (struct child){.duty = NULL};
}

enum outcome children_add(struct children *all, struct failure *f)
{
    enum outcome result = OK;
    for (const struct duty *d = all->duties; d->stage && result == OK; d++) {
        result = d->each ? add_each(all, d, f) : add_many(all, d, f);
    }
    for (const struct child *c = next(all, NULL); c && result == OK; c = next(all, c)) {
        *counter_of(all, "restarts", c) = 0;
        *counter_of(all, "down", c) = 1;
    }
    return result;
}

/* One slot more for each of those that are many; all or none. */
static enum outcome add_successors(struct children *all, struct failure *f)
{
    bool was[CHILDREN_MAX];
    enum outcome result = OK;
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        was[i] = all->child[i].duty != NULL;
    }
    for (const struct duty *d = all->duties; d->stage && result == OK; d++) {
        result = d->each ? add_each(all, d, f) : d->is_many ? add_many(all, d, f) : OK;
    }
    for (struct child *c = next(all, NULL); c && result != OK; c = next(all, c)) {
        if (!was[c - all->child]) {
            forget(all, c);
        }
    }
    for (struct child *c = next(all, NULL); c && result == OK; c = next(all, c)) {
        c->is_old = (c->duty->is_many && was[c - all->child]) ||
                    (c->duty->each && !is_configured(all, c));
    }
    return result;
}

enum outcome children_renew(struct children *all, int64_t now_us, struct failure *f)
{
    const enum outcome result = add_successors(all, f);
    for (struct child *c = next(all, NULL); c && result == OK; c = next(all, c)) {
        c->due_us = 0; /* who waited to be started again may be mended by the new configuration */
        if (!c->duty->is_many) {
            child_ask(c, now_us, all->nursery.config->stop_ms);
        }
    }
    return result;
}

/* ---- starting, ending ---- */

static void start_due(struct children *all, int64_t now_us)
{
    for (struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (c->pid > 0 || c->due_us > now_us || c->is_old) {
            continue;
        }
        struct failure f;
        if (child_start(c, &all->nursery, &f) == OK) {
            *counter_of(all, "down", c) = 0;
            *counter_of(all, "process", c) = (uint64_t)c->pid;
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

/* Signals that kill one process after the other are passed one by one: who gets further is no
 * worse than before. */
static bool got_further(struct child *c)
{
    const uint64_t before = c->passed;
    struct progress_cursor cursor;
    c->passed = 0;
    for (size_t i = 0; progress_cursor_at(c->page, i, &cursor); i++) {
        c->passed += cursor.at.at;
    }
    return c->passed != before;
}

static void ended(struct children *all, struct child *c, int status, int64_t now_us)
{
    const bool was_asked = c->deadline_us > 0;
    if (all->is_stopping || c->is_old) {
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            log_event(LOG_WARN, "did not drain", log_c("duty", c->name), log_n("status", status),
                      log_c("next", "nothing is lost: the next start goes on from its cursor"));
        }
        forget(all, c);
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
    /* who hung is killed here, which is its own doing */
    progress_hand_died(c->page,
                       !c->is_killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const bool is_anew = now_us - c->started_us > LASTING_MS * 1000LL;
    c->tries = got_further(c) || is_anew ? 1 : c->tries + 1;
    const int64_t wait_ms = backoff_ms(c->tries);
    c->due_us = now_us + wait_ms * 1000;
    ++*counter_of(all, "restarts", c);
    *counter_of(all, "down", c) = c->tries; /* red until it has started again */
    tell_end(c, pid, status, wait_ms);
}

void children_reap(struct children *all, int64_t now_us)
{
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (struct child *c = next(all, NULL); c; c = next(all, c)) {
            if (c->pid == pid) {
                ended(all, c, status, now_us);
                break;
            }
        }
    }
}

static bool is_running(const struct child *c)
{
    return c->pid > 0 && c->deadline_us == 0 && progress_state_is(c->page) == DUTY_RUNNING;
}

static void hear(struct children *all, struct child *c)
{
    if (c->is_silent) {
        *counter_of(all, "down", c) = 0;
        log_event(LOG_INFO, "answers again", log_c("duty", c->name), log_n("pid", c->pid));
    }
    c->is_silent = false;
    c->probed_us = 0;
}

/* A machine that stood still (a paused container, a stopped process group) stood still for the
 * children, too: who was away cannot say that they were silent. */
static int64_t awake_since(const struct children *all, int64_t us)
{
    return us > all->awake_us ? us : all->awake_us;
}

static void tell_silent(struct children *all, struct child *c, int64_t now_us)
{
    if (!c->is_silent && now_us - awake_since(all, c->probed_us) > SILENT_MS * 1000LL) {
        c->is_silent = true;
        *counter_of(all, "down", c) = 1;
        log_event(LOG_WARN, "silent", log_c("duty", c->name), log_n("pid", c->pid),
                  log_n("killed_after_ms", c->duty->hang_ms),
                  log_c("why", "it waits for something to do, and does not answer"));
    }
}

void children_probe(struct children *all, int64_t since_us, int64_t now_us)
{
    for (struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (!is_running(c) || c->is_killed) {
            continue;
        }
        const int64_t beat_us = progress_beat_us(c->page);
        if (progress_busy_since_us(c->page) > 0 || (c->probed_us > 0 && beat_us >= c->probed_us)) {
            hear(all, c);
        } else if (c->probed_us > 0) {
            tell_silent(all, c, now_us);
        } else if (beat_us < since_us || now_us - beat_us > c->duty->hang_ms * 1000 / 2) {
            c->probed_us = now_us;
            (void)kill(c->pid, SIGUSR2);
        }
    }
}

static void kill_hanging(struct children *all, int64_t now_us)
{
    for (struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (c->pid == 0 || c->is_killed) {
            continue;
        }
        const int64_t turn_us = progress_busy_since_us(c->page);
        const int64_t silent_us = turn_us > 0 ? turn_us : c->probed_us;
        const int64_t busy_us = silent_us > 0 ? awake_since(all, silent_us) : 0;
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

/* Once all new ones of their kind accept, the old ones may go. */
static void relieve_old(struct children *all, int64_t now_us)
{
    bool may_go = true;
    for (const struct child *c = next(all, NULL); c; c = next(all, c)) {
        may_go = may_go && (!c->duty->is_many || c->is_old || is_running(c));
    }
    for (struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (c->is_old && c->pid == 0) {
            forget(all, c);
        } else if (c->is_old && may_go) {
            child_ask(c, now_us, all->nursery.config->stop_ms);
        }
    }
}

void children_turn(struct children *all, int64_t now_us)
{
    all->awake_us = now_us - all->turned_us > AWAY_MS * 1000LL ? now_us : all->awake_us;
    all->turned_us = now_us;
    if (!all->is_stopping) {
        start_due(all, now_us);
    }
    relieve_old(all, now_us);
    kill_hanging(all, now_us);
}

/* ---- stopping, flushing ---- */

static int last_wave(const struct duty *d)
{
    int last = 0;
    for (; d->stage; d++) {
        last = d->wave > last ? d->wave : last;
    }
    return last;
}

bool children_drain(struct children *all, int64_t now_us)
{
    for (; all->wave <= last_wave(all->duties); all->wave++) {
        bool is_left = false;
        for (struct child *c = next(all, NULL); c; c = next(all, c)) {
            if (c->duty->wave != all->wave) {
                continue;
            }
            if (c->pid == 0) {
                forget(all, c); /* it waited to be started again */
            } else {
                child_ask(c, now_us, all->nursery.config->stop_ms);
                is_left = true;
            }
        }
        if (is_left) {
            return true;
        }
    }
    return false;
}

void children_kill(struct children *all)
{
    for (struct child *c = next(all, NULL); c; c = next(all, c)) {
        child_kill(c);
    }
}

void children_flush(struct children *all, const struct duty *only)
{
    for (const struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (c->pid > 0 && (!only || c->duty == only) &&
            (duty_reads(c->duty) & STREAM_BIT(STREAM_STANDARD))) {
            (void)kill(c->pid, SIGUSR1);
        }
    }
}

/* ---- how they do ---- */

/* A receiver of somebody else's may be away for days: /readyz tells it, and nobody waits for it. */
static bool is_waiting(const struct child *c, int64_t now_us)
{
    const enum duty_state is = progress_state_is(c->page);
    const bool is_long = now_us - c->started_us > FAR_END_US;
    return c->duty->each && c->pid > 0 && (is == DUTY_RETRYING || (is == DUTY_STARTING && is_long));
}

bool children_all_run(struct children *all, int64_t now_us)
{
    for (const struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (!c->is_old && !is_running(c) && !is_waiting(c, now_us)) {
            return false;
        }
    }
    return true;
}

bool children_any_busy(struct children *all)
{
    for (const struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (c->pid > 0 && (c->probed_us > 0 || progress_busy_since_us(c->page) > 0 ||
                           progress_state_is(c->page) != DUTY_RUNNING)) {
            return true;
        }
    }
    return false;
}

void children_watch(struct children *all)
{
    for (const struct child *c = next(all, NULL); c; c = next(all, c)) {
        progress_watch(c->page);
    }
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t children_due_us(struct children *all, int64_t until_us)
{
    for (const struct child *c = next(all, NULL); c; c = next(all, c)) {
        if (c->pid == 0 && !all->is_stopping) {
            until_us = sooner(until_us, c->due_us);
        }
        if (c->pid > 0 && c->deadline_us > 0 && !c->is_killed) {
            until_us = sooner(until_us, c->deadline_us);
        }
    }
    return until_us;
}
