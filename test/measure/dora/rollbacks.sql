-- D1 is rolled back, and so is that: R1 is no failure, nor is what stands on no line an older commit, whenever it was
-- asked for.
INSERT INTO deployment (id, is_rollback, created_at, finished_at) VALUES
    ('D0', NULL, '2026-03-01 10:00:00Z', '2026-03-01 10:10:00Z'), ('D1', NULL, '2026-03-02 09:00:00Z', '2026-03-02 10:00:00Z'),
    ('R1', true, '2026-03-02 11:00:00Z', '2026-03-02 11:10:00Z'), ('R2', true, '2026-03-02 12:00:00Z', '2026-03-02 12:10:00Z'),
    ('D2', NULL, '2026-03-02 08:00:00Z', '2026-03-02 13:00:00Z');
