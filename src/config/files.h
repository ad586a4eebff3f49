/* files.h - the files of a configuration: found, read and merged into one tree. */
#ifndef WEIR_CONFIG_FILES_H
#define WEIR_CONFIG_FILES_H

#include "base/failure.h"
#include "config/yaml.h"

/* The files that the places name, each once: a place is a file, a folder (its *.yaml and *.yml, by
 * name) or a glob; without places the first there is of ./weir.yaml,
 * $XDG_CONFIG_HOME/weir/weir.yaml, /etc/weir/weir.yaml.
 *   returns OK (at least one a place) | STOP (none: says what was looked for, and what to do) */
enum outcome files_find(struct arena *a, const struct str_list *places, struct str_list *out,
                        struct failure *f);

/* One tree of all of them. What is wrong goes to `p`. */
void files_read(struct arena *a, const struct str_list *files, struct yaml *out,
                struct problems *p);

#endif
