-- Relations asked: deployment, change, push, dora_outcome, dora_lead, dora_lead_change, scope, period. Gives known_since,
-- figure_deployment, figure_lead, figure_change, figure_open, figure_week: one row a period (kind, n) and group, and one a
-- period over all of them (is_all). middle(values, share) is the percentile that was asked for. The period before is
-- told as its own report would have been: what was mended after its end was open.

CREATE TEMP TABLE figure_deployment AS
SELECT kind, n, by_service, by_environment, grouping(by_service) = 1 AS is_all,
    count(*) AS deployments,
    count(DISTINCT date_trunc('day', finished_at AT TIME ZONE w.zone)) AS days_deployed,
    count(*) FILTER (is_failed) AS failed, sum(open_incidents) AS open_incidents,
    epoch(max(p.to_at)) - epoch(min(finished_at) FILTER (is_failed AND NOT is_mended)) AS oldest_failure_s,
    count(*) FILTER (is_mended) AS recovered, middle(CASE WHEN is_mended THEN recovery_s END, 0.5) AS recovery_p50_s,
    middle(CASE WHEN is_mended THEN recovery_s END, 0.9) AS recovery_p90_s,
    count(rework_reason) AS rework, max(finished_at) FILTER (is_failed) AS last_failed_at,
    arg_max(failed_by, (finished_at, nth)) FILTER (is_failed) AS last_failed_by
FROM (SELECT d.*, p.kind, p.n, p.to_at,
        coalesce(is_failed AND recovered_at < if(p.kind = 'before', p.to_at, w.to_at), false) AS is_mended
    FROM dora_outcome AS d
    JOIN period AS p ON d.finished_at >= p.from_at AND d.finished_at < p.to_at, wish AS w) AS p
JOIN scope USING (service, environment), wish AS w
GROUP BY GROUPING SETS ((kind, n, by_service, by_environment), (kind, n));

CREATE TEMP TABLE figure_lead AS
SELECT kind, n, by_service, by_environment, grouping(by_service) = 1 AS is_all, count(*) AS commits,
    middle(lead_s, 0.5) AS lead_p50_s, middle(lead_s, 0.9) AS lead_p90_s
FROM dora_lead AS l
JOIN period AS p ON l.finished_at >= p.from_at AND l.finished_at < p.to_at
JOIN scope USING (service, environment)
WHERE l.out_reason IS NULL
GROUP BY GROUPING SETS ((kind, n, by_service, by_environment), (kind, n));

CREATE TEMP TABLE figure_change AS
SELECT kind, n, by_service, by_environment, grouping(by_service) = 1 AS is_all, count(*) AS changes,
    middle(lead_s, 0.5) AS change_p50_s, middle(lead_s, 0.9) AS change_p90_s,
    sum(greatest(epoch(opened_at) - epoch(first_commit_at), 0)) AS coding_s,
    sum(epoch(reviewed_at) - epoch(opened_at)) AS to_review_s, sum(epoch(brought_at) - epoch(reviewed_at)) AS in_review_s,
    sum(epoch(l.finished_at) - epoch(brought_at)) AS waiting_s
FROM dora_lead_change AS l
JOIN period AS p ON l.finished_at >= p.from_at AND l.finished_at < p.to_at
JOIN scope USING (service, environment)
WHERE l.out_reason IS NULL
GROUP BY GROUPING SETS ((kind, n, by_service, by_environment), (kind, n));

-- Open at the end of the period: merged by then, and not deployed by then; by no bot that is left out.
CREATE TEMP TABLE figure_open AS
SELECT kind, n, by_service, by_environment, grouping(by_service) = 1 AS is_all,
    count(DISTINCT change_key) AS undeployed_changes,
    epoch(max(p.to_at)) - epoch(min(merged_at)) AS oldest_undeployed_s
FROM dora_lead_change AS l
JOIN period AS p ON l.merged_at < p.to_at AND (l.finished_at IS NULL OR l.finished_at >= p.to_at)
JOIN scope USING (service, environment)
WHERE NOT is_left(l.author)
GROUP BY GROUPING SETS ((kind, n, by_service, by_environment), (kind, n));

-- Before it was told anything weir knows nothing: a period without deployments is no period of none.
CREATE TEMP TABLE known_since AS
SELECT least((SELECT min(least(created_at, finished_at)) FROM deployment), (SELECT min(merged_at) FROM change),
    (SELECT min(pushed_at) FROM push)) AS known_from;

-- Of the days with a deployment in each ISO week, days without a week's end included.
CREATE TEMP TABLE figure_week AS
SELECT p.kind, p.n, c.by_service, c.by_environment, c.is_all, middle(c.days, 0.5) AS days_per_week_p50
FROM period AS p JOIN (
    SELECT w.from_at, w.to_at, g.by_service, g.by_environment, g.is_all, coalesce(d.days_deployed, 0) AS days
    FROM period AS w JOIN known_since AS k ON w.to_at > k.known_from
    CROSS JOIN (SELECT DISTINCT by_service, by_environment, is_all FROM figure_deployment) AS g
    LEFT JOIN figure_deployment AS d ON d.kind = 'week' AND d.n = w.n AND d.is_all = g.is_all
        AND d.by_service IS NOT DISTINCT FROM g.by_service
        AND d.by_environment IS NOT DISTINCT FROM g.by_environment
    WHERE w.kind = 'week'
) AS c ON c.from_at >= p.from_at AND c.to_at <= p.to_at
WHERE p.kind = 'now'
GROUP BY ALL;
