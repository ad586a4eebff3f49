-- What src/persist/sql/incident.sql gives, said again in its plainest form: each word is searched for in
-- the whole text, every incident beside every deployment.
SELECT i.source, i.id, c.by_source AS caused_by_source, c.deployment AS caused_by_deployment, c.evidence,
    f.by_source AS fixed_by_source, f.deployment AS fixed_by_deployment
FROM incident_folded AS i
LEFT JOIN (
    SELECT source, id, by_source, deployment, evidence,
        row_number() OVER (PARTITION BY source, id
            ORDER BY weight, is_foreign, is_elsewhere, is_off, near, by_source, deployment) AS place
    FROM (
        SELECT i.source, i.id, d.source AS by_source, d.id AS deployment, 'link' AS evidence, 1 AS weight,
            CASE WHEN d.source = i.source THEN 0 ELSE 1 END AS is_foreign,
            CASE WHEN d.environment = i.environment THEN 0 ELSE 1 END AS is_elsewhere,
            false AS is_off, -epoch(d.finished_at) AS near
        FROM incident_folded AS i
        JOIN deployment_folded AS d ON position(' ' || d.id || ' ' IN ' ' || i.linked || ' ') > 0
        WHERE d.finished_at IS NOT NULL AND i.linked IS NOT NULL
        UNION ALL
        SELECT i.source, i.id, d.before_source, d.before_id, 'fix', 2, 0,
            CASE WHEN d.environment = i.environment THEN 0 ELSE 1 END, false, -epoch(d.finished_at)
        FROM incident_folded AS i
        JOIN (
            SELECT source, id, environment, fixes, finished_at,
                lag(source) OVER (PARTITION BY service, environment ORDER BY finished_at, source, id) AS before_source,
                lag(id) OVER (PARTITION BY service, environment ORDER BY finished_at, source, id) AS before_id
            FROM deployment_folded
            WHERE finished_at IS NOT NULL
        ) AS d ON (d.source = i.source AND position(' ' || i.id || ' ' IN ' ' || d.fixes || ' ') > 0)
            OR position(' ' || i.url || ' ' IN ' ' || d.fixes || ' ') > 0
        WHERE d.before_id IS NOT NULL AND d.fixes IS NOT NULL
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 'label', 3, CASE WHEN d.source = i.source THEN 0 ELSE 1 END,
            CASE WHEN d.environment = i.environment THEN 0 ELSE 1 END, false, -epoch(d.finished_at)
        FROM incident_folded AS i
        JOIN deployment_folded AS d ON (d.source = i.source OR d.service = i.service)
            AND position(' ' || d.id || ' ' IN ' ' || i.causes || ' ') > 0
        WHERE d.finished_at IS NOT NULL
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 'label', 3, 0, CASE WHEN d.environment = i.environment THEN 0 ELSE 1 END,
            d.finished_at > i.detected_at, if(d.finished_at > i.detected_at, 1, -1) * epoch(d.finished_at)
        FROM incident_folded AS i
        JOIN deployment_folded AS d ON (d.source = i.source OR d.service = i.service)
            AND position(' ' || d.sha || ' ' IN ' ' || i.causes || ' ') > 0
        WHERE d.finished_at <= coalesce(i.resolved_at, TIMESTAMP 'infinity')
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 'artifact', 4, 0, 0, false, -epoch(d.finished_at)
        FROM incident_folded AS i
        JOIN deployment_folded AS d ON d.artifact_id = i.artifact_id AND d.environment = i.environment
        WHERE d.finished_at <= i.detected_at
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 'time', 5, 0, 0, false, -epoch(d.finished_at)
        FROM incident_folded AS i
        JOIN deployment_folded AS d ON d.service = i.service AND d.environment = i.environment
        WHERE d.finished_at <= i.detected_at AND d.finished_at >= i.blame_from_at
    ) AS said
) AS c ON c.source = i.source AND c.id = i.id AND c.place = 1
LEFT JOIN (
    SELECT source, id, by_source, deployment,
        row_number() OVER (PARTITION BY source, id
            ORDER BY weight, is_foreign, is_elsewhere, is_off, near, by_source, deployment) AS place
    FROM (
        SELECT i.source, i.id, d.source AS by_source, d.id AS deployment, 1 AS weight,
            CASE WHEN d.source = i.source THEN 0 ELSE 1 END AS is_foreign,
            CASE WHEN d.environment = i.environment THEN 0 ELSE 1 END AS is_elsewhere, false AS is_off,
            epoch(d.finished_at) AS near
        FROM incident_folded AS i
        JOIN deployment_folded AS d ON (d.source = i.source OR d.service = i.service)
            AND position(' ' || d.id || ' ' IN ' ' || i.fixed_by || ' ') > 0
        WHERE d.finished_at IS NOT NULL
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 1, 0, CASE WHEN d.environment = i.environment THEN 0 ELSE 1 END,
            d.finished_at < i.detected_at, if(d.finished_at < i.detected_at, -1, 1) * epoch(d.finished_at)
        FROM incident_folded AS i
        JOIN deployment_folded AS d ON (d.source = i.source OR d.service = i.service)
            AND position(' ' || d.sha || ' ' IN ' ' || i.fixed_by || ' ') > 0
        WHERE d.finished_at IS NOT NULL
        UNION ALL
        SELECT i.source, i.id, d.source, d.id, 2, 0,
            CASE WHEN d.environment = i.environment THEN 0 ELSE 1 END, false, epoch(d.finished_at)
        FROM incident_folded AS i
        JOIN deployment_folded AS d
            ON (d.source = i.source AND position(' ' || i.id || ' ' IN ' ' || d.fixes || ' ') > 0)
            OR position(' ' || i.url || ' ' IN ' ' || d.fixes || ' ') > 0
        WHERE d.finished_at IS NOT NULL AND d.fixes IS NOT NULL
    ) AS said
) AS f ON f.source = i.source AND f.id = i.id AND f.place = 1
