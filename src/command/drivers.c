/* drivers.c - what this binary can talk to, and what is missing for the rest. */
#include <stdio.h>

#include "command/command.h"
#include "command/commands.h"
#include "command/rows.h"
#include "registry.h"
#include "wire/duckdb.h"

int command_drivers(int argc, char **argv)
{
    const struct usage usage = {
        .name = "drivers",
        .words = "",
        .about = "What this binary was built with, by role; what is missing names its build "
                 "option, and the lake says where it looked for libduckdb when it is not there.",
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
    if (rows_begin(&s.arena, s.format, &(struct rows_head){name, is_number, 4, NULL}, &rows, &f) !=
        OK) {
        s.status = command_failed("drivers", &f);
        return command_end(&s);
    }
    const char *const engine = duck_look(&s.arena, &f) == OK ? NULL : f.text;
    for (int role = 0; role < ROLE_N; role++) {
        for (const struct section_type *t = registry_drivers.of[role]; t->name; t++) {
            const char *const needs = role == ROLE_LAKE && !t->needs ? engine : t->needs;
            const struct cell cell[] = {
                {CELL_TEXT, str_of(registry_role((enum role)role))},
                {CELL_TEXT, str_of(t->name)},
                {CELL_JSON, t->needs ? S("false") : S("true")},
                {needs ? CELL_TEXT : CELL_NULL, str_of(needs)},
            };
            rows_add(rows, cell);
        }
    }
    rows_end(rows);
    return command_end(&s);
}
