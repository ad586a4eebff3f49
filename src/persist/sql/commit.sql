-- change_number: the first change that brought the commit, one that was merged before one that was not: the commit is the
-- change's merge, its head, or was pushed to its branch before the change was closed. A fork's branch is not pushed here.
-- A hash in short is that of the one commit that begins with it. A commit and a branch are looked up apart, each by equality.
WITH k AS (
    SELECT repository, sha, branch, committed_at FROM commit_folded
), c AS (
    SELECT repository, id, number, merge_sha, head_sha, head_branch, merged_at, closed_at,
        head_branch <> coalesce(base_branch, '') AND coalesce(head_repository, repository) = repository AS is_of_branch
    FROM change_folded
    WHERE number IS NOT NULL
), named AS (
    SELECT k.repository, k.sha, t.number, t.merged_at, k.sha = t.sha AS is_whole,
        min(k.sha) OVER (PARTITION BY t.repository, t.id, t.sha)
            = max(k.sha) OVER (PARTITION BY t.repository, t.id, t.sha) AS is_one
    FROM k JOIN (
        SELECT repository, id, number, merged_at, merge_sha AS sha FROM c WHERE merge_sha IS NOT NULL
        UNION ALL
        SELECT repository, id, number, merged_at, head_sha FROM c WHERE head_sha IS NOT NULL
    ) AS t ON t.repository = k.repository AND substr(t.sha, 1, 7) = substr(k.sha, 1, 7)
    WHERE k.sha = t.sha OR (length(t.sha) >= 7 AND substr(k.sha, 1, length(t.sha)) = t.sha)
)
SELECT repository, sha, number AS change_number
FROM (
    SELECT repository, sha, number,
        row_number() OVER (PARTITION BY repository, sha
            ORDER BY CASE WHEN merged_at IS NULL THEN 1 ELSE 0 END, merged_at, number) AS place
    FROM (
        SELECT repository, sha, number, merged_at FROM named WHERE is_whole OR is_one
        UNION ALL
        SELECT k.repository, k.sha, c.number, c.merged_at
        FROM k JOIN c ON c.repository = k.repository AND c.head_branch = k.branch
        WHERE c.is_of_branch AND (c.closed_at IS NULL OR k.committed_at <= c.closed_at)
    ) AS of_commit
) AS of_place
WHERE place = 1
