/* manual.h - the reference of weir.yaml, made from the option tables, so that it cannot drift. */
#ifndef WEIR_CONFIG_MANUAL_H
#define WEIR_CONFIG_MANUAL_H

#include "base/buf.h"
#include "config/option.h"

/* docs/configuration.md, in Markdown. */
void config_manual(struct buf *to, const struct drivers *drivers);

#endif
