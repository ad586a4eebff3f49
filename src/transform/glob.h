/* glob.h - names that the configuration gives with stars: repositories, labels, paths. */
#ifndef WEIR_TRANSFORM_GLOB_H
#define WEIR_TRANSFORM_GLOB_H

#include "config/option.h"

/* `*` is any text without a slash, `**` any text, `?` one character but a slash; letters of either
 * case are alike. */
bool glob_matches(struct str glob, struct str text);
/* One of them does. */
bool glob_any(const struct str_list *globs, struct str text);

#endif
