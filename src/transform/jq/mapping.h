/* mapping.h - what a mapping gives, made facts. */
#ifndef WEIR_TRANSFORM_JQ_MAPPING_H
#define WEIR_TRANSFORM_JQ_MAPPING_H

#include "transform/transform.h"
#include "wire/jq/jq.h"
#include "wire/json.h"

/* What the agent's mapping gives for the signal, as jq_run gives it. */
enum outcome mapping_run(const struct transform_in *in, struct str *out, struct failure *f);

/* The facts of these outputs, an array of json_read_exact: what the signal becomes. */
void mapping_facts(const struct transform_in *in, struct transform_out *out, yyjson_val *outputs);

/* ---- one output each; `at` is its place among them, for the pointer ---- */

/* `{"model": …, "at": …, columns}`: one fact. false: dead at the member. */
bool mapping_row(const struct transform_in *in, struct transform_out *out, yyjson_val *row,
                 size_t at);
/* `{"context": …, "subject": …}`: a CDEvent; what its context lacks is filled in. `folds` as in
 * transform_cdevent. false: dead. */
bool mapping_event(const struct transform_in *in, struct transform_out *out, yyjson_val *event,
                   size_t at, bool folds);

#endif
