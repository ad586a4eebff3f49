/* replace.h - a second SQLite file beside the store's, and its rows in place of the store's. */
#ifndef WEIR_PERSIST_STORE_REPLACE_H
#define WEIR_PERSIST_STORE_REPLACE_H

#include "persist/store.h"
#include "wire/sqlite.h"

/* store_driver.second */
enum outcome replace_second(struct store *s, struct str folder, struct config_store *out,
                            struct failure *f);
/* store_driver.replace, on the live store's file. */
enum outcome replace_rows(sqlite3 *db, const struct store_second *by, struct failure *f);

#endif
