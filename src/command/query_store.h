/* query_store.h - SQL over the store as it stands, read only. */
#ifndef WEIR_COMMAND_QUERY_STORE_H
#define WEIR_COMMAND_QUERY_STORE_H

#include "command/rows.h"

/* Run one statement on the SQLite file `path` and print its rows.
 *   returns OK | RETRY busy, disk | REJECT the statement | STOP no such store */
enum outcome query_store(struct arena *a, struct str path, struct str sql, enum rows_format format,
                         struct failure *f);

#endif
