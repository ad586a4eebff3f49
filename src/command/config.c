#include "config/config.h"

#include <stdio.h>

#include "command/command.h"
#include "registry.h"

int command_config(struct arena *a, struct str place, struct config **out)
{
    struct str_list errors;
    struct failure f;
    if (config_read(a, place, registry_agents, out, &errors, &f) == OK) {
        return EXIT_DONE;
    }
    for (size_t i = 0; i < errors.n; i++) {
        (void)fprintf(stderr, "%.*s\n", STR_ARG(errors.at[i]));
    }
    return EXIT_USAGE;
}
