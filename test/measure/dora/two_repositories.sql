-- A service of two repositories: the first deployment of each has nothing to compare with, what it holds may be years old.
-- D2 goes back to an older commit than the one before, D3 and D4 go forward again.
INSERT INTO commit (repository, sha, committed_at, pushed_at, branch) VALUES
    ('shop', 'a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('shop', 'a1', '2026-03-02 08:00:00Z', '2026-03-02 08:00:00Z', 'main'),
    ('shop', 'a2', '2026-03-02 09:00:00Z', '2026-03-02 09:00:00Z', 'main'),
    ('ui', 'u0', '2025-06-01 08:00:00Z', '2025-06-01 08:00:00Z', 'main'),
    ('ui', 'f1', '2025-06-02 08:00:00Z', '2025-06-02 08:00:00Z', 'one'),
    ('ui', 'm1', '2025-06-02 10:00:00Z', '2025-06-02 10:00:00Z', 'main'),
    ('ui', 'u2', '2026-03-06 08:00:00Z', '2026-03-06 08:00:00Z', 'main');
INSERT INTO change (repository, number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    ('ui', 1, 'one', 'f1', 'm1', '2025-06-02 10:00:00Z', '2025-06-02 10:00:00Z');
INSERT INTO deployment (id, repository, sha, finished_at) VALUES
    ('D0', 'shop', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'shop', 'a2', '2026-03-02 10:00:00Z'),
    ('D2', 'shop', 'a0', '2026-03-02 11:00:00Z'), ('D3', 'shop', 'a1', '2026-03-03 10:00:00Z'),
    ('D4', 'shop', 'a2', '2026-03-04 10:00:00Z'), ('U0', 'ui', 'm1', '2026-03-05 10:00:00Z'),
    ('U1', 'ui', 'u2', '2026-03-06 10:00:00Z');
