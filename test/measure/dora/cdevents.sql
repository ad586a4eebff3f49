-- What CDEvents tell: changes that have no number, deployments that name no repository, or at most the address that they
-- came from, but an artifact, which says the change that it was packaged from; the host that packaged it is another. r3 was packaged too, and deployed by nobody;
-- of lamp's change no deployment speaks.
INSERT INTO change (repository, id, base_branch, created_at, merged_at, closed_at) VALUES
    ('git.example.org/acme/cart', 'r1', NULL, '2026-03-01 08:00:00Z', '2026-03-01 10:00:00Z', '2026-03-01 10:00:00Z'),
    ('git.example.org/acme/cart', 'r2', NULL, '2026-03-02 08:00:00Z', '2026-03-02 10:00:00Z', '2026-03-02 10:00:00Z'),
    ('git.example.org/acme/cart', 'r3', NULL, '2026-03-03 08:00:00Z', '2026-03-03 10:00:00Z', '2026-03-03 10:00:00Z'),
    ('git.example.org/acme/lamp', 'r4', NULL, '2026-03-03 08:00:00Z', '2026-03-03 10:00:00Z', '2026-03-03 10:00:00Z');
INSERT INTO change (repository, id, base_branch, head_sha, merged_at, closed_at) VALUES
    ('git.example.org/acme/cart', 'r5', NULL, 'c5', '2026-03-02 11:00:00Z', '2026-03-02 11:00:00Z');
INSERT INTO commit (repository, sha, committed_at) VALUES ('git.example.org/acme/cart', 'c5', '2026-03-02 07:00:00Z');
INSERT INTO release (repository, tag, change_id) VALUES
    ('ci.example.org', 'pkg:oci/cart@1', 'r1'), ('ci.example.org', 'pkg:oci/cart@2', 'r2'), ('ci.example.org', 'pkg:oci/cart@3', 'r3'),
    ('ci.example.org', 'pkg:oci/cart@5', 'r5');
INSERT INTO deployment (id, repository, service, sha, ref, artifact_id, finished_at) VALUES
    ('e1', NULL, 'cart', NULL, NULL, 'pkg:oci/cart@1', '2026-03-01 12:00:00Z'),
    ('e2', 'ci.example.org/prod/ann', 'cart', NULL, NULL, 'pkg:oci/cart@2', '2026-03-02 12:00:00Z'),
    ('e3', NULL, 'cart', NULL, NULL, 'pkg:oci/cart@5', '2026-03-02 13:00:00Z'),
    ('e4', NULL, 'cart', NULL, NULL, 'pkg:oci/cart@1', '2026-03-02 14:00:00Z');
