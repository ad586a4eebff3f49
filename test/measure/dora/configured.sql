-- Changes of two repositories under the same numbers, and deployments that name none: cart's first two say the artifact
-- that a change was packaged into, the third but the address that it came from.
INSERT INTO commit (repository, sha, committed_at) VALUES
    ('git.example.org/acme/cart', 'c1', '2026-03-01 07:00:00Z'), ('git.example.org/acme/cart', 'c2', '2026-03-02 07:00:00Z'),
    ('git.example.org/acme/cart', 'c3', '2026-03-03 07:00:00Z');
INSERT INTO change (repository, number, head_sha, merged_at, closed_at) VALUES
    ('git.example.org/acme/cart', 1, 'c1', '2026-03-01 10:00:00Z', '2026-03-01 10:00:00Z'),
    ('git.example.org/acme/cart', 2, 'c2', '2026-03-02 10:00:00Z', '2026-03-02 10:00:00Z'),
    ('git.example.org/acme/cart', 3, 'c3', '2026-03-03 10:00:00Z', '2026-03-03 10:00:00Z'),
    ('git.example.org/acme/lamp', 1, 'l1', '2026-03-01 10:00:00Z', '2026-03-01 10:00:00Z'),
    ('git.example.org/acme/lamp', 2, 'l2', '2026-03-02 10:00:00Z', '2026-03-02 10:00:00Z');
INSERT INTO release (repository, tag, change_id) VALUES
    ('ci.example.org', 'pkg:oci/cart@1', '1'), ('ci.example.org', 'pkg:oci/cart@2', '2');
INSERT INTO deployment (id, repository, service, sha, ref, artifact_id, finished_at) VALUES
    ('e1', NULL, 'cart', NULL, NULL, 'pkg:oci/cart@1', '2026-03-01 12:00:00Z'),
    ('e2', NULL, 'cart', NULL, NULL, 'pkg:oci/cart@2', '2026-03-02 12:00:00Z'),
    ('e3', 'ci.example.org/prod/ann', 'cart', NULL, NULL, NULL, '2026-03-03 12:00:00Z'),
    ('f1', NULL, 'lamp', NULL, NULL, NULL, '2026-03-03 12:00:00Z');
