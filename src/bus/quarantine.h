/* quarantine.h - where damaged bytes are kept, and how nobody forgets to tell of them.
 *
 * A hole's bytes are kept in `corrupt-<position>-<bytes>-<signals>.untold` before the hole is made;
 * who keeps the bus tells it and takes the name's end away: `corrupt-<position>`. So a death at any
 * moment leaves a hole that is told, perhaps twice, never not at all. */
#ifndef WEIR_BUS_QUARANTINE_H
#define WEIR_BUS_QUARANTINE_H

#include "bus/lane_dir.h"

struct hole {
    uint64_t at, bytes;
    uint64_t signals; /* as finding.signals */
};

/* Keep what stands in the hole, durably. `bytes` may be shorter than the hole (the file was): what
 * is kept has the hole's length all the same, so that it says how much is lost. */
enum outcome quarantine_keep(struct arena *a, const struct lane_dir *dir, const struct hole *hole,
                             struct str bytes, struct failure *f);

/* Whether a hole that begins at `at` was told. */
bool quarantine_is_told(const struct lane_dir *dir, uint64_t at);

/* Tell every hole of this lane that was not told yet. returns OK | RETRY the disk fails */
enum outcome quarantine_tell(const struct lane_dir *dir, struct finding_to report,
                             struct failure *f);

/* verify: what was set aside earlier and is not forgotten yet, as FINDING_LOST. */
enum outcome quarantine_list(const struct lane_dir *dir, struct finding_to report,
                             struct failure *f);

#endif
