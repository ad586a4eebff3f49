-- Merged in March and not deployed: a change of ann's, and one of a bot's. c2 is known by when it was committed alone.
INSERT INTO commit (sha, authored_at, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-02-01 08:00:00Z', '2026-02-01 08:00:00Z', '2026-02-01 08:00:00Z', 'main'),
    ('c1', '2026-02-02 08:00:00Z', '2026-02-02 09:00:00Z', '2026-02-02 09:00:00Z', 'main'),
    ('c2', NULL, '2026-03-02 09:00:00Z', '2026-03-02 09:00:00Z', 'main');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-02-01 10:00:00Z'), ('D1', 'c1', '2026-02-02 10:00:00Z'), ('D2', 'c2', '2026-03-02 10:00:00Z');
INSERT INTO change (number, author, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'ann', 'one', 'f1', 'm1', '2026-03-03 10:00:00Z', '2026-03-03 10:00:00Z'),
    (2, 'lint[bot]', 'two', 'f2', 'm2', '2026-03-03 11:00:00Z', '2026-03-03 11:00:00Z');
