-- A merge is told by two clocks: the push of its merge commit comes a second before #1 was merged, and some microseconds
-- after #2 was. Such a push brings a commit of a branch that no change merged (w1), or the head of a change that somebody
-- merged by hand (#3) or that main was moved along to (#4). None of it waits for the next deployment.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'one'),
    ('m1', '2026-03-02 11:59:59Z', '2026-03-02 11:59:59Z', 'main'),
    ('f2', '2026-03-04 08:00:00Z', '2026-03-04 08:10:00Z', 'two'),
    ('w1', '2026-03-04 09:00:00Z', '2026-03-04 09:10:00Z', 'wip'),
    ('m2', '2026-03-04 12:00:00Z', '2026-03-04 12:00:00.4Z', 'main'),
    ('f3', '2026-03-06 08:00:00Z', '2026-03-06 08:10:00Z', 'three'),
    ('x3', '2026-03-06 12:00:00Z', '2026-03-06 12:00:00Z', 'main'),
    ('f4', '2026-03-08 08:00:00Z', '2026-03-08 08:10:00Z', 'four'),
    ('f5', '2026-03-10 08:00:00Z', '2026-03-10 08:10:00Z', 'five'),
    ('m5', '2026-03-10 12:00:00Z', '2026-03-10 12:00:00Z', 'main');
INSERT INTO push_again (sha, pushed_at, branch) VALUES
    ('w1', '2026-03-04 12:00:00.4Z', 'main'), ('f3', '2026-03-06 12:00:00Z', 'main'), ('f4', '2026-03-08 12:00:02Z', 'main');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'one', 'f1', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'two', 'f2', 'm2', '2026-03-04 12:00:00Z', '2026-03-04 12:00:00Z'),
    (3, 'three', 'f3', NULL, '2026-03-06 12:00:01Z', '2026-03-06 12:00:01Z'),
    (4, 'four', 'f4', NULL, '2026-03-08 12:00:00Z', '2026-03-08 12:00:00Z'),
    (5, 'five', 'f5', 'm5', '2026-03-10 12:00:01Z', '2026-03-10 12:00:01Z'),
    (6, 'six', 'f6', 'm5', '2026-03-10 12:00:02Z', '2026-03-10 12:00:02Z'); -- the same merge
INSERT INTO deployment (id, sha, ref, finished_at) VALUES
    ('D0', 'a0', 'main', '2026-03-01 09:00:00Z'), ('D1', 'm1', 'main', '2026-03-02 14:00:00Z'),
    ('D2', 'm2', 'main', '2026-03-04 14:00:00Z'), ('D3', 'x3', 'main', '2026-03-06 14:00:00Z'),
    ('D4', 'f4', 'v4', '2026-03-08 14:00:00Z'), ('D5', 'm5', 'main', '2026-03-10 14:00:00Z');
