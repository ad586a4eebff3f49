-- Relations asked: dora_outcome, dora_failed, dora_lead, dora_lead_change, merged, dora_out, incident, wish. Gives
-- what stands behind the figures of the window, a table a kind: explain_deployment, explain_change,
-- explain_commit, explain_incident, explain_out; and in `explained` all of them as JSON.

CREATE TEMP TABLE explain_deployment AS
WITH held AS (
    SELECT service, environment, nth, count(*) FILTER (out_reason IS NULL) AS commits FROM dora_lead GROUP BY ALL
), caused AS (
    SELECT service, environment, nth, string_agg(id, ', ' ORDER BY detected_at, id) AS incidents
    FROM dora_failed GROUP BY ALL
)
SELECT d.service, d.environment, d.id, d.sha, utc_text(d.finished_at) AS finished_at,
    CAST(coalesce(h.commits, 0) AS BIGINT) AS commits, c.incidents AS failed_by,
    utc_text(d.recovered_at) AS recovered_at, CAST(d.recovery_s AS DOUBLE) AS recovery_s,
    d.rework_reason AS rework, d.url
FROM wish AS w, dora_outcome AS d
LEFT JOIN held AS h USING (service, environment, nth)
LEFT JOIN caused AS c USING (service, environment, nth)
WHERE d.finished_at >= w.from_at
ORDER BY d.finished_at, d.service, d.environment, d.id;

CREATE TEMP TABLE explain_change AS
SELECT service, environment, repository, CAST(number AS BIGINT) AS number, id, title,
    utc_text(first_commit_at) AS first_commit_at, utc_text(merged_at) AS merged_at, deployment,
    CAST(if(out_reason IS NULL, lead_s, NULL) AS DOUBLE) AS lead_s, out_reason AS left_out, url
FROM wish AS w, dora_lead_change AS l
WHERE l.finished_at IS NULL OR l.finished_at >= w.from_at
ORDER BY l.merged_at, change_key, service, environment;

CREATE TEMP TABLE explain_commit AS
SELECT service, environment, l.repository, sha, CAST(m.number AS BIGINT) AS change, m.id AS change_id,
    utc_text(committed_at) AS committed_at, utc_text(begun_at) AS begun_at, deployment, CAST(lead_s AS DOUBLE) AS lead_s
FROM wish AS w, dora_lead AS l LEFT JOIN merged AS m USING (change_key)
WHERE l.out_reason IS NULL AND l.finished_at >= w.from_at
ORDER BY committed_at, sha, service, environment;

CREATE TEMP TABLE explain_incident AS
SELECT i.service, i.environment, i.id, i.title, utc_text(i.detected_at) AS detected_at,
    utc_text(i.resolved_at) AS resolved_at, i.caused_by_deployment AS caused_by, i.evidence,
    i.fixed_by_deployment AS fixed_by,
    CASE WHEN i.caused_by_deployment IS NULL AND i.causes <> ''
            THEN concat('names a deployment that is not known: ', i.causes)
        WHEN i.caused_by_deployment IS NULL THEN 'nothing says that a deployment caused it'
        WHEN NOT EXISTS (FROM dora_failed AS d WHERE d.source = i.source AND d.id = i.id)
            THEN if(len(w.failures) = 0 OR list_contains(w.failures, i.evidence),
                'the deployment is none that counts', 'its evidence is not counted') END AS left_out,
    i.url
FROM wish AS w, incident AS i
WHERE (coalesce(i.is_incident, true) AND i.detected_at < w.to_at
        AND (i.resolved_at IS NULL OR i.resolved_at >= w.from_at))
    OR EXISTS (FROM dora_failed AS f JOIN dora_deployment AS d USING (service, environment, nth)
        WHERE f.source = i.source AND f.id = i.id AND d.finished_at >= w.from_at)
ORDER BY i.detected_at, i.source, i.id;

CREATE TEMP TABLE explain_out AS
SELECT service, environment, what, id, reason, utc_text(seen_at) AS seen_at
FROM dora_out ORDER BY what, reason, seen_at, id;

INSERT INTO explained SELECT json_object(
    'deployments', (SELECT coalesce(to_json(list(e)), '[]') FROM explain_deployment AS e),
    'changes', (SELECT coalesce(to_json(list(e)), '[]') FROM explain_change AS e),
    'commits', (SELECT coalesce(to_json(list(e)), '[]') FROM explain_commit AS e),
    'incidents', (SELECT coalesce(to_json(list(e)), '[]') FROM explain_incident AS e),
    'left_out', (SELECT coalesce(to_json(list(e)), '[]') FROM explain_out AS e));
