#include "refused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "test.h"

void refuse_block(unsigned n)
{
    char text[64];
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    (void)snprintf(text, sizeof text, "arena.block:%u:fail", n);
    (void)setenv("WEIR_FAILPOINT", text, 1);
    failpoint_reset();
}

int without_block(unsigned n, int (*work)(void *to), void *to)
{
    char said[4096] = "";
    int status = 0;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    const int fd = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(fd >= 0);
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(fd, STDERR_FILENO);
        refuse_block(n);
        _exit(work(to));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    const off_t end = lseek(fd, 0, SEEK_END);
    const off_t from = end > (off_t)sizeof said - 1 ? end - ((off_t)sizeof said - 1) : 0;
    assert_true(pread(fd, said, sizeof said - 1, from) >= 0);
    (void)close(fd);
    if (!WIFEXITED(status)) {
        fail_msg("without its block %u the process died of signal %d: %s", n, WTERMSIG(status),
                 said);
    }
    if (WEXITSTATUS(status) == NO_MEMORY && !strstr(said, "out of memory")) {
        fail_msg("without its block %u the process ended and said only: %s", n, said);
    }
    return WEXITSTATUS(status);
}
