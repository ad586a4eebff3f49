/* The lake's short-lived child: what it holds is free as soon as its parent is gone. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "persist/lake/child.h"

enum { GUARD_MS = 20000 }; /* of a hang, not of a speed */

static enum outcome tell_and_linger(void *to, struct failure *f)
{
    const int *const fd = to;
    (void)f;
    if (write(*fd, "x", 1) != 1) {
        return STOP;
    }
    for (;;) {
        (void)pause();
    }
}

static void a_child_dies_with_a_killed_parent(void **state)
{
    int fd[2];
    char byte = 0;
    (void)state;
    assert_int_equal(pipe(fd), 0);
    const pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        struct failure f;
        (void)close(fd[0]);
        (void)child_run(tell_and_linger, &fd[1], &(struct child_watch){NULL, GUARD_MS}, &f);
        _exit(0);
    }
    (void)close(fd[1]);
    assert_int_equal(read(fd[0], &byte, 1), 1); /* it works */
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    struct pollfd end = {.fd = fd[0], .events = POLLIN};
    assert_int_equal(poll(&end, 1, GUARD_MS), 1);
    assert_int_equal(read(fd[0], &byte, 1), 0); /* nobody holds the pipe any more */
    (void)close(fd[0]);
}

static enum outcome stand_still(void *to, struct failure *f)
{
    (void)to, (void)f;
    (void)raise(SIGSTOP);
    return OK;
}

/* As its parent's loop waits with it, nobody but the parent can tell. */
static void a_child_that_stands_still_is_told_and_killed(void **state)
{
    enum { STILL_MS = 200, ARENA_BYTES = 1 << 20 };
    struct arena a;
    struct failure f = {0};
    struct child_watch watch = {.still_ms_max = STILL_MS};
    char why[PROGRESS_WHY_BYTES];
    (void)state;
    arena_init(&a, ARENA_BYTES);
    assert_non_null(folder_make());
    assert_int_equal(progress_open(&a, str_of(folder_path("")), S("lake"), &watch.progress, &f),
                     OK);
    progress_state(watch.progress, DUTY_RUNNING);
    assert_int_equal(child_run(stand_still, NULL, &watch, &f), RETRY);
    assert_non_null(strstr(f.text, "made no progress"));
    assert_int_equal(progress_state_is(watch.progress), DUTY_RETRYING);
    progress_why(watch.progress, why);
    assert_non_null(strstr(why, "made no progress"));
    progress_close(watch.progress);
    arena_close(&a);
    folder_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_dies_with_a_killed_parent),
        cmocka_unit_test(a_child_that_stands_still_is_told_and_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
