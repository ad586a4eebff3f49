#include "command/report/csv.h"

#include "command/answer.h"

const struct csv_table csv_dora[] = {
    {"figures",
     "SELECT by_service AS service, by_environment AS environment, utc_text(f.from_at) AS "
     "\"from\",\n"
     "    utc_text(f.to_at) AS \"to\", deployments, days_deployed AS days_with_deployments,\n"
     "    CAST(per_day AS DOUBLE) AS deployment_frequency_per_day,\n"
     "    CAST(days_per_week_p50 AS DOUBLE) AS days_per_week_p50, commits,\n"
     "    CAST(lead_p50_s AS DOUBLE) AS change_lead_time_p50_s,\n"
     "    CAST(lead_p90_s AS DOUBLE) AS change_lead_time_p90_s, changes,\n"
     "    CAST(change_p50_s AS DOUBLE) AS change_lead_time_per_change_p50_s,\n"
     "    CAST(change_p90_s AS DOUBLE) AS change_lead_time_per_change_p90_s,\n"
     "    CAST(coding_s AS DOUBLE) AS coding_s, CAST(to_review_s AS DOUBLE) AS to_review_s,\n"
     "    CAST(in_review_s AS DOUBLE) AS in_review_s, CAST(waiting_s AS DOUBLE) AS waiting_s,\n"
     "    failed AS failed_deployments, utc_text(last_failed_at) AS last_failed_at, "
     "last_failed_by,\n"
     "    CAST(fail_rate AS DOUBLE) AS change_fail_rate, recovered AS recovered_deployments,\n"
     "    CAST(recovery_p50_s AS DOUBLE) AS failed_deployment_recovery_time_p50_s,\n"
     "    CAST(recovery_p90_s AS DOUBLE) AS failed_deployment_recovery_time_p90_s,\n"
     "    CAST(open_incidents AS BIGINT) AS open_incidents,\n"
     "    CAST(oldest_failure_s AS DOUBLE) AS oldest_open_failure_s, rework AS "
     "rework_deployments,\n"
     "    CAST(rework_rate AS DOUBLE) AS deployment_rework_rate, undeployed_changes,\n"
     "    CAST(oldest_undeployed_s AS DOUBLE) AS oldest_undeployed_change_s\n"
     "FROM dora_figure AS f, wish AS w\n"
     "WHERE f.kind = w.group_period AND f.is_all = (w.group_service = '' AND NOT "
     "w.group_environment)\n"
     "ORDER BY n, by_service, by_environment",
     false},
    {"deployments", "FROM explain_deployment", true},
    {"changes", "FROM explain_change", true},
    {"commits", "FROM explain_commit", true},
    {"incidents", "FROM explain_incident", true},
    {"left_out", "FROM explain_out", true},
    {0},
};

const struct csv_table *csv_of_dora(struct str name)
{
    for (const struct csv_table *t = csv_dora; t->name; t++) {
        if (name.len == 0 || str_eq(name, str_of(t->name))) {
            return t;
        }
    }
    return NULL;
}

const struct window_part *csv_of_parts(const struct window_part *part, struct str name)
{
    for (; part->name; part++) {
        if (name.len == 0 || str_eq(name, str_of(part->name))) {
            return part;
        }
    }
    return NULL;
}

enum outcome csv_print(const struct ask *q, struct arena *a, const char *sql, struct failure *f)
{
    struct duck_result r;
    enum outcome result = duck_query(q->duck, sql, &r, f);
    result = result == OK ? answer_print(a, ROWS_CSV_SHEET, &r, NULL, f) : result;
    duck_result_close(&r);
    if (result == OK) {
        ask_say_complete(q);
    }
    return result;
}
