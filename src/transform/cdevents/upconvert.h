/* upconvert.h - a valid event of any release as one of 0.5.1, part by part.
 *
 * An event that was valid when it was sent is never refused: what cannot be said in 0.5.1 is left
 * out or replaced, and noted. */
#ifndef WEIR_TRANSFORM_CDEVENTS_UPCONVERT_H
#define WEIR_TRANSFORM_CDEVENTS_UPCONVERT_H

#include "transform/cdevents/validate.h"

/* An event of 0.5.1. Absent members are empty; texts live in the arena or in the document. */
struct cd_lifted {
    struct str id, source, type;
    struct str subject_type, predicate; /* "pipelinerun", "started"                  */
    struct str timestamp;               /* as written                                */
    int64_t time_us;                    /* the same                                  */
    struct str schema_uri, chain_id;
    struct str subject_id, subject_source;
    struct str links, content, custom_data; /* JSON                                  */
    struct str custom_data_type;            /* customDataContentType                 */
    struct str notes; /* JSON: [{"pointer","old","new"}] of what was changed by judgement; new null:
                         left out                                                      */
};

/* The outcome of 0.4 that a word in any case means; empty: none. Source: events.md 1.8 C6. */
struct str cd_outcome(struct arena *a, struct str word);
/* Lift a valid event (cd_validate). Source: events.md 1.8. */
void cd_lift(struct arena *a, const struct cd_event *e, struct cd_lifted *out);
/* The whole event as JSON of 0.5.1; empty when it is larger than 64 MiB. */
struct str cd_write(struct arena *a, const struct cd_lifted *up);

#endif
