-- caused_by_source, caused_by_deployment, evidence: what is said explicitly goes before what is only near in
-- time, and among equals the same environment, then the newest; an id that several sources have is the
-- incident's own source's, and of a commit's deployments those after the incident was detected (is_off) go last: link (the
-- incident's event links to the deployment's), fix (a later deployment says that it mends the incident: it replaced the cause),
-- label (names a deployment or commit), artifact, time (only if configured: blame_from_at).
-- fixed_by_source, fixed_by_deployment: named by a label, or by the deployment itself. What is said is words with a space
-- between two: the first thousand of a text are looked up, each by equality.
WITH digit AS (
    SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
    UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
), place AS (
    SELECT 100 * a.d + 10 * b.d + c.d + 1 AS n FROM digit AS a CROSS JOIN digit AS b CROSS JOIN digit AS c
), i AS (
    SELECT source, id, service, environment, url, artifact_id, causes, fixed_by, linked, detected_at, resolved_at,
        blame_from_at
    FROM incident_folded
), d AS (
    SELECT source, id, service, environment, sha, artifact_id, fixes, finished_at,
        lag(source) OVER (PARTITION BY service, environment ORDER BY finished_at, source, id) AS before_source,
        lag(id) OVER (PARTITION BY service, environment ORDER BY finished_at, source, id) AS before_id
    FROM deployment_folded
    WHERE finished_at IS NOT NULL
), said AS (
    SELECT t.how, t.source, t.id, t.service, t.environment, t.detected_at, t.resolved_at,
        split_part(t.words, ' ', p.n) AS word
    FROM (
        SELECT 'link' AS how, source, id, service, environment, detected_at, resolved_at, linked AS words
        FROM i WHERE linked IS NOT NULL
        UNION ALL
        SELECT 'label', source, id, service, environment, detected_at, resolved_at, causes FROM i WHERE causes IS NOT NULL
        UNION ALL
        SELECT 'fixed', source, id, service, environment, detected_at, resolved_at, fixed_by FROM i WHERE fixed_by IS NOT NULL
    ) AS t
    JOIN place AS p ON p.n <= 1 + length(t.words) - length(replace(t.words, ' ', ''))
), named AS (
    SELECT s.how, s.source, s.id, d.source AS by_source, d.id AS deployment, d.finished_at,
        CASE WHEN d.source = s.source THEN 0 ELSE 1 END AS is_foreign,
        CASE WHEN d.environment = s.environment THEN 0 ELSE 1 END AS is_elsewhere, 0 AS is_off
    FROM said AS s JOIN d ON d.id = s.word
    WHERE s.how = 'link' OR d.source = s.source OR d.service = s.service
    UNION ALL
    SELECT s.how, s.source, s.id, d.source, d.id, d.finished_at, 0,
        CASE WHEN d.environment = s.environment THEN 0 ELSE 1 END,
        CASE WHEN s.how = 'label' AND d.finished_at > s.detected_at THEN 1
            WHEN s.how = 'fixed' AND d.finished_at < s.detected_at THEN 1 ELSE 0 END
    FROM said AS s JOIN d ON d.sha = s.word
    WHERE (d.source = s.source OR d.service = s.service)
        AND (s.how = 'fixed' OR (s.how = 'label' AND (s.resolved_at IS NULL OR d.finished_at <= s.resolved_at)))
), fix AS (
    SELECT d.source, d.id, d.before_source, d.before_id, d.environment, d.finished_at, split_part(d.fixes, ' ', p.n) AS word
    FROM d JOIN place AS p ON p.n <= 1 + length(d.fixes) - length(replace(d.fixes, ' ', ''))
    WHERE d.fixes IS NOT NULL
), mended AS (
    SELECT i.source, i.id, x.source AS by_source, x.id AS deployment, x.before_source, x.before_id, x.finished_at,
        CASE WHEN x.environment = i.environment THEN 0 ELSE 1 END AS is_elsewhere
    FROM i JOIN fix AS x ON x.source = i.source AND x.word = i.id
    UNION ALL
    SELECT i.source, i.id, x.source, x.id, x.before_source, x.before_id, x.finished_at,
        CASE WHEN x.environment = i.environment THEN 0 ELSE 1 END
    FROM i JOIN fix AS x ON x.word = i.url
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
        SELECT source, id, before_source, before_id, 'fix', 2, finished_at, 0, is_elsewhere, 0
        FROM mended WHERE before_id IS NOT NULL
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 'artifact', 4, d.finished_at, 0, 0, 0
        FROM i JOIN d ON d.artifact_id = i.artifact_id AND d.environment = i.environment
        WHERE d.finished_at <= i.detected_at
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 'time', 5, d.finished_at, 0, 0, 0
        FROM i JOIN d ON d.service = i.service AND d.environment = i.environment
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
