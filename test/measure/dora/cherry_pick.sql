-- A commit picked onto a release branch is another commit: each has the lead time of its own line.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'feature'),
    ('p1', '2026-03-02 13:00:00Z', '2026-03-02 13:00:05Z', 'release/1');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'feature', 'f1', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'p1', '2026-03-02 14:00:00Z'), ('D2', 'm1', '2026-03-04 14:00:00Z');
