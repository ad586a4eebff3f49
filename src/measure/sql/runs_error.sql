-- What runs and tasks that did not succeed say of it.
SELECT kind, errors AS error, count(*) AS n, count(DISTINCT name) AS names
FROM (SELECT 'pipeline' AS kind, name, outcome, errors FROM runs_run
    UNION ALL SELECT 'task', name, outcome, errors FROM runs_task)
WHERE outcome IN ('failure', 'error')
GROUP BY kind, errors
ORDER BY n DESC, kind, error
LIMIT 20
