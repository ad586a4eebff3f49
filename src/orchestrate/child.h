/* child.h - one process of a duty: started, asked to stop, killed. Nothing here decides when. */
#ifndef WEIR_ORCHESTRATE_CHILD_H
#define WEIR_ORCHESTRATE_CHILD_H

#include <sys/types.h>

#include "orchestrate/doors.h"
#include "orchestrate/duty.h"

enum { CHILD_NAME_BYTES = 64 };

struct child {
    const struct duty *duty; /* NULL: the slot is free                                  */
    char name[CHILD_NAME_BYTES];
    size_t index;
    struct progress *page;
    pid_t pid;           /* 0: it does not run                                      */
    int64_t started_us;  /* monotonic, as all times here                            */
    int64_t due_us;      /* when to start it; 0: now                                */
    int64_t deadline_us; /* asked to stop: killed from then on; 0: it was not asked */
    unsigned tries;      /* starts in a row that neither lasted nor got further     */
    uint64_t passed;     /* the sum of its cursors when it ended last               */
    bool is_old;         /* of a configuration that was replaced: not started again */
    bool is_killed;
    int64_t probed_us; /* asked for a turn then, and has not answered yet; 0: nothing is asked */
    bool is_silent;    /* for so long that it is told                                         */
};

/* What every child is given. */
struct nursery {
    const struct config *config;
    const struct doors *intake, *admin;
    struct str run_dir;
    int64_t weir_us; /* wall: when weir began                 */
    int event_fd;    /* pages tell changes of state here        */
    int signal_fd;   /* the orchestrator's own, closed in children */
    char *title;     /* argv's memory, for ps                   */
    size_t title_bytes;
};

/* Fork it. The child never returns: it runs its duty, logs why it failed, and exits (0 asked to
 * stop, 1 otherwise). returns OK, c->pid set | RETRY no process, no memory */
enum outcome child_start(struct child *c, const struct nursery *n, struct failure *f);

/* SIGTERM; from stop_ms on it counts as hanging. Asked once. */
void child_ask(struct child *c, int64_t now_us, int64_t stop_ms);
void child_kill(struct child *c);

#endif
