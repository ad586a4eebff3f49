#include "config/rules.h"

#include <stddef.h>

static const struct option ticket_options[] = {
    {"bug", OPTION_LIST, offsetof(struct config_tickets, bug), "bug",
     .about =
         "globs of labels that make an issue a bug; `*` is any text without a slash, `**` any"},
    {"enhancement", OPTION_LIST, offsetof(struct config_tickets, enhancement), "enhancement",
     .about = "likewise an enhancement; of several types the first in this order counts"},
    {"incident", OPTION_LIST, offsetof(struct config_tickets, incident), "",
     .about = "likewise an incident"},
    {"task", OPTION_LIST, offsetof(struct config_tickets, task), "", .about = "likewise a task"},
    {"question", OPTION_LIST, offsetof(struct config_tickets, question), "question",
     .about = "likewise a question"},
    {0},
};

#define INCIDENT(member) offsetof(struct config_incidents, member)
static const struct option incident_options[] = {
    {"labels", OPTION_LIST, INCIDENT(labels), "incident",
     .about = "globs of labels that make an issue an incident"},
    {"environment", OPTION_TEXT, INCIDENT(environment), "production",
     .about = "environment of those whose labels name none"},
    {"service_prefix", OPTION_TEXT, INCIDENT(service),
     "service:", .about = "beginning of a label that names the service"},
    {"environment_prefix", OPTION_TEXT, INCIDENT(environment_prefix),
     "environment:", .about = "likewise the environment"},
    {"severity_prefix", OPTION_TEXT, INCIDENT(severity),
     "severity:", .about = "likewise the severity"},
    {"cause_prefix", OPTION_TEXT, INCIDENT(cause),
     "caused-by:", .about = "likewise the deployment, by id or commit, that caused it"},
    {"fix_prefix", OPTION_TEXT, INCIDENT(fix),
     "fixed-by:", .about = "likewise the deployment that mended it"},
    {"within", OPTION_DURATION, INCIDENT(within_ms), "0s", 0, INT64_MAX,
     .about = "without other evidence, blame the last deployment of the same service and "
              "environment when it was no longer ago than this; 0s: never"},
    {0},
};

static const struct option test_options[] = {
    {"checks", OPTION_LIST, offsetof(struct config_tests, checks), "",
     .about = "globs of names of check runs, check suites or their apps that are tests"},
    {"environment", OPTION_TEXT, offsetof(struct config_tests, environment), "ci",
     .about = "where they run"},
    {0},
};

const struct option rules_options[] = {
    {"tickets", OPTION_SECTION, offsetof(struct config_rules, tickets), .section = ticket_options,
     .about = "what type of ticket an issue is"},
    {"incidents", OPTION_SECTION, offsetof(struct config_rules, incidents),
     .section = incident_options, .about = "which issues are incidents"},
    {"tests", OPTION_SECTION, offsetof(struct config_rules, tests), .section = test_options,
     .about = "which checks are tests"},
    {"skew", OPTION_DURATION, offsetof(struct config_rules, skew_ms), "24h", 0, INT64_MAX,
     .about = "a CDEvent that is further ahead of its receipt is taken, with the attribute "
              "ahead_of_receipt"},
    {"statuses", OPTION_LIST, offsetof(struct config_rules, statuses), "",
     .about = "globs of the contexts of commit statuses that are pipelines of an outside CI"},
    {"rollbacks", OPTION_LIST, offsetof(struct config_rules, rollbacks), "",
     .about = "PATH=GLOB of a deployment_status payload: any of them makes the deployment a "
              "rollback, as task = rollback does"},
    {0},
};
