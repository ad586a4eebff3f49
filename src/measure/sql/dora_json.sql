-- The answer of `report dora --json`, one text.
SELECT CAST(json_object(
    'from', utc_text(w.from_at),
    'to', utc_text(w.to_at),
    'known_from', (SELECT utc_text(known_from) FROM known_since),
    'zone', w.zone, 'median', if(w.is_lower, 'lower', 'interpolated'),
    'rows', coalesce((SELECT to_json(list(json_object(
        'service', by_service, 'environment', by_environment,
        'from', utc_text(f.from_at),
        'to', utc_text(f.to_at),
        'deployments', deployments, 'days_with_deployments', days_deployed,
        'deployment_frequency_per_day', per_day, 'days_per_week_p50', days_per_week_p50,
        'commits', commits, 'change_lead_time_p50_s', lead_p50_s, 'change_lead_time_p90_s', lead_p90_s,
        'changes', changes, 'change_lead_time_per_change_p50_s', change_p50_s,
        'change_lead_time_per_change_p90_s', change_p90_s,
        'coding_s', coding_s, 'to_review_s', to_review_s, 'in_review_s', in_review_s, 'waiting_s', waiting_s,
        'failed_deployments', failed, 'last_failed_at', utc_text(last_failed_at), 'last_failed_by', last_failed_by, 'change_fail_rate', fail_rate,
        'recovered_deployments', recovered, 'failed_deployment_recovery_time_p50_s', recovery_p50_s,
        'failed_deployment_recovery_time_p90_s', recovery_p90_s,
        'open_incidents', open_incidents, 'oldest_open_failure_s', oldest_failure_s,
        'rework_deployments', rework, 'deployment_rework_rate', rework_rate,
        'undeployed_changes', undeployed_changes, 'oldest_undeployed_change_s', oldest_undeployed_s,
        'tiers', (SELECT if(w.tiers_year > 0, json_object('year', w.tiers_year, 'deployment_frequency', t.frequency,
                'change_lead_time', t.lead, 'change_fail_rate', t.fail,
                'failed_deployment_recovery_time', t.restore), NULL)
            FROM dora_tier AS t WHERE f.kind = 'now' AND t.is_all = f.is_all
                AND t.by_service IS NOT DISTINCT FROM f.by_service
                AND t.by_environment IS NOT DISTINCT FROM f.by_environment)) ORDER BY n, by_service, by_environment))
        FROM dora_figure AS f
        WHERE f.kind = w.group_period AND f.is_all = (w.group_service = '' AND NOT w.group_environment)),
        '[]'::JSON),
    'left_out', (SELECT coalesce(to_json(list(json_object('what', what, 'reason', reason, 'n', n)
            ORDER BY n DESC, what, reason)), '[]'::JSON)
        FROM out_count),
    'choices', json_object('lead_from', w.lead_from, 'failures', w.failures, 'hotfix_labels', w.hotfix_labels,
        'hotfix_branches', w.hotfix_branches, 'leaves_bots', w.leaves_bots, 'bots', w.bots),
    'definitions', json_object(
        'deployment', 'a deployment with a success in production, at its first; once, however often told',
        'change_lead_time', 'from a commit to the first deployment that holds it; per change from its first commit',
        'coding_s', 'of all its changes together, from the first commit to the opening; then to the first review, to '
            'the merge, to the deployment',
        'change_fail_rate', 'deployments that an incident names as its cause, of all deployments',
        'failed_deployment_recovery_time', 'from a failed deployment to the end of the last incident it caused',
        'oldest_open_failure_s', 'at the end of the window, since the first deployment that failed and has not recovered',
        'oldest_undeployed_change_s', 'at the end of the window, since the first merge that no deployment holds',
        'deployment_rework_rate', 'deployments that are a rollback, hold a hotfix, or mend an incident, of all'),
    'explain', (SELECT told FROM explained)
) AS VARCHAR) FROM wish AS w
