/* letters.h - dead letters closed: sent again, dropped, or stored by a replay, by a record in lane
 * raw/retry. */
#ifndef WEIR_COLLECTOR_LETTERS_H
#define WEIR_COLLECTOR_LETTERS_H

#include "bus/dead.h"
#include "bus/progress.h"
#include "wire/json.h"

enum { LETTERS_BYTES = 4 << 20 };

struct letters {
    struct bus *bus;
    struct progress *progress;
    struct dead_closed *closed; /* kept from one request to the next */
};

enum letters_way { LETTERS_RETRY, LETTERS_DROP, LETTERS_REPLAYED, LETTERS_WAYS_N };
/* The command that asks for each; LETTERS_WAYS_N: for none. */
enum letters_way letters_way(struct str command);

struct letters_done {
    uint64_t n;      /* closed, durably                                           */
    uint64_t looked; /* so many ids at the head of the list are done with, closed or not */
};

/* Close those of a list of ids, in order and in one group, of as many as LETTERS_BYTES have room
 * for (at least one): who asks has an answer soon, and asks again for the others. One that is not
 * open, because somebody else closed it meanwhile or nobody ever did open it, keeps none of the
 * others.
 *   returns OK all that it looked at | REJECT the first that is not open | RETRY | STOP as the bus
 *   says: nothing is done, as far as one knows */
enum outcome letters_close(const struct letters *l, yyjson_val *ids, enum letters_way way,
                           struct letters_done *done, struct failure *f);

#endif
