/* table.h - every CDEvents type of every release that weir takes, in one table.
 *
 * The table drives validation (validate.h), the lift to 0.5.1 (upconvert.h) and what weir itself
 * emits. It holds what the schemas of 0.3.0, 0.4.1 and 0.5.1 say; a test compares it with them,
 * member by member. A member is described as it stands in 0.5.x, and beside it how it was called
 * and what it could hold before. */
#ifndef WEIR_TRANSFORM_CDEVENTS_TABLE_H
#define WEIR_TRANSFORM_CDEVENTS_TABLE_H

#include "base/arena.h"
#include "base/str.h"

/* 0.4.0 is 0.4.1 with other names in the context (cdevents/validate.h), 0.5.0 is 0.5.1. */
enum cd_release { CD_03, CD_04, CD_05, CD_RELEASES };

enum cd_rule {
    CD_SAME,  /* as `rule` (only of `rule_before`)                */
    CD_TEXT,  /* any text                                         */
    CD_TEXT1, /* not empty                                        */
    CD_TIME,  /* RFC 3339 date-time                               */
    CD_URI,
    CD_URI1, /* as CD_URI, which is never empty anyway            */
    CD_URI_REFERENCE1,
    CD_WORDS,  /* one of `words`                                  */
    CD_TEXTS,  /* array of text                                   */
    CD_OBJECT, /* by `shape`                                      */
    CD_ANY,    /* an object of anything                           */
    CD_LINKS,  /* context.links                                   */
    CD_CUSTOM, /* customData: an object, or text                  */
    CD_KIND    /* subject.type: the one word of the type          */
};

/* How a value of an older release becomes one of 0.5.1 (events.md 1.8 C5, C6). */
enum cd_change { CD_KEEP, CD_TO_URI, CD_TO_OUTCOME, CD_TO_TEST_OUTCOME };

struct cd_shape;

struct cd_member {
    struct str name;
    struct str before; /* in 0.3 and 0.4, where it had another name */
    enum cd_rule rule, rule_before;
    enum cd_change change;
    unsigned missing_in;          /* bit 1 << release: there is no such member    */
    unsigned needed_in;           /* bit 1 << release: required                   */
    const struct cd_shape *shape; /* CD_OBJECT                                    */
    const char *words;            /* CD_WORDS: separated by single spaces         */
    const char *words_before;     /* NULL: the same                               */
    const char *usual;            /* words that the text should be one of         */
};

/* Members of an object. */
struct cd_shape {
    const struct cd_member *member;
    size_t n;
    bool is_open; /* other members are allowed */
};

struct cd_type {
    struct str name;                 /* "pipelinerun.finished"                          */
    struct str version[CD_RELEASES]; /* of the type; empty: not in that release         */
    struct str kind;                 /* subject.type before 0.5: "pipelineRun"          */
    const struct cd_shape *event;    /* the whole event but for the content             */
    const struct cd_shape *content;
};

/* By name, in byte order. */
extern const struct cd_type cd_types[];
extern const size_t cd_types_n;
/* `dev.cdeventsx.<tool>-<subject>.<predicate>.<version>` */
extern const struct cd_type cd_custom_type;

/* "change.created", or NULL. */
const struct cd_type *cd_type_find(struct str name);

/* Of an item of context.links by its linkType; NULL: there is no such link. */
const struct cd_shape *cd_link_shape(struct str link_type);

/* The type string of CDEvents 0.5.1: cdevents_type(S("change.created")) is
 * "dev.cdevents.change.created.0.4.0". The name must be in the table (asserted). */
struct str cdevents_type(struct arena *a, struct str name);

/* What the member is called in a release, and whether it must be there. */
struct str cd_name_in(const struct cd_member *m, enum cd_release r);
bool cd_is_needed_in(const struct cd_member *m, enum cd_release r);
bool cd_is_in(const struct cd_member *m, enum cd_release r);
/* The member of that name in a release, or NULL. */
const struct cd_member *cd_member_find(const struct cd_shape *shape, enum cd_release r,
                                       struct str name);
/* One of words separated by single spaces. */
bool cd_words_hold(const char *words, struct str word);

#endif
