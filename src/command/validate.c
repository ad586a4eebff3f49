/* validate.c - is this configuration right? Opens no socket, and no file that it does not need. */
#include <stdio.h>

#include "command/command.h"
#include "command/commands.h"
#include "config/config.h"

#define ARENA_BYTES_MAX ((size_t)64 << 20)

int command_validate(int argc, char **argv)
{
    struct str place = {NULL, 0};
    struct words words;
    int status = EXIT_DONE;
    const struct flag flags[] = {flag_config(&place), {0}};
    const struct usage usage = {
        .name = "validate",
        .words = "",
        .about = "Check a configuration: one `ok` line a file, or every error of it with file, "
                 "line and\ncolumn, and exit status 2.",
        .flags = flags,
        .examples = "  weir validate\n  weir validate -c /etc/weir\n",
    };
    if (!usage_read(&usage, argc, argv, &words, &status)) {
        return status;
    }
    struct arena a;
    struct config *config = NULL;
    arena_init(&a, ARENA_BYTES_MAX);
    status = command_config(&a, place, &config);
    for (size_t i = 0; status == EXIT_DONE && i < config->files.n; i++) {
        printf("ok %.*s\n", STR_ARG(config->files.at[i]));
    }
    arena_close(&a);
    return status;
}
