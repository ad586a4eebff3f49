-- Several deployments of one commit: each counts, the commit's lead time is to the first; a rollback to it
-- takes nothing back.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('b1', '2026-03-02 08:00:00Z', '2026-03-02 08:00:00Z', 'main'),
    ('b2', '2026-03-03 08:00:00Z', '2026-03-03 08:00:00Z', 'main');
INSERT INTO deployment (id, sha, is_rollback, created_at, finished_at) VALUES
    ('D0', 'a0', NULL, NULL, '2026-03-01 09:00:00Z'), ('D1', 'b1', NULL, NULL, '2026-03-02 09:00:00Z'),
    ('D2', 'b1', NULL, NULL, '2026-03-02 10:00:00Z'), ('D3', 'b2', NULL, NULL, '2026-03-03 09:00:00Z'),
    ('D4', 'b1', true, NULL, '2026-03-03 10:00:00Z'), ('D5', 'b2', NULL, '2026-03-03 11:00:00Z', NULL);
