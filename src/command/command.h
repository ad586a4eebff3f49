/* command.h - what commands share: the table's line, options, help, exit codes.
 *
 * One command is one file and one line in main.c's table. Data goes to stdout, everything else to
 * stderr. A command describes its options once, in a struct usage: the parser, --help, the shell
 * completion and the manual read it. */
#ifndef WEIR_COMMAND_COMMAND_H
#define WEIR_COMMAND_COMMAND_H

#include "base/arena.h"
#include "base/failure.h"
#include "command/rows.h"
#include "config/config.h"

/* interface.md section 3 */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_NO = 1,       /* the answer is no, or it failed while running */
    EXIT_USAGE = 2,    /* wrong usage or configuration                */
    EXIT_STOPPED = 130 /* by Ctrl-C, before it was done: 128 and SIGINT, as shells count */
};

struct command {
    const char *name;
    const char *about;                 /* one line of `weir help`                     */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; an exit code */
};

enum flag_type {
    FLAG_SWITCH,   /* bool                                                      */
    FLAG_TEXT,     /* struct str                                                */
    FLAG_LIST,     /* struct str_list with room for all of argv: may come again */
    FLAG_NUMBER,   /* int64_t, 0 or more                                        */
    FLAG_DURATION, /* int64_t ms: 500ms, 30s, 5m; a plain number counts seconds */
    FLAG_TIME      /* int64_t µs since 1970 UTC: RFC 3339, or a day, which is its first moment */
};

struct flag {
    const char *name; /* without its dashes; NULL ends the list      */
    char letter;      /* 0: none                                     */
    enum flag_type type;
    void *to;          /* where the value goes; unchanged when absent */
    const char *value; /* what it is called in help: "FILE"           */
    const char *about;
};

/* What is left of argv when the options are taken out. */
struct words {
    char **at;
    int n;
};

/* What of the configuration a command needs: it gets --config, and no more than this is read. */
enum needs {
    NEEDS_NOTHING,
    NEEDS_CONFIG,   /* what is kept where; secrets are not looked for */
    NEEDS_MAPPINGS, /* and what a mapping of the users does           */
    NEEDS_SECRETS   /* all of it                                      */
};

/* What it prints on stdout besides text: it gets --json, and --csv where there are rows (tables:
 * one object as JSON, one of several tables as CSV). */
enum prints { PRINTS_TEXT, PRINTS_OBJECT, PRINTS_TABLES, PRINTS_ROWS };

struct usage {
    const char *name;  /* "dead"                                              */
    const char *words; /* what else it takes, for the first line of help      */
    const char *about; /* one or a few sentences; wrapped when they are shown */
    const struct flag *flags;
    const char *examples; /* lines "weir …" that can be run as they stand; NULL  */
    int words_least, words_most;
    enum needs needs;
    bool is_whole; /* a bad collector file among many is an error, too: the others do not go on */
    enum prints prints;
    size_t memory_bytes_max; /* of the command; 0: 64 MiB */
    /* What flags and words alone cannot tell, before the configuration is read: EXIT_DONE, or it
     * says what is wrong and gives the status. NULL: nothing. */
    int (*check)(void *of, const struct words *words);
    void *of;
};

/* Read argv by `u`; options may stand anywhere before `--`, as `--name value` or `--name=value`.
 * false: the command ends now with *status (help was printed, or what is wrong). */
bool usage_read(const struct usage *u, int argc, char **argv, struct words *words, int *status);

/* A command from its words to its exit code. */
struct session {
    struct arena arena;
    struct words words;
    enum rows_format format;
    struct config_from from;
    struct config *config; /* NULL where nothing of it is needed */
    int status;
};

/* What every command begins with: its words, its memory, its configuration, as its usage says.
 * false: it ends now with s->status (help was printed, or all that is wrong); nothing is held. */
bool command_begin(struct session *s, const struct usage *u, int argc, char **argv);
/* Give the memory back; returns s->status. */
int command_end(struct session *s);

/* A name that is mistyped would find nothing. returns OK | STOP no agent or collector of the
 * configuration is called so */
enum outcome command_check_agent(const struct config *config, struct str name, struct failure *f);

/* "weir NAME: sentence" on stderr; returns EXIT_NO, for STOP EXIT_USAGE. */
int command_failed(const char *name, const struct failure *f);
/* The same of a command that only reads: what cannot be read is no wrong use, so EXIT_NO. */
int command_unanswered(const char *name, const struct failure *f);

/* Colours and charts are for terminals, where NO_COLOR is not set (no-color.org). */
bool command_has_colour(int fd);

/* What main does: find the command of argv[1] in the table (ends with {0}) and run it. */
int command_main(const struct command *table, int argc, char **argv);

#endif
