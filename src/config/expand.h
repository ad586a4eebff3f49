/* expand.h - ${NAME}, ${NAME:-default} and ${file:PATH} in a value of the configuration. */
#ifndef WEIR_CONFIG_EXPAND_H
#define WEIR_CONFIG_EXPAND_H

#include "config/problem.h"

/* `text` with every ${…} replaced; what comes in is never looked into again. `$${` stands for `${`.
 * A file's last line end is left out; PATH is relative to the file that the value stands in. false:
 * a problem was added. */
bool expand(struct arena *a, struct str text, struct place at, struct str *out, struct problems *p);
/* Whether there is anything to replace. */
bool expand_is_needed(struct str text);

#endif
