-- cart and till are one team's, search another's, lamp nobody's.
INSERT INTO deployment (id, service, repository, sha, finished_at) VALUES
    ('1', 'cart', 'cart', 'a', '2026-03-01 10:00:00Z'), ('2', 'cart', 'cart', 'b', '2026-03-02 10:00:00Z'),
    ('3', 'till', 'till', 'c', '2026-03-03 10:00:00Z'), ('4', 'search', 'search', 'd', '2026-03-04 10:00:00Z'),
    ('5', 'lamp', 'lamp', 'e', '2026-03-05 10:00:00Z');
INSERT INTO incident (id, service, detected_at, resolved_at, caused_by_deployment) VALUES
    ('I', 'till', '2026-03-03 11:00:00Z', '2026-03-03 12:00:00Z', '3');
