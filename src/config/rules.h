/* rules.h - what an organisation means by its labels, names and payloads, where the signals alone
 * do not say: section `rules` of the configuration. The transform alone reads it. */
#ifndef WEIR_CONFIG_RULES_H
#define WEIR_CONFIG_RULES_H

#include "config/option.h"

/* Labels, as globs, that make an issue a ticket of that type. Of several types the first counts. */
struct config_tickets {
    struct str_list bug, enhancement, incident, task, question;
};

struct config_rules {
    struct config_tickets tickets;
    struct str_list rollbacks; /* PATH=GLOB each, of a GitHub deployment_status payload */
};

extern const struct option rules_options[];

#endif
