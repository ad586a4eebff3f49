-- Two services in March 2026: a failure, an open incident, a rollback, a hotfix, a change that waits, weeks without
-- anything; a title and addresses that must not come alive.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-02 08:00:00Z', '2026-03-02 08:00:00Z', 'main'),
    ('f1', '2026-03-03 08:00:00Z', '2026-03-03 08:10:00Z', 'feature'), ('f2', '2026-03-03 20:00:00Z', '2026-03-03 20:10:00Z', 'feature'),
    ('m1', '2026-03-04 09:00:00Z', '2026-03-04 09:00:03Z', 'main'), ('g1', '2026-03-16 08:00:00Z', '2026-03-16 08:05:00Z', 'fix'),
    ('m2', '2026-03-17 08:00:00Z', '2026-03-17 08:00:03Z', 'main'), ('h1', '2026-03-27 08:00:00Z', '2026-03-27 08:05:00Z', 'late'),
    ('m3', '2026-03-28 08:00:00Z', '2026-03-28 08:00:03Z', 'main');
INSERT INTO change (number, title, url, labels, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, '</title><script>alert("1")</script> & ''more''', 'https://example.org/shop/1?a=1&b="2"', [], 'feature', 'f2', 'm1',
        '2026-03-04 09:00:00Z', '2026-03-04 09:00:00Z'),
    (2, 'Mend' || chr(27) || '[31m the till', 'javascript:alert(2)', ['hotfix'], 'fix', 'g1', 'm2', '2026-03-17 08:00:00Z', '2026-03-17 08:00:00Z'),
    (3, NULL, NULL, [], 'late', 'h1', 'm3', '2026-03-28 08:00:00Z', '2026-03-28 08:00:00Z');
INSERT INTO deployment (id, sha, finished_at, is_rollback, url) VALUES
    ('D0', 'a0', '2026-03-02 09:00:00Z', false, 'https://ci.example.org/0'), ('D1', 'm1', '2026-03-04 10:00:00Z', false, NULL),
    ('D2', 'a0', '2026-03-04 12:00:00Z', true, 'data:text/html,<script>'), ('D3', 'm2', '2026-03-18 09:00:00Z', false, NULL);
INSERT INTO deployment (id, service, repository, environment, is_production, sha, finished_at) VALUES
    ('E1', 'pay<ments>', 'pay', 'production', true, 'x1', '2026-03-20 09:00:00Z'),
    ('E2', 'pay<ments>', 'pay', 'staging', false, 'x1', '2026-03-20 08:00:00Z');
INSERT INTO incident (id, title, url, detected_at, resolved_at, caused_by_deployment, fixed_by_deployment) VALUES
    ('I1', 'The till & the <b>bell</b>', 'https://example.org/i/1', '2026-03-04 10:30:00Z', '2026-03-04 12:10:00Z', 'D1', 'D2'),
    ('I2', 'Again', NULL, '2026-03-18 10:00:00Z', NULL, 'D3', NULL);
