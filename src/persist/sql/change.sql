-- first_commit_at: the earliest commit of the branch that the change asks to merge, written after
-- the change before it from the same branch was closed. A fork's branch is not pushed here.
-- A head and a branch are looked up apart, each by equality.
WITH c AS (
    SELECT repository, id, head_branch, head_sha, closed_at,
        head_branch <> coalesce(base_branch, '') AND coalesce(head_repository, repository) = repository AS is_of_branch,
        lag(closed_at) OVER (PARTITION BY repository, head_branch ORDER BY created_at, id) AS before_at
    FROM change_folded
), k AS (
    SELECT repository, sha, branch, committed_at FROM commit_folded
)
SELECT repository, id, min(committed_at) AS first_commit_at
FROM (
    SELECT c.repository, c.id, k.committed_at
    FROM c JOIN k ON k.repository = c.repository AND k.sha = c.head_sha
    UNION ALL
    SELECT c.repository, c.id, k.committed_at
    FROM c JOIN k ON k.repository = c.repository AND k.branch = c.head_branch
    WHERE c.is_of_branch AND (c.before_at IS NULL OR k.committed_at > c.before_at)
        AND (c.closed_at IS NULL OR k.committed_at <= c.closed_at)
) AS of_change
GROUP BY repository, id
