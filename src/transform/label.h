/* label.h - labels that name something behind a prefix: `caused-by:202` (rules.incidents).
 *
 * Labels are a list of texts, or of objects with a `name`. Case does not count in a prefix; an
 * empty one is nobody's. */
#ifndef WEIR_TRANSFORM_LABEL_H
#define WEIR_TRANSFORM_LABEL_H

#include "wire/json.h"

/* What follows it in the first label that begins with it; empty: none does. */
struct str label_after(yyjson_val *labels, struct str prefix);
/* The same of all of them, a space between two. */
struct str labels_after(struct arena *a, yyjson_val *labels, struct str prefix);

#endif
