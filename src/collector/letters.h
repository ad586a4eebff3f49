/* letters.h - dead letters closed: sent again, or dropped, by a record in lane raw/retry. */
#ifndef WEIR_COLLECTOR_LETTERS_H
#define WEIR_COLLECTOR_LETTERS_H

#include "bus/bus.h"
#include "bus/progress.h"
#include "wire/json.h"

/* Close those of a list of ids, in order; *n: how many are closed, durably. One that is not open,
 * because somebody else closed it meanwhile or nobody ever did open it, keeps none of the others.
 *   returns OK all of them | REJECT the first that is not open | RETRY | STOP as the bus says */
enum outcome letters_close(struct bus *bus, struct progress *progress, yyjson_val *ids,
                           bool is_drop, uint64_t *n, struct failure *f);

#endif
