/* validate.c - is this configuration right? Opens no socket, and no file that it does not need. */
#include <stdio.h>

#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "wire/duckdb.h"

/* Scripts of the program that wrote such files first look for VALID=true. */
static bool is_of_collector(const struct config *c, struct str file)
{
    for (size_t i = 0; i < c->collectors.n; i++) {
        if (str_eq(c->collectors.at[i].file, file)) {
            return true;
        }
    }
    return false;
}

int command_validate(int argc, char **argv)
{
    const struct usage usage = {
        .name = "validate",
        .words = "",
        .about =
            "Check a configuration: one `ok` line a file (and VALID=true for a collector's), or "
            "every error of it with file, line and column, and exit status 2. What a collector "
            "file's own program did otherwise comes as notes, and that libduckdb is not found "
            "here. No server is asked.",
        .examples = "  weir validate\n  weir validate -c /etc/weir\n",
        .needs = NEEDS_SECRETS,
        .is_whole = true,
    };
    struct session s;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    for (size_t i = 0; i < s.config->files.n; i++) {
        const struct str file = s.config->files.at[i];
        printf("ok %.*s\n%s", STR_ARG(file), is_of_collector(s.config, file) ? "VALID=true\n" : "");
    }
    for (size_t i = 0; i < s.config->collectors.notes.n; i++) {
        screen_tell("%.*s\n", STR_ARG(screen_line(&s.arena, s.config->collectors.notes.at[i])));
    }
    struct failure f;
    if (duck_look(&s.arena, &f) != OK) { /* no fault of the configuration's */
        screen_tell("the lake cannot start here: %s\n", f.text);
    }
    if (s.config->collectors.notes_unsaid > 0) {
        screen_tell("… and %zu more; validate fewer files at a time\n",
                    s.config->collectors.notes_unsaid);
    }
    return command_end(&s);
}
