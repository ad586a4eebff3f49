-- Relations asked: change, commit, push, dora_deployment, wish. Gives dora_landed: what came onto a line of
-- history (a branch that changes are merged into or that is deployed) and when first, one row a line and merged
-- change and one a line and commit that came without any; commit_of: a commit's change, and whether it only
-- repeats that change's own commits; arrival: when the commits of each push came onto its branch.

-- Of a change that was merged as it is (fast forward), or by hand, its head is what came onto the base branch.
CREATE TEMP TABLE merged AS
SELECT c.change_key, c.repository, c.id, c.number, concat(c.repository, ' ', coalesce('#' || c.number, c.id)) AS name,
    c.title, c.url, c.author, c.labels, c.head_branch, c.head_sha,
    c.base_branch, coalesce(c.merge_sha, p.sha) AS merge_sha, c.created_at, c.first_review_at, c.merged_at, c.is_of_branch
FROM wish AS w, change AS c
LEFT JOIN push AS p ON p.repository = c.repository AND p.sha = c.head_sha AND p.branch = c.base_branch
WHERE c.merged_at < w.to_at;

-- A merge and the push that brings it are told by two clocks: the merge's says when all of that push came.
CREATE TEMP TABLE arrival AS
SELECT p.repository, p.sha, p.branch, coalesce(m.merged_at, p.pushed_at) AS landed_at
FROM push AS p
LEFT JOIN (
    SELECT t.repository, t.branch, t.pushed_at, max(m.merged_at) AS merged_at
    FROM merged AS m JOIN push AS t ON t.repository = m.repository AND t.branch = m.base_branch AND t.sha = m.merge_sha
    GROUP BY ALL
) AS m ON m.repository = p.repository AND m.branch = p.branch AND m.pushed_at = p.pushed_at;

-- A merge, a squash and a rebase push new commits onto the base branch.
CREATE TEMP TABLE commit_copy AS
WITH tip AS (
    SELECT m.repository, m.change_key, m.base_branch, k.sha, k.branch, k.pushed_at
    FROM merged AS m JOIN commit AS k ON k.repository = m.repository AND k.sha = m.merge_sha
)
SELECT repository, sha, min(change_key) AS change_key, bool_or(is_on_base) AS is_on_base
FROM (
    SELECT repository, sha, change_key, branch = base_branch AS is_on_base FROM tip
    UNION ALL
    SELECT k.repository, k.sha, t.change_key, true
    FROM tip AS t JOIN commit AS k ON k.repository = t.repository AND k.branch = t.branch AND k.pushed_at = t.pushed_at
    WHERE t.branch = t.base_branch
)
GROUP BY repository, sha;

-- A branch lives on after a change was closed: a commit belongs to the change closed next. What another change
-- brought onto that branch (develop, which is merged into main) is that change's.
CREATE TEMP TABLE commit_own AS
WITH exact AS (
    SELECT k.repository, k.sha, m.change_key, m.merged_at
    FROM merged AS m JOIN commit AS k ON k.repository = m.repository AND k.sha = m.head_sha
    UNION ALL
    SELECT k.repository, k.sha, m.change_key, m.merged_at
    FROM merged AS m JOIN commit AS k ON k.repository = m.repository AND k.sha = m.merge_sha
    WHERE k.branch = m.head_branch AND m.head_branch IS DISTINCT FROM m.base_branch
), by_branch AS (
    SELECT k.repository, k.sha, c.change_key, c.merged_at
    FROM (SELECT repository, sha, branch, coalesce(pushed_at, committed_at) AS seen_at FROM commit) AS k
    ASOF JOIN (SELECT repository, change_key, merged_at, head_branch,
            coalesce(closed_at, merged_at) AS closed_at FROM change
        WHERE head_branch IS DISTINCT FROM base_branch AND is_of_branch
            AND coalesce(closed_at, merged_at) IS NOT NULL
    ) AS c ON k.repository = c.repository AND k.branch = c.head_branch AND k.seen_at <= c.closed_at
)
SELECT repository, sha, arg_min(change_key, (grade, merged_at, change_key)) AS change_key
FROM (SELECT *, 0 AS grade FROM exact UNION ALL SELECT *, 1 FROM by_branch WHERE merged_at IS NOT NULL) AS o
WHERE NOT EXISTS (FROM commit_copy AS c WHERE c.repository = o.repository AND c.sha = o.sha
    AND c.is_on_base AND c.change_key <> o.change_key)
GROUP BY repository, sha;

-- A copy counts where nothing is known of what it repeats. A change of a branch that others were merged into
-- repeats their commits.
CREATE TEMP TABLE commit_of AS
WITH holding AS (
    SELECT repository, change_key FROM commit_own
    UNION
    SELECT m.repository, m.change_key FROM merged AS m
    JOIN (SELECT repository, base_branch, min(merged_at) AS first_at FROM merged GROUP BY ALL) AS b
        ON b.repository = m.repository AND b.base_branch = m.head_branch AND b.first_at <= m.merged_at
    WHERE m.is_of_branch AND m.head_branch <> m.base_branch
)
SELECT repository, sha, change_key, false AS is_copy FROM commit_own
UNION ALL
SELECT repository, sha, change_key,
    EXISTS (FROM holding AS h WHERE h.repository = c.repository AND h.change_key = c.change_key)
FROM commit_copy AS c
WHERE NOT EXISTS (FROM commit_own AS o WHERE o.repository = c.repository AND o.sha = c.sha);

CREATE TEMP TABLE line AS
SELECT repository, base_branch AS line FROM merged WHERE base_branch IS NOT NULL
UNION
SELECT p.repository, p.branch FROM push AS p JOIN dora_deployment AS d ON d.sha = p.sha
    AND coalesce(d.repository, p.repository) = p.repository;

-- A branch that was merged by hand brings commits that were pushed before, and perhaps a change's merge.
CREATE TEMP TABLE dora_landed AS
SELECT repository, coalesce(base_branch, '') AS line, merged_at AS landed_at, change_key,
    CAST(NULL AS VARCHAR) AS sha
FROM merged
UNION ALL
SELECT m.repository, p.branch, p.landed_at, m.change_key, NULL
FROM merged AS m JOIN arrival AS p ON p.repository = m.repository AND p.sha = m.merge_sha
    AND p.branch <> m.base_branch AND p.landed_at >= m.merged_at
JOIN line AS l ON l.repository = p.repository AND l.line = p.branch
UNION ALL
SELECT p.repository, p.branch, p.landed_at, NULL, p.sha
FROM arrival AS p JOIN line AS l ON l.repository = p.repository AND l.line = p.branch, wish AS w
WHERE p.landed_at < w.to_at
    AND NOT EXISTS (FROM commit_of AS o WHERE o.repository = p.repository AND o.sha = p.sha);

-- A change of a line (develop, or the branch of another change) brings what had come onto that line: a squash too,
-- which no push tells of. Three times, for feature, develop, release, main.
CREATE TEMP MACRO carried() AS TABLE
WITH onward AS (
    SELECT m.repository, m.head_branch, m.base_branch, m.merged_at
    FROM merged AS m JOIN line AS l ON l.repository = m.repository AND l.line = m.head_branch
    WHERE m.is_of_branch AND m.head_branch <> m.base_branch
)
SELECT a.repository, a.base_branch AS line, o.merged_at AS landed_at, a.change_key, a.sha
FROM (SELECT a.*, h.base_branch FROM dora_landed AS a
    JOIN (SELECT DISTINCT repository, head_branch, base_branch FROM onward) AS h
        ON h.repository = a.repository AND h.head_branch = a.line
    WHERE NOT EXISTS (FROM dora_landed AS b WHERE b.repository = a.repository AND b.line = h.base_branch
        AND b.change_key IS NOT DISTINCT FROM a.change_key AND b.sha IS NOT DISTINCT FROM a.sha)) AS a
ASOF JOIN onward AS o ON o.repository = a.repository AND o.head_branch = a.line
    AND o.base_branch = a.base_branch AND a.landed_at <= o.merged_at;
INSERT INTO dora_landed FROM carried();
INSERT INTO dora_landed FROM carried();
INSERT INTO dora_landed FROM carried();
