/* What the configuration's rules make of an incident's row: labels that name its environment,
 * severity, cause and end (and its service: row.c), and since when time alone is evidence. As for
 * issues of GitHub (github/incident.c); what the row says itself comes first. */
#include "transform/jq/mapping.h"
#include "transform/label.h"
#include "transform/mapping/mapping.h"

static bool is_told(const struct fact *fact, const char *column)
{
    return fact->value[model_column(fact->model, str_of(column))].kind != VALUE_NULL;
}

static void tell(struct fact *fact, const char *column, struct str text)
{
    if (!is_told(fact, column)) {
        fact_text(fact, column, text);
    }
}

static void tell_labels(const struct transform_in *in, struct fact *fact, yyjson_val *labels)
{
    const struct config_incidents *const rules = &in->config->rules.incidents;
    const struct str environment = label_after(labels, rules->environment_prefix);
    tell(fact, "environment",
         environment.len > 0          ? environment
         : rules->environment.len > 0 ? rules->environment
                                      : S("production"));
    tell(fact, "severity", label_after(labels, rules->severity));
    tell(fact, "causes", labels_after(in->arena, labels, rules->cause));
    tell(fact, "fixed_by", labels_after(in->arena, labels, rules->fix));
}

void mapping_incident(const struct transform_in *in, struct fact *fact, yyjson_val *row,
                      bool is_whole)
{
    const int64_t within_ms = in->config->rules.incidents.within_ms;
    const struct value *const begun = &fact->value[model_column(fact->model, S("detected_at"))];
    if (within_ms > 0 && begun->kind == VALUE_TIME && !is_told(fact, "blame_from_at")) {
        fact_time(fact, "blame_from_at", time_before(begun->number, within_ms));
    }
    if (is_whole) {
        tell_labels(in, fact, yyjson_obj_get(row, "labels"));
    }
}
