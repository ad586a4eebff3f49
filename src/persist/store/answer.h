/* answer.h - a person's SQL over the store's SQLite file. */
#ifndef WEIR_PERSIST_STORE_ANSWER_H
#define WEIR_PERSIST_STORE_ANSWER_H

#include "persist/store.h"
#include "wire/sqlite.h"

/* store_driver.query. The authorizer lets it read tables and look at the schema, nothing else. */
enum outcome answer_query(sqlite3 *db, struct str sql, const struct store_answer *to,
                          struct failure *f);

#endif
