/* process.h - a run as whoever started it holds it: its process, its pipe, and its time.
 *
 * Past its time, or when that is wanted before, it is asked to end (SIGTERM), and killed if it
 * still runs a while after. */
#ifndef WEIR_COLLECTOR_PROCESS_H
#define WEIR_COLLECTOR_PROCESS_H

#include "collector/run.h"

struct process {
    pid_t pid;        /* 0: it has ended, and its status is taken                            */
    int fd;           /* the pipe's reading end                                              */
    int64_t limit_ms; /* how long it may take                                                */
    int64_t until_us; /* monotonic: then process_watch has something to do; INT64_MAX: never */
    bool is_asked, is_killed, is_late;
};

/* returns as run_start */
enum outcome process_start(struct process *p, const struct run *r, struct failure *f);

/* Ask it to end, before its time. */
void process_ask(struct process *p);
/* Past its time it is asked to end, then killed. */
void process_watch(struct process *p, int64_t mono_us);
/* Now, and without being asked. */
void process_kill(struct process *p);

/* Wait until it has ended. returns its status, as waitpid has it */
int process_wait(struct process *p);

/* What there is to say of one that has ended: how it was late, else how it ended without a last
 * line. returns REJECT it was late | RETRY */
enum outcome process_tell(const struct process *p, int status, struct failure *f);

/* Close the pipe; a process that still runs is killed. */
void process_close(struct process *p);

#endif
