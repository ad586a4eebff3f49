/* compare.h - the store's rows beside those that the lake's view shows, model by model. */
#ifndef WEIR_COMMAND_COMPARE_H
#define WEIR_COMMAND_COMPARE_H

#include "command/ask.h"
#include "persist/store.h"

/* Told of each difference as one sentence, which lives until the call returns. */
struct compare_to {
    void (*found)(void *to, struct str what);
    void *to;
    bool is_shared; /* others write to the lake, too: only what it lacks is a difference */
};

enum { COMPARE_TOLD_MAX = 10 }; /* of a model; the others are counted in one sentence more */

/* Every row of every stored model, column by column; both go in the order of their keys. The engine
 * must show all models, up to where the store stands.
 *   returns OK also when something differs | RETRY | REJECT | STOP one side cannot be read */
enum outcome compare_all(struct ask *lake, struct store *store, const struct compare_to *report,
                         struct failure *f);

#endif
