-- Every choice changes something here: D1 is rolled back by R, an incident blames D3 by its time alone; c2 was
-- authored a day and pushed an hour before it was committed; c3 is renovate's.
INSERT INTO commit (sha, author, authored_at, committed_at, pushed_at, branch) VALUES
    ('a0', 'ann', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('c1', 'ann', '2026-03-02 06:00:00Z', '2026-03-02 08:00:00Z', '2026-03-02 09:00:00Z', 'main'),
    ('c2', 'ann', '2026-03-03 06:00:00Z', '2026-03-04 08:00:00Z', '2026-03-04 09:00:00Z', 'main'),
    ('c3', 'renovate', '2026-03-05 06:00:00Z', '2026-03-05 08:00:00Z', '2026-03-05 09:00:00Z', 'main');
INSERT INTO deployment (id, sha, is_rollback, finished_at) VALUES
    ('D0', 'a0', NULL, '2026-03-01 10:00:00Z'), ('D1', 'c1', NULL, '2026-03-02 10:00:00Z'),
    ('R', 'a0', true, '2026-03-02 11:00:00Z'), ('D2', 'c2', NULL, '2026-03-04 10:00:00Z'),
    ('D3', 'c3', NULL, '2026-03-05 10:00:00Z');
INSERT INTO incident (id, detected_at, resolved_at, caused_by_deployment, evidence) VALUES
    ('I1', '2026-03-05 11:00:00Z', '2026-03-05 12:00:00Z', 'D3', 'time');
