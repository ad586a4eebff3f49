/* drivers.c - what this binary can talk to, and what is missing for the rest. */
#include <stdio.h>

#include "base/buf.h"
#include "command/command.h"
#include "command/commands.h"
#include "registry.h"

#define ARENA_BYTES_MAX ((size_t)1 << 20)
enum { LINE_BYTES_MAX = 400 };

static void print_json(struct arena *a, const struct registry_line *line)
{
    struct buf b;
    buf_init(&b, a, LINE_BYTES_MAX);
    buf_printf(&b, "{\"role\":\"%s\",\"name\":\"%s\",\"built\":%s,\"needs\":", line->role,
               line->name, line->needs ? "false" : "true");
    if (line->needs) {
        buf_add_json(&b, str_of(line->needs));
    } else {
        buf_add(&b, S("null"));
    }
    printf("%.*s}\n", STR_ARG(buf_str(&b)));
}

int command_drivers(int argc, char **argv)
{
    bool is_json = false;
    struct words words;
    int status = EXIT_DONE;
    const struct flag flags[] = {flag_json(&is_json), {0}};
    const struct usage usage = {
        .name = "drivers",
        .words = "",
        .about = "What this binary was built with, by role; what is missing names its build "
                 "option.",
        .flags = flags,
        .examples = "  weir drivers\n  weir drivers --json\n",
    };
    if (!usage_read(&usage, argc, argv, &words, &status)) {
        return status;
    }
    struct arena a;
    arena_init(&a, ARENA_BYTES_MAX);
    if (!is_json) {
        printf("%-8s  %-10s  %s\n", "ROLE", "NAME", "NEEDS");
    }
    for (const struct registry_line *line = registry_all; line->role; line++) {
        if (is_json) {
            print_json(&a, line);
        } else {
            printf("%-8s  %-10s  %s\n", line->role, line->name,
                   line->needs ? line->needs : "nothing, it is there");
        }
    }
    arena_close(&a);
    return EXIT_DONE;
}
