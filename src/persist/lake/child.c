#include "persist/lake/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child leaves for its parent. */
struct report {
    enum outcome outcome;
    struct failure failure;
};

/* The terminal's and the orchestrator's signals are for the parent: a commit under way is ended. */
static void work_on(struct report *report, enum outcome (*work)(void *, struct failure *), void *to)
{
    static const int passed_over[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++) {
        (void)signal(passed_over[i], SIG_IGN);
    }
    report->outcome = work(to, &report->failure);
}

/* It holds the data folder's lock as long as it lives, as it must while it writes: so it ends with
 * its parent, and a weir that starts again after a kill -9 of all of them finds the lock free. */
static void tie_to(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(1);
    }
}

static enum outcome wait_for(pid_t child, const struct report *report, struct failure *f)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return failed_errno(f, RETRY, "wait for the lake's child %ld", (long)child);
        }
    }
    if (WIFSIGNALED(status)) {
        return failed(f, RETRY, "the lake's child %ld died of signal %d (%s)", (long)child,
                      WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    if (WEXITSTATUS(status) != 0) {
        return failed(f, RETRY, "the lake's child %ld ended with status %d", (long)child,
                      WEXITSTATUS(status));
    }
    if (report->outcome != OK) {
        *f = report->failure;
    }
    return report->outcome;
}

enum outcome child_run(enum outcome (*work)(void *to, struct failure *f), void *to,
                       struct failure *f)
{
    struct report *const report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) {
        return failed_errno(f, RETRY, "memory for the lake's child");
    }
    (void)fflush(NULL); /* or both would write what is buffered */
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        tie_to(parent);
        work_on(report, work, to);
        _exit(0);
    }
    const enum outcome result = child < 0 ? failed_errno(f, RETRY, "fork the lake's child")
                                          : wait_for(child, report, f);
    munmap(report, sizeof *report);
    return result;
}
