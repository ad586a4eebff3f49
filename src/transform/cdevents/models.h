/* models.h - what a CDEvent says of the standard models, besides the event that it is.
 *
 * Its content, as 0.5.1 has it, is the payload of the mappings (mapping.h); what the context and
 * the subject say are their variables. A row a type of event; adding one touches its file and one
 * line of models.c's table. */
#ifndef WEIR_TRANSFORM_CDEVENTS_MODELS_H
#define WEIR_TRANSFORM_CDEVENTS_MODELS_H

#include "transform/cdevents/upconvert.h"
#include "transform/mapping/mapping.h"

struct cd_row {
    const char *type; /* "pipelinerun.started" */
    const char *model;
    const struct pick *picks;
    /* What no pick can say: groups, states. NULL: nothing. false: dead. */
    bool (*more)(struct delivery *d, struct fact *fact);
};

/* Add the facts of the event's models to the output. Nothing of an event that weir itself derived
 * from a payload: the payload's own facts say it. false: dead. */
bool cd_models(const struct transform_in *in, struct transform_out *out, const struct cd_event *e,
               const struct cd_lifted *up);

/* ---- for the mappings ---- */

/* What `delivery.more` is. */
struct cd_told {
    const struct cd_event *event;
    const struct cd_lifted *up;
};

/* Rank of a fact that shows only a part of its group: before every one that shows all. */
#define CD_PARTLY (INT64_MIN + 1)

/* Whether something stands at the path of the content. */
bool cd_has(struct delivery *d, const char *path);
/* A text among the attributes; an empty one says nothing. */
void cd_attribute(struct delivery *d, struct fact *fact, const char *name, struct str text);

extern const struct cd_row cd_artifacts[], cd_changes[], cd_incidents[], cd_runs[], cd_services[],
    cd_tests[], cd_tickets[];

#endif
