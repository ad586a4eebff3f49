/* closing.h - dead letters closed by the weir that runs, which is asked portion by portion. */
#ifndef WEIR_COMMAND_CLOSING_H
#define WEIR_COMMAND_CLOSING_H

#include "base/failure.h"
#include "base/str.h"

struct closing {
    struct str data;     /* the folder of the weir that runs */
    const char *command; /* retry, drop, replayed            */
    const struct str *id;
    size_t ids_n;
    size_t at; /* with so many of the ids weir is done */
    uint64_t done_n;
};

/* On behind ids that are not open; *f is of the first of them, or of what ended it.
 *   returns OK, also when asked to stop in between | REJECT ids that are not open | RETRY it
 *   ended before all were done: no weir runs, or it cannot */
enum outcome closing_ask(struct closing *c, struct failure *f);

#endif
