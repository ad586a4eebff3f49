-- caused_by_source, caused_by_deployment, evidence: what is said explicitly goes before what is only near in
-- time, and among equals the same environment, then the newest; an id that several sources have is the
-- incident's own source's, and of a commit's deployments those after the incident was detected (is_off) go last: link (the
-- incident's event links to the deployment's), fix (a deployment says that it mends the incident: the cause is what stood
-- there when it was detected, and was no rollback), label (names a deployment or commit), artifact, time (only if
-- configured: blame_from_at).
-- fixed_by_source, fixed_by_deployment: named by a label, or by the deployment itself. What is said is words with a space
-- between two: the first thousand of a text are looked up, each by equality; a commit also by its first seven digits or
-- more, where they are those of one alone. Where nothing says whose an incident is, it is of the one service that has the
-- id or commit. An environment is called the same in large and small letters, and `production`, `prod` and `live` call all
-- that are production.
WITH digit AS (
    SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
    UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
), place AS (
    SELECT 100 * a.d + 10 * b.d + c.d + 1 AS n FROM digit AS a CROSS JOIN digit AS b CROSS JOIN digit AS c
), i AS (
    SELECT source, id, service, lower(environment) AS environment,
        lower(environment) IN ('production', 'prod', 'live') AS is_production, url, artifact_id, causes, fixed_by, linked,
        detected_at, resolved_at, blame_from_at
    FROM incident_folded
), d AS (
    SELECT source, id, service, coalesce(service, source) AS owner, coalesce(lower(environment), '') AS environment,
        is_production, coalesce(is_rollback, false) AS is_rollback, lower(sha) AS sha, artifact_id, fixes, finished_at,
        min(coalesce(service, source)) OVER (PARTITION BY id) = max(coalesce(service, source)) OVER (PARTITION BY id) AS is_only
    FROM deployment_folded
    WHERE finished_at IS NOT NULL
), said AS (
    SELECT t.how, t.source, t.id, t.service, t.environment, t.is_production, t.detected_at, t.resolved_at,
        split_part(t.words, ' ', p.n) AS word, lower(split_part(t.words, ' ', p.n)) AS sha
    FROM (
        SELECT 'link' AS how, source, id, service, environment, is_production, detected_at, resolved_at, linked AS words
        FROM i WHERE linked IS NOT NULL
        UNION ALL
        SELECT 'label', source, id, service, environment, is_production, detected_at, resolved_at, causes
        FROM i WHERE causes IS NOT NULL
        UNION ALL
        SELECT 'fixed', source, id, service, environment, is_production, detected_at, resolved_at, fixed_by
        FROM i WHERE fixed_by IS NOT NULL
    ) AS t
    JOIN place AS p ON p.n <= 1 + length(t.words) - length(replace(t.words, ' ', ''))
), commits AS (
    SELECT s.how, s.source, s.id, s.service, s.detected_at, s.resolved_at, d.source AS by_source, d.id AS deployment,
        d.finished_at, d.sha = s.sha AS is_whole,
        CASE WHEN d.environment = s.environment OR (d.is_production AND s.is_production) THEN 0 ELSE 1 END AS is_elsewhere,
        min(d.sha) OVER (PARTITION BY s.how, s.source, s.id, s.sha)
            = max(d.sha) OVER (PARTITION BY s.how, s.source, s.id, s.sha) AS is_one,
        d.source = s.source OR s.service IS NOT NULL
            OR min(d.owner) OVER (PARTITION BY s.how, s.source, s.id, s.sha)
                = max(d.owner) OVER (PARTITION BY s.how, s.source, s.id, s.sha) AS is_known
    FROM said AS s JOIN d ON substr(d.sha, 1, 7) = substr(s.sha, 1, 7)
    WHERE s.how <> 'link' AND (d.sha = s.sha OR (length(s.sha) >= 7 AND substr(d.sha, 1, length(s.sha)) = s.sha))
        AND (d.source = s.source OR s.service IS NULL OR d.service = s.service)
), named AS (
    SELECT s.how, s.source, s.id, d.source AS by_source, d.id AS deployment, d.finished_at,
        CASE WHEN d.source = s.source THEN 0 ELSE 1 END AS is_foreign,
        CASE WHEN d.environment = s.environment OR (d.is_production AND s.is_production) THEN 0 ELSE 1 END AS is_elsewhere,
        0 AS is_off
    FROM said AS s JOIN d ON d.id = s.word
    WHERE s.how = 'link' OR d.source = s.source OR d.service = s.service OR (s.service IS NULL AND d.is_only)
    UNION ALL
    SELECT how, source, id, by_source, deployment, finished_at, 0, is_elsewhere,
        CASE WHEN how = 'label' AND finished_at > detected_at THEN 1
            WHEN how = 'fixed' AND finished_at < detected_at THEN 1 ELSE 0 END
    FROM commits
    WHERE (is_whole OR is_one) AND is_known
        AND (how = 'fixed' OR resolved_at IS NULL OR finished_at <= resolved_at)
), fix AS (
    SELECT d.source, d.id, d.owner, d.environment, d.is_production, d.finished_at, split_part(d.fixes, ' ', p.n) AS word
    FROM d JOIN place AS p ON p.n <= 1 + length(d.fixes) - length(replace(d.fixes, ' ', ''))
    WHERE d.fixes IS NOT NULL
), mended AS (
    SELECT i.source, i.id, x.source AS by_source, x.id AS deployment, x.owner, x.environment, x.finished_at, i.detected_at,
        CASE WHEN x.environment = i.environment OR (x.is_production AND i.is_production) THEN 0 ELSE 1 END AS is_elsewhere
    FROM i JOIN fix AS x ON x.source = i.source AND x.word = i.id
    UNION ALL
    SELECT i.source, i.id, x.source, x.id, x.owner, x.environment, x.finished_at, i.detected_at,
        CASE WHEN x.environment = i.environment OR (x.is_production AND i.is_production) THEN 0 ELSE 1 END
    FROM i JOIN fix AS x ON x.word = i.url
), stood AS (
    SELECT kind, source, id, owner, environment, is_elsewhere,
        max(CASE WHEN kind = 1 THEN seen_at END) OVER (PARTITION BY owner, environment ORDER BY seen_at, kind
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS finished_at
    FROM (
        SELECT 1 AS kind, source, id, owner, environment, 0 AS is_elsewhere, finished_at AS seen_at FROM d WHERE NOT is_rollback
        UNION ALL
        SELECT CASE WHEN detected_at < finished_at THEN 2 ELSE 0 END, source, id, owner, environment, is_elsewhere,
            CASE WHEN detected_at < finished_at THEN detected_at ELSE finished_at END
        FROM mended
    ) AS seen
)
SELECT i.source, i.id, c.by_source AS caused_by_source, c.deployment AS caused_by_deployment, c.evidence,
    f.by_source AS fixed_by_source, f.deployment AS fixed_by_deployment
FROM i
LEFT JOIN (
    SELECT source, id, by_source, deployment, evidence,
        row_number() OVER (PARTITION BY source, id
            ORDER BY weight, is_foreign, is_elsewhere, is_off, CASE WHEN is_off = 0 THEN finished_at END DESC,
                finished_at, by_source, deployment) AS place
    FROM (
        SELECT source, id, by_source, deployment, how AS evidence, CASE how WHEN 'link' THEN 1 ELSE 3 END AS weight,
            finished_at, is_foreign, is_elsewhere, is_off
        FROM named WHERE how <> 'fixed'
        UNION ALL
        SELECT s.source, s.id, d.source, d.id, 'fix', 2, d.finished_at, 0, s.is_elsewhere, 0
        FROM stood AS s
        JOIN d ON d.owner = s.owner AND d.environment = s.environment AND d.finished_at = s.finished_at AND NOT d.is_rollback
        WHERE s.kind <> 1
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 'artifact', 4, d.finished_at, 0, 0, 0
        FROM i
        JOIN d ON d.artifact_id = i.artifact_id AND (d.environment = i.environment OR (d.is_production AND i.is_production))
        WHERE d.finished_at <= i.detected_at
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 'time', 5, d.finished_at, 0, 0, 0
        FROM i
        JOIN d ON d.service = i.service AND (d.environment = i.environment OR (d.is_production AND i.is_production))
        WHERE i.blame_from_at IS NOT NULL AND d.finished_at <= i.detected_at AND d.finished_at >= i.blame_from_at
    ) AS of_all
) AS c ON c.source = i.source AND c.id = i.id AND c.place = 1
LEFT JOIN (
    SELECT source, id, by_source, deployment,
        row_number() OVER (PARTITION BY source, id
            ORDER BY weight, is_foreign, is_elsewhere, is_off, CASE WHEN is_off = 0 THEN finished_at END,
                finished_at DESC, by_source, deployment) AS place
    FROM (
        SELECT source, id, by_source, deployment, finished_at, 1 AS weight, is_foreign, is_elsewhere, is_off
        FROM named WHERE how = 'fixed'
        UNION ALL
        SELECT source, id, by_source, deployment, finished_at, 2, 0, is_elsewhere, 0 FROM mended
    ) AS of_all
) AS f ON f.source = i.source AND f.id = i.id AND f.place = 1
