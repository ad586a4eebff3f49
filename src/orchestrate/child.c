#include "orchestrate/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/log.h"

/* What a duty's own loop keeps is in arenas of its own; here are a bus and a page. */
#define CHILD_ARENA_BYTES_MAX ((size_t)64 << 20)

/* What ps shows: the kernel reads argv's memory, and a shorter name besides. */
static void set_title(const struct nursery *n, const char *name)
{
    static char own_name[] = "weir"; /* an assert tells it, and it stands in argv, too */
    char text[CHILD_NAME_BYTES + 8];
    const int len = snprintf(text, sizeof text, "weir: %s", name);
    program_invocation_short_name = own_name;
    if (n->title_bytes > (size_t)len) {
        memset(n->title, 0, n->title_bytes);
        memcpy(n->title, text, (size_t)len);
    }
    (void)snprintf(text, sizeof text, "weir-%s", name);
    (void)prctl(PR_SET_NAME, text); /* cut at 15 bytes */
}

/* Die with the orchestrator, whatever kills it: nothing that outlives it could be stopped by it,
 * and a second weir may start at once. Every duty survives kill -9 by design. */
static void tie_to_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(EXIT_FAILURE);
    }
}

/* Ctrl-C and a closed terminal reach the whole group, but who stops when is the orchestrator's
 * word: SIGINT and SIGHUP stay blocked. */
static void set_signals(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    asked_reset();
    asked_install(NULL, NULL);
    (void)signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static enum outcome run(struct child *c, const struct nursery *n, struct failure *f)
{
    struct arena a;
    arena_init(&a, CHILD_ARENA_BYTES_MAX);
    struct bus *bus = NULL;
    const struct doors none = {.n = 0}, *doors = &none;
    switch (c->duty->door) {
    case DOOR_NONE: break;
    case DOOR_INTAKE: doors = n->intake; break;
    case DOOR_ADMIN: doors = n->admin; break;
    }
    enum outcome result = bus_open(&a, &n->config->bus, &bus, f);
    if (result == OK) {
        const struct post post = {.config = n->config,
                                  .name = c->name,
                                  .index = c->index,
                                  .listen_fd = doors->fd,
                                  .listen_n = doors->n,
                                  .bus = bus,
                                  .progress = c->page,
                                  .weir_us = n->weir_us};
        result = c->duty->run(&post, f);
        bus_close(bus);
    }
    progress_beat(c->page, false);
    if (result == OK) {
        progress_state(c->page, DUTY_STOPPED);
    } else {
        progress_trouble(c->page, DUTY_STOPPED, f);
    }
    arena_close(&a);
    return result;
}

static void child_main(struct child *c, const struct nursery *n, pid_t parent)
{
    struct failure f;
    tie_to_parent(parent);
    set_signals();
    set_title(n, c->name);
    log_set_stage(c->duty->each ? c->name : c->duty->stage);
    close(n->signal_fd);
    progress_tell(c->page, n->event_fd);
    if (run(c, n, &f) != OK) {
        log_failure(LOG_ERROR, "duty failed", &f, "it is started again, later and later");
        exit(EXIT_FAILURE);
    }
    exit(EXIT_SUCCESS);
}

enum outcome child_start(struct child *c, const struct nursery *n, struct failure *f)
{
    const pid_t parent = getpid();
    progress_beat(c->page, false); /* nobody writes it now; who hung left it as it was */
    progress_state(c->page, DUTY_STARTING);
    (void)fflush(NULL); /* or both would write it */
    const pid_t pid = fork();
    if (pid < 0) {
        return failed_errno(f, RETRY, "start %s", c->name);
    }
    if (pid == 0) {
        child_main(c, n, parent);
    }
    c->pid = pid;
    c->started_us = clock_mono_us();
    c->deadline_us = 0;
    c->is_killed = false;
    c->is_silent = false;
    c->probed_us = 0;
    return OK;
}

void child_ask(struct child *c, int64_t now_us, int64_t stop_ms)
{
    if (c->pid > 0 && c->deadline_us == 0) {
        c->deadline_us = now_us + stop_ms * 1000;
        (void)kill(c->pid, SIGTERM); /* it is a child not yet waited for: the pid is its own */
    }
}

void child_kill(struct child *c)
{
    if (c->pid > 0 && !c->is_killed) {
        c->is_killed = true;
        (void)kill(c->pid, SIGKILL);
    }
}
