-- change_number: the first change that brought the commit: the commit is the change's merge, its
-- head, or was pushed to its branch before the change was closed. A fork's branch is not pushed here.
-- A commit and a branch are looked up apart, each by equality.
WITH k AS (
    SELECT repository, sha, branch, committed_at FROM commit_folded
), c AS (
    SELECT repository, number, merge_sha, head_sha, head_branch, closed_at,
        head_branch <> coalesce(base_branch, '') AND coalesce(head_repository, repository) = repository AS is_of_branch
    FROM change_folded
)
SELECT repository, sha, min(number) AS change_number
FROM (
    SELECT k.repository, k.sha, t.number
    FROM k JOIN (
        SELECT repository, number, merge_sha AS sha FROM c WHERE merge_sha IS NOT NULL
        UNION ALL
        SELECT repository, number, head_sha FROM c WHERE head_sha IS NOT NULL
    ) AS t ON t.repository = k.repository AND t.sha = k.sha
    UNION ALL
    SELECT k.repository, k.sha, c.number
    FROM k JOIN c ON c.repository = k.repository AND c.head_branch = k.branch
    WHERE c.is_of_branch AND (c.closed_at IS NULL OR k.committed_at <= c.closed_at)
) AS of_commit
GROUP BY repository, sha
