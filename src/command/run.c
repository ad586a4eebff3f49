/* run.c - weir itself: the orchestrator with everything that the configuration names. */
#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "command/command.h"
#include "command/commands.h"
#include "orchestrate/orchestrate.h"
#include "registry.h"

#define ARENA_BYTES_MAX ((size_t)64 << 20)

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
        (void)fprintf(stderr, "weir run: there is no stage %.*s; there are", STR_ARG(stage));
        for (const struct duty *d = registry_duties; d->stage; d++) {
            nearest_offer(&n, str_of(d->stage));
            (void)fprintf(stderr, "%s %s", d == registry_duties ? "" : ",", d->stage);
        }
        const struct str near = nearest_found(&n);
        (void)fprintf(stderr, "%s%.*s%s\n", near.len ? "; did you mean " : "", STR_ARG(near),
                      near.len ? "?" : "");
        return false;
    }
    return true;
}

int command_run(int argc, char **argv)
{
    struct str place = {NULL, 0}, only = {NULL, 0};
    struct words words;
    int status = EXIT_DONE;
    const struct flag flags[] = {
        flag_config(&place),
        {"only", 0, FLAG_TEXT, &only, "STAGE,…", "these stages alone, the others run elsewhere"},
        {0}};
    const struct usage usage = {
        .name = "run",
        .words = "",
        .about = "Collect, transform and keep, until SIGTERM or Ctrl-C; both drain first. SIGHUP "
                 "reads the\nconfiguration again, SIGUSR1 flushes lake and store.",
        .flags = flags,
        .examples = "  weir run\n  weir run -c /etc/weir\n",
    };
    /* ps shows what each child does in the memory of these words; so nothing may point there */
    char *const title = program_invocation_name;
    const char *const end = argv[argc - 1] + strlen(argv[argc - 1]);
    if (!usage_read(&usage, argc, argv, &words, &status)) {
        return status;
    }
    if (only.at && only.len == 0) {
        (void)fprintf(stderr, "weir run: --only names no stage\n");
        return EXIT_USAGE;
    }
    if (!check_only(only)) {
        return EXIT_USAGE;
    }
    struct arena a;
    struct config *config = NULL;
    arena_init(&a, ARENA_BYTES_MAX);
    place = arena_str(&a, place);
    status = command_config(&a, place, &config);
    if (status == EXIT_DONE) {
        struct failure f;
        const struct orchestrate o = {.place = place,
                                      .agents = registry_agents,
                                      .duties = registry_duties,
                                      .only = arena_str(&a, only),
                                      .title = title,
                                      .title_bytes = end > title ? (size_t)(end - title) : 0};
        if (orchestrate_run(&o, &a, config, &f) != OK) {
            status = command_failed("run", &f);
        }
    }
    arena_close(&a);
    return status;
}
