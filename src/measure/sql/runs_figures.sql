-- Relations asked: runs_told, runs_run, runs_task, period, known_since, span. Gives figure, out_count and open_at_end, as
-- activity_figures.
CREATE TEMP TABLE runs_period AS
SELECT p.kind, p.n, count(*) AS finished, count(outcome) AS decided,
    count(*) FILTER (outcome IN ('failure', 'error')) AS failed, count(*) FILTER (outcome = 'cancel') AS cancelled,
    count(queue_s) AS queued, count(duration_s) AS timed,
    middle(queue_s, 0.5) AS queue_p50, middle(queue_s, 0.9) AS queue_p90,
    middle(duration_s, 0.5) AS duration_p50, middle(duration_s, 0.9) AS duration_p90
FROM period AS p JOIN runs_told AS r ON r.finished_at >= p.from_at AND r.finished_at < p.to_at
GROUP BY p.kind, p.n;

CREATE TEMP TABLE open_at_end AS
SELECT 'run' AS what, 'runs' AS whats, count(*) AS n, epoch(max(s.to_at)) - epoch(min(begun_at)) AS oldest_s
FROM runs_told, span AS s WHERE begun_at < s.to_at AND (finished_at IS NULL OR finished_at >= s.to_at);

CREATE TEMP TABLE figure AS
SELECT kind, n, begins_at, is_part, unnest([
    figure_of(1, 'runs_per_day', 'Runs finished', 'Runs', '', 'per_day', 0, per_day(finished, kind, from_at, to_at, known_from),
        finished, finished, counted(finished, 'run', 'runs')),
    figure_of(2, 'fail_rate', 'Fail rate', 'Fail rate', '', 'rate', -1, failed / nullif(decided, 0), decided, failed,
        concat(failed, ' of ', decided)),
    figure_of(3, 'cancel_rate', 'Cancelled', 'Cancelled', '', 'rate', -1, cancelled / nullif(decided, 0), decided, cancelled,
        concat(cancelled, ' of ', decided)),
    figure_of(4, 'queue_p50_s', 'Queue', 'Queue', 'p50', 'span', -1, queue_p50, queued, queued, counted(queued, 'run', 'runs')),
    figure_of(5, 'queue_p90_s', '', '', 'p90', 'span', -1, queue_p90, queued, queued, concat(finished - queued, ' without')),
    figure_of(6, 'duration_p50_s', 'Duration', 'Duration', 'p50', 'span', -1, duration_p50, timed, timed,
        counted(timed, 'run', 'runs')),
    figure_of(7, 'duration_p90_s', '', '', 'p90', 'span', -1, duration_p90, timed, timed, concat(finished - timed, ' without'))
], recursive := true)
FROM (
    SELECT p.kind, p.n, p.from_at, p.to_at, p.from_at AT TIME ZONE s.zone AS begins_at, k.known_from,
        is_partly(p.is_part, p.from_at, p.to_at, k.known_from) AS is_part,
        coalesce(finished, 0) AS finished, coalesce(decided, 0) AS decided, coalesce(failed, 0) AS failed,
        coalesce(cancelled, 0) AS cancelled, coalesce(queued, 0) AS queued, coalesce(timed, 0) AS timed,
        queue_p50, queue_p90, duration_p50, duration_p90
    FROM span AS s, known_since AS k, period AS p LEFT JOIN runs_period AS r ON r.kind = p.kind AND r.n = p.n
);

CREATE TEMP TABLE out_count AS
SELECT what, reason, n FROM (
    SELECT 'run' AS what, 'not finished at the end' AS reason, n FROM open_at_end
    UNION ALL SELECT 'run', 'that ended without an outcome, in no rate', count(*) FROM runs_run WHERE outcome IS NULL
    UNION ALL SELECT 'run', 'of a wait that is not known, in no queue time', count(*) FROM runs_run WHERE queue_s IS NULL
    UNION ALL SELECT 'run', 'of a duration that is not known', count(*) FROM runs_run WHERE duration_s IS NULL
    UNION ALL SELECT 'task', 'of a commit that is not known, in no flaky rate', count(*) FROM runs_task WHERE sha IS NULL
    UNION ALL SELECT 'task', 'of a duration that is not known, not among the slowest', count(*) FROM runs_task
    WHERE duration_s IS NULL
) WHERE n > 0;
