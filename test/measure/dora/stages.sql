-- Four changes in two deployments after the first: #1 goes through every stage, #2 was opened with no commit yet and
-- has no review, #3 was deployed before it was merged, of #4 nobody knows when it was opened. D2 and D1 fail. The author and a bot
-- were the first to speak of #1, and the author alone of #2: no reviews.
INSERT INTO commit (sha, committed_at, pushed_at, branch) VALUES
    ('a0', '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('c1', '2026-03-02 08:00:00Z', '2026-03-02 08:00:00Z', 'one'), ('m1', '2026-03-02 15:00:00Z', '2026-03-02 15:00:00Z', 'main'),
    ('c2', '2026-03-02 10:00:00Z', '2026-03-02 10:00:00Z', 'two'), ('m2', '2026-03-02 14:00:00Z', '2026-03-02 14:00:00Z', 'main'),
    ('c3', '2026-03-03 08:00:00Z', '2026-03-03 08:00:00Z', 'three'), ('c4', '2026-03-02 13:00:00Z', '2026-03-02 13:00:00Z', 'four'),
    ('m4', '2026-03-02 14:30:00Z', '2026-03-02 14:30:00Z', 'main');
INSERT INTO change (number, head_branch, head_sha, merge_sha, created_at, first_review_at, merged_at, closed_at) VALUES
    (1, 'one', 'c1', 'm1', '2026-03-02 09:00:00Z', '2026-03-02 12:00:00Z', '2026-03-02 15:00:00Z', '2026-03-02 15:00:00Z'),
    (2, 'two', 'c2', 'm2', '2026-03-02 07:00:00Z', NULL, '2026-03-02 14:00:00Z', '2026-03-02 14:00:00Z'),
    (3, 'three', 'c3', NULL, '2026-03-03 09:00:00Z', '2026-03-03 13:00:00Z', '2026-03-03 14:00:00Z', '2026-03-03 14:00:00Z'),
    (4, 'four', 'c4', 'm4', NULL, '2026-03-02 12:00:00Z', '2026-03-02 14:30:00Z', '2026-03-02 14:30:00Z');
INSERT INTO review_told (id, reviewers, first_review_at) VALUES
    ('1', ['ann'], '2026-03-02 10:00:00Z'), ('1', ['lint[bot]'], '2026-03-02 11:00:00Z'), ('2', ['ann'], '2026-03-02 11:00:00Z'),
    ('3', ['bob'], '2026-03-03 13:30:00Z');
UPDATE change SET author = NULL WHERE number = 4;
INSERT INTO deployment (id, sha, ref, finished_at) VALUES
    ('D0', 'a0', 'main', '2026-03-01 09:00:00Z'), ('D1', 'm1', 'main', '2026-03-02 16:00:00Z'),
    ('D2', 'c3', 'three', '2026-03-03 12:00:00Z');
INSERT INTO incident (id, detected_at, resolved_at, caused_by_deployment) VALUES
    ('I1', '2026-03-03 12:10:00Z', NULL, 'D1'), ('I2', '2026-03-03 12:20:00Z', NULL, 'D2'),
    ('I3', '2026-03-03 12:30:00Z', NULL, 'D2');
