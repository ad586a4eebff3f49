-- A tool that deploys by tag alone: it stands at the time when it was asked for. One that never succeeded,
-- one elsewhere, and one behind the end of the window.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'one'), ('g1', '2026-03-02 09:00:00Z', '2026-03-02 09:10:00Z', 'two');
INSERT INTO change (number, head_branch, head_sha, merged_at, closed_at) VALUES
    (1, 'one', 'f1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'two', 'g1', '2026-03-02 13:00:00Z', '2026-03-02 13:00:00Z');
INSERT INTO deployment (id, sha, environment, is_production, state, created_at, finished_at) VALUES
    ('D0', NULL, 'production', true, 'succeeded', '2026-03-01 08:00:00Z', '2026-03-01 09:00:00Z'),
    ('D1', NULL, 'production', true, 'succeeded', '2026-03-02 12:30:00Z', '2026-03-02 14:00:00Z'),
    ('S1', NULL, 'staging', false, 'succeeded', '2026-03-02 12:30:00Z', '2026-03-02 14:00:00Z'),
    ('F1', NULL, 'production', true, 'failed', '2026-03-03 12:30:00Z', NULL),
    ('D9', NULL, 'production', true, 'succeeded', '2026-03-31 23:59:00Z', '2026-04-01 00:00:00Z');
