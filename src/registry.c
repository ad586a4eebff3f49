#include "registry.h"

#include "agent/agent.h"
#include "config/agents.h"
#include "transform/jq/complete.h"

static void complete_webhook(const struct section_check *c, void *options)
{
    struct webhook_options *const o = options;
    webhook_complete(c, o);
    mapping_complete(c, &o->mapping);
}

const struct section_type registry_agents[] = {
    {.name = "github",
     .options = github_options,
     .bytes = sizeof(struct github_options),
     .driver = &agent_github},
    {.name = "cdevents",
     .options = cdevents_options,
     .bytes = sizeof(struct cdevents_options),
     .driver = &agent_cdevents},
    {.name = "webhook",
     .options = webhook_options,
     .bytes = sizeof(struct webhook_options),
     .driver = &agent_webhook,
     .complete = complete_webhook},
    {0},
};

const struct registry_line registry_all[] = {
    {"agent", "github", NULL},
    {"agent", "cdevents", NULL},
    {"agent", "webhook", NULL},
    {"bus", "embedded", NULL},
    {"lake", "delta", NULL},
    {"store", "sqlite", NULL},
    {0},
};
