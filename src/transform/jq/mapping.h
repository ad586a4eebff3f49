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
/* What the configuration's rules add to the row of an incident: labels (the row's member `labels`,
 * a list of texts that is no column) that name what columns hold, and blame_from_at. `is_whole`:
 * the row tells what the incident is, so its columns of group `what` are all that there is. */
void mapping_incident(const struct transform_in *in, struct fact *fact, yyjson_val *row,
                      bool is_whole);
/* The services that a commit's files belong to, where the row tells files and no services. */
void mapping_commit(const struct transform_in *in, struct fact *fact);
/* The time by which a commit's row ranks in a group, `at_us` being the row's own. A commit belongs
 * to the branch of the push that brought it first, and of group `push` the latest is kept: so its
 * time is that of the push, and runs backwards. */
int64_t mapping_commit_us(const struct fact *fact, const char *group, int64_t at_us);
/* `{"context": …, "subject": …}`: a CDEvent; what its context lacks is filled in. `folds` as in
 * transform_cdevent. false: dead. */
bool mapping_event(const struct transform_in *in, struct transform_out *out, yyjson_val *event,
                   size_t at, bool folds);

#endif
