-- Relations asked: dora_deployment, dora_landed, merged, commit_own, commit_copy, commit, push, arrival, packaged, known. Gives
-- deployment_at: how far along which line each deployment stands; baseline: the first of a service and environment that
-- holds anything of a repository; dora_reached: what landed, and the first deployment of each service and environment
-- that holds it (nth null: none yet); commit_early: commits that were deployed before their change was merged.

-- Where a commit is on a line: with the change that it is the merge of (the last, of several), else that it came
-- with, else where it was pushed.
CREATE TEMP TABLE place AS
SELECT repository, sha, line, arg_min(stood_at, (grade, -epoch_us(stood_at))) AS stood_at, min(grade) AS grade
FROM (
    SELECT repository, merge_sha AS sha, coalesce(base_branch, '') AS line, merged_at AS stood_at, 0 AS grade
    FROM merged
    UNION ALL
    SELECT c.repository, c.sha, coalesce(m.base_branch, ''), m.merged_at, 1
    FROM commit_copy AS c JOIN merged AS m ON m.repository = c.repository AND m.change_key = c.change_key
    UNION ALL
    SELECT repository, sha, branch, landed_at, 2 FROM arrival
)
WHERE sha IS NOT NULL
GROUP BY repository, sha, line;

-- In a glob of the configuration `*` is any text without a slash, `**` any; the host may be left out.
CREATE TEMP MACRO fits(pattern, repository) AS regexp_full_match(lower(repository), '([^/]*/)?' || replace(replace(replace(
    regexp_escape(lower(pattern)), '\*\*', '.*'), '\*', '[^/]*'), '\?', '[^/]'));
CREATE TEMP TABLE service_glob AS SELECT service, unnest(repositories) AS pattern FROM known WHERE len(repositories) > 0;
CREATE TEMP TABLE repository_seen AS SELECT repository FROM merged UNION SELECT repository FROM push;

-- What a deployment names as its repository may be the address of who told of it: it is none where nothing else is known of
-- it and the configuration gives the service others.
CREATE TEMP TABLE repository_named AS
SELECT service, repository
FROM (SELECT DISTINCT service, repository FROM dora_deployment WHERE repository IS NOT NULL) AS d
WHERE EXISTS (FROM repository_seen AS s WHERE s.repository = d.repository)
    OR NOT EXISTS (FROM service_glob AS g WHERE g.service = d.service)
    OR EXISTS (FROM service_glob AS g WHERE g.service = d.service AND fits(g.pattern, d.repository));

-- Of services some of whose deployments name no repository, those that the configuration gives them.
CREATE TEMP TABLE service_repository AS
SELECT g.service, r.repository, count(*) OVER (PARTITION BY g.service) = 1 AS is_only
FROM service_glob AS g JOIN repository_seen AS r ON fits(g.pattern, r.repository)
WHERE g.service IN (SELECT d.service FROM dora_deployment AS d LEFT JOIN repository_named AS n USING (service, repository)
    WHERE n.repository IS NULL)
GROUP BY g.service, r.repository;

-- Where the change landed that the artifact was packaged from. Its id may be another's too: it is the one of the
-- repository that is named, else, where that is no repository that anything is known of, of the service's, else, where
-- the service has none, the only one.
CREATE TEMP TABLE deployment_packaged AS
SELECT service, environment, nth, arg_min({repository: repository, line: line, stood_at: stood_at}, (grade, change_key)) AS at
FROM (
    SELECT d.service, d.environment, d.nth, m.change_key, m.repository, coalesce(m.base_branch, '') AS line,
        m.merged_at AS stood_at,
        CASE WHEN m.repository = d.repository OR m.repository = p.repository THEN 0
            WHEN n.repository IS NOT NULL THEN NULL
            WHEN s.repository IS NOT NULL THEN 1
            WHEN NOT EXISTS (FROM service_glob AS o WHERE o.service = d.service)
                AND NOT EXISTS (FROM merged AS o WHERE o.id = m.id AND o.change_key <> m.change_key) THEN 2
        END AS grade
    FROM dora_deployment AS d
    JOIN packaged AS p ON p.artifact_id = d.artifact_id
    JOIN merged AS m ON m.id = p.change_id
    LEFT JOIN repository_seen AS n ON n.repository = d.repository
    LEFT JOIN service_repository AS s ON s.service = d.service AND s.repository = m.repository
)
WHERE grade IS NOT NULL
GROUP BY service, environment, nth;

-- A deployment stands where its commit landed, before it was done if it can: where a change brought it, else on the
-- branch that it names, else where it was pushed first. Where nothing is known of the commit, where its artifact's
-- change did, else at the time when it was asked for, on every line of its repository; the service's, where it names
-- none and that has one.
CREATE TEMP TABLE deployment_at AS
WITH known AS (
    SELECT d.service, d.environment, d.nth,
        arg_min({repository: p.repository, line: p.line, stood_at: p.stood_at},
            (p.repository, p.stood_at > d.finished_at, p.grade, p.grade = 2 AND p.line IS DISTINCT FROM d.ref,
                p.stood_at, p.line)) AS at
    FROM dora_deployment AS d
    JOIN place AS p ON p.sha = d.sha AND p.repository = coalesce(d.repository, p.repository)
    GROUP BY d.service, d.environment, d.nth
)
SELECT d.service, d.environment, d.nth, d.sha,
    coalesce(k.at.repository, p.at.repository, n.repository, s.repository) AS repository,
    coalesce(k.at.line, p.at.line) AS line,
    coalesce(k.at.stood_at, p.at.stood_at, d.created_at, d.finished_at) AS stood_at
FROM dora_deployment AS d
LEFT JOIN known AS k USING (service, environment, nth)
LEFT JOIN deployment_packaged AS p USING (service, environment, nth)
LEFT JOIN repository_named AS n ON n.service = d.service AND n.repository = d.repository
LEFT JOIN service_repository AS s ON s.service = d.service AND s.is_only;

CREATE TEMP TABLE baseline AS
SELECT service, environment, repository, min(nth) AS nth FROM deployment_at GROUP BY ALL;

-- Of a line only those that went further than all before: what the others hold was there already.
CREATE TEMP TABLE advance AS
SELECT service, environment, repository, line, stood_at, nth
FROM (
    SELECT d.service, d.environment, d.repository, l.line, d.stood_at, d.nth,
        max(d.stood_at) OVER (PARTITION BY d.service, d.environment, d.repository, l.line ORDER BY d.nth
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_at
    FROM deployment_at AS d
    JOIN (SELECT DISTINCT repository, line FROM dora_landed) AS l
        ON l.repository = d.repository AND l.line = coalesce(d.line, l.line)
)
WHERE before_at IS NULL OR stood_at > before_at;

-- What came onto several lines was deployed with the first deployment of any of them.
CREATE TEMP TABLE dora_reached AS
SELECT s.service, s.environment, s.has_paths, l.repository, min(l.landed_at) AS landed_at, l.change_key, l.sha,
    min(a.nth) AS nth
FROM dora_landed AS l
JOIN (SELECT DISTINCT d.service, d.environment, d.repository, coalesce(k.has_paths, false) AS has_paths
    FROM deployment_at AS d LEFT JOIN known AS k USING (service)) AS s
    ON s.repository = l.repository
ASOF LEFT JOIN advance AS a ON a.service = s.service AND a.environment = s.environment
    AND a.repository = l.repository AND a.line = l.line AND l.landed_at <= a.stood_at
GROUP BY ALL;

CREATE TEMP TABLE commit_early AS
SELECT d.service, d.environment, k.repository, k.sha, min(d.nth) AS nth
FROM deployment_at AS d
JOIN commit_own AS o ON o.repository = d.repository AND o.sha = d.sha
JOIN commit AS tip ON tip.repository = o.repository AND tip.sha = o.sha
JOIN commit_own AS mate ON mate.repository = o.repository AND mate.change_key = o.change_key
JOIN commit AS k ON k.repository = mate.repository AND k.sha = mate.sha
    AND coalesce(k.pushed_at, k.committed_at) <= coalesce(tip.pushed_at, tip.committed_at)
GROUP BY ALL;
