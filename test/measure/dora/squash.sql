-- A squash gives the base branch a commit of its own, made when it was merged: the branch's commits count.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'feature'),
    ('f2', '2026-03-02 10:00:00Z', '2026-03-02 10:10:00Z', 'feature'),
    ('s1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:03Z', 'main'),
    ('s2', '2026-03-03 12:00:00Z', '2026-03-03 12:00:03Z', 'main');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'feature', 'f2', 's1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'unseen', 'g1', 's2', '2026-03-03 12:00:00Z', '2026-03-03 12:00:00Z'); -- its branch was never pushed to us
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 's1', '2026-03-02 14:00:00Z'), ('D2', 's2', '2026-03-03 14:00:00Z');
