/* refuse.h - rows that DuckDB does not take, or has no room for: found one by one, so that the rest
 * lands.
 *
 * The flush child finds them and leaves them in memory that its parent shares; the parent reads its
 * lanes again and hands those rows to the dead letters. A row is known by the hash of its line, so
 * it is known again however often it is read. */
#ifndef WEIR_PERSIST_LAKE_REFUSE_H
#define WEIR_PERSIST_LAKE_REFUSE_H

#include "persist/lake/lake.h"
#include "wire/duckdb.h"

/* More than this of what waits at once is no matter of single rows. */
enum { REFUSED_MAX = 256, REFUSED_HASH_BYTES = 32 };

struct refused {
    size_t n;
    struct refused_row {
        size_t table; /* index into the lake's tables */
        char hash[REFUSED_HASH_BYTES];
        struct failure why; /* with the column at fault as its pointer */
    } row[REFUSED_MAX];
};

/* Memory that children share, none noted. returns OK | RETRY no memory */
enum outcome refuse_open(struct refused **out, struct failure *f);
void refuse_close(struct refused *r); /* safe for NULL */

/* In the child: note the rows of a table's part that are refused alone, `why` being the failure of
 * the whole part.
 *   returns RETRY rows were noted, cause REFUSED | RETRY there are too many | STOP no row is */
enum outcome refuse_find(struct lake *l, struct duck *d, size_t table, const struct lake_part *p,
                         const struct failure *why, struct failure *f);
/* In the child: note a part's one row, which alone wants more memory than there is for it.
 *   returns RETRY it was noted, cause REFUSED | RETRY there are too many */
enum outcome refuse_large(struct lake *l, size_t table, const struct lake_part *p,
                          const struct failure *why, struct failure *f);

/* The note of this line of a table, or NULL. */
const struct refused_row *refuse_note(const struct refused *r, size_t table, struct str line);
/* The table was committed without them. */
void refuse_forget(struct refused *r, size_t table);

#endif
