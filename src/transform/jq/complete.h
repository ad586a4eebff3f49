/* complete.h - the mapping that a configuration names: found, read, and compiled once to see that
 * it can be. */
#ifndef WEIR_TRANSFORM_JQ_COMPLETE_H
#define WEIR_TRANSFORM_JQ_COMPLETE_H

#include "base/failure.h"
#include "config/agents.h"
#include "config/section.h"

enum { PROGRAM_BYTES_MAX = 1 << 20 };

/* The text of a mapping: a ready one by its name, else (it holds a slash, or ends with .jq) a file,
 * relative to `beside`. returns OK | STOP there is none, or it cannot be read */
enum outcome mapping_find(struct arena *a, struct str name, struct str beside, struct mapping *out,
                          struct failure *f);

/* Fill `mapping`, whose name was read; what is wrong with it is told (section_type.complete). */
void mapping_complete(const struct section_check *c, struct mapping *mapping);

#endif
