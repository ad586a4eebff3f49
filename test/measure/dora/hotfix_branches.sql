-- Two changes in one deployment: of a branch with brackets, and of none that is known.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('h1', '2026-03-02 13:00:00Z', '2026-03-02 13:00:05Z', 'urgent/[1]-fix'),
    ('f1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:05Z', 'main');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'urgent/[1]-fix', 'h1', 'm1', '2026-03-02 13:30:00Z', '2026-03-02 13:30:00Z'),
    (2, NULL, 'f1', 'm2', '2026-03-02 13:40:00Z', '2026-03-02 13:40:00Z');
INSERT INTO deployment (id, sha, ref, finished_at) VALUES
    ('D0', 'a0', 'main', '2026-03-01 09:00:00Z'), ('D1', 'm2', 'main', '2026-03-02 14:00:00Z');
