#include "registry.h"

#include "agent/agent.h"
#include "config/agents.h"

const struct section_type registry_agents[] = {
    {"github", NULL, github_options, sizeof(struct github_options), &agent_github},
    {"cdevents", NULL, cdevents_options, sizeof(struct cdevents_options), &agent_cdevents},
    {0},
};

const struct registry_line registry_all[] = {
    {"agent", "github", NULL}, {"agent", "cdevents", NULL}, {"bus", "embedded", NULL},
    {"lake", "delta", NULL},   {"store", "sqlite", NULL},   {0},
};
