/* files.h - the files of a configuration: found, read and merged into one tree. */
#ifndef WEIR_CONFIG_FILES_H
#define WEIR_CONFIG_FILES_H

#include "base/failure.h"
#include "config/yaml.h"

/* The files that `place` names: a file, a folder (its *.yaml and *.yml, by name) or a glob; empty:
 * the first there is of ./weir.yaml, $XDG_CONFIG_HOME/weir/weir.yaml, /etc/weir/weir.yaml.
 *   returns OK (at least one) | STOP (none: says what was looked for, and what to do) */
enum outcome files_find(struct arena *a, struct str place, struct str_list *out, struct failure *f);

/* One tree of all of them. What is wrong goes to `p`. */
void files_read(struct arena *a, const struct str_list *files, struct yaml *out,
                struct problems *p);

#endif
