-- A change upon a change: #2 is merged into the branch of #1, which brings both. A fork's branch of the same name
-- as the line brings nothing of it.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'first'),
    ('g1', '2026-03-02 09:00:00Z', '2026-03-02 09:10:00Z', 'second'),
    ('g2', '2026-03-02 10:00:00Z', '2026-03-02 10:00:00Z', 'first'),
    ('m1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z', 'main'),
    ('x1', '2026-03-04 12:00:00Z', '2026-03-04 12:00:00Z', 'legacy');
INSERT INTO change (number, head_branch, base_branch, head_sha, merge_sha, head_repository, merged_at, closed_at) VALUES
    (1, 'first', 'main', 'g2', 'm1', 'shop', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'second', 'first', 'g1', 'g2', 'shop', '2026-03-02 10:00:00Z', '2026-03-02 10:00:00Z'),
    (3, 'third', 'main', 'k1', 'm3', 'shop', '2026-03-03 12:00:00Z', '2026-03-03 12:00:00Z'),
    (4, 'main', 'legacy', 'x0', 'x1', 'fork', '2026-03-04 12:00:00Z', '2026-03-04 12:00:00Z');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'm1', '2026-03-02 14:00:00Z'), ('D2', 'x1', '2026-03-04 14:00:00Z');
