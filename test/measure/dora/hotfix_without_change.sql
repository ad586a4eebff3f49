-- A commit pushed to a branch that is deployed, without a pull request. What is on main stays undeployed.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'feature'),
    ('h1', '2026-03-02 13:00:00Z', '2026-03-02 13:00:05Z', 'hotfix/price');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'feature', 'f1', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z');
INSERT INTO deployment (id, sha, ref, finished_at) VALUES
    ('D0', 'a0', 'main', '2026-03-01 09:00:00Z'), ('D1', 'h1', 'hotfix/price', '2026-03-02 14:00:00Z');
