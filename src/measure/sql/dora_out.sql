-- Relations asked: dora_outcome, dora_lead, commit_apart, deployment_out, wish. Gives dora_out: what lies in the window
-- and is in no figure, one row a thing, with its reason; out_count: how many of each reason.

CREATE TEMP TABLE dora_out AS
SELECT service, environment, 'deployment' AS what, id, reason, seen_at FROM deployment_out
UNION ALL
SELECT l.service, l.environment, 'commit', l.sha, l.out_reason, coalesce(l.finished_at, l.landed_at)
FROM dora_lead AS l, wish AS w
WHERE l.out_reason IS NOT NULL AND (l.nth IS NULL OR l.finished_at >= w.from_at);

INSERT INTO dora_out
SELECT NULL, NULL, 'commit', c.sha, 'touches the paths of no service', c.landed_at
FROM commit_apart AS c, wish AS w WHERE c.landed_at >= w.from_at;

CREATE TEMP TABLE out_count AS SELECT what, reason, count(*) AS n FROM dora_out GROUP BY ALL;
