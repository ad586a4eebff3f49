-- What src/persist/sql/incident.sql gives, said again in its plainest form: every word of an incident beside every
-- deployment, and every deployment that mends beside every one before it.
WITH d AS (
    SELECT *, coalesce(service, source) AS owner FROM deployment_folded WHERE finished_at IS NOT NULL
), i AS (
    SELECT *, lower(environment) AS place FROM incident_folded
), pair AS (
    SELECT i.source, i.id, i.service, i.detected_at, i.resolved_at, i.blame_from_at, i.artifact_id, i.url, i.causes, i.fixed_by, i.linked,
        d.source AS by_source, d.id AS deployment, d.owner, d.environment, d.finished_at, d.sha, d.fixes, d.artifact_id AS brings,
        d.source = i.source AS is_own, d.service = i.service AS is_of_service,
        lower(d.environment) = i.place OR (d.is_production AND i.place IN ('live', 'prod', 'production')) AS is_here,
        len(list_distinct((SELECT list(o.owner) FROM d AS o WHERE o.id = d.id))) = 1 AS is_only
    FROM i CROSS JOIN d
), word AS (
    SELECT source, id, service, 'label' AS how, unnest(split(causes, ' ')) AS word FROM i WHERE causes IS NOT NULL
    UNION ALL
    SELECT source, id, service, 'fixed', unnest(split(fixed_by, ' ')) FROM i WHERE fixed_by IS NOT NULL
), meant AS ( -- the commit that a word means, and whose deployments
    SELECT w.source, w.id, w.how, if(list_contains(w.shas, lower(w.word)), lower(w.word), w.shas[1]) AS sha,
        w.service IS NOT NULL OR len(w.owners) = 1 AS is_clear
    FROM (
        SELECT w.*, list_distinct(list(d.sha)) AS shas, list_distinct(list(d.owner)) AS owners
        FROM word AS w JOIN d ON starts_with(d.sha, lower(w.word)) AND (d.sha = lower(w.word) OR length(w.word) >= 7)
            AND (w.service IS NULL OR d.source = w.source OR d.service = w.service)
        GROUP BY ALL
    ) AS w
    WHERE len(w.shas) = 1 OR list_contains(w.shas, lower(w.word))
), named AS (
    SELECT p.*, w.how, if(p.is_own, 0, 1) AS is_foreign, false AS is_off
    FROM pair AS p JOIN word AS w USING (source, id)
    WHERE w.word = p.deployment AND (p.is_own OR p.is_of_service OR (p.service IS NULL AND p.is_only))
    UNION ALL
    SELECT p.*, m.how, 0, if(m.how = 'label', p.finished_at > p.detected_at, p.finished_at < p.detected_at)
    FROM pair AS p JOIN meant AS m USING (source, id, sha)
    WHERE (p.is_own OR p.is_of_service OR (p.service IS NULL AND m.is_clear))
        AND (m.how = 'fixed' OR p.finished_at <= coalesce(p.resolved_at, TIMESTAMP 'infinity'))
), mended AS (
    SELECT * FROM pair
    WHERE list_contains(split(fixes, ' '), url) OR (is_own AND list_contains(split(fixes, ' '), id))
)
SELECT i.source, i.id, c.by_source AS caused_by_source, c.deployment AS caused_by_deployment, c.evidence,
    f.by_source AS fixed_by_source, f.deployment AS fixed_by_deployment
FROM i
LEFT JOIN (
    SELECT source, id, by_source, deployment, evidence,
        row_number() OVER (PARTITION BY source, id
            ORDER BY weight, is_foreign, is_here DESC, is_off, near, by_source, deployment) AS place
    FROM (
        SELECT source, id, by_source, deployment, 'link' AS evidence, 1 AS weight, if(is_own, 0, 1) AS is_foreign,
            coalesce(is_here, false) AS is_here, false AS is_off, -epoch(finished_at) AS near
        FROM pair WHERE list_contains(split(linked, ' '), deployment)
        UNION ALL
        SELECT m.source, m.id, d.source, d.id, 'fix', 2, 0, coalesce(m.is_here, false), false, -epoch(d.finished_at)
        FROM mended AS m JOIN d ON d.owner = m.owner AND lower(d.environment) = lower(m.environment)
            AND d.finished_at <= m.detected_at AND d.finished_at < m.finished_at AND d.is_rollback IS DISTINCT FROM true
        WHERE NOT EXISTS (FROM d AS later WHERE later.owner = d.owner AND lower(later.environment) = lower(d.environment)
            AND later.finished_at > d.finished_at AND later.finished_at <= m.detected_at
            AND later.finished_at < m.finished_at AND later.is_rollback IS DISTINCT FROM true)
        UNION ALL
        SELECT source, id, by_source, deployment, 'label', 3, is_foreign, coalesce(is_here, false), is_off,
            if(is_off, 1, -1) * epoch(finished_at)
        FROM named WHERE how = 'label'
        UNION ALL
        SELECT source, id, by_source, deployment, 'artifact', 4, 0, true, false, -epoch(finished_at)
        FROM pair WHERE brings = artifact_id AND is_here AND finished_at <= detected_at
        UNION ALL
        SELECT source, id, by_source, deployment, 'time', 5, 0, true, false, -epoch(finished_at)
        FROM pair WHERE is_of_service AND is_here AND finished_at BETWEEN blame_from_at AND detected_at
    ) AS said
) AS c ON c.source = i.source AND c.id = i.id AND c.place = 1
LEFT JOIN (
    SELECT source, id, by_source, deployment,
        row_number() OVER (PARTITION BY source, id
            ORDER BY weight, is_foreign, is_here DESC, is_off, near, by_source, deployment) AS place
    FROM (
        SELECT source, id, by_source, deployment, 1 AS weight, is_foreign, coalesce(is_here, false) AS is_here, is_off,
            if(is_off, -1, 1) * epoch(finished_at) AS near
        FROM named WHERE how = 'fixed'
        UNION ALL
        SELECT source, id, by_source, deployment, 2, 0, coalesce(is_here, false), false, epoch(finished_at) FROM mended
    ) AS said
) AS f ON f.source = i.source AND f.id = i.id AND f.place = 1
