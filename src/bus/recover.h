/* recover.h - make one lane's folder good after a death, a power cut or a damaged disk.
 *
 * Only the last group can have been in flight: one write, one sync, then the next. So a group that
 * is not whole at the end is torn and was never acknowledged; one that is not whole and has a valid
 * one after it was damaged later. What the lane's page calls committed is never cut and its
 * positions are never given out again: where it is gone, segments and all, a hole is left. */
#ifndef WEIR_BUS_RECOVER_H
#define WEIR_BUS_RECOVER_H

#include "bus/frame.h"
#include "bus/lane_dir.h"

/* Where a lane ends. */
struct lane_tail {
    uint64_t begin, end;
    uint64_t segment; /* first position of the last segment                   */
    bool has_segment;
    bool has_group;
    struct group last;  /* has_group                                            */
    struct str content; /* the last group's bytes, in the arena                 */
    uint64_t records;   /* before the end, lost ones too                        */
    bool is_mended;     /* damage was set aside                                 */
    uint64_t mended_at;
};

/* Find the lane's end, make it durable, cut what is torn (and report it), set aside what is damaged
 * (quarantine_tell reports it). The caller holds the lane's lock. is_full: read every segment and
 * not the last alone.
 *   returns  OK | RETRY the disk fails | STOP rights */
enum outcome lane_recover(struct arena *a, const struct lane_dir *dir, bool is_full,
                          struct finding_to report, struct lane_tail *out, struct failure *f);

/* Set aside what is damaged or missing in and around the segment that holds `position`, as far as
 * it was committed, while the lane's writer may write behind that. quarantine_tell reports it. When
 * it was the last group, the one before is the last again. Where all is well and `position` is
 * inside an item, whoever stands there is not where this lane's records begin: the item's rest is
 * reported as lost to it, and its readers go on behind. returns  OK | RETRY the disk fails */
enum outcome lane_mend(const struct lane_dir *dir, uint64_t position, struct failure *f);

/* Read every segment up to the durable mark and report what is damaged; changes nothing. */
enum outcome lane_verify(const struct lane_dir *dir, struct finding_to report, struct failure *f);

#endif
