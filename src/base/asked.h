/* asked.h - what the orchestrator asks of this process by a signal: stop (SIGTERM, SIGINT), flush
 * (SIGUSR1).
 *
 * One set a process, since signals are the process's. A handler only notes the wish and calls
 * `wake`, so that a loop that waits for work comes back and looks. */
#ifndef WEIR_BASE_ASKED_H
#define WEIR_BASE_ASKED_H

#include <stdbool.h>
#include <stdint.h>

/* Install the handlers (no SA_RESTART). `wake` must be async-signal-safe; NULL: none. SIGPIPE is
 * ignored. */
void asked_install(void (*wake)(void *thing), void *thing);

/* After asked_install: this signal asks to stop, too. */
void asked_stop_by(int number);

/* A `wake` for loops that poll: `thing` is the int of an eventfd that does not block. */
void asked_wake_fd(void *thing);

bool asked_to_stop(void);
/* True once for each time (or several at once) that it was asked. */
bool asked_to_flush(void);

/* Sleep, but not beyond one of these signals: none is missed between a look at the wishes and here.
 */
void asked_pause(int64_t ms);
/* How long to wait before the n-th try in a row (from 1): doubling from 100 ms to 30 s, a random
 * part up to half of it taken off so that many do not come back together. */
int64_t backoff_ms(unsigned tries);

/* For tests and for a process that ends itself: as if the signal had come. */
void ask_to_stop(void);
/* Forget all wishes: after fork, and between tests. */
void asked_reset(void);

#endif
