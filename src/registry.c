#include "registry.h"

#include "agent/agent.h"
#include "bus/driver.h"
#include "config/agents.h"
#include "persist/store.h"

static const struct section_type agents[] = {
    {"github", NULL, github_options, sizeof(struct github_options), &agent_github},
    {"cdevents", NULL, cdevents_options, sizeof(struct cdevents_options), &agent_cdevents},
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
