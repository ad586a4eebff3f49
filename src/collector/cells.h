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

/* A date, or a time in UTC, as servers print it (`2024-01-02 03:04:05.6+00`), as RFC 3339; infinity
 * and what lies before our era stay as they are. */
struct str cell_time(struct arena *a, struct str text);

/* The shortest decimal text that is this very number. */
struct str cell_real(struct arena *a, double number);

/* Bytes that are no text, in hexadecimal: 0x00FF. */
struct str cell_bytes(struct arena *a, struct str bytes);

#endif
