/* mending.h - what a command does where a stream is damaged: it waits a moment for the running weir
 * to set the damage aside, and else goes on without the rest of the lane, which it tells. */
#ifndef WEIR_COMMAND_MENDING_H
#define WEIR_COMMAND_MENDING_H

#include "config/config.h"

struct mending {
    const char *command; /* its name, for messages */
    struct arena *arena;
    const struct config *config;
    int64_t until_us;      /* how long damage is waited out, of the monotonic clock; 0: none yet */
    struct failure unread; /* RETRY: of a lane that could not be read to its end                */
};

/* A visitor's `unreadable`, `to` is the struct mending: true: look there again; false: leave the
 * rest of the lane out. The bus has told the running weir where; a signal makes it look. */
bool mending_wait(void *to, const struct failure *why);
/* At the end, when all else is done. returns OK | RETRY something was left out (says what) */
enum outcome mending_tell(const struct mending *m, struct failure *f);

#endif
