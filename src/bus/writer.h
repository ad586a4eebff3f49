/* writer.h - the one that writes an embedded lane: locked, one group at a time, each synced.
 *
 * A group is visible when it is durable, and not before. After a sync that failed, the segment is
 * sealed where the last good group ends and the next group goes to another file: the kernel has
 * marked the unwritten pages clean, so a second sync of them would lie. */
#ifndef WEIR_BUS_WRITER_H
#define WEIR_BUS_WRITER_H

#include "bus/frame.h"
#include "bus/lane_dir.h"

struct writer;

/* Lock the lane, recover its tail, publish its end. The writer is the lane_dir's until
 * writer_close.
 *   returns  OK | STOP another process writes it (names its pid; cause FENCED), or it is damaged |
 *            RETRY the disk fails */
enum outcome writer_open(struct arena *a, struct embedded *e, struct lane_dir *dir,
                         struct failure *f);
void writer_close(struct lane_dir *dir);

/* Append the records as one group (n may be 0 with a step); record[i].at is set. In a dead lane,
 * what the last group holds already (same origin and part) is left out.
 *   returns  OK durable and visible | RETRY unknown (cause FULL: the budget) */
enum outcome writer_append(struct lane_dir *dir, struct record *r, size_t n,
                           const struct group_step *step, struct failure *f);

/* The same for records of a raw lane in two halves: begin hands them to the disk, end waits until
 * they are durable, then makes them visible. Between the two there is no other append. */
enum outcome writer_begin(struct lane_dir *dir, struct record *r, size_t n, struct failure *f);
enum outcome writer_end(struct lane_dir *dir, struct failure *f);

/* The lane as recovery found it: end, last group, records, and what of it is unread. */
struct lane_tail;
void lane_publish(struct embedded *e, const struct lane_dir *dir, const struct lane_tail *t);

#endif
