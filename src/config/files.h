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

/* What is read: weir's own files as one tree, and each collector file as it is. The first three
 * are given; the rest begins as zeros. */
struct files_trees {
    struct arena *arena;
    struct problems *problems, *notes; /* what is wrong; what was passed over in collector files */
    struct yaml own;                   /* empty when every file is a collector's */
    struct yaml *collector;
    size_t own_n, collectors_n;
};

/* Read them all. A file is a collector's when it has `source`, `schedule`, `metric` or `collector`
 * at its top. */
void files_read(struct files_trees *t, const struct str_list *files);
/* The text of one file, added to what was read; `is_collector`: it can be nothing else. */
void files_read_text(struct files_trees *t, struct str file, struct str text, bool is_collector);
/* The files that `collectors: PATH` or a list of paths names, beside its own file, read and added
 * to `files`. */
void files_read_collectors(struct files_trees *t, const struct yaml *paths, struct str_list *files);

#endif
