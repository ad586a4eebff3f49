/* command.h - what commands share: the table's line, options, help, exit codes.
 *
 * One command is one file and one line in main.c's table. Data goes to stdout, everything else to
 * stderr. A command describes its options once, in a struct usage: the parser, --help, the shell
 * completion and the manual read it. */
#ifndef WEIR_COMMAND_COMMAND_H
#define WEIR_COMMAND_COMMAND_H

#include "base/arena.h"
#include "base/failure.h"

/* interface.md section 3 */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_NO = 1,   /* the answer is no, or it failed while running */
    EXIT_USAGE = 2 /* wrong usage or configuration                 */
};

struct command {
    const char *name;
    const char *about;                 /* one line of `weir help`                     */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; an exit code */
    bool is_hidden;                    /* not in `weir help`: for weir itself         */
};

enum flag_type {
    FLAG_SWITCH,  /* bool                                                      */
    FLAG_TEXT,    /* struct str                                                */
    FLAG_NUMBER,  /* int64_t, 0 or more                                        */
    FLAG_DURATION /* int64_t ms: 500ms, 30s, 5m; a plain number counts seconds */
};

struct flag {
    const char *name; /* without its dashes; NULL ends the list      */
    char letter;      /* 0: none                                     */
    enum flag_type type;
    void *to;          /* where the value goes; unchanged when absent */
    const char *value; /* what it is called in help: "FILE"           */
    const char *about;
};

struct usage {
    const char *name;  /* "dead show"                                        */
    const char *words; /* what else it takes, for the first line of help     */
    const char *about; /* one or a few lines                                 */
    const struct flag *flags;
    const char *examples; /* lines "weir …" that can be run as they stand; NULL */
    int words_least, words_most;
};

/* What is left of argv when the options are taken out. */
struct words {
    char **at;
    int n;
};

/* Read argv by `u`; options may stand anywhere before `--`, as `--name value` or `--name=value`.
 * false: the command ends now with *status (help was printed, or what is wrong). */
bool usage_read(const struct usage *u, int argc, char **argv, struct words *words, int *status);

/* The flags that many commands have. */
struct flag flag_config(struct str *place);
struct flag flag_json(bool *is_json);
struct flag flag_csv(bool *is_csv);

struct config;
/* The configuration, checked; otherwise every error of it is printed and the status is returned. */
int command_config(struct arena *a, struct str place, struct config **out);

/* "weir NAME: sentence" on stderr; returns EXIT_NO, for STOP EXIT_USAGE. */
int command_failed(const char *name, const struct failure *f);

/* Colours and charts are for terminals, where NO_COLOR is not set (no-color.org). */
bool command_has_colour(int fd);
/* Columns of the terminal on stdout; 80 when it is none. */
size_t command_columns(void);

/* What main does: find the command of argv[1] in the table (ends with {0}) and run it. */
int command_main(const struct command *table, int argc, char **argv);

#endif
