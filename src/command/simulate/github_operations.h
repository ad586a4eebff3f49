/* github_operations.h - what happens once a change is merged, and what people write of it. */
#ifndef WEIR_COMMAND_SIMULATE_GITHUB_OPERATIONS_H
#define WEIR_COMMAND_SIMULATE_GITHUB_OPERATIONS_H

#include "command/simulate/github.h"

/* Deploy a commit to an environment (its index); `mends`: roll back, and close that incident. */
void deployment_begin(struct simulation *s, struct repository *r, size_t environment,
                      const char *sha, struct issue *mends);
/* An issue, or an incident in production that a rollback mends. */
void issue_begin(struct simulation *s, struct repository *r, bool is_incident);

#endif
