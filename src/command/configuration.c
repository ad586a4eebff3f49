/* configuration.c - `weir help configuration`: the reference of weir.yaml, as docs/ holds it. */
#include <stdio.h>

#include "command/command.h"
#include "command/commands.h"
#include "config/manual.h"
#include "registry.h"

enum { MANUAL_BYTES_MAX = 256 * 1024 };

int command_configuration(int argc, char **argv)
{
    struct arena a;
    struct buf text;
    (void)argc;
    (void)argv;
    arena_init(&a, (size_t)4 * MANUAL_BYTES_MAX);
    buf_init(&text, &a, MANUAL_BYTES_MAX);
    config_manual(&text, registry_agents);
    printf("%.*s", STR_ARG(buf_str(&text)));
    arena_close(&a);
    return EXIT_DONE;
}
