/* mapping.h - the little language in which a GitHub payload and weir's rows stand side by side.
 *
 * A mapping is one file a GitHub event: a table of rows (which deliveries, which CDEvent), tables
 * of picks (column, payload path), and the few decisions that no table can make. The language of a
 * path, from the body's root:
 *   pull_request.head.ref    a member; when it is absent or null the signal is dead, and the dead
 *                            letter names it
 *   pull_request.draft?      may be absent or null: then nothing is written
 *   a.b|c.d?                 the first that is there and not empty; a `?` at the very end counts
 * for all of them a.b|=text                else this text labels[].name            a list: `name`
 * of each element (`?` passes over elements without it) steps[].name,conclusion  a list of objects
 * with these members .author.name             from the element at hand (delivery.here) instead of
 * the root $service                 what code knows, not the payload: names in variable.c
 *   outcome(a.b?)            that text turned into another: functions in variable.c
 * A text with braces is a template, nothing when its first path is nothing:
 * `{repository.html_url}#{ref}`. */
#ifndef WEIR_TRANSFORM_GITHUB_MAPPING_H
#define WEIR_TRANSFORM_GITHUB_MAPPING_H

#include "transform/transform.h"
#include "wire/json.h"

struct delivery;

/* One value on its way: `to` is a column of a model, or a member of a CDEvent (`environment.id`:
 * inside an object). What it becomes follows from the column's type: a number in a text column
 * becomes its digits, a text or whole seconds in a time column become a time. Tables end with {0}.
 */
struct pick {
    const char *to, *from;
};

/* One row of the mapping table. */
struct github_row {
    const char *row;                  /* its name in the mapping table and of its golden folder   */
    const char *action;               /* words; "*" any; NULL: the event has no actions           */
    bool (*when)(struct delivery *d); /* further condition, or NULL                               */
    const char *gives;   /* "change.merged", "cdeventsx.github-push.received"; NULL: no CDEvent */
    const char *subject; /* template; NULL: the event's                              */
    const char *time;    /* path of context.timestamp                                */
    const char *extra;   /* template of the key that tells apart facts of one time   */
    const struct pick *content; /* subject.content                                          */
    const struct pick *custom;  /* customData.github, beside what all have                  */
    bool (*facts)(struct delivery *d); /* of the other models; false: the signal is dead */
};

/* One value of X-GitHub-Event. */
struct github_event {
    const char *name;
    const char *subject;           /* subject.id of its CDEvents: path or template             */
    const struct github_row *rows; /* ends with {0}; NULL: ignored, and counted                */
    const char *action_if_absent;  /* GHES leaves the action of some events out                */
};

/* A delivery being mapped. */
struct delivery {
    const struct transform_in *in;
    struct transform_out *out;
    yyjson_val *body;
    struct str event, action;
    const struct github_row *row;
    int64_t at_us;          /* the row's time; TIME_NONE when it has none              */
    struct str source;      /* repository.html_url                                     */
    struct str host;        /* its scheme and host                                     */
    struct str repository;  /* HOST/OWNER/NAME                                         */
    struct str name;        /* OWNER/NAME                                              */
    yyjson_val *here;       /* element that paths with a leading dot begin at          */
    const char *here_array; /* path of its array, and its index, for dead letters      */
    size_t here_index;
    struct walk { /* where each level of a path was found last (path.c)      */
        yyjson_val *object, *value;
        struct str key;
        yyjson_obj_iter iter;
    } walk[4];
};

/* ---- path.c ---- */

/* What stands at a path. */
struct found {
    yyjson_val *value; /* of the payload; NULL when `text` is no string of it          */
    struct str text;   /* of a string, a variable, a literal, a template, a function   */
    struct str member; /* what to take of each element of the array `value`; or ""     */
    struct str path;   /* the alternative that it was, or the last one               */
    bool is_there, is_optional;
};
/* false: the path is not optional and nothing is there; the signal is dead. */
bool delivery_find(struct delivery *d, const char *path, struct found *out);
/* The text there, a number as its digits; empty when there is none. false: dead. */
bool delivery_text(struct delivery *d, const char *path, struct str *out);
/* RFC 3339 or whole seconds since 1970; TIME_NONE when there is none. `$received`: the receipt. */
bool delivery_time(struct delivery *d, const char *path, int64_t *out);
/* true, false; `otherwise` when there is none. false: dead. */
bool delivery_bool(struct delivery *d, const char *path, bool otherwise, bool *out);
/* Dead at this path. Always false. */
bool delivery_dead(struct delivery *d, struct str path, const char *why);

/* ---- pick.c ---- */

/* A new fact of `model` at the delivery's time, with these columns. false: dead. */
bool delivery_fact(struct delivery *d, const char *model, const struct pick *picks,
                   struct fact *out);
/* More columns. */
bool delivery_columns(struct delivery *d, struct fact *fact, const struct pick *picks);
/* Members of a JSON object, each after a comma where one is needed. `is_text`: every value is a
 * text or a list of texts, as CDEvents' own types want. */
bool delivery_members(struct delivery *d, struct buf *b, const struct pick *picks, bool is_text);

/* ---- variable.c ---- */

/* Read repository.html_url into source, host, repository, name. false: dead. */
bool delivery_repository(struct delivery *d);
/* The text of `$name`. false: dead. */
bool delivery_variable(struct delivery *d, struct str name, struct str *out);
/* `function(text)`; empty is left out. */
struct str delivery_apply(struct str function, struct str text);
/* Whether the environment is production: configuration, else the payload's word, else its name. */
bool delivery_is_production(const struct delivery *d, struct str environment, bool *is_told);

/* ---- event.c ---- */

/* The row's CDEvent as a fact of model `event`. false: dead. */
bool event_add(struct delivery *d, struct str subject);

/* ---- the mappings: one file each, in github.c's table ---- */

extern const struct github_row github_create[], github_delete[], github_deployment[],
    github_deployment_status[], github_issues[], github_pull_request[],
    github_pull_request_review[], github_push[], github_release[], github_workflow_job[],
    github_workflow_run[];

/* What every form of a pull request shows of a change (pull_request.c). */
bool change_of_pull_request(struct delivery *d, struct fact *out);
/* The agent's option `refs`: create and delete tell of new and deleted refs, push does not
 * (refs.c). */
bool refs_are_told_by_create(const struct delivery *d);

#endif
