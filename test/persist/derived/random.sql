-- Four hundred deployments, each id of two sources, and three hundred incidents, of few services, commits and numbers, and
-- as many changes and commits of few repositories and branches, so that much fits.
SELECT setseed(0.42);
CREATE OR REPLACE TEMP MACRO pretend_sha() AS substr(md5(CAST(CAST(random() * 150 AS INTEGER) AS VARCHAR)), 1, 12);
CREATE OR REPLACE TEMP TABLE deployment_folded AS
SELECT if(n % 2 = 0, 'gh', 'ci') AS source, CAST(n // 2 AS VARCHAR) AS id, concat('service-', CAST(random() * 4 AS INTEGER)) AS service,
    CASE WHEN random() < 0.5 THEN 'live' WHEN random() < 0.5 THEN 'Prod' ELSE 'test' END AS environment, random() < 0.8 AS is_production,
    if(random() < 0.8, random() < 0.2, NULL) AS is_rollback, pretend_sha() AS sha,
    if(random() < 0.3, concat('pkg:', CAST(random() * 20 AS INTEGER)), NULL) AS artifact_id,
    CASE WHEN random() < 0.1 THEN concat(CAST(random() * 300 AS INTEGER), ' ', CAST(random() * 300 AS INTEGER))
        WHEN random() < 0.1 THEN concat('https://x/', CAST(random() * 300 AS INTEGER)) END AS fixes,
    if(random() < 0.9, TIMESTAMP '2026-03-01' + INTERVAL 1 MINUTE * CAST(random() * 40000 AS INTEGER), NULL) AS finished_at
FROM range(400) AS r(n);
CREATE OR REPLACE TEMP TABLE incident_folded AS
SELECT if(random() < 0.7, 'gh', 'pd') AS source, CAST(n AS VARCHAR) AS id,
    if(random() < 0.7, concat('service-', CAST(random() * 4 AS INTEGER)), NULL) AS service,
    CASE WHEN random() < 0.4 THEN 'live' WHEN random() < 0.6 THEN 'Production' ELSE 'TEST' END AS environment,
    concat('https://x/', n) AS url, if(random() < 0.2, concat('pkg:', CAST(random() * 20 AS INTEGER)), NULL) AS artifact_id,
    CASE WHEN random() < 0.2 THEN concat(CAST(random() * 200 AS INTEGER), ' ', upper(pretend_sha()))
        WHEN random() < 0.3 THEN substr(pretend_sha(), 1, CAST(6 + random() * 6 AS INTEGER)) END AS causes,
    if(random() < 0.2, concat(substr(pretend_sha(), 1, CAST(6 + random() * 6 AS INTEGER)), ' ', CAST(random() * 200 AS INTEGER)), NULL) AS fixed_by,
    CASE WHEN random() < 0.1 THEN concat(CAST(random() * 200 AS INTEGER), ' y ', CAST(random() * 200 AS INTEGER)) END AS linked,
    detected_at, if(random() < 0.7, detected_at + INTERVAL 1 MINUTE * CAST(random() * 20000 AS INTEGER), NULL) AS resolved_at,
    if(random() < 0.5, detected_at - INTERVAL 1 DAY, NULL) AS blame_from_at
FROM (SELECT n, TIMESTAMP '2026-03-01' + INTERVAL 1 MINUTE * CAST(random() * 40000 AS INTEGER) AS detected_at
    FROM range(300) AS r(n));
-- Of hashes two begin with the same twelve digits, in one repository or two; a change tells them whole or in short.
CREATE OR REPLACE TEMP MACRO whole(x) AS concat(substr(md5(CAST(x // 2 AS VARCHAR)), 1, 12), substr(md5(CAST(x AS VARCHAR)), 1, 28));
CREATE OR REPLACE TEMP MACRO told(luck, x) AS substr(whole(x), 1, CASE WHEN luck < 0.5 THEN 40 WHEN luck < 0.8 THEN 12 WHEN luck < 0.9 THEN 20 ELSE 6 END);
CREATE OR REPLACE TEMP TABLE change_folded AS
SELECT *, if(random() < 0.6, closed_at, NULL) AS merged_at FROM (SELECT * REPLACE (if(random() < 0.8, created_at + INTERVAL 1 MINUTE * CAST(random() * 9000 AS INTEGER), NULL) AS closed_at)
FROM (SELECT concat('repository-', CAST(random() * 2 AS INTEGER)) AS repository, CAST(n AS VARCHAR) AS id,
        if(random() < 0.95, n, NULL) AS number, if(random() < 0.95, concat('branch-', CAST(random() * 6 AS INTEGER)), NULL) AS head_branch,
        if(random() < 0.9, concat('branch-', CAST(random() * 2 AS INTEGER)), NULL) AS base_branch,
        if(random() < 0.2, 'fork', NULL) AS head_repository, if(random() < 0.5, told(random(), CAST(random() * 400 AS INTEGER)), NULL) AS head_sha,
        if(random() < 0.3, told(random(), CAST(random() * 400 AS INTEGER)), NULL) AS merge_sha,
        TIMESTAMP '2026-03-01' + INTERVAL 1 MINUTE * CAST(random() * 40000 AS INTEGER) AS created_at, CAST(NULL AS TIMESTAMP) AS closed_at
    FROM range(300) AS r(n)));
CREATE OR REPLACE TEMP TABLE commit_folded AS
SELECT concat('repository-', n % 3) AS repository, whole(n // 2) AS sha,
    if(random() < 0.8, concat('branch-', CAST(random() * 12 AS INTEGER)), NULL) AS branch,
    if(random() < 0.95, TIMESTAMP '2026-03-01' + INTERVAL 1 MINUTE * CAST(random() * 40000 AS INTEGER), NULL) AS committed_at
FROM range(800) AS r(n);
CREATE OR REPLACE TEMP MACRO is_told(in_repository, of_sha, as_sha) AS of_sha = as_sha OR (length(as_sha) >= 7 AND starts_with(of_sha, as_sha)
    AND (SELECT count(*) FROM commit_folded AS o WHERE o.repository = in_repository AND starts_with(o.sha, as_sha)) = 1);
