/* audit.h - the lake against its own checksums and against the bus. */
#ifndef WEIR_PERSIST_LAKE_AUDIT_H
#define WEIR_PERSIST_LAKE_AUDIT_H

#include "bus/bus.h"
#include "config/config.h"

/* Told of each fault as one sentence; it lives until the call returns. */
struct audit_to {
    void (*found)(void *to, struct str what);
    void (*noted)(void *to, struct str what); /* what is known, and nothing to mend: the same way */
    /* Counting the facts of a table has come so far. */
    void (*looked)(void *to, const char *table, size_t files, size_t of);
    void *to;
    size_t files, rows;       /* out: looked at                                 */
    size_t distinct;          /* of those rows: by fact_id                      */
    size_t commits, unsealed; /* of them without a checksum: another writer's  */
    bool is_shared;           /* out: weirs of other streams wrote to it, too  */
};

/* Every table: its log can be replayed and is what was written (audit_log.h), every live file is
 * there with its size and checksum and as many facts as it says, no raw signal stands twice, and
 * none is missing that a fact came from (audit_raw.h), no table is gone that weir wrote to
 * (made.h), no position lies behind the end of its lane. Reads only; a writer may be at work.
 * Without a bus (NULL) positions are not looked at. returns OK also when something was found |
 * RETRY the disk fails */
enum outcome audit_lake(const struct config *config, struct bus *bus, struct audit_to *report,
                        struct failure *f);

#endif
