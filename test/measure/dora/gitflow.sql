-- Features are merged into develop, develop into main by a change of its own (a merge commit, then a squash that
-- no push tells of): what a change brings onto a line goes on with the change that merges that line.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'feature'),
    ('m1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z', 'develop'),
    ('d1', '2026-03-02 13:00:00Z', '2026-03-02 13:00:00Z', 'develop'), -- pushed onto develop itself
    ('m2', '2026-03-03 12:00:00Z', '2026-03-03 12:00:00Z', 'main'),
    ('g1', '2026-03-04 08:00:00Z', '2026-03-04 08:10:00Z', 'other'),
    ('m3', '2026-03-04 12:00:00Z', '2026-03-04 12:00:00Z', 'develop'),
    ('s4', '2026-03-05 12:00:00Z', '2026-03-05 12:00:00Z', 'main'),
    ('h1', '2026-03-06 08:00:00Z', '2026-03-06 08:10:00Z', 'late'),
    ('m5', '2026-03-06 12:00:00Z', '2026-03-06 12:00:00Z', 'develop');
INSERT INTO change (number, head_branch, base_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'feature', 'develop', 'f1', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'develop', 'main', 'd1', 'm2', '2026-03-03 12:00:00Z', '2026-03-03 12:00:00Z'),
    (3, 'other', 'develop', 'g1', 'm3', '2026-03-04 12:00:00Z', '2026-03-04 12:00:00Z'),
    (4, 'develop', 'main', 'm3', 's4', '2026-03-05 12:00:00Z', '2026-03-05 12:00:00Z'),
    (5, 'late', 'develop', 'h1', 'm5', '2026-03-06 12:00:00Z', '2026-03-06 12:00:00Z');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'm2', '2026-03-03 14:00:00Z'), ('D2', 's4', '2026-03-05 14:00:00Z');
