/* audit_raw.h - whether table raw has the signals that a table's facts say they came from. */
#ifndef WEIR_PERSIST_LAKE_AUDIT_RAW_H
#define WEIR_PERSIST_LAKE_AUDIT_RAW_H

#include "persist/lake/audit_rows.h"
#include "persist/lake/made.h"

/* Of facts that name a signal before table raw's position in its lane: what raw never took (it was
 * begun behind it), what was received before there was the table, what the lake gave up as a dead
 * letter, and lane raw/retry, of which each stage takes its own alone, are no fault. Nothing is
 * said of a lake that other weirs write, too: a fact does not say whose streams its signal stands
 * in. In passes, so memory is bounded; `w` as audit_rows, which has opened the engine if there are
 * facts. returns OK also when something was found | RETRY the disk or the engine fails */
enum outcome audit_raw(const struct audit_rows *w, struct bus *bus, const struct made *made,
                       struct failure *f);

#endif
