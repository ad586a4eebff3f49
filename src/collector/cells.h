/* cells.h - a JSON object as a row. */
#ifndef WEIR_COLLECTOR_CELLS_H
#define WEIR_COLLECTOR_CELLS_H

#include "collector/source.h"
#include "wire/json.h"

/* Each member a cell, in their order: numbers as they are written, true and false, null, texts;
 * objects and lists as their JSON text. Read it with json_read_exact.
 *   returns OK | REJECT it is no object */
enum outcome cells_of(struct arena *a, yyjson_val *row, struct cell **out, size_t *n,
                      struct failure *f);

#endif
