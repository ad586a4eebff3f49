-- Two incidents of one deployment: mended when the last is. One reopened and open. One withdrawn, one with
-- another cause: no failure.
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-03-01 09:00:00Z'), ('D1', 'b1', '2026-03-02 09:00:00Z'), ('D2', 'b2', '2026-03-03 09:00:00Z'),
    ('D3', 'b3', '2026-03-04 09:00:00Z');
INSERT INTO incident (id, is_incident, detected_at, resolved_at, caused_by_deployment, fixed_by_deployment) VALUES
    ('I1', true, '2026-03-02 09:10:00Z', '2026-03-02 09:40:00Z', 'D1', NULL),
    ('I2', NULL, '2026-03-02 09:20:00Z', '2026-03-02 10:30:00Z', 'D1', 'D2'),
    ('I3', true, '2026-03-03 09:10:00Z', NULL, 'D2', NULL),
    ('I4', false, '2026-03-04 09:10:00Z', NULL, 'D3', NULL),
    ('I5', true, '2026-03-04 09:10:00Z', '2026-03-04 10:00:00Z', NULL, NULL);
