#include "command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/nearest.h"
#include "command/screen.h"
#include "version.h"

int command_failed(const char *name, const struct failure *f)
{
    screen_tell("weir %s: %s\n", name, f->text);
    return f->outcome == STOP ? EXIT_USAGE : EXIT_NO;
}

int command_unanswered(const char *name, const struct failure *f)
{
    (void)command_failed(name, f);
    return EXIT_NO;
}

bool command_has_colour(int fd)
{
    const char *const no = getenv("NO_COLOR"), *const term = getenv("TERM");
    return isatty(fd) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
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
    const bool is_option = name[0] == '-';
    nearest_offer(&n, is_option ? S("--version") : S("help"));
    nearest_offer(&n, is_option ? S("--help") : S("help"));
    for (const struct command *c = table; c->name; c++) {
        nearest_offer(&n, str_of(c->name));
    }
    const struct str near = nearest_found(&n);
    screen_tell("weir: there is no %s %s%s%.*s%s\nTry: weir help\n",
                is_option ? "option" : "command", name, near.len ? "; did you mean " : "",
                STR_ARG(near), near.len ? "?" : "");
    return EXIT_USAGE;
}

static int help(const struct command *table)
{
    enum { ABOUT_AT = 17 };
    screen_wrap(S("weir measures the flow of engineering: signals in, models in a lake and a "
                  "store, answers out."),
                0, 0);
    printf("\nUsage: weir COMMAND [OPTION…] [WORD…]\n\n");
    for (const struct command *c = table; c->name; c++) {
        printf("  %-13s  ", c->name);
        screen_wrap(str_of(c->about), ABOUT_AT, ABOUT_AT);
    }
    printf("  %-13s  ", "help");
    screen_wrap(S("this list; help COMMAND: all about one of them"), ABOUT_AT, ABOUT_AT);
    (void)putchar('\n');
    screen_wrap(S("Start with: weir init, then weir run. Exit codes: 0 done, 1 no or failed, 2 "
                  "wrong use or configuration."),
                0, 0);
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
        return argc > 2 && !str_eq(str_of(argv[2]), S("help")) ? help_of(table, argv[2])
                                                               : help(table);
    }
    const struct command *const c = find(table, argv[1]);
    return c ? c->run(argc - 1, argv + 1) : unknown(table, argv[1]);
}

/* Whoever starts weir with a closed stdin, stdout or stderr would have the next file that it opens
 * in that place: the lock or a log of data, and print into it. */
static void fill_standard_places(void)
{
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDWR); // NOLINT(android-cloexec-open): children print there, too
    }
    if (fd > STDERR_FILENO) {
        (void)close(fd);
    }
}

int command_main(const struct command *table, int argc, char **argv)
{
    fill_standard_places();
    screen_open();
    const int status = run(table, argc, argv);
    /* an answer that did not reach its reader is none; a closed pipe is the reader's wish */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno != EPIPE) {
            perror("weir: stdout");
        }
        return status == EXIT_DONE ? EXIT_NO : status;
    }
    return status;
}
