/* service.h - which service of the configuration something belongs to. The first that fits is it.
 *
 * Texts that are not known are empty. */
#ifndef WEIR_TRANSFORM_SERVICE_H
#define WEIR_TRANSFORM_SERVICE_H

#include "config/config.h"

struct belonging {
    struct str said;        /* what the signal calls its service                  */
    bool is_sure;           /* that is a service's name even where none is configured so */
    struct str place, name; /* of the repository: HOST/OWNER/NAME and OWNER/NAME  */
    struct str environment;
};

/* The service's name: one that is called as `said`; else `said` itself where that is sure; else one
 * with this repository and environment; else OWNER/NAME. */
struct str service_of(const struct config *c, const struct belonging *of);

/* Whether an environment of that service is production: its configuration says so, else
 * *is_told is false and its name decides. */
bool service_is_production(const struct config *c, const struct belonging *of, bool *is_told);

/* Every service that one of these files belongs to; at least one: without configuration OWNER/NAME.
 */
struct str_list services_of_files(struct arena *a, const struct config *c,
                                  const struct belonging *of, const struct str_list *files);

#endif
