/* registry.h - every driver by its role, and every duty; the only place that knows what this build
 * has. */
#ifndef WEIR_REGISTRY_H
#define WEIR_REGISTRY_H

#include "config/option.h"
#include "orchestrate/duty.h"

/* Every driver. One that this build lacks keeps its name and says which build option brings it. */
extern const struct drivers registry_drivers;
/* What a role is called. */
const char *registry_role(enum role role);

/* Every duty, in the order of the path; ends with {0}. */
extern const struct duty registry_duties[];

#endif
