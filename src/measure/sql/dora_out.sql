-- Relations asked: deployment_at, dora_lead, dora_lead_change, merged, commit_apart, deployment_out, wish. Gives dora_out: what lies in the window
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

-- A change is told by its commits, and by itself where none of it is known.
INSERT INTO dora_out
SELECT l.service, l.environment, 'change', l.name, l.out_reason, coalesce(l.finished_at, l.merged_at)
FROM dora_lead_change AS l, wish AS w
WHERE l.out_reason IS NOT NULL AND (l.nth IS NULL OR l.finished_at >= w.from_at)
    AND NOT EXISTS (FROM dora_lead AS k WHERE k.change_key = l.change_key);

INSERT INTO dora_out
SELECT NULL, NULL, 'change', m.name, 'no deployment names its repository', m.merged_at
FROM merged AS m, wish AS w
WHERE m.merged_at >= w.from_at AND NOT EXISTS (FROM deployment_at AS d WHERE d.repository = m.repository);

CREATE TEMP TABLE out_count AS SELECT what, reason, count(*) AS n FROM dora_out GROUP BY ALL;
INSERT INTO out_count
SELECT 'commit', 'of an author''s time that is not known: from when it was committed', n
FROM (SELECT count(*) AS n FROM dora_lead AS l JOIN commit AS k USING (repository, sha), wish AS w
    WHERE k.is_stood_in AND l.out_reason IS NULL AND l.finished_at >= w.from_at)
WHERE n > 0;
