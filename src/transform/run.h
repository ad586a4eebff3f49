/* run.h - the stage transform: reads raw lanes, makes facts, writes standard lanes, one atomic step
 * a batch.
 *
 * `standard/<lane>` is the image of `raw/<lane>`; what fails for good goes to
 * `dead/transform-raw-<lane>` in the same step. Exactly one transform runs on an embedded bus, so
 * equal identities always meet in its index of repetitions. */
#ifndef WEIR_TRANSFORM_RUN_H
#define WEIR_TRANSFORM_RUN_H

#include "bus/progress.h"
#include "config/config.h"

struct transform_stage;

/* STREAM_BIT of what it reads. */
extern const unsigned transform_streams;

/* Run until asked to stop (asked.h): what has been read is finished first.
 *   returns OK asked to stop | STOP as the failure says; the process should end */
enum outcome transform_run(const struct config *config, struct bus *bus, struct progress *progress,
                           struct failure *f);

/* The same in parts, for tests and benches. */
enum outcome transform_open(struct arena *a, const struct config *config, struct bus *bus,
                            struct progress *progress, struct transform_stage **out,
                            struct failure *f);
/* One batch: read, transform, step. *n is how many signals it took; 0: nothing came within wait_ms.
 */
enum outcome transform_turn(struct transform_stage *t, int wait_ms, size_t *n, struct failure *f);
void transform_close(struct transform_stage *t);

#endif
