-- Relations asked: pipeline_run, task_run, span. What the runs report counts: runs_told, runs of the window and of the
-- period before, and those that have not finished; runs_run and runs_task, what was finished in the window. An error is
-- a failure whose source says so: what was to be tested was not.
CREATE OR REPLACE TEMP MACRO runs_outcome(outcome, original) AS
    CASE WHEN outcome = 'failure' AND lower(original) IN ('error', 'errored') THEN 'error' ELSE outcome END;

CREATE TEMP TABLE runs_told AS
SELECT r.source, r.id, r.attempt, coalesce(r.name, '') AS name, r.repository, r.sha, person(r.actor) AS actor,
    runs_outcome(r.outcome, r.original_result) AS outcome,
    r.queue_s, r.duration_s, r.errors, r.finished_at, least(r.created_at, r.queued_at, r.started_at) AS begun_at,
    json_extract_string(r.attributes, '$.environment') AS environment
FROM pipeline_run AS r, span AS s
WHERE r.finished_at IS NULL OR r.finished_at >= s.before_at;

CREATE TEMP TABLE runs_run AS
SELECT r.* FROM runs_told AS r, span AS s WHERE r.finished_at >= s.from_at AND r.finished_at < s.to_at;

CREATE TEMP TABLE runs_task AS
SELECT t.source, t.id, t.attempt, coalesce(t.name, '') AS name, t.repository, coalesce(t.sha, r.sha) AS sha, r.name AS pipeline,
    runs_outcome(t.outcome, t.original_result) AS outcome, t.queue_s, t.duration_s, t.errors
FROM task_run AS t LEFT JOIN pipeline_run AS r
    ON r.source = t.source AND r.id = t.pipeline_run_id AND r.attempt = t.attempt, span AS s
WHERE t.finished_at >= s.from_at AND t.finished_at < s.to_at;

CREATE TEMP TABLE known_since AS SELECT min(coalesce(begun_at, finished_at)) AS known_from
FROM (SELECT least(created_at, queued_at, started_at) AS begun_at, finished_at FROM pipeline_run);
