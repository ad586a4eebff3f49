/* tidy.h - housekeeping of the lake: compaction, vacuum, retention.
 *
 * What is received is stamped with what the clock said, right or wrong; retention is the careful
 * one. A file is never older than a file that was committed before it, but for those whose stamps
 * lie in the future. So a clock that stood in the past when rows came takes none of them early, and
 * one that stood in the future keeps what follows no longer than twice `keep`. */
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
