-- cart is deployed from a repository of which nothing else is known; its configuration gives it that one, and another one
-- of which a change is known.
INSERT INTO change (repository, number, head_branch, head_sha, merge_sha, merged_at, closed_at) VALUES
    ('git.example.org/acme/cart-old', 1, 'f', 'f1', 'm1', '2026-03-03 10:00:00Z', '2026-03-03 10:00:00Z');
INSERT INTO deployment (id, repository, service, finished_at) VALUES
    ('D1', 'git.example.org/acme/cart-new', 'cart', '2026-03-02 10:00:00Z'),
    ('D2', 'git.example.org/acme/cart-new', 'cart', '2026-03-04 10:00:00Z');
