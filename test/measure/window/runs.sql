CREATE TABLE pipeline_run (source VARCHAR DEFAULT 'ci', id VARCHAR, attempt BIGINT DEFAULT 1, repository VARCHAR DEFAULT 'shop',
    name VARCHAR, sha VARCHAR, actor VARCHAR, outcome VARCHAR, original_result VARCHAR, queue_s DOUBLE, duration_s DOUBLE, errors VARCHAR,
    attributes VARCHAR, created_at TIMESTAMPTZ, queued_at TIMESTAMPTZ, started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ);
CREATE TABLE task_run (source VARCHAR DEFAULT 'ci', id VARCHAR, attempt BIGINT DEFAULT 1, pipeline_run_id VARCHAR,
    repository VARCHAR DEFAULT 'shop', name VARCHAR, sha VARCHAR, outcome VARCHAR, original_result VARCHAR, queue_s DOUBLE, duration_s DOUBLE, errors VARCHAR,
    finished_at TIMESTAMPTZ);
INSERT INTO pipeline_run (id, attempt, name, sha, actor, outcome, original_result, queue_s, duration_s, errors, attributes, finished_at) VALUES
    ('1', 1, 'build', 'a', 'ann', 'success', 'success', 10, 100, NULL, '{"environment":"dev"}', '2026-03-02 10:00:00Z'),
    ('2', 1, 'build', 'b', 'bob', 'failure', 'Failed', 20, 200, 'Unit tests failed', '{"environment":"prod"}', '2026-03-03 10:00:00Z'),
    ('2', 2, 'build', 'b', 'bob', 'success', 'success', NULL, 300, NULL, NULL, '2026-03-03 11:00:00Z'),
    ('3', 1, 'deploy', 'b', 'bob', 'failure', 'error', 5, NULL, 'Timeout', '{"environment":"prod"}', '2026-03-04 10:00:00Z'),
    ('4', 1, 'deploy', 'b', NULL, NULL, NULL, 5, 50, NULL, NULL, '2026-03-04 10:00:00Z'),
    ('5', 1, 'build', 'c', 'ann', 'success', 'success', 1, 1, NULL, NULL, '2026-04-01 00:00:00Z');
INSERT INTO task_run (id, attempt, pipeline_run_id, name, outcome, original_result, duration_s, errors, finished_at) VALUES
    ('11', 1, '2', 'test', 'failure', NULL, 60, 'one of 7 failed', '2026-03-03 10:00:00Z'),
    ('12', 2, '2', 'test', 'success', 'success', 70, NULL, '2026-03-03 11:00:00Z'),
    ('13', 1, '1', 'test', 'success', 'success', 50, NULL, '2026-03-02 10:00:00Z'),
    ('14', 1, '1', 'lint', 'success', 'success', 5, NULL, '2026-03-02 10:00:00Z'),
    ('15', 1, NULL, 'lone', 'cancel', 'cancelled', NULL, NULL, '2026-03-02 10:00:00Z');
-- another repository's pipeline of the same name; tasks of a run that nobody told of
INSERT INTO pipeline_run (id, repository, name, sha, actor, outcome, queue_s, duration_s, finished_at) VALUES
    ('10', 'till', 'build', 'f', 'ann', 'failure', 100, 7200, '2026-03-05 10:00:00Z');
INSERT INTO task_run (id, name, sha, outcome, finished_at) VALUES
    ('16', 'solo', 's', 'failure', '2026-03-06 10:00:00Z'), ('17', 'solo', 's', 'success', '2026-03-06 11:00:00Z');
-- of the period before, and two that have not finished
INSERT INTO pipeline_run (id, attempt, name, sha, actor, outcome, queue_s, duration_s, queued_at, finished_at) VALUES
    ('6', 1, 'build', 'd', 'ann', 'success', 30, 300, '2026-02-01 10:00:00Z', '2026-02-02 10:00:00Z'),
    ('7', 1, 'build', 'd', 'ann', 'failure', 50, 500, '2026-02-03 10:00:00Z', '2026-02-03 11:00:00Z'),
    ('8', 1, 'build', 'e', 'ann', NULL, NULL, NULL, '2026-03-20 10:00:00Z', NULL),
    ('9', 1, 'build', 'e', 'ann', NULL, NULL, NULL, '2026-03-30 10:00:00Z', '2026-04-02 10:00:00Z');
