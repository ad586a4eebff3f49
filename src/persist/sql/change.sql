-- first_commit_at: the earliest commit of the branch that the change asks to merge, written after
-- the change before it from the same branch was closed. A fork's branch is not pushed here.
-- A hash in short is that of the one commit that begins with it. A head and a branch are looked up apart, each by equality.
WITH c AS (
    SELECT repository, id, head_branch, head_sha, closed_at,
        head_branch <> coalesce(base_branch, '') AND coalesce(head_repository, repository) = repository AS is_of_branch,
        lag(closed_at) OVER (PARTITION BY repository, head_branch ORDER BY created_at, id) AS before_at
    FROM change_folded
), k AS (
    SELECT repository, sha, branch, committed_at FROM commit_folded
), named AS (
    SELECT c.repository, c.id, k.committed_at, k.sha = c.head_sha AS is_whole,
        min(k.sha) OVER (PARTITION BY c.repository, c.id) = max(k.sha) OVER (PARTITION BY c.repository, c.id) AS is_one
    FROM c JOIN k ON k.repository = c.repository AND substr(k.sha, 1, 7) = substr(c.head_sha, 1, 7)
    WHERE k.sha = c.head_sha OR (length(c.head_sha) >= 7 AND substr(k.sha, 1, length(c.head_sha)) = c.head_sha)
)
SELECT repository, id, min(committed_at) AS first_commit_at
FROM (
    SELECT repository, id, committed_at FROM named WHERE is_whole OR is_one
    UNION ALL
    SELECT c.repository, c.id, k.committed_at
    FROM c JOIN k ON k.repository = c.repository AND k.branch = c.head_branch
    WHERE c.is_of_branch AND (c.before_at IS NULL OR k.committed_at > c.before_at)
        AND (c.closed_at IS NULL OR k.committed_at <= c.closed_at)
) AS of_change
GROUP BY repository, id
