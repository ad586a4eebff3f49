-- Runs by pipeline, of which each repository has its own: outcomes, and how long they waited and took.
SELECT repository, coalesce(name, '') AS pipeline, count(*) AS runs,
    count(*) FILTER (outcome = 'success') AS success, count(*) FILTER (outcome = 'failure') AS failure,
    count(*) FILTER (outcome = 'error') AS error, count(*) FILTER (outcome = 'cancel') AS cancel,
    round(CAST(count(*) FILTER (outcome = 'success') AS DOUBLE) / nullif(count(outcome), 0), 4) AS success_rate,
    round(CAST(middle(queue_s, 0.5) AS DOUBLE), 1) AS queue_p50_s,
    round(CAST(middle(duration_s, 0.5) AS DOUBLE), 1) AS duration_p50_s,
    round(CAST(middle(duration_s, 0.9) AS DOUBLE), 1) AS duration_p90_s,
    count(outcome) AS success_rate_n, count(queue_s) AS queue_n, count(duration_s) AS duration_n
FROM runs_run
GROUP BY repository, name
ORDER BY runs DESC, repository, pipeline
