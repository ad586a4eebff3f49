#include "command/mending.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "command/screen.h"
#include "orchestrate/lock.h"

enum { MEND_MS = 10000, LOOK_MS = 50 };

bool mending_wait(void *to, const struct failure *why)
{
    struct mending *const m = to;
    const pid_t weir = lock_holder(m->arena, m->config->data);
    const int64_t now_us = clock_mono_us();
    if (m->until_us == 0) {
        m->until_us = now_us + MEND_MS * INT64_C(1000);
        screen_tell("weir %s: %s\n", m->command,
                    weir > 0 ? "waiting until weir has mended damage"
                             : "damage, and no weir runs to mend it");
    }
    if (weir > 0 && now_us < m->until_us && kill(weir, SIGUSR1) == 0) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
        return true;
    }
    m->unread = *why;
    return false;
}

enum outcome mending_tell(const struct mending *m, struct failure *f)
{
    return m->unread.outcome == OK
               ? OK
               : failed(f, RETRY, "what stands there is left out: %s", m->unread.text);
}
