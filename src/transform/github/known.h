/* known.h - which events GitHub has, mapped or not. */
#ifndef WEIR_TRANSFORM_GITHUB_KNOWN_H
#define WEIR_TRANSFORM_GITHUB_KNOWN_H

#include "base/str.h"

/* Whether it is a name of X-GitHub-Event that GitHub sends. What is not is counted together, so
 * that invented names cannot crowd out the others (tally.h). source   GitHub, "Webhook events and
 * payloads", and GitHub Enterprise Server's */
bool github_knows(struct str event);

#endif
