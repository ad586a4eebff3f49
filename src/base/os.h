/* os.h - what only the Linux kernel gives: random bytes, waiting on a shared word, room on disk.
 *
 * Everything else that weir uses is POSIX; a port begins here. */
#ifndef WEIR_BASE_OS_H
#define WEIR_BASE_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/failure.h"

enum os_woken { OS_WOKEN, OS_TIMED_OUT, OS_SIGNALLED };

/* Unpredictable bytes; blocks only while the machine boots. */
void os_random(void *out, size_t n);

/* Sleep while *word is `value`, until another process wakes one of the bits in `mask`, a signal
 * handler ran, or wait_ms passed (-1: for ever). The word stands in memory mapped by all of them.
 *   source   futex(2), FUTEX_WAIT_BITSET */
enum os_woken os_wait(_Atomic uint32_t *word, uint32_t value, uint32_t mask, int wait_ms);
/* Wake every sleeper on the word that waits for one of these bits; async-signal-safe. */
void os_wake(_Atomic uint32_t *word, uint32_t mask);

/* What a process has used so far: time of all its threads, memory that is in use now, what it
 * shares with others included.
 *   source   proc(5), /proc/[pid]/stat */
struct os_usage {
    uint64_t cpu_us, rss_bytes;
};
/* false: there is no such process. */
bool os_usage(pid_t pid, struct os_usage *out);

/* Give the file `bytes` bytes with blocks on the disk, where the file system can.
 *   returns OK | RETRY no space */
enum outcome os_allocate(int fd, uint64_t bytes, struct failure *f);
/* Have the kernel write these bytes of the file to the disk from now on; a sync later has less to
 * wait for, and tells of what went wrong.
 *   source   sync_file_range(2), SYNC_FILE_RANGE_WRITE */
void os_write_back(int fd, off_t from, off_t bytes);
/* rename that never replaces; false with errno set when `to` exists or it failed. */
bool os_rename_new(const char *from, const char *to);

#endif
