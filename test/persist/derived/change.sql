-- What src/persist/sql/change.sql gives, said again in its plainest form: every change beside every commit.
SELECT c.repository, c.id, min(k.committed_at) AS first_commit_at
FROM (
    SELECT repository, id, head_branch, head_sha, closed_at,
        head_branch <> coalesce(base_branch, '') AND coalesce(head_repository, repository) = repository AS is_of_branch,
        lag(closed_at) OVER (PARTITION BY repository, head_branch ORDER BY created_at, id) AS before_at
    FROM change_folded
) AS c, commit_folded AS k
WHERE k.repository = c.repository
    AND (is_told(k.repository, k.sha, c.head_sha) OR (k.branch = c.head_branch AND c.is_of_branch
        AND (c.before_at IS NULL OR k.committed_at > c.before_at)
        AND (c.closed_at IS NULL OR k.committed_at <= c.closed_at)))
GROUP BY c.repository, c.id
