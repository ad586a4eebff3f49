-- Nothing is known before the fourth week, and then there is a deployment each day; D1 fails for two days, and what I2 names
-- is no deployment.
INSERT INTO deployment (id, finished_at)
SELECT concat('D', n), TIMESTAMPTZ '2026-03-22 10:00:00Z' + INTERVAL 1 DAY * n FROM range(1, 8) AS r(n);
INSERT INTO incident (id, detected_at, resolved_at, caused_by_deployment) VALUES
    ('I1', '2026-03-23 10:00:00Z', '2026-03-25 10:00:00Z', 'D1');
INSERT INTO incident (id, detected_at, causes) VALUES ('I2', '2026-03-25 10:00:00Z', 'D99');
