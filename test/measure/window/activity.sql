CREATE TABLE change (repository VARCHAR DEFAULT 'shop', number BIGINT, state VARCHAR, author VARCHAR, reviewers VARCHAR[],
    approvers VARCHAR[], additions BIGINT, deletions BIGINT, created_at TIMESTAMPTZ, ready_at TIMESTAMPTZ,
    first_review_at TIMESTAMPTZ, merged_at TIMESTAMPTZ, closed_at TIMESTAMPTZ);
INSERT INTO change VALUES
    ('shop', 1, 'merged', 'ann', ['bob', 'cem'], ['bob'], 10, 5, '2026-03-02 10:00:00Z', NULL, '2026-03-02 11:00:00Z', '2026-03-02 14:00:00Z', '2026-03-02 14:00:00Z'),
    ('shop', 2, 'merged', 'ann', NULL, NULL, 100, 0, '2026-03-03 10:00:00Z', '2026-03-03 12:00:00Z', NULL, '2026-03-03 13:00:00Z', '2026-03-03 13:00:00Z'),
    ('shop', 3, 'closed', 'bob', ['ann'], [], 1, 1, '2026-03-04 10:00:00Z', NULL, '2026-03-04 10:30:00Z', NULL, '2026-03-05 10:00:00Z'),
    ('shop', 4, 'open', 'bob', [], [], 1, 1, '2026-02-04 10:00:00Z', NULL, NULL, NULL, NULL),
    ('till', 1, 'merged', 'cem', ['bob'], ['bob'], NULL, NULL, '2026-02-20 10:00:00Z', '2026-02-27 10:00:00Z', '2026-02-27 12:00:00Z', '2026-03-01 00:00:00Z', '2026-03-01 00:00:00Z'),
    ('till', 2, 'merged', 'cem', ['bob'], ['bob'], 7, 7, '2026-02-20 10:00:00Z', NULL, NULL, '2026-02-28 23:59:59Z', '2026-02-28 23:59:59Z'),
    ('till', 3, 'merged', 'cem', ['bob'], ['bob'], 7, 7, '2026-03-20 10:00:00Z', NULL, NULL, '2026-04-01 00:00:00Z', '2026-04-01 00:00:00Z'),
    -- reviewed as a draft
    ('late', 1, 'merged', 'dan', ['bob', 'dan'], ['bob'], 3, 4, '2026-03-10 10:00:00Z', '2026-03-12 10:00:00Z', '2026-03-11 10:00:00Z', '2026-03-12 11:00:00Z', '2026-03-12 11:00:00Z');
-- as weir query shows it
CREATE VIEW change_folded AS SELECT CAST(number AS VARCHAR) AS id, * FROM change;
CREATE TABLE review_told (repository VARCHAR, id VARCHAR, reviewers VARCHAR[], first_review_at TIMESTAMPTZ);
CREATE VIEW change_facts AS SELECT repository, id, NULL AS reviewers, first_review_at FROM change_folded
    UNION ALL FROM review_told;
-- what authors said of their own: no reviews
INSERT INTO review_told VALUES ('shop', '1', ['ann'], '2026-03-02 10:30:00Z'), ('shop', '2', ['ann'], '2026-03-03 12:30:00Z'),
    ('till', '1', ['cem', 'bob'], '2026-02-27 13:00:00Z');
-- of a bot, in the window and before it, of one that was opened nobody knows when, of the period before
INSERT INTO change (number, state, author, reviewers, additions, deletions, created_at, first_review_at, merged_at, closed_at) VALUES
    (5, 'open', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (6, 'merged', 'ann', ['bob'], 40, 2, '2026-02-10 10:00:00Z', '2026-02-10 12:00:00Z', '2026-02-11 10:00:00Z', '2026-02-11 10:00:00Z'),
    (7, 'merged', 'ann', ['bob'], 40, 2, '2026-02-20 10:00:00Z', '2026-02-20 10:30:00Z', '2026-02-20 12:00:00Z', '2026-02-20 12:00:00Z'),
    (8, 'closed', 'lint[bot]', NULL, 1, 1, '2026-03-20 10:00:00Z', NULL, NULL, '2026-03-20 12:00:00Z'),
    (9, 'closed', 'lint[bot]', NULL, 1, 1, '2026-02-20 10:00:00Z', NULL, NULL, '2026-02-20 12:00:00Z');
-- whose source tells when it was merged alone: not open
INSERT INTO change (repository, number, state, author, created_at, merged_at) VALUES
    ('plain', 1, 'merged', 'eve', '2026-03-15 10:00:00Z', '2026-03-16 10:00:00Z'),
    ('plain', 2, 'merged', 'eve', '2026-02-15 10:00:00Z', '2026-02-16 10:00:00Z');
