/* check.h - what the option tables cannot say: what must fit together in a configuration. */
#ifndef WEIR_CONFIG_CHECK_H
#define WEIR_CONFIG_CHECK_H

#include "config/config.h"
#include "config/section.h"

/* Everything that does not fit becomes a problem; what the tables refused already is passed over.
 * `root` is the tree that `c` was made of. Reads the files of TLS, unless secrets are left out. */
void check_config(const struct sections *s, const struct yaml *root, struct config *c);

#endif
