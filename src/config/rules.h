/* rules.h - what an organisation means by its labels, names and payloads, where the signals alone
 * do not say: section `rules` of the configuration. The transform alone reads it. */
#ifndef WEIR_CONFIG_RULES_H
#define WEIR_CONFIG_RULES_H

#include "config/option.h"

/* Labels, as globs, that make an issue a ticket of that type. Of several types the first counts. */
struct config_tickets {
    struct str_list bug, enhancement, incident, task, question;
};

/* Which issues are incidents, and what else their labels say: `service:shop`. */
struct config_incidents {
    struct str_list labels;                                       /* globs */
    struct str environment;                                       /* of those that name none */
    struct str service, severity, environment_prefix, cause, fix; /* prefixes of labels */
    int64_t within_ms;                                            /* 0: time alone is no evidence */
};

/* Which check runs and suites are tests, by the globs of their name or their app's. */
struct config_tests {
    struct str_list checks;
    struct str environment;
};

struct config_rules {
    struct config_tickets tickets;
    struct config_incidents incidents;
    struct config_tests tests;
    int64_t skew_ms;           /* a CDEvent may be this far ahead of its receipt without a note */
    struct str_list statuses;  /* globs of commit statuses' contexts that are pipelines */
    struct str_list rollbacks; /* PATH=GLOB each, of a GitHub deployment_status payload */
};

extern const struct option rules_options[];

#endif
