/* run.c - weir itself: the orchestrator with everything that the configuration names. */
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "orchestrate/orchestrate.h"
#include "registry.h"

static bool is_stage(struct str name)
{
    for (const struct duty *d = registry_duties; d->stage; d++) {
        if (str_eq(name, str_of(d->stage))) {
            return true;
        }
    }
    return false;
}

static bool check_only(struct str only)
{
    while (only.len > 0) {
        const struct str stage = str_trim(str_cut(only, ',', &only));
        if (is_stage(stage)) {
            continue;
        }
        struct nearest n = nearest_to(stage);
        screen_tell("weir run: there is no stage %.*s; there are", STR_ARG(stage));
        for (const struct duty *d = registry_duties; d->stage; d++) {
            nearest_offer(&n, str_of(d->stage));
            screen_tell("%s %s", d == registry_duties ? "" : ",", d->stage);
        }
        const struct str near = nearest_found(&n);
        screen_tell("%s%.*s%s\n", near.len ? "; did you mean " : "", STR_ARG(near),
                    near.len ? "?" : "");
        return false;
    }
    return true;
}

static int check(void *of, const struct words *words)
{
    const struct str only = *(const struct str *)of;
    (void)words;
    if (only.at && only.len == 0) {
        screen_tell("weir run: --only names no stage\n");
        return EXIT_USAGE;
    }
    return check_only(only) ? EXIT_DONE : EXIT_USAGE;
}

int command_run(int argc, char **argv)
{
    struct str only = {NULL, 0};
    const struct flag flags[] = {
        {"only", 0, FLAG_TEXT, &only, "STAGE,…", "these stages alone, the others run elsewhere"},
        {0}};
    const struct usage usage = {
        .name = "run",
        .words = "",
        .about = "Collect, transform and keep, until SIGTERM or Ctrl-C; both drain first. SIGHUP "
                 "reads the configuration again, SIGUSR1 flushes lake and store.",
        .flags = flags,
        .examples = "  weir run\n  weir run -c /etc/weir\n",
        .needs = NEEDS_SECRETS,
        .check = check,
        .of = &only,
    };
    /* ps shows what each child does in the memory of these words; so nothing may point there */
    char *const title = program_invocation_name;
    const char *const end = argv[argc - 1] + strlen(argv[argc - 1]);
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    const struct orchestrate o = {.from = s.from,
                                  .duties = registry_duties,
                                  .only = arena_str(&s.arena, only),
                                  .title = title,
                                  .title_bytes = end > title ? (size_t)(end - title) : 0};
    if (orchestrate_run(&o, &s.arena, s.config, &f) != OK) {
        s.status = command_failed("run", &f);
    }
    return command_end(&s);
}
