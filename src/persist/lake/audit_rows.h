/* audit_rows.h - what the files of a table hold, counted beside what its log says. */
#ifndef WEIR_PERSIST_LAKE_AUDIT_ROWS_H
#define WEIR_PERSIST_LAKE_AUDIT_ROWS_H

#include "persist/lake/audit.h"
#include "persist/lake/delta.h"
#include "signal/model.h"
#include "wire/duckdb.h"

/* Files that were found whole; every fact in them is counted, and how many distinct ones they are,
 * in passes of whole days (the same fact has the same time, so the same day): memory is bounded
 * whatever the table's size. Wrong is a file that holds another number than its numRecords, and a
 * raw signal that stands twice; a fact that stands twice from one signal is noted, since a payload
 * may tell it twice. `duck` is opened at the first file, within `memory_bytes_max`, and the
 * caller's to close. What goes meanwhile (merged, vacuumed) is not counted.
 *   returns OK also when something was found | RETRY no engine, or it fails */
struct audit_rows {
    struct delta *log;
    const struct model *model;
    struct arena *scratch; /* reset in between */
    struct audit_to *report;
    size_t memory_bytes_max;
    struct duck **duck;
    struct arena *life; /* of the engine's */
};
enum outcome audit_rows(const struct audit_rows *w, struct failure *f);

#endif
