-- Relations asked: incident, deployment_at, dora_deployment, dora_lead, dora_lead_change, wish. Gives dora_failed: a
-- deployment and an incident that it caused, or the rollback that shows it (resolved_at null: open at the window's end);
-- dora_outcome: one row a deployment: whether it failed, when it was mended, whether it was itself rework, and why.

CREATE TEMP TABLE dora_failed AS
SELECT d.service, d.environment, d.nth, i.source, i.id, i.title, i.url, i.detected_at,
    CASE WHEN i.resolved_at < w.to_at THEN i.resolved_at END AS resolved_at, i.evidence
FROM wish AS w, incident AS i
JOIN dora_deployment AS d ON d.source = i.caused_by_source AND d.id = i.caused_by_deployment
WHERE coalesce(i.is_incident, true) AND (len(w.failures) = 0 OR list_contains(w.failures, i.evidence));

-- Where it is asked so, what a rollback came right after has failed, and was mended by it.
INSERT INTO dora_failed
SELECT d.service, d.environment, d.nth, r.source, r.id, 'rollback', r.url, r.finished_at, r.finished_at, 'rollback'
FROM wish AS w, dora_deployment AS d JOIN dora_deployment AS r
    ON r.service = d.service AND r.environment = d.environment AND r.nth = d.nth + 1
WHERE list_contains(w.failures, 'rollback') AND r.is_rollback AND NOT d.is_rollback
    AND NOT EXISTS (FROM dora_failed AS f WHERE f.service = d.service AND f.environment = d.environment AND f.nth = d.nth);

CREATE TEMP TABLE dora_outcome AS
WITH back AS (
    SELECT service, environment, nth,
        stood_at < lag(stood_at) OVER (PARTITION BY service, environment, repository, line ORDER BY nth) AS is_older
    FROM deployment_at WHERE line IS NOT NULL
), failed AS (
    SELECT service, environment, nth, count(*) AS incidents,
        count(*) FILTER (resolved_at IS NULL) AS open_incidents, arg_max(id, (detected_at, id)) AS failed_by,
        CASE WHEN count(*) = count(resolved_at) THEN max(resolved_at) END AS recovered_at
    FROM dora_failed GROUP BY ALL
), fixes AS (
    SELECT DISTINCT fixed_by_source AS source, fixed_by_deployment AS id FROM incident
    WHERE fixed_by_deployment IS NOT NULL AND coalesce(is_incident, true)
), hotfix AS (
    SELECT service, environment, nth FROM dora_lead_change WHERE is_hotfix
    UNION
    SELECT service, environment, nth FROM dora_lead WHERE is_hotfix
)
SELECT d.*, f.nth IS NOT NULL AS is_failed, coalesce(f.incidents, 0) AS incidents, f.failed_by,
    coalesce(f.open_incidents, 0) AS open_incidents, f.recovered_at,
    CASE WHEN f.recovered_at IS NOT NULL
        THEN greatest(epoch(f.recovered_at) - epoch(d.finished_at), 0) END AS recovery_s,
    CASE WHEN x.id IS NOT NULL THEN 'the fix of an incident'
        WHEN d.is_rollback THEN 'a rollback'
        WHEN coalesce(t.is_older, false) THEN 'an older commit than the one before'
        WHEN h.nth IS NOT NULL THEN 'ships a hotfix'
    END AS rework_reason
FROM dora_deployment AS d
LEFT JOIN failed AS f USING (service, environment, nth)
LEFT JOIN back AS t USING (service, environment, nth)
LEFT JOIN hotfix AS h USING (service, environment, nth)
LEFT JOIN fixes AS x ON x.source = d.source AND x.id = d.id;
