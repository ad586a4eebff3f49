/* choose.h - which release and which type an event is of (events.md 1.1, 1.8 C1). */
#ifndef WEIR_TRANSFORM_CDEVENTS_CHOOSE_H
#define WEIR_TRANSFORM_CDEVENTS_CHOOSE_H

#include "transform/cdevents/validate.h"

/* Fill in all of *out but what validation has yet to prove.
 *   returns  OK | REJECT with the pointer: no context, no version, a version or type that weir does
 *            not know */
enum outcome cd_choose(yyjson_val *root, struct cd_event *out, struct failure *f);

/* "0.3.0", "0.4.1", "0.5.1" */
const char *cd_release_name(enum cd_release r);

#endif
