/* github_operations.h - what happens once a change is merged, and what people write of it. */
#ifndef WEIR_COMMAND_SIMULATE_GITHUB_OPERATIONS_H
#define WEIR_COMMAND_SIMULATE_GITHUB_OPERATIONS_H

#include "command/simulate/github.h"

/* Deploy a place of main to an environment (its index); `mends`: roll back, and close that
 * incident. */
void deployment_begin(struct simulation *s, struct repository *r, size_t environment,
                      const struct place *place, struct issue *mends);
void issue_begin(struct simulation *s, struct repository *r);
/* An incident in production: of a deployment, and mended by a rollback; or not ours (NULL). */
void incident_begin(struct simulation *s, struct repository *r, const struct deployment *cause);

#endif
