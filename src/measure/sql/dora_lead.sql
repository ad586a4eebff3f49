-- Relations asked: dora_reached, baseline, dora_deployment, commit_of, commit_early, commit, push, merged, wish. Gives
-- dora_lead: one row a service, environment and commit that landed: its first deployment and the span to
-- it, or why it has none, and whether it is a hotfix without a change; dora_lead_change: the same by change, from its first commit on, and the stages that
-- its span is made of; commit_apart: what touches the paths of no service.

-- A commit that came without a change is a hotfix where the branch says so that it was pushed to first.
CREATE TEMP TABLE commit_hotfix AS
SELECT repository, sha FROM push GROUP BY repository, sha
HAVING arg_min(is_hotfix_branch(branch), (pushed_at, is_hotfix_branch(branch)));

-- A service with paths has the commits that touch them, and those of which nothing is known.
CREATE TEMP TABLE held AS
SELECT r.service, r.environment, r.repository, k.sha, r.change_key, k.author, k.committed_at, k.begun_at, r.landed_at,
    o.is_copy, false AS is_hotfix, least(r.nth, e.nth) AS nth,
    NOT r.has_paths OR coalesce(list_contains(k.services, r.service), true) AS is_own
FROM dora_reached AS r
JOIN commit_of AS o ON o.repository = r.repository AND o.change_key = r.change_key
JOIN commit AS k ON k.repository = o.repository AND k.sha = o.sha
LEFT JOIN commit_early AS e ON e.service = r.service AND e.environment = r.environment
    AND e.repository = k.repository AND e.sha = k.sha
UNION ALL
SELECT r.service, r.environment, r.repository, k.sha, NULL, k.author, k.committed_at, k.begun_at, r.landed_at,
    false, h.sha IS NOT NULL, r.nth, NOT r.has_paths OR coalesce(list_contains(k.services, r.service), true)
FROM dora_reached AS r
JOIN commit AS k ON k.repository = r.repository AND k.sha = r.sha
LEFT JOIN commit_hotfix AS h ON h.repository = r.repository AND h.sha = r.sha
WHERE r.change_key IS NULL;

CREATE TEMP TABLE commit_apart AS
SELECT repository, sha, min(landed_at) AS landed_at FROM held GROUP BY repository, sha HAVING NOT bool_or(is_own);

CREATE TEMP TABLE dora_lead AS
SELECT h.* EXCLUDE is_own, d.id AS deployment, d.finished_at,
    epoch(d.finished_at) - epoch(h.begun_at) AS lead_s,
    CASE WHEN h.is_copy THEN 'merge, squash or rebase of commits that count themselves'
        WHEN h.nth IS NULL THEN 'not deployed'
        WHEN h.nth = b.nth THEN 'first deployment: nothing to compare with'
        WHEN h.begun_at IS NULL THEN 'time of the commit not known'
        WHEN d.finished_at < h.begun_at THEN concat(w.lead_from, ' after it was deployed: a clock is wrong')
        WHEN is_left(h.author) THEN 'by a bot'
    END AS out_reason
FROM wish AS w, held AS h
LEFT JOIN dora_deployment AS d ON d.service = h.service AND d.environment = h.environment
    AND d.nth = h.nth
LEFT JOIN baseline AS b ON b.service = h.service AND b.environment = h.environment AND b.repository = h.repository
WHERE h.is_own;

-- A change is deployed with the last of its commits.
-- Where the time goes: from the first commit to the change's opening, to its first review (where none came, to its
-- merge), to its merge, to its deployment. What came before the stage's turn takes no time: the stages' sum is the span.
CREATE TEMP TABLE dora_lead_change AS
WITH whole AS (
    SELECT service, environment, repository, change_key, bool_or(is_own) AS is_own,
        min(begun_at) FILTER (is_own AND NOT is_copy) AS first_commit_at,
        CASE WHEN bool_and(nth IS NOT NULL) FILTER (is_own AND NOT is_copy)
            THEN max(nth) FILTER (is_own AND NOT is_copy) END AS nth
    FROM held WHERE change_key IS NOT NULL GROUP BY ALL
), reached AS (
    SELECT r.* REPLACE (coalesce(f.nth, r.nth) AS nth), f.first_commit_at
    FROM dora_reached AS r LEFT JOIN whole AS f ON f.service = r.service AND f.environment = r.environment
        AND f.repository = r.repository AND f.change_key = r.change_key
    WHERE r.change_key IS NOT NULL AND coalesce(f.is_own, true)
)
SELECT r.service, r.environment, r.repository, r.change_key, m.id, m.number, m.name, m.title, m.url, m.author, m.merged_at,
    r.first_commit_at, r.nth, d.id AS deployment, d.finished_at,
    epoch(d.finished_at) - epoch(r.first_commit_at) AS lead_s,
    least(m.merged_at, d.finished_at) AS brought_at,
    least(greatest(coalesce(m.created_at, r.first_commit_at), r.first_commit_at), brought_at) AS opened_at,
    least(greatest(coalesce(m.first_review_at, m.merged_at), opened_at), brought_at) AS reviewed_at,
    CASE WHEN r.nth IS NULL THEN 'not deployed'
        WHEN r.nth = b.nth THEN 'first deployment: nothing to compare with'
        WHEN r.first_commit_at IS NULL THEN 'no commit of it known'
        WHEN d.finished_at < r.first_commit_at
            THEN concat(w.lead_from, ' after it was deployed: a clock is wrong')
        WHEN is_left(m.author) THEN 'by a bot'
    END AS out_reason,
    len(list_intersect(coalesce(m.labels, []), w.hotfix_labels)) > 0 OR is_hotfix_branch(m.head_branch) AS is_hotfix
FROM reached AS r
JOIN merged AS m ON m.repository = r.repository AND m.change_key = r.change_key
JOIN wish AS w ON true
LEFT JOIN dora_deployment AS d ON d.service = r.service AND d.environment = r.environment
    AND d.nth = r.nth
LEFT JOIN baseline AS b ON b.service = r.service AND b.environment = r.environment AND b.repository = r.repository;
