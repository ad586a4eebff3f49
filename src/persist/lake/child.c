#include "persist/lake/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/os.h"

enum { LOOK_MS = 1000, LOOKS_LEAST = 4 };

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

static uint64_t cpu_us(pid_t child)
{
    struct os_usage used = {0};
    return os_usage(child, &used) ? used.cpu_us : 0;
}

static void tell_still(const struct child_watch *w, pid_t child, int64_t still_ms)
{
    struct failure why;
    if (w->progress) {
        (void)failed(&why, RETRY,
                     "its child %ld has made no progress for %lld s; after %lld s it is killed and "
                     "the work done again",
                     (long)child, (long long)(still_ms / 1000),
                     (long long)(w->still_ms_max / 1000));
        progress_trouble(w->progress, DUTY_RETRYING, &why);
    }
}

static void tell_moving(const struct child_watch *w, bool *is_told)
{
    if (*is_told && w->progress) {
        progress_state(w->progress, DUTY_RUNNING);
    }
    *is_told = false;
}

/* Until it has ended, or stood still for so long: false. */
static bool is_ending(pid_t child, int fd, const struct child_watch *w)
{
    const int64_t step_ms = w->still_ms_max / LOOKS_LEAST < LOOK_MS ? w->still_ms_max / LOOKS_LEAST
                                                                    : LOOK_MS;
    struct pollfd end = {.fd = fd, .events = POLLIN};
    uint64_t used_us = cpu_us(child);
    int64_t since_us = clock_mono_us();
    bool is_told = false;
    for (;;) {
        const int n = poll(&end, 1, (int)step_ms);
        const uint64_t now_used_us = cpu_us(child);
        const int64_t still_ms = (clock_mono_us() - since_us) / 1000;
        if (n > 0 || (n < 0 && errno != EINTR)) {
            break;
        }
        if (now_used_us != used_us) {
            used_us = now_used_us;
            since_us = clock_mono_us();
            tell_moving(w, &is_told);
        } else if (still_ms >= w->still_ms_max / LOOKS_LEAST) {
            tell_still(w, child, still_ms);
            is_told = true;
        }
        if (is_told && still_ms >= w->still_ms_max) {
            return false;
        }
    }
    tell_moving(w, &is_told);
    return true;
}

/* false: it stood still and was killed. */
static bool watch_over(pid_t child, const struct child_watch *w)
{
    const int fd = pidfd_open(child, 0);
    const bool is_good = fd < 0 || is_ending(child, fd, w); /* without one: waited for alone */
    if (!is_good) {
        (void)kill(child, SIGKILL);
    }
    if (fd >= 0) {
        close(fd);
    }
    return is_good;
}

static enum outcome wait_for(pid_t child, const struct report *report, const struct child_watch *w,
                             struct failure *f)
{
    int status = 0;
    const bool was_good = watch_over(child, w);
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return failed_errno(f, RETRY, "wait for the lake's child %ld", (long)child);
        }
    }
    if (!was_good) {
        return failed(f, RETRY, "the lake's child %ld made no progress for %lld s and was killed",
                      (long)child, (long long)(w->still_ms_max / 1000));
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
                       const struct child_watch *watch, struct failure *f)
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
                                          : wait_for(child, report, watch, f);
    munmap(report, sizeof *report);
    return result;
}
