-- Two commits of a branch, merged by a merge commit: they count, the merge commit does not.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'feature'),
    ('f2', '2026-03-02 10:00:00Z', '2026-03-02 10:10:00Z', 'feature'),
    ('m1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z', 'main');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'feature', 'f2', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'm1', '2026-03-02 14:00:00Z');
