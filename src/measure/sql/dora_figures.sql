-- Relations asked: period, scope, known_since, figure_deployment, figure_lead, figure_change, figure_open, figure_week.
-- Gives dora_figure: one row a period and group, and one a period over all of them (is_all), also where
-- there is nothing.

CREATE TEMP TABLE dora_figure AS
WITH spine AS (
    SELECT p.kind, p.n, p.from_at, p.to_at, k.known_from,
        is_partly(p.is_part, p.from_at, p.to_at, k.known_from) AS is_part, g.*
    FROM period AS p, known_since AS k, (SELECT DISTINCT by_service, by_environment, false AS is_all FROM scope
        UNION ALL SELECT NULL, NULL, true) AS g
)
SELECT s.* EXCLUDE known_from, coalesce(d.deployments, 0) AS deployments, coalesce(d.days_deployed, 0) AS days_deployed,
    per_day(coalesce(d.deployments, 0), s.kind, s.from_at, s.to_at, s.known_from) AS per_day,
    k.days_per_week_p50,
    coalesce(l.commits, 0) AS commits, l.lead_p50_s, l.lead_p90_s,
    coalesce(c.changes, 0) AS changes, c.change_p50_s, c.change_p90_s,
    c.coding_s, c.to_review_s, c.in_review_s, c.waiting_s,
    coalesce(d.failed, 0) AS failed, d.last_failed_at, d.last_failed_by, d.failed / d.deployments AS fail_rate,
    coalesce(d.recovered, 0) AS recovered, d.recovery_p50_s, d.recovery_p90_s,
    coalesce(d.open_incidents, 0) AS open_incidents,
    coalesce(d.rework, 0) AS rework, d.rework / d.deployments AS rework_rate,
    coalesce(o.undeployed_changes, 0) AS undeployed_changes, d.oldest_failure_s, o.oldest_undeployed_s
FROM spine AS s
LEFT JOIN figure_deployment AS d ON (d.kind, d.n, d.is_all) = (s.kind, s.n, s.is_all)
    AND d.by_service IS NOT DISTINCT FROM s.by_service
    AND d.by_environment IS NOT DISTINCT FROM s.by_environment
LEFT JOIN figure_lead AS l ON (l.kind, l.n, l.is_all) = (s.kind, s.n, s.is_all)
    AND l.by_service IS NOT DISTINCT FROM s.by_service
    AND l.by_environment IS NOT DISTINCT FROM s.by_environment
LEFT JOIN figure_change AS c ON (c.kind, c.n, c.is_all) = (s.kind, s.n, s.is_all)
    AND c.by_service IS NOT DISTINCT FROM s.by_service
    AND c.by_environment IS NOT DISTINCT FROM s.by_environment
LEFT JOIN figure_open AS o ON (o.kind, o.n, o.is_all) = (s.kind, s.n, s.is_all)
    AND o.by_service IS NOT DISTINCT FROM s.by_service
    AND o.by_environment IS NOT DISTINCT FROM s.by_environment
LEFT JOIN figure_week AS k ON (k.kind, k.n, k.is_all) = (s.kind, s.n, s.is_all)
    AND k.by_service IS NOT DISTINCT FROM s.by_service
    AND k.by_environment IS NOT DISTINCT FROM s.by_environment;
