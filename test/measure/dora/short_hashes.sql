-- A host that tells the hashes of its pull requests in twelve digits, and the tool that deploys in seven. A hash in short
-- is that of the one commit of its repository that begins with it: of #3's two do, and nothing is known of it; x1 stands
-- in another repository.
CREATE TEMP MACRO whole(sha) AS rpad(sha, 40, '0');
INSERT INTO commit (repository, sha, committed_at, pushed_at, branch) VALUES
    ('shop', whole('a0a0a0a0'), '2026-03-01 08:00:00Z', '2026-03-01 08:00:00Z', 'main'),
    ('shop', whole('f1f1f1f1f1f1'), '2026-03-02 08:00:00Z', '2026-03-02 08:10:00Z', 'one'),
    ('shop', whole('b1b1b1b1b1b1'), '2026-03-02 12:00:00Z', '2026-03-02 12:00:01Z', 'main'),
    ('cart', whole('b1b1b1b1b1b1e'), '2026-03-02 12:00:00Z', '2026-03-02 12:00:01Z', 'main'), -- x1
    ('shop', whole('f2f2f2f2f2f2'), '2026-03-03 08:00:00Z', '2026-03-03 08:10:00Z', 'was two'),
    ('shop', whole('b2b2b2b2b2b2'), '2026-03-03 12:00:00Z', '2026-03-03 12:00:01Z', 'main'),
    ('shop', whole('c3c3c3c3c3c31'), '2026-03-04 08:00:00Z', '2026-03-04 08:10:00Z', 'three'),
    ('shop', whole('c3c3c3c3c3c32'), '2026-03-04 08:00:00Z', '2026-03-04 08:20:00Z', 'else');
INSERT INTO change (number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    (1, 'one', 'f1f1f1f1f1f1', 'b1b1b1b1b1b1', '2026-03-02 12:00:00Z', '2026-03-02 12:00:00Z'),
    (2, 'two', 'f2f2f2f2f2f2', 'b2b2b2b2b2b2', '2026-03-03 12:00:00Z', '2026-03-03 12:00:00Z'),
    (3, 'unseen', 'c3c3c3c3c3c3', NULL, '2026-03-04 12:00:00Z', '2026-03-04 12:00:00Z');
INSERT INTO deployment (id, sha, finished_at) VALUES
    ('D0', whole('a0a0a0a0'), '2026-03-01 09:00:00Z'), ('D1', 'b1b1b1b', '2026-03-02 14:00:00Z'),
    ('D2', whole('b2b2b2b2b2b2'), '2026-03-03 14:00:00Z');
