-- The example of docs/reports.md.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 12:00:00Z', '2026-03-01 12:00:00Z', 'main'), ('b1', '2026-03-03 12:00:00Z', '2026-03-03 12:00:00Z', 'main'),
    ('b2', '2026-03-04 06:00:00Z', '2026-03-04 06:00:00Z', 'main'), ('c1', '2026-03-08 12:00:00Z', '2026-03-08 12:00:00Z', 'main');
INSERT INTO deployment (id, sha, finished_at, is_rollback) VALUES
    ('D1', 'a0', '2026-03-02 12:00:00Z', false), ('D2', 'b2', '2026-03-04 12:00:00Z', false),
    ('D3', 'a0', '2026-03-04 15:00:00Z', true), ('D4', 'c1', '2026-03-10 12:00:00Z', false);
INSERT INTO incident (id, detected_at, resolved_at, caused_by_deployment) VALUES
    ('I1', '2026-03-04 12:30:00Z', '2026-03-04 14:00:00Z', 'D2');
