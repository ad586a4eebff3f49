#include "base/os.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

void os_random(void *out, size_t n)
{
    char *at = out;
    while (n > 0) {
        const ssize_t got = getrandom(at, n, 0);
        assert(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

enum os_woken os_wait(_Atomic uint32_t *word, uint32_t value, uint32_t mask, int wait_ms)
{
    struct timespec until;
    const bool is_timed = wait_ms >= 0;
    if (is_timed) { /* FUTEX_WAIT_BITSET wants an instant of CLOCK_MONOTONIC */
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += wait_ms / 1000;
        until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
    }
    if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, is_timed ? &until : NULL, NULL, mask) ==
        0) {
        return OS_WOKEN;
    }
    return errno == ETIMEDOUT ? OS_TIMED_OUT : errno == EINTR ? OS_SIGNALLED : OS_WOKEN;
}

void os_wake(_Atomic uint32_t *word, uint32_t mask)
{
    const int kept = errno; /* may run in a signal handler */
    syscall(SYS_futex, word, FUTEX_WAKE_BITSET, INT32_MAX, NULL, NULL, mask);
    errno = kept;
}

enum outcome os_allocate(int fd, uint64_t bytes, struct failure *f)
{
    if (fallocate(fd, 0, 0, (off_t)bytes) == 0) {
        return OK;
    }
    if (errno == EOPNOTSUPP && ftruncate(fd, (off_t)bytes) == 0) {
        return OK; /* without blocks: a write may still find the disk full, and says so */
    }
    return failed_errno(f, RETRY, "allocate %llu bytes", (unsigned long long)bytes);
}

void os_write_back(int fd, off_t from, off_t bytes)
{
    (void)sync_file_range(fd, from, bytes, SYNC_FILE_RANGE_WRITE); /* else the sync does it all */
}

bool os_rename_new(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0;
}

bool os_usage(pid_t pid, struct os_usage *out)
{
    /* fields, the state being the first: user and system time, pages in memory */
    enum { USER = 11, SYSTEM = 12, PAGES = 21, FIELDS = 22 };
    char path[64];
    char text[1024];
    uint64_t field[FIELDS] = {0};
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *const file = fopen(path, "re");
    if (!file) {
        return false;
    }
    const size_t n = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file); /* it was read from only */
    text[n] = '\0';
    /* the name of the program may hold anything, and ends with the last bracket */
    const char *const end = strrchr(text, ')');
    struct str rest = end ? str_of(end + 1) : (struct str){NULL, 0};
    (void)str_cut(rest, ' ', &rest);
    for (size_t i = 0; i < FIELDS; i++) {
        if (rest.len == 0) {
            return false;
        }
        (void)str_to_u64(str_cut(rest, ' ', &rest), &field[i]); /* others are letters, or below 0 */
    }
    out->cpu_us = (field[USER] + field[SYSTEM]) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
    out->rss_bytes = field[PAGES] * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}
