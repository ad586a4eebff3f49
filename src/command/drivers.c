/* drivers.c - what this binary can talk to, and what is missing for the rest. */
#include <stdio.h>

#include "command/command.h"
#include "command/commands.h"
#include "command/rows.h"
#include "registry.h"

int command_drivers(int argc, char **argv)
{
    const struct usage usage = {
        .name = "drivers",
        .words = "",
        .about = "What this binary was built with, by role; what is missing names its build "
                 "option.",
        .examples = "  weir drivers\n  weir drivers --json\n",
        .prints = PRINTS_ROWS,
    };
    static const struct str name[] = {STR("role"), STR("name"), STR("built"), STR("needs")};
    static const bool is_number[] = {false, false, false, false};
    struct session s;
    struct rows *rows;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    if (rows_begin(&s.arena, s.format, &(struct rows_head){name, is_number, 4}, &rows, &f) != OK) {
        s.status = command_failed("drivers", &f);
        return command_end(&s);
    }
    for (const struct registry_line *line = registry_all; line->role; line++) {
        const struct cell cell[] = {
            {CELL_TEXT, str_of(line->role)},
            {CELL_TEXT, str_of(line->name)},
            {CELL_JSON, line->needs ? S("false") : S("true")},
            {line->needs ? CELL_TEXT : CELL_NULL, str_of(line->needs)},
        };
        rows_add(rows, cell);
    }
    rows_end(rows);
    return command_end(&s);
}
