/* files.h - the files of a configuration: found, read and merged into one tree. */
#ifndef WEIR_CONFIG_FILES_H
#define WEIR_CONFIG_FILES_H

#include "base/failure.h"
#include "config/collector.h"
#include "config/yaml.h"

/* Files, each once. */
struct files_found {
    struct str_list all;
    bool *is_among; /* of each: a folder or a glob gave it, and nobody named it */
    struct str_list folders;
};

/* The files that the places name: a place is a file, a folder (its *.yaml and *.yml, by name) or a
 * glob; without places the first there is of ./weir.yaml, $XDG_CONFIG_HOME/weir/weir.yaml,
 * /etc/weir/weir.yaml.
 *   returns OK (at least one a place) | STOP (none: says what was looked for, and what to do) */
enum outcome files_find(struct arena *a, const struct str_list *places, struct files_found *out,
                        struct failure *f);

/* What is read: weir's own files as one tree, and each collector file as it is. The first three
 * and what was found are given; the rest begins as zeros. */
struct files_trees {
    struct arena *arena;
    struct problems *problems, *notes; /* what is wrong; what was passed over in collector files */
    bool is_whole;                     /* no file is left out: what is wrong in it is a problem */
    struct files_found found;
    struct yaml own; /* empty when every file is a collector's */
    struct yaml *collector;
    size_t own_n, collectors_n;
    struct collector_left *left;
    size_t left_n;
};

/* Read all that were found. A file is a collector's when it has `source`, `schedule`, `metric` or
 * `collector` at its top; and one of many that has no section of weir's either, where the others
 * are collectors' alone. One of many that is a collector's, and no YAML, is left out. Where none
 * may be, a note tells of collector files in a folder that have another ending. */
void files_read(struct files_trees *t);
/* The text of one file, added to what was read; `is_collector`: it can be nothing else. */
void files_read_text(struct files_trees *t, struct str file, struct str text, bool is_collector);
/* The files that `collectors: PATH` or a list of paths names, beside its own file, found and
 * read. */
void files_read_collectors(struct files_trees *t, const struct yaml *paths);

/* Whether something wrong in this file leaves it out, and is no problem of all. */
bool files_may_leave(const struct files_trees *t, struct str file);
/* Leave it out, for that. */
void files_leave(struct files_trees *t, struct str file, struct str name,
                 const struct problems *wrong);
/* The last part of a path. */
struct str files_base(struct str path);
/* A path without .yaml or .yml. */
struct str files_without_ending(struct str path);
/* Both: a file's own name. */
struct str files_stem(struct str path);

#endif
