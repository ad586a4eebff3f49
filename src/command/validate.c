/* validate.c - is this configuration right? Opens no socket, and no file that it does not need. */
#include <stdio.h>

#include "command/command.h"
#include "command/commands.h"

int command_validate(int argc, char **argv)
{
    const struct usage usage = {
        .name = "validate",
        .words = "",
        .about = "Check a configuration: one `ok` line a file, or every error of it with file, "
                 "line and column, and exit status 2.",
        .examples = "  weir validate\n  weir validate -c /etc/weir\n",
        .needs = NEEDS_SECRETS,
    };
    struct session s;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    for (size_t i = 0; i < s.config->files.n; i++) {
        printf("ok %.*s\n", STR_ARG(s.config->files.at[i]));
    }
    return command_end(&s);
}
