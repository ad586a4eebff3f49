-- What a case is compared by: one line a thing, in time's order.
SELECT told FROM (
    SELECT 1 AS part, nth AS place, concat_ws(' ', 'deployment', service, environment, id,
        if(is_failed, if(recovery_s IS NULL, 'failed, open', 'failed, ' || recovery_s || ' s'), NULL),
        'rework: ' || rework_reason) AS told
    FROM dora_outcome
    UNION ALL
    SELECT 2, row_number() OVER (ORDER BY committed_at, sha, service, environment, deployment, change_key),
        concat_ws(' ', 'commit', sha, coalesce('#' || number, id), deployment, if(out_reason IS NULL, lead_s || ' s', out_reason))
    FROM dora_lead LEFT JOIN (SELECT change_key, number, id FROM merged) USING (change_key)
    UNION ALL
    SELECT 3, number, concat_ws(' ', 'change', coalesce('#' || number, id), deployment,
        if(out_reason IS NULL, lead_s || ' s', out_reason), if(is_hotfix, 'hotfix', NULL))
    FROM dora_lead_change
    UNION ALL
    SELECT 4, row_number() OVER (ORDER BY what, id), concat_ws(' ', 'left out', what, id, reason) FROM dora_out
    UNION ALL
    SELECT 5, 0, concat_ws(' ', 'figures', deployments, 'deployments on', days_deployed, 'days, lead',
        lead_p50_s, '/', change_p50_s, 'of', commits, '/', changes, 'failed', failed, 'recovery', recovery_p50_s,
        'open', open_incidents, 'rework', rework, 'undeployed', undeployed_changes)
    FROM dora_figure WHERE kind = 'now' AND is_all
) ORDER BY part, place, told
