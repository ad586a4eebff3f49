-- One repository, two services with paths. Change 1 touches cart alone, change 2 both, change 3 nothing of
-- either; of change 4 no file is known; c5 came without a change and touches search.
INSERT INTO commit (sha, committed_at, pushed_at, branch, services) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main', ['cart', 'search']),
    ('f1', '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'one', ['cart']),
    ('f2', '2026-03-03 08:00:00Z', '2026-03-03 08:10:00Z', 'two', ['cart']),
    ('f3', '2026-03-03 09:00:00Z', '2026-03-03 09:10:00Z', 'two', ['search']),
    ('f4', '2026-03-04 08:00:00Z', '2026-03-04 08:10:00Z', 'three', ['acme/shop']),
    ('f5', '2026-03-05 08:00:00Z', '2026-03-05 08:10:00Z', 'four', NULL),
    ('c5', '2026-03-05 12:00:00Z', '2026-03-05 12:00:00Z', 'main', ['search']);
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'one', 'f1', 'm1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'two', 'f3', 'm2', '2026-03-03 12:00:00Z', '2026-03-03 12:00:00Z'),
    (3, 'three', 'f4', 'm3', '2026-03-04 12:00:00Z', '2026-03-04 12:00:00Z'),
    (4, 'four', 'f5', 'm4', '2026-03-05 11:00:00Z', '2026-03-05 11:00:00Z');
INSERT INTO deployment (id, service, sha, created_at, finished_at) VALUES
    ('C0', 'cart', 'a0', '2026-03-01 09:00:00Z', '2026-03-01 09:00:00Z'),
    ('S0', 'search', 'a0', '2026-03-01 09:00:00Z', '2026-03-01 09:00:00Z'),
    ('C1', 'cart', 'm2', '2026-03-03 14:00:00Z', '2026-03-03 14:00:00Z'),
    ('S1', 'search', 'c5', '2026-03-06 14:00:00Z', '2026-03-06 14:00:00Z');
