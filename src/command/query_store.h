/* query_store.h - SQL over the store as it stands, read only. */
#ifndef WEIR_COMMAND_QUERY_STORE_H
#define WEIR_COMMAND_QUERY_STORE_H

#include "command/rows.h"
#include "config/config.h"

/* Run one statement in the store's own language and print its rows.
 *   returns OK | RETRY busy, disk | REJECT the statement | STOP no such store */
enum outcome query_store(struct arena *a, const struct config *config, struct str sql,
                         enum rows_format format, struct failure *f);

#endif
