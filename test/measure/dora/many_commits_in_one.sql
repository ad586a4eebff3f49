-- One deployment of many changes and of commits pushed straight to main, one of them by a bot.
INSERT INTO commit (sha, author, committed_at, pushed_at, branch) VALUES
    ('a0', 'ann', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', 'ann', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'one'),
    ('g1', 'bob', '2026-03-02 09:00:00Z', '2026-03-02 09:10:00Z', 'two'),
    ('d1', 'bob', '2026-03-03 09:00:00Z', '2026-03-03 09:00:00Z', 'main'),
    ('d2', 'renovate[bot]', '2026-03-03 10:00:00Z', '2026-03-03 10:00:00Z', 'main');
INSERT INTO change (number, labels, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, ['hotfix'], 'one', 'f1', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, NULL, 'two', 'g1', 'm2', '2026-03-02 13:00:00Z', '2026-03-02 13:00:00Z'),
    (3, NULL, 'three', 'h1', 'm3', '2026-03-05 13:00:00Z', '2026-03-05 13:00:00Z');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'd2', '2026-03-03 12:00:00Z');
