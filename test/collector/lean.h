/* lean.h - a run holds one row at a time, however many it reads. */
#ifndef WEIR_TEST_COLLECTOR_LEAN_H
#define WEIR_TEST_COLLECTOR_LEAN_H

#include <sys/types.h>

/* Read what run_start gave to its end, which holds `done`, close it and reap the run: it took 64
 * MiB of memory at most (not looked at under ASan, which takes its own). Returns the bytes read. */
size_t assert_lean(pid_t pid, int fd, const char *done);

#endif
