/* configuration.c - the reference of weir.yaml, as docs/ holds it. */
#include <stdio.h>

#include "command/command.h"
#include "command/commands.h"
#include "config/manual.h"
#include "registry.h"

enum { MANUAL_BYTES_MAX = 256 * 1024 };

int command_configuration(int argc, char **argv)
{
    const struct usage usage = {
        .name = "configuration",
        .words = "",
        .about = "The reference of weir.yaml, in Markdown.",
        .examples = "  weir configuration\n",
    };
    struct session s;
    struct buf text;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    buf_init(&text, &s.arena, MANUAL_BYTES_MAX);
    config_manual(&text, &registry_drivers);
    printf("%.*s", STR_ARG(buf_str(&text)));
    return command_end(&s);
}
