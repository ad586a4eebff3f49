-- The same figures another way: straight from the definitions, one question a thing, no order of steps. It
-- gives each service whose figures differ from the report's.
WITH d AS (
    SELECT *, CAST(split_part(coalesce(sha, artifact_id), '-', 2) AS INT) AS i, finished_at >= w.from_at AS is_inside
    FROM deployment, wish AS w WHERE is_production AND finished_at < w.to_at
), first_of AS ( -- the first deployment that had got as far as the thing
    SELECT t.*, (SELECT min(finished_at) FROM d WHERE d.service = t.service AND d.i >= t.i) AS out_at,
        (SELECT min(finished_at) FROM d WHERE d.service = t.service) AS first_at
    FROM thing AS t, wish AS w WHERE t.landed_at < w.to_at
), span AS (
    SELECT f.service, f.i, epoch(f.out_at) - epoch(k.committed_at) AS s
    FROM first_of AS f, wish AS w, commit AS k
    WHERE k.repository = f.service AND f.out_at >= w.from_at AND f.out_at > f.first_at AND k.committed_at <= f.out_at
        AND starts_with(k.sha, if(f.way = 4, f.service || '-' || f.i || '-l', f.service || '-' || f.i || '-f'))
        AND NOT k.author LIKE '%[bot]'
), lead AS (
    SELECT service, count(*) AS commits, quantile_cont(s, 0.5) AS p50, quantile_cont(s, 0.9) AS p90 FROM span GROUP BY 1
), change_span AS ( -- whoever wrote its commits; a change has no bot for an author here
    SELECT f.service, f.i, epoch(f.out_at) - epoch(min(k.committed_at)) AS s
    FROM first_of AS f, wish AS w, commit AS k
    WHERE f.way < 4 AND f.out_at >= w.from_at AND f.out_at > f.first_at
        AND k.repository = f.service AND starts_with(k.sha, f.service || '-' || f.i || '-f')
    GROUP BY f.service, f.i, f.out_at HAVING min(k.committed_at) <= f.out_at
), change_lead AS (
    SELECT service, count(*) AS changes, quantile_cont(s, 0.5) AS p50, quantile_cont(s, 0.9) AS p90 FROM change_span GROUP BY 1
), broken AS (
    SELECT d.service, d.id, max(n.resolved_at) AS end_at, any_value(d.finished_at) AS at_,
        count(*) FILTER (n.resolved_at IS NULL OR n.resolved_at >= w.to_at) AS still
    FROM wish AS w, d JOIN incident AS n ON n.caused_by_source = d.source AND n.caused_by_deployment = d.id WHERE d.is_inside GROUP BY 1, 2
), recovery AS (
    SELECT service, count(*) AS failed, sum(still) AS still,
        quantile_cont(epoch(end_at) - epoch(at_), 0.5) FILTER (still = 0) AS p50,
        quantile_cont(epoch(end_at) - epoch(at_), 0.9) FILTER (still = 0) AS p90
    FROM broken GROUP BY 1
), rework AS (
    SELECT d.service, count(*) AS n FROM d
    WHERE d.is_inside AND (d.is_rollback
        OR EXISTS (FROM incident AS n WHERE n.fixed_by_source = d.source AND n.fixed_by_deployment = d.id)
        OR d.i < (SELECT arg_max(e.i, e.finished_at) FROM d AS e WHERE e.service = d.service AND e.finished_at < d.finished_at)
        OR EXISTS (FROM first_of AS f WHERE f.service = d.service AND f.i % if(f.way < 4, 11, 13) = 0 AND f.out_at = d.finished_at))
    GROUP BY 1
), mine AS (
    SELECT s.service, (SELECT count(*) FROM d WHERE d.service = s.service AND d.is_inside) AS deployments,
        coalesce(l.commits, 0) AS commits, l.p50 AS lead_p50_s, l.p90 AS lead_p90_s, coalesce(c.changes, 0) AS changes,
        c.p50 AS change_p50_s, c.p90 AS change_p90_s, coalesce(b.failed, 0) AS failed,
        b.p50 AS recovery_p50_s, b.p90 AS recovery_p90_s, coalesce(b.still, 0) AS open_incidents, coalesce(r.n, 0) AS rework,
        (SELECT count(*) FROM first_of AS f WHERE f.service = s.service AND f.way < 4 AND f.out_at IS NULL) AS undeployed
    FROM (SELECT DISTINCT service FROM d) AS s LEFT JOIN lead AS l USING (service)
    LEFT JOIN change_lead AS c USING (service) LEFT JOIN recovery AS b USING (service) LEFT JOIN rework AS r USING (service)
), theirs AS (
    SELECT by_service AS service, deployments, commits, lead_p50_s, lead_p90_s, changes, change_p50_s, change_p90_s, failed,
        recovery_p50_s, recovery_p90_s, open_incidents, rework, undeployed_changes AS undeployed
    FROM dora_figure WHERE kind = 'now' AND NOT is_all
)
SELECT concat(service, ' wants ', to_json(struct_pack(m := m)), ' has ', to_json(struct_pack(t := t))) AS told
FROM mine AS m FULL JOIN theirs AS t USING (service)
WHERE m.deployments IS DISTINCT FROM t.deployments OR m.commits IS DISTINCT FROM t.commits
    OR abs(m.lead_p50_s - t.lead_p50_s) > 0.001 OR (m.lead_p50_s IS NULL) <> (t.lead_p50_s IS NULL)
    OR abs(m.lead_p90_s - t.lead_p90_s) > 0.001 OR m.changes IS DISTINCT FROM t.changes
    OR abs(m.change_p50_s - t.change_p50_s) > 0.001 OR (m.change_p50_s IS NULL) <> (t.change_p50_s IS NULL)
    OR abs(m.change_p90_s - t.change_p90_s) > 0.001 OR (m.change_p90_s IS NULL) <> (t.change_p90_s IS NULL) OR m.failed IS DISTINCT FROM t.failed
    OR abs(m.recovery_p50_s - t.recovery_p50_s) > 0.001 OR (m.recovery_p50_s IS NULL) <> (t.recovery_p50_s IS NULL)
    OR abs(m.recovery_p90_s - t.recovery_p90_s) > 0.001 OR (m.recovery_p90_s IS NULL) <> (t.recovery_p90_s IS NULL)
    OR m.open_incidents IS DISTINCT FROM t.open_incidents OR m.rework IS DISTINCT FROM t.rework
    OR m.undeployed IS DISTINCT FROM t.undeployed
ORDER BY service
