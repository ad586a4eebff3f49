-- The window's end is the end of March: D0 failed in February and was mended in March, D1 was mended in March, D2 at the
-- very end, D3 after it, and of D4 it was seen only then that it had failed.
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', 'a0', '2026-02-27 09:00:00Z'), ('D1', 'a1', '2026-03-31 09:00:00Z'), ('D2', 'a2', '2026-03-31 10:00:00Z'),
    ('D3', 'a3', '2026-03-31 11:00:00Z'), ('D4', 'a4', '2026-03-31 12:00:00Z');
INSERT INTO incident (id, detected_at, resolved_at, caused_by_deployment) VALUES
    ('I0', '2026-02-27 10:00:00Z', '2026-03-02 09:00:00Z', 'D0'), ('I1', '2026-03-31 09:10:00Z', '2026-03-31 23:59:59Z', 'D1'),
    ('I2', '2026-03-31 10:10:00Z', '2026-04-01 00:00:00Z', 'D2'), ('I3', '2026-03-31 11:10:00Z', '2026-03-31 11:20:00Z', 'D3'),
    ('I4', '2026-03-31 11:30:00Z', '2026-04-02 00:00:00Z', 'D3'), ('I5', '2026-04-02 00:00:00Z', '2026-04-02 01:00:00Z', 'D4');
