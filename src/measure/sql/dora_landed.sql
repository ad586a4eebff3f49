-- Relations asked: change, commit, dora_deployment, wish. Gives dora_landed: what came onto a line of
-- history (a branch that changes are merged into or that is deployed) and when, one row a merged
-- change and one a commit that came without any; commit_of: a commit's change, and whether it only
-- repeats that change's own commits.

CREATE TEMP TABLE merged AS
SELECT c.repository, c.number, c.title, c.url, c.author, c.labels, c.head_branch, c.head_sha,
    c.base_branch, c.merge_sha, c.created_at, c.merged_at
FROM change AS c, wish AS w
WHERE c.merged_at < w.to_at;

-- A branch lives on after a change was closed: a commit belongs to the change closed next.
CREATE TEMP TABLE commit_own AS
WITH exact AS (
    SELECT k.repository, k.sha, m.number, m.merged_at
    FROM merged AS m JOIN commit AS k ON k.repository = m.repository AND k.sha = m.head_sha
    UNION ALL
    SELECT k.repository, k.sha, m.number, m.merged_at
    FROM merged AS m JOIN commit AS k ON k.repository = m.repository AND k.sha = m.merge_sha
    WHERE k.branch = m.head_branch AND m.head_branch IS DISTINCT FROM m.base_branch
), by_branch AS (
    SELECT k.repository, k.sha, c.number, c.merged_at
    FROM (SELECT repository, sha, branch, coalesce(pushed_at, committed_at) AS seen_at FROM commit) AS k
    ASOF JOIN (SELECT repository, number, merged_at, head_branch,
            coalesce(closed_at, merged_at) AS closed_at FROM change
        WHERE head_branch IS DISTINCT FROM base_branch AND coalesce(closed_at, merged_at) IS NOT NULL
    ) AS c ON k.repository = c.repository AND k.branch = c.head_branch AND k.seen_at <= c.closed_at
)
SELECT repository, sha, arg_min(number, (grade, merged_at, number)) AS number
FROM (SELECT *, 0 AS grade FROM exact UNION ALL SELECT *, 1 FROM by_branch WHERE merged_at IS NOT NULL)
GROUP BY repository, sha;

-- A merge, a squash and a rebase push new commits onto the base branch.
CREATE TEMP TABLE commit_copy AS
SELECT k.repository, k.sha, min(m.number) AS number
FROM merged AS m
JOIN commit AS tip ON tip.repository = m.repository AND tip.sha = m.merge_sha
JOIN commit AS k ON k.repository = m.repository AND (k.sha = tip.sha
    OR (tip.branch = m.base_branch AND k.branch = tip.branch AND k.pushed_at = tip.pushed_at))
GROUP BY k.repository, k.sha;

CREATE TEMP TABLE commit_of AS
SELECT repository, sha, number, false AS is_copy FROM commit_own
UNION ALL
SELECT repository, sha, number,
    EXISTS (FROM commit_own AS o WHERE o.repository = c.repository AND o.number = c.number)
FROM commit_copy AS c
WHERE NOT EXISTS (FROM commit_own AS o WHERE o.repository = c.repository AND o.sha = c.sha);

CREATE TEMP TABLE line AS
SELECT repository, base_branch AS line FROM merged WHERE base_branch IS NOT NULL
UNION
SELECT k.repository, k.branch FROM commit AS k JOIN dora_deployment AS d ON d.sha = k.sha
    AND coalesce(d.repository, k.repository) = k.repository
WHERE k.branch IS NOT NULL;

CREATE TEMP TABLE dora_landed AS
SELECT repository, coalesce(base_branch, '') AS line, merged_at AS landed_at, number,
    CAST(NULL AS VARCHAR) AS sha
FROM merged
UNION ALL
SELECT k.repository, k.branch, coalesce(k.pushed_at, k.committed_at), NULL, k.sha
FROM commit AS k JOIN line AS l ON l.repository = k.repository AND l.line = k.branch, wish AS w
WHERE coalesce(k.pushed_at, k.committed_at) < w.to_at
    AND NOT EXISTS (FROM commit_of AS o WHERE o.repository = k.repository AND o.sha = k.sha);
