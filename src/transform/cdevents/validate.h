/* validate.h - is this JSON a CDEvent of a release that weir takes, exactly as its schema says?
 *
 * The schema is chosen by release and type, never by the type alone; formats are asserted. */
#ifndef WEIR_TRANSFORM_CDEVENTS_VALIDATE_H
#define WEIR_TRANSFORM_CDEVENTS_VALIDATE_H

#include "transform/cdevents/table.h"
#include "wire/json.h"

/* A valid event: views into its document. */
struct cd_event {
    yyjson_val *root, *context, *subject, *content;
    const struct cd_type *type;
    struct str type_text;    /* context.type as it came                              */
    struct str version;      /* context.specversion, or context.version              */
    enum cd_release release; /* whose schema it is valid by                          */
    bool is_040;             /* chain_id, link_type, … : 0.4.0 alone wrote them so   */
    bool is_by_type;         /* the version named no release; the type decided       */
};

/* Choose the schema and hold the event against it.
 *   returns  OK | REJECT: f->pointer is the first field at fault, f->text says why, and what else
 * is wrong, several at once source   cdevents/spec: schemas of v0.3.0, v0.4.1, v0.5.1;
 * events.md 1.1 for the choice */
enum outcome cd_validate(struct arena *a, yyjson_val *root, struct cd_event *out,
                         struct failure *f);

/* The name of 0.4.1 for a member that 0.4.0 wrote with an underscore; others as they are. */
struct str cd_camel(struct str name);

#endif
