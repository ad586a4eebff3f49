/* known.h - which events and actions GitHub has, mapped or not.
 *
 * What is not here may be newer than weir, or invented: it has half of the tally's names, so that
 * it cannot crowd out the others (tally.h). */
#ifndef WEIR_TRANSFORM_GITHUB_KNOWN_H
#define WEIR_TRANSFORM_GITHUB_KNOWN_H

#include "base/str.h"

/* Whether it is a name of X-GitHub-Event that GitHub sends.
 *   source   GitHub, "Webhook events and payloads", and GitHub Enterprise Server's */
bool github_knows(struct str event);
/* Whether GitHub sends this event with this `action`, or with none. */
bool github_knows_action(struct str event, struct str action);

#endif
