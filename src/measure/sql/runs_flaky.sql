-- A task that failed and succeeded on one and the same commit.
SELECT repository, pipeline, name AS task, count(*) FILTER (is_flaky) AS flaky_commits, count(*) AS commits,
    round(CAST(count(*) FILTER (is_flaky) AS DOUBLE) / count(*), 4) AS flaky_rate,
    count(*) AS flaky_rate_n
FROM (SELECT repository, pipeline, name, sha,
        count(*) FILTER (outcome = 'success') > 0 AND count(*) FILTER (outcome IN ('failure', 'error')) > 0 AS is_flaky
    FROM runs_task WHERE sha IS NOT NULL GROUP BY ALL)
GROUP BY repository, pipeline, name
HAVING count(*) FILTER (is_flaky) > 0
ORDER BY flaky_rate DESC, flaky_commits DESC, repository, pipeline, task
LIMIT 20
