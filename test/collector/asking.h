/* asking.h - what tests of sources share: a source is asked at 61 s of 1970, or run in a process.
 */
#ifndef WEIR_TEST_COLLECTOR_ASKING_H
#define WEIR_TEST_COLLECTOR_ASKING_H

#include <sys/types.h>

#include "collector/rows_of.h"

/* The window is the first minute of 1970. */
extern const struct collector ask_tick, ask_window, ask_growing;

/* At most 1 MiB a row. */
struct source_ask ask_of(struct arena *a, const struct collector *c, const void *options);

/* It came out so, and said `why` (NULL: whatever) but neither of `secrets` (NULL ends them). */
void assert_came(const char *what, const struct rows_of *got, enum outcome outcome, const char *why,
                 const char *const *secrets);

/* A service's URL with another text in the place of one that stands in it. */
const char *url_with(struct arena *a, const char *url, const char *old, const char *new);

/* A run of a tick. One at a time: its collector lives until the next. */
pid_t run_begin(const struct source_driver *driver, const void *options, int *fd);
/* Stop it: it tells that it was asked to, and ends. */
void assert_stops(pid_t pid, int fd);

#endif
