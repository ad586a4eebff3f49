/* store.h - the real-time view: one row a key, upserted together with the reader's cursors.
 *
 * A driver (SQLite now; PostgreSQL and DynamoDB will be others) keeps rows and cursors. Folding is
 * done before (signal/fold.h): a batch holds a key once. */
#ifndef WEIR_PERSIST_STORE_H
#define WEIR_PERSIST_STORE_H

#include "bus/bus.h"
#include "config/config.h"
#include "signal/fold.h"

struct store {
    const struct store_driver *driver;
    void *state; /* the driver's own, state_bytes long, zeroed by store_open */
    const struct config *config;
    struct str bus_id;
    bool is_reader;      /* opened by a command: nothing is made or written */
    bool is_absent;      /* a reader's open found that nothing was kept yet */
    struct arena *arena; /* the store's lifetime */
};

/* Rows of one model, sorted by key, each key once. */
struct rows {
    const struct model *model;
    struct row *row;
    bool *is_there; /* one a row, set by get: the store holds a row of this key */
    size_t n;
};

/* What a query of the store is told to: the columns' names once, then each row. */
struct store_cell {
    bool is_null, is_number;
    struct str text; /* until the call returns */
};
struct store_answer {
    enum outcome (*head)(void *to, const struct str *name, size_t n, struct failure *f);
    enum outcome (*row)(void *to, const struct store_cell *cell, struct failure *f);
    void *to;
};

/* A second store, filled beside the live one, whose rows are to take the place of the live one's.
 */
struct store_second {
    const struct config_store *config;
    bool with_cursors; /* its cursors, too; else the live one keeps its own */
    /* Bring it to where the streams end now: called when the live one's cursors can't move. */
    enum outcome (*catch_up)(void *to, struct failure *f);
    void *to;
};

struct store_driver {
    size_t state_bytes;

    /* Reach it, make or widen its tables from the catalogue; a reader's makes nothing and notes
     * is_absent. STOP: rights, another bus id, newer schema. RETRY: unreachable. */
    enum outcome (*open)(struct store *s, struct failure *f);
    /* Fill in the rows of these keys as they stand (hidden columns too); a row that is not there
     * keeps its nulls. */
    enum outcome (*get)(struct store *s, struct arena *a, struct rows *rows, struct failure *f);
    /* All rows and the cursors of the batch's slices in one durable transaction, if each cursor
     * still stands at slice.from; of nothing, when it is only asked whether the store is in place.
     * RETRY: nothing changed (cause FENCED: another owner moved a cursor). REJECT: nothing changed,
     * since a row is too big: f->record counts it among all of them. STOP: among others, what was
     * opened is no longer where it stood. */
    enum outcome (*put)(struct store *s, const struct rows *rows, size_t n, const struct batch *b,
                        struct failure *f);
    /* Where this store's reader stands in a lane; 0 is the beginning. */
    enum outcome (*cursor)(struct store *s, struct lane lane, struct position *out,
                           struct failure *f);
    /* Forget rows whose revised_at is older. */
    enum outcome (*expire)(struct store *s, int64_t before_us, struct failure *f);
    /* How many rows of a model there are; cheap, for status. */
    enum outcome (*rows)(struct store *s, const struct model *m, uint64_t *out, struct failure *f);
    /* Every row of a model in key order, to a visitor that may stop it (verify). The arena is reset
     * after each. */
    enum outcome (*each)(struct store *s, const struct model *m, struct arena *a,
                         bool (*visit)(void *to, const struct row *r), void *to, struct failure *f);
    /* The far end's own checks, each fault told as a sentence (verify). NULL: it has none. */
    enum outcome (*check)(struct store *s, void (*found)(void *to, struct str what), void *to,
                          struct failure *f);
    /* One statement of its own language that only reads, its answer told (query --store). NULL: it
     * has no such language. returns OK | RETRY busy | REJECT the statement */
    enum outcome (*query)(struct store *s, struct str sql, const struct store_answer *answer,
                          struct failure *f);
    /* Copy all it keeps, as of one moment, into a new file while its writer goes on (backup). NULL:
     * it is copied by its own means. */
    enum outcome (*copy)(struct store *s, const char *to, struct failure *f);
    /* Where a second store of the kind stands that is made beside this one; a `folder` is given to
     * it. Nothing is there: what an earlier one left is removed. */
    enum outcome (*second)(struct store *s, struct str folder, struct config_store *out,
                           struct failure *f);
    /* The second one's rows in place of all of this one's, in one transaction (replay).
     *   returns OK | RETRY nothing changed | STOP as put | as catch_up */
    enum outcome (*replace)(struct store *s, const struct store_second *by, struct failure *f);
    void (*close)(struct store *s); /* cannot fail; safe after a failed open */
};

extern const struct store_driver store_sqlite;

/* Open the configured store as its one writer. `bus_id`: whose cursors it keeps.
 *   returns OK | RETRY | STOP */
enum outcome store_open(struct arena *a, const struct config *config, struct str bus_id,
                        struct store **out, struct failure *f);
/* The same as a reader, for a command; *out is NULL when nothing was kept yet. */
enum outcome store_look(struct arena *a, const struct config *config, struct str bus_id,
                        struct store **out, struct failure *f);
/* Weir has written to the store, as the page of the stage says: one that is not there was removed.
 */
bool store_was_there(struct arena *a, const struct config *config);
void store_close(struct store *s); /* safe for NULL */

#endif
