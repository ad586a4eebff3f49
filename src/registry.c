#include "registry.h"

#include "agent/agent.h"
#include "bus/driver.h"
#include "config/agents.h"
#include "persist/store.h"
#include "transform/jq/complete.h"

static void complete_webhook(const struct section_check *c, void *options)
{
    struct webhook_options *const o = options;
    webhook_complete(c, o);
    mapping_complete(c, &o->mapping);
}

static const struct section_type agents[] = {
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

static const struct section_type buses[] = {
    {.name = "embedded", .driver = &bus_embedded},
    {0},
};

static const struct section_type lakes[] = {
    {.name = "delta"}, /* the one there is: no configuration names it */
    {0},
};

static const struct section_type stores[] = {
    {.name = "sqlite", .driver = &store_sqlite},
    {0},
};

const struct drivers registry_drivers = {{
    [ROLE_AGENT] = agents,
    [ROLE_BUS] = buses,
    [ROLE_LAKE] = lakes,
    [ROLE_STORE] = stores,
}};

const char *registry_role(enum role role)
{
    switch (role) {
    case ROLE_AGENT: return "agent";
    case ROLE_BUS: return "bus";
    case ROLE_LAKE: return "lake";
    case ROLE_STORE: return "store";
    case ROLE_N: break;
    }
    return "?";
}
