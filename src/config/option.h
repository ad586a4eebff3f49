/* option.h - one table describes a section of the configuration: the parser, the messages, `--help`
 * and the manual read it.
 *
 * A section is a struct; each option says where in it the value goes. The table ends with an option
 * without a name. Texts live as long as the configuration. */
#ifndef WEIR_CONFIG_OPTION_H
#define WEIR_CONFIG_OPTION_H

#include "base/arena.h"
#include "base/str.h"

struct str_list {
    struct str *at;
    size_t n;
};

/* Texts by name, in the order written: headers, settings of a client library. */
struct text_pair {
    struct str key, value;
};
struct pair_list {
    struct text_pair *at;
    size_t n;
};

/* Sections without a name, one after the other: structs of types[0].bytes. */
struct item_list {
    void *at;
    size_t n;
};

enum option_type {
    OPTION_TEXT,     /* struct str                                                        */
    OPTION_TEMPLATE, /* struct str, rendered at each run (template.h); its syntax is checked */
    OPTION_PATH,     /* struct str, made absolute beside the file that it stands in        */
    OPTION_SECRET,   /* struct str_list: one or several; never printed                    */
    OPTION_LIST,     /* struct str_list: one text or a sequence                           */
    OPTION_BOOL,     /* bool                                                              */
    OPTION_INT,      /* int64_t, least..most                                              */
    OPTION_SIZE,     /* size_t bytes: 64MiB                                               */
    OPTION_DURATION, /* int64_t ms: 5m; `forever` is INT64_MAX                            */
    OPTION_CHOICE,   /* int, index into `words`                                           */
    OPTION_DRIVER,   /* const struct section_type *, of the drivers of `role`             */
    OPTION_SECTION,  /* a struct inside the struct, by the table `section`                */
    OPTION_NAMED,    /* struct named_list: sections by name (agents, services)            */
    OPTION_ITEMS,    /* struct item_list: a list of sections, by the table of types[0]    */
    OPTION_PAIRS,    /* struct pair_list: texts by name                                   */
    OPTION_TREE      /* const struct yaml *: read by code of its own; NULL: not written   */
};

/* What a driver is of; each role has its list in registry.c. */
enum role { ROLE_AGENT, ROLE_BUS, ROLE_LAKE, ROLE_STORE, ROLE_SOURCE, ROLE_SINK, ROLE_N };

struct section_check;

/* One driver that a configuration can name. The sections of an OPTION_NAMED are read by the one
 * that their `type` key names, or all alike when the first type's name is "". */
struct section_type {
    const char *name;  /* value of `type`; NULL ends the list               */
    const char *needs; /* build option that is missing, or NULL             */
    const struct option *options;
    size_t bytes;            /* of the struct that the options fill               */
    const void *driver;      /* what the role's own code finds it by              */
    const void *transformer; /* of an agent: what becomes of its signals (struct transformer) */
    /* What the table cannot say, and what the options need besides (files); NULL: nothing. What is
     * wrong is told by section_wrong (section.h). */
    void (*complete)(const struct section_check *c, void *options);
};

/* All drivers, by role; a list ends with {0}. */
struct drivers {
    const struct section_type *of[ROLE_N];
};

struct named {
    struct str name;
    const struct section_type *type;
    void *options;    /* type->bytes long, checked                         */
    struct str place; /* FILE:LINE:COLUMN, for later messages              */
};
struct named_list {
    struct named *at;
    size_t n;
};

struct option { /* NOLINT(clang-analyzer-optin.performance.Padding): as tables are written */
    const char *name;
    enum option_type type;
    size_t offset;                /* offsetof in the section's struct                     */
    const char *fallback;         /* default as it would be written; NULL: required; "" : empty */
    int64_t least, most;          /* INT, SIZE, DURATION in their unit; both 0: any        */
    const char *const *words;     /* CHOICE; TEXT, LIST: the only ones allowed; NULL ends  */
    const struct option *section; /* SECTION                                               */
    const struct section_type *types; /* NAMED; NULL: the drivers of `role`. ITEMS: the one */
    enum role role;                   /* DRIVER, NAMED                                     */
    bool takes_any;    /* CHOICE: in a collector file any other word is the default, with a note */
    const char *about; /* one line for the manual                               */
};

#endif
