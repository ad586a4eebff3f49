-- previous_id, superseded_at: the neighbours among the successes of one service and environment.
SELECT source, id,
    lag(id) OVER (PARTITION BY service, environment ORDER BY finished_at, source, id) AS previous_id,
    lead(finished_at) OVER (PARTITION BY service, environment ORDER BY finished_at, source, id) AS superseded_at
FROM deployment_folded
WHERE finished_at IS NOT NULL
