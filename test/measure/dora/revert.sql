-- A revert is a change like any other; what it takes back keeps the lead time of its first deployment.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'feature'),
    ('r1', '2026-03-02 15:00:00Z', '2026-03-02 15:01:00Z', 'revert-1-feature');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'feature', 'f1', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'revert-1-feature', 'r1', 'm2', '2026-03-02 16:00:00Z', '2026-03-02 16:00:00Z');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'm1', '2026-03-02 14:00:00Z'), ('D2', 'm2', '2026-03-02 17:00:00Z');
INSERT INTO incident (id, detected_at, resolved_at, caused_by_deployment, fixed_by_deployment) VALUES
    ('I1', '2026-03-02 14:10:00Z', '2026-03-02 17:05:00Z', 'D1', 'D2');
