-- Branches that were pushed and then merged on somebody's machine, without a change: by a merge commit, and by
-- moving main along. The push onto main holds commits that an earlier push brought; they are deployed with it, the
-- merge commit is one as well. One goes on to a release branch, and counts once.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('h1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'hotfix/price'),
    ('h2', '2026-03-02 10:00:00Z', '2026-03-02 10:10:00Z', 'hotfix/price'),
    ('m1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z', 'main'),
    ('w1', '2026-03-03 08:00:00Z', '2026-03-03 08:10:00Z', 'wip'), -- goes nowhere
    ('k1', '2026-03-04 08:00:00Z', '2026-03-04 08:10:00Z', 'fast'),
    ('z1', '2026-03-04 13:00:00Z', '2026-03-04 13:00:00Z', 'main'),
    ('r1', '2026-03-06 13:00:00Z', '2026-03-06 13:00:00Z', 'release/1');
INSERT INTO push_again (sha, pushed_at, branch) VALUES
    ('h1', '2026-03-02 12:00:00Z', 'main'), ('h2', '2026-03-02 12:00:00Z', 'main'),
    ('k1', '2026-03-04 12:00:00Z', 'main'), ('h1', '2026-03-06 13:00:00Z', 'release/1');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'm1', '2026-03-02 14:00:00Z'), ('D2', 'z1', '2026-03-04 14:00:00Z'),
    ('D3', 'r1', '2026-03-06 14:00:00Z');
