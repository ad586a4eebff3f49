#include "command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/nearest.h"
#include "version.h"

int command_failed(const char *name, const struct failure *f)
{
    (void)fprintf(stderr, "weir %s: %s\n", name, f->text);
    return f->outcome == STOP ? EXIT_USAGE : EXIT_NO;
}

bool command_has_colour(int fd)
{
    const char *const no = getenv("NO_COLOR"), *const term = getenv("TERM");
    return isatty(fd) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
}

size_t command_columns(void)
{
    struct winsize size = {0};
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return 80;
}

static const struct command *find(const struct command *table, const char *name)
{
    for (const struct command *c = table; c->name; c++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

static int unknown(const struct command *table, const char *name)
{
    struct nearest n = nearest_to(str_of(name));
    for (const struct command *c = table; c->name; c++) {
        if (!c->is_hidden) {
            nearest_offer(&n, str_of(c->name));
        }
    }
    const struct str near = nearest_found(&n);
    (void)fprintf(stderr, "weir: there is no command %s%s%.*s%s\nTry: weir help\n", name,
                  near.len ? "; did you mean " : "", STR_ARG(near), near.len ? "?" : "");
    return EXIT_USAGE;
}

static int help(const struct command *table)
{
    printf("weir measures the flow of engineering: signals in, models in a lake and a store, "
           "answers out.\n\nUsage: weir COMMAND [OPTION…] [WORD…]\n\n");
    for (const struct command *c = table; c->name; c++) {
        if (!c->is_hidden) {
            printf("  %-9s  %s\n", c->name, c->about);
        }
    }
    printf("  %-9s  %s\n\n", "help", "this list; help COMMAND: all about one of them");
    printf("Start with: weir init, then weir run. Exit codes: 0 done, 1 no or failed, 2 wrong use "
           "or configuration.\n");
    return EXIT_DONE;
}

/* `weir help COMMAND` is `weir COMMAND --help`. */
static int help_of(const struct command *table, char *name)
{
    const struct command *const c = find(table, name);
    char option[] = "--help";
    char *argv[] = {name, option, NULL};
    return c ? c->run(2, argv) : unknown(table, name);
}

static int run(const struct command *table, int argc, char **argv)
{
    const struct str first = str_of(argc > 1 ? argv[1] : "help");
    if (str_eq(first, S("--version")) || str_eq(first, S("-V"))) {
        printf("weir %s (%s)\n", WEIR_VERSION, WEIR_BUILD);
        return EXIT_DONE;
    }
    if (str_eq(first, S("help")) || str_eq(first, S("--help")) || str_eq(first, S("-h"))) {
        return argc > 2 ? help_of(table, argv[2]) : help(table);
    }
    const struct command *const c = find(table, argv[1]);
    return c ? c->run(argc - 1, argv + 1) : unknown(table, argv[1]);
}

int command_main(const struct command *table, int argc, char **argv)
{
    const int status = run(table, argc, argv);
    /* an answer that did not reach its reader is none; a closed pipe is the reader's wish */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("weir: stdout");
        return status == EXIT_DONE ? EXIT_NO : status;
    }
    return status;
}
