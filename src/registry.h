/* registry.h - every driver by its role; the only place that knows what this build has. */
#ifndef WEIR_REGISTRY_H
#define WEIR_REGISTRY_H

#include "config/option.h"
#include "orchestrate/duty.h"

/* The types of `agents:`; ends with {0}. */
extern const struct section_type registry_agents[];

struct registry_line {
    const char *role, *name;
    const char *needs; /* NULL: it is there; else the build option that brings it */
};
/* Every duty, in the order of the path; ends with {0}. */
extern const struct duty registry_duties[];

/* Everything, by role; ends with {0}. */
extern const struct registry_line registry_all[];

#endif
