-- Relations asked: deployment, known, wish. Gives dora_deployment: what counts as a deployment, in the
-- order of its service and environment; deployment_out: what does not, and why; scope: each service and
-- environment, and what the figures are grouped by.

CREATE TEMP TABLE deployment_seen AS
SELECT coalesce(d.service, d.repository, d.source) AS service, coalesce(d.environment, '') AS environment,
    d.source, d.id, d.repository, d.sha, d.ref, d.artifact_id, d.url, d.created_at, d.finished_at, d.state,
    coalesce(d.is_rollback, false) AS is_rollback, coalesce(d.is_production, false) AS is_production
FROM deployment AS d, wish AS w
WHERE coalesce(d.created_at, d.finished_at, w.from_at) < w.to_at;

CREATE TEMP TABLE dora_deployment AS
SELECT s.*, row_number() OVER (PARTITION BY service, environment ORDER BY finished_at, source, id) AS nth
FROM deployment_seen AS s, wish AS w
WHERE s.is_production AND s.finished_at < w.to_at;

CREATE TEMP TABLE deployment_out AS
SELECT service, environment, source, id, url, coalesce(finished_at, created_at) AS seen_at,
    CASE WHEN environment = '' THEN 'environment not known'
        WHEN NOT is_production THEN 'not production'
        WHEN finished_at IS NULL AND state = 'failed' THEN 'failed, never reached production'
        WHEN finished_at IS NULL THEN 'not finished'
        ELSE 'finished after the window' END AS reason
FROM deployment_seen AS s, wish AS w
WHERE coalesce(finished_at, created_at) >= w.from_at
    AND NOT (s.is_production AND coalesce(s.finished_at < w.to_at, false));

CREATE TEMP TABLE scope AS
SELECT s.service, s.environment,
    CASE w.group_service WHEN 'service' THEN s.service WHEN 'team' THEN coalesce(t.team, '') END AS by_service,
    CASE WHEN w.group_environment THEN s.environment END AS by_environment
FROM (SELECT DISTINCT service, environment FROM dora_deployment) AS s
LEFT JOIN known AS t USING (service), wish AS w;
