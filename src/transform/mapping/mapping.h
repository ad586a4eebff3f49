/* mapping.h - the little language in which a payload and weir's rows stand side by side.
 *
 * A mapping is one file a kind of payload: tables of picks (column, payload path), and the few
 * decisions that no table can make. The language of a path, from the payload's root:
 *   pull_request.head.ref       a member; when it is absent or null the signal is dead, and the
 *                               dead letter names it
 *   pull_request.draft?         may be absent or null: then nothing is written
 *   a.b|c.d?                    the first that is there and not empty; a `?` at the very end counts
 *                               for all of them
 *   a.b|=text                   else this text
 *   labels[].name               a list: `name` of each element (`?` passes over elements without)
 *   steps[].name,conclusion     a list of objects with these members
 *   .author.name                from the element at hand (delivery.here) instead of the root
 *   $service                    what code knows, not the payload: the mapping's own variable()
 *   outcome(a.b?)               that text turned into another: functions in function.c
 *   count(thread.comments)      how many elements the list has
 *   {html_url}#{ref}            a template: nothing when its first path is nothing */
#ifndef WEIR_TRANSFORM_MAPPING_MAPPING_H
#define WEIR_TRANSFORM_MAPPING_MAPPING_H

#include "transform/transform.h"
#include "wire/json.h"

/* One value on its way: `to` is a column of a model, or a member of a CDEvent (`environment.id`:
 * inside an object). What it becomes follows from the column's type: a number in a text column
 * becomes its digits, a text or whole seconds in a time column become a time. Tables end with {0}.
 */
struct pick {
    const char *to, *from;
};

/* A signal being mapped. */
struct delivery {
    const struct transform_in *in;
    struct transform_out *out;
    const char *kind;  /* "github", for dead letters                              */
    const char *under; /* pointer of `body` in the signal's data: "" or "/subject/content" */
    yyjson_val *body;  /* root of the paths                                       */
    struct str event, action;
    const char *row_name; /* in the mapping table, for dead letters                  */
    /* The text of `$name`. false: dead. */
    bool (*variable)(struct delivery *d, struct str name, struct str *out);
    /* Where `$name` stands in the signal, for dead letters; NULL, or its answer: as the member name
     */
    const char *(*pointer)(struct str name);
    const void *more;       /* what variable() and the mapping know besides            */
    int64_t at_us;          /* the row's time; TIME_NONE when it has none              */
    struct str source;      /* html_url of the repository, or source of the event      */
    struct str host;        /* its scheme and host                                     */
    struct str repository;  /* HOST/OWNER/NAME                                         */
    struct str name;        /* OWNER/NAME                                              */
    yyjson_val *here;       /* element that paths with a leading dot begin at          */
    const char *here_array; /* path of its array, and its index, for dead letters     */
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
    yyjson_val *other; /* what stands where the path goes through a list; NULL: one    */
    struct str text;   /* of a string, a variable, a literal, a template, a function   */
    struct str member; /* what to take of each element of the array `value`; or ""     */
    struct str path;   /* the alternative that it was, or the last one               */
    bool is_there, is_optional;
    bool is_number; /* `text` is one in JSON                            */
    bool is_list;   /* the path goes through a list, whose elements these are     */
};
/* false: the path is not optional and nothing is there; the signal is dead. */
bool delivery_find(struct delivery *d, const char *path, struct found *out);
/* The text there, a number as its digits; empty when there is none. false: dead. */
bool delivery_text(struct delivery *d, const char *path, struct str *out);
/* RFC 3339 or whole seconds since 1970; TIME_NONE when there is none. `$received`: the receipt. */
bool delivery_time(struct delivery *d, const char *path, int64_t *out);
/* true, false; `otherwise` when there is none. false: dead. */
bool delivery_bool(struct delivery *d, const char *path, bool otherwise, bool *out);
/* Some time before another. */
int64_t time_before(int64_t time_us, int64_t span_ms);
/* Dead at this path. Always false. */
bool delivery_dead(struct delivery *d, struct str path, const char *why);

/* Dead because what was found is of another kind than the row needs (`a text`); it says both.
 * Always false. */
bool delivery_unfit(struct delivery *d, const struct found *found, const char *needed);

/* ---- pick.c ---- */

/* A new fact of `model` at the delivery's time, with these columns. false: dead. */
bool delivery_fact(struct delivery *d, const char *model, const struct pick *picks,
                   struct fact *out);
/* More columns. */
bool delivery_columns(struct delivery *d, struct fact *fact, const struct pick *picks);
/* Members of a JSON object, each after a comma where one is needed. `is_text`: every value is a
 * text or a list of texts, as CDEvents' own types want. */
bool delivery_members(struct delivery *d, struct buf *b, const struct pick *picks, bool is_text);

/* ---- function.c ---- */

/* `function(text)`; empty is left out. */
struct str delivery_apply(struct str function, struct str text);

#endif
