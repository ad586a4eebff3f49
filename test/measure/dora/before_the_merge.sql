-- What is deployed from its branch is deployed before it is merged: a hotfix (#1), which a later deployment of main holds,
-- and a change (#2) whose merge nobody deployed. #3 was deployed in part: it is deployed with the last of its commits.
-- #4 is moved onto main as it is, after D4 had deployed it: D4 holds nothing that came onto main before that (#5).
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('h1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'hotfix/pay'),
    ('m1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z', 'main'),
    ('c1', '2026-03-03 08:00:00Z', '2026-03-03 08:10:00Z', 'three'),
    ('c2', '2026-03-03 12:00:00Z', '2026-03-03 12:10:00Z', 'three'),
    ('m3', '2026-03-03 13:00:00Z', '2026-03-03 13:00:00Z', 'main'),
    ('e1', '2026-03-05 08:00:00Z', '2026-03-05 08:10:00Z', 'four'),
    ('g1', '2026-03-05 09:00:00Z', '2026-03-05 09:10:00Z', 'five'),
    ('m5', '2026-03-05 10:00:00Z', '2026-03-05 10:00:00Z', 'main'),
    ('f1', '2026-03-08 08:00:00Z', '2026-03-08 08:10:00Z', 'two'),
    ('m2', '2026-03-08 12:00:00Z', '2026-03-08 12:00:00Z', 'main');
INSERT INTO push_again (sha, pushed_at, branch) VALUES ('e1', '2026-03-05 12:00:00Z', 'main');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'hotfix/pay', 'h1', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'two', 'f1', 'm2', '2026-03-08 12:00:00Z', '2026-03-08 12:00:00Z'),
    (3, 'three', 'c2', 'm3', '2026-03-03 13:00:00Z', '2026-03-03 13:00:00Z'),
    (4, 'four', 'e1', 'e1', '2026-03-05 12:00:00Z', '2026-03-05 12:00:00Z'),
    (5, 'five', 'g1', 'm5', '2026-03-05 10:00:00Z', '2026-03-05 10:00:00Z');
INSERT INTO deployment (id, sha, ref, finished_at) VALUES
    ('D0', 'a0', 'main', '2026-03-01 09:00:00Z'), ('D1', 'h1', 'hotfix/pay', '2026-03-02 09:00:00Z'),
    ('D2', 'c1', 'three', '2026-03-03 09:00:00Z'), ('D3', 'm3', 'main', '2026-03-03 14:00:00Z'),
    ('D4', 'e1', 'four', '2026-03-05 11:00:00Z'), ('D5', 'm5', 'main', '2026-03-06 10:00:00Z'),
    ('D6', 'f1', 'two', '2026-03-08 09:00:00Z');
