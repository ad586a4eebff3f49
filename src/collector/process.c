#include "collector/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/source.h"

enum { END_US = 5000000 /* who was asked to end is killed after */ };

enum outcome process_start(struct process *p, const struct run *r, struct failure *f)
{
    *p = (struct process){.fd = -1, .limit_ms = r->collector->schedule.time_ms};
    p->until_us = clock_mono_us() + p->limit_ms * 1000;
    return run_start(r, &p->pid, &p->fd, f);
}

void process_ask(struct process *p)
{
    if (p->pid > 0 && !p->is_asked) {
        p->is_asked = true;
        p->until_us = clock_mono_us() + END_US;
        (void)kill(p->pid, SIGTERM);
    }
}

void process_kill(struct process *p)
{
    if (p->pid > 0 && !p->is_killed) {
        p->is_killed = true;
        p->until_us = INT64_MAX;
        (void)kill(p->pid, SIGKILL);
    }
}

void process_watch(struct process *p, int64_t mono_us)
{
    if (p->pid == 0 || mono_us < p->until_us) {
        return;
    }
    if (!p->is_asked) {
        p->is_late = true;
        process_ask(p);
    } else {
        process_kill(p);
    }
}

int process_wait(struct process *p)
{
    int status = 0;
    pid_t waited = 0;
    do {
        waited = waitpid(p->pid, &status, 0);
    } while (waited < 0 && errno == EINTR);
    p->pid = 0;
    return waited > 0 ? status : 0;
}

enum outcome process_tell(const struct process *p, int status, struct failure *f)
{
    if (p->is_late) {
        return failed(f, REJECT,
                      "it took longer than %lld s and was ended; schedule.time_limit allows more",
                      (long long)(p->limit_ms / 1000));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == SOURCE_ASKED_STATUS) {
        return failed(f, RETRY, "asked to stop");
    }
    if (WIFSIGNALED(status)) {
        return failed(f, RETRY, "its process was ended by signal %d (%s)", WTERMSIG(status),
                      strsignal(WTERMSIG(status)));
    }
    return failed(f, RETRY, "its process ended without a last word");
}

void process_close(struct process *p)
{
    if (p->pid > 0) {
        process_kill(p);
        (void)process_wait(p);
    }
    close(p->fd);
    p->fd = -1;
}
