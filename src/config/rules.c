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

const struct option rules_options[] = {
    {"tickets", OPTION_SECTION, offsetof(struct config_rules, tickets), .section = ticket_options,
     .about = "what type of ticket an issue is"},
    {"rollbacks", OPTION_LIST, offsetof(struct config_rules, rollbacks), "",
     .about = "PATH=GLOB of a deployment_status payload: any of them makes the deployment a "
              "rollback, as task = rollback does"},
    {0},
};
