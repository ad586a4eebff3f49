-- Two hosts number their deployments from 1 on. What happened at alpha says nothing of beta's deployments 2 and 3.
INSERT INTO deployment (source, id, service, repository, sha, finished_at) VALUES
    ('https://one', '1', 'alpha', 'alpha', 'a1', '2026-03-01 09:00:00Z'), ('https://one', '2', 'alpha', 'alpha', 'a2', '2026-03-02 09:00:00Z'),
    ('https://one', '3', 'alpha', 'alpha', 'a3', '2026-03-02 11:00:00Z'), ('https://two', '1', 'beta', 'beta', 'b1', '2026-03-01 09:00:00Z'),
    ('https://two', '2', 'beta', 'beta', 'b2', '2026-03-02 09:00:00Z'), ('https://two', '3', 'beta', 'beta', 'b3', '2026-03-02 11:00:00Z');
INSERT INTO incident (source, id, service, detected_at, resolved_at, caused_by_source, caused_by_deployment, fixed_by_source, fixed_by_deployment) VALUES
    ('https://one', '7', 'alpha', '2026-03-02 10:00:00Z', '2026-03-02 11:30:00Z', 'https://one', '2', 'https://one', '3');
