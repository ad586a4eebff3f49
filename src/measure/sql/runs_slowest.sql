-- Where the time goes: tasks by the time that they took in all.
SELECT repository, pipeline, name AS task, count(*) AS runs, CAST(sum(duration_s) AS DOUBLE) AS total_s,
    round(CAST(middle(duration_s, 0.5) AS DOUBLE), 1) AS duration_p50_s,
    round(CAST(middle(duration_s, 0.9) AS DOUBLE), 1) AS duration_p90_s, count(*) AS duration_n
FROM runs_task
WHERE duration_s IS NOT NULL
GROUP BY repository, pipeline, name
ORDER BY total_s DESC, repository, pipeline, task
LIMIT 20
