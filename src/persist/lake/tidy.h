/* tidy.h - housekeeping of the lake: compaction, vacuum, retention. */
#ifndef WEIR_PERSIST_LAKE_TIDY_H
#define WEIR_PERSIST_LAKE_TIDY_H

#include "persist/lake/lake.h"

/* Note in l->tidy_due_us when there is something to do next, by the clock that never steps;
 * INT64_MAX: nothing. After whatever changed the tables. */
void tidy_plan(struct lake *l);
/* Do what is due now: merge small files of hours and days that are over (in a child), remove files
 * whose time is up, forget facts older than `keep`. By l->wall: while it is not believed, nothing.
 */
enum outcome tidy_run(struct lake *l, struct failure *f);

#endif
