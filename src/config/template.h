/* template.h - the part of Go's text/template that collector files use: names of the environment
 * at load time, and the parts of a window at run time.
 *
 * Actions: a pipeline, if/else if/else, with, range over a number, variables, comments, {{- and
 * -}}. Functions: getEnv, getEnvOrDefault, and, or, not, eq ne lt le gt ge, len, print printf
 * println, urlquery. Everything else of Go is refused by its name. The dot has the fields of struct
 * template_dot. Wrong templates give REJECT, and the byte of the text at fault in f->record.
 *   source   pkg.go.dev/text/template (Go 1.22) */
#ifndef WEIR_CONFIG_TEMPLATE_H
#define WEIR_CONFIG_TEMPLATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/failure.h"

/* What is made of a template. A bookmark comes from the source's data, so as an action's whole
 * answer it is written as a value of that place; print, urlquery and printf are given it plain. */
enum template_place {
    PLACE_TEXT,
    PLACE_ADDRESS, /* percent-encoded                    */
    PLACE_JSON     /* the inside of a JSON text, escaped */
};

/* What a template is rendered with. A text without bytes at all (at == NULL) is not there: to ask
 * for it is REJECT. */
struct template_dot {
    int64_t at_us; /* .Year .Month .Day .Hour .Minute .Second: whole numbers, UTC, unpadded */
    struct str partition; /* .Partition: the rendered partition                                  */
    struct str uri;       /* .URI: of a window's files                                           */
    struct str start;     /* .Start, .End: of the window, RFC 3339                               */
    struct str end;
    struct str bookmark; /* .Bookmark: of strategy incremental                                 */
    enum template_place place; /* that the bookmark stands in                                  */
};

enum template_use {
    TEMPLATE_KEPT, /* rendered at each run: what needs the dot stays a template            */
    TEMPLATE_PLAIN /* never rendered again: what needs the dot stays as it is written       */
};

/* Whether there is anything to do: an action at all. */
bool template_is_needed(struct str text);

/* Load time: the environment's values are put in. An environment that holds {{ is no template.
 *   returns OK, *has_dot: something was left for run time | REJECT it is wrong */
enum outcome template_load(struct arena *a, struct str text, enum template_use use, struct str *out,
                           bool *has_dot, struct failure *f);

/* Run time; `text` came from template_load(TEMPLATE_KEPT).
 *   returns OK | REJECT what cannot be rendered: a field that is not there, a wrong operand */
enum outcome template_render(struct arena *a, struct str text, const struct template_dot *dot,
                             struct str *out, struct failure *f);

#endif
