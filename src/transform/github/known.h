/* known.h - which events GitHub has, mapped or not. */
#ifndef WEIR_TRANSFORM_GITHUB_KNOWN_H
#define WEIR_TRANSFORM_GITHUB_KNOWN_H

#include "base/str.h"

/* Whether it is a name of X-GitHub-Event that GitHub sends. What is not may
 * be newer than weir, or invented: it has half of the tally's names, so that it cannot crowd out
 * the others (tally.h). source   GitHub, "Webhook events and payloads", and GitHub Enterprise
 * Server's */
bool github_knows(struct str event);

#endif
