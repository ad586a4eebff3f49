/* made.h - which tables of the lake weir has written to, remembered apart from the lake.
 *
 * A table that is gone looks like one that never was. What tells them apart is
 * `<data>/lake.tables`: a line `TABLE BUS-ID` for each table and each incarnation of the streams
 * that fed it, written once the table is there. A person who removes a line says that the table may
 * begin anew without what it held. It is no cursor: nothing is read from where it says. Its lines
 * of table `raw` also tell which streams were ever this folder's own. */
#ifndef WEIR_PERSIST_LAKE_MADE_H
#define WEIR_PERSIST_LAKE_MADE_H

#include "persist/lake/delta.h"

enum { MADE_ID_BYTES = 37 }; /* with its end */

struct made {
    struct str path; /* of the file      */
    struct str text; /* all of its lines */
};

/* What the file in the folder `data` says; no file: nothing.
 *   returns OK | STOP it cannot be read */
enum outcome made_read(struct arena *a, struct str data, struct made *out, struct failure *f);
/* This incarnation of the streams has fed the table. */
bool made_has(const struct made *m, struct str table, struct str bus_id);
/* Which incarnations have. */
size_t made_buses(const struct made *m, struct arena *a, struct str table, struct str **out);
/* Any has. */
bool made_is_known(const struct made *m, struct str table);
/* The id of a table, in the form of a UUID: the same whenever this bus makes this table. */
void made_id(struct str bus_id, struct str table, char out[MADE_ID_BYTES]);
/* The table lacks what nothing brings back by itself: it is gone, or one that another weir made
 * stands in its place. `has_own`: it has a position in a lane of this bus; `has_forgotten`: one of
 * the lanes that feed it has lost its beginning. */
bool made_is_lost(const struct made *m, const struct delta *log, struct str bus_id, bool has_own,
                  bool has_forgotten);
/* From where a table takes a lane that begins at `begin`: its txn; without one 0, though the lane
 * may have forgotten that, which whoever reads there is told. A table that begins anew (it is not
 * there, or has no line for this bus) takes what there still is. */
uint64_t made_from(const struct made *m, const struct delta *log, struct str bus_id, struct str app,
                   uint64_t begin);
/* Add a line for each of these tables that has none, durably. */
enum outcome made_add(struct made *m, struct arena *a, const struct str *table, size_t n,
                      struct str bus_id, struct failure *f);

#endif
