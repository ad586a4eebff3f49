-- Four hundred deployments and three hundred incidents, of few services, commits and numbers, so that much fits.
SELECT setseed(0.42);
CREATE OR REPLACE TEMP TABLE deployment_folded AS
SELECT if(random() < 0.7, 'gh', 'ci') AS source, CAST(n AS VARCHAR) AS id, concat('service-', CAST(random() * 4 AS INTEGER)) AS service,
    if(random() < 0.8, 'live', 'test') AS environment, concat('sha', CAST(random() * 150 AS INTEGER)) AS sha,
    if(random() < 0.3, concat('pkg:', CAST(random() * 20 AS INTEGER)), NULL) AS artifact_id,
    CASE WHEN random() < 0.1 THEN concat(CAST(random() * 300 AS INTEGER), ' ', CAST(random() * 300 AS INTEGER))
        WHEN random() < 0.1 THEN concat('https://x/', CAST(random() * 300 AS INTEGER)) END AS fixes,
    if(random() < 0.9, TIMESTAMP '2026-03-01' + INTERVAL 1 MINUTE * CAST(random() * 40000 AS INTEGER), NULL) AS finished_at
FROM range(400) AS r(n);
CREATE OR REPLACE TEMP TABLE incident_folded AS
SELECT if(random() < 0.7, 'gh', 'pd') AS source, CAST(n AS VARCHAR) AS id, concat('service-', CAST(random() * 4 AS INTEGER)) AS service,
    if(random() < 0.8, 'live', 'test') AS environment, concat('https://x/', n) AS url,
    if(random() < 0.2, concat('pkg:', CAST(random() * 20 AS INTEGER)), NULL) AS artifact_id,
    CASE WHEN random() < 0.2 THEN concat(CAST(random() * 400 AS INTEGER), ' sha', CAST(random() * 150 AS INTEGER))
        WHEN random() < 0.1 THEN concat('sha', CAST(random() * 150 AS INTEGER)) END AS causes,
    if(random() < 0.2, concat('x ', CAST(random() * 400 AS INTEGER)), NULL) AS fixed_by,
    CASE WHEN random() < 0.1 THEN concat(CAST(random() * 400 AS INTEGER), ' y ', CAST(random() * 400 AS INTEGER)) END AS linked,
    detected_at, if(random() < 0.5, detected_at - INTERVAL 1 DAY, NULL) AS blame_from_at
FROM (SELECT n, TIMESTAMP '2026-03-01' + INTERVAL 1 MINUTE * CAST(random() * 40000 AS INTEGER) AS detected_at
    FROM range(300) AS r(n));
