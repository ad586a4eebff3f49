-- A thousand services, each with a line of landed things (changes merged in four ways, commits pushed
-- straight to main or by way of a hotfix's branch), deployments of some of them under ids that others have too, rollbacks,
-- staging, failures, and incidents.
SELECT setseed(0.42);
CREATE TABLE thing AS
SELECT printf('h%04d', h) AS service, i, floor(random() * 5)::INT AS way, 1 + floor(random() * 3)::INT AS commits,
    TIMESTAMPTZ '2026-02-20' + (i * 600 + floor(random() * 500)::INT) * INTERVAL 1 MINUTE AS landed_at
FROM range(1000) AS t(h), range(60) AS u(i) WHERE random() < 0.7;
-- 0: merge commit, 1: squash, 2: rebase, 3: fast forward, 4: no change
CREATE TABLE written AS
SELECT *, printf('%s-%d', service, i) AS name, c, landed_at - (c + 1) * INTERVAL 47 MINUTE - floor(random() * 40)::INT * INTERVAL 1 MINUTE
    AS written_at
FROM thing, range(3) AS v(c) WHERE c < commits;
INSERT INTO commit (repository, sha, author, committed_at, pushed_at, branch)
SELECT service, printf('%s-f%d', name, c), if(c = 2, 'x[bot]', 'ann'), written_at + if(i % 17 = 0, 2000, 0) * INTERVAL 1 MINUTE,
    written_at, name
FROM written WHERE way < 4;
INSERT INTO commit (repository, sha, committed_at, pushed_at, branch)
SELECT service, printf('%s-l%d', name, c), landed_at, landed_at + if(i % 2 = 0, 2, -1) * INTERVAL 1 SECOND, 'main' -- by another clock
FROM written WHERE (way = 2) OR (way IN (0, 1) AND c = 0);
INSERT INTO commit (repository, sha, committed_at, pushed_at, branch)
SELECT service, printf('%s-l0', name), landed_at - INTERVAL 30 MINUTE, landed_at, if(i % 13 = 0, 'hotfix/now', 'main')
FROM written WHERE way = 4 AND c = 0;
INSERT INTO push_again (repository, sha, pushed_at, branch) -- merged by hand
SELECT service, printf('%s-l0', name), landed_at + INTERVAL 1 MINUTE, 'main' FROM written WHERE way = 4 AND c = 0 AND i % 13 = 0;
-- One service in seven is told of by events: changes without a number, deployments that name an artifact alone. Of every
-- second of them a change's id is others' too, and the artifact says the repository.
CREATE MACRO is_of_events(service) AS CAST(substr(service, 2) AS INT) % 7 = 0;
CREATE MACRO shares_ids(service) AS CAST(substr(service, 2) AS INT) % 14 = 0;
INSERT INTO release (repository, tag, change_id)
SELECT if(shares_ids(service), service, 'ci'), 'pkg:' || name, if(shares_ids(service), CAST(i AS VARCHAR), name)
FROM written WHERE way < 4 AND c = 0 AND is_of_events(service);
INSERT INTO change (repository, id, number, labels, head_branch, head_sha, merge_sha, merged_at, closed_at)
SELECT service, if(shares_ids(service), CAST(i AS VARCHAR), name), if(is_of_events(service), NULL, i), if(i % 11 = 0, ['hotfix'], ['x']), name, name || '-f0',
    if(way = 3, name || '-f0', if(way = 2, printf('%s-l%d', name, commits - 1), name || '-l0')), landed_at, landed_at
FROM written WHERE way < 4 AND c = 0;
CREATE TABLE shipped AS
SELECT t.service, t.i, t.way, t.commits, k, landed_at + INTERVAL 3 MINUTES + floor(random() * 2000)::INT * INTERVAL 1 MINUTE
        + (2 * i + k) * INTERVAL 1 SECOND AS done_at,
    random() AS luck
FROM thing AS t, range(2) AS v(k) WHERE random() < 0.4;
INSERT INTO deployment (source, id, repository, service, artifact_id, environment, is_production, sha, state, is_rollback, finished_at)
SELECT 'https://ci/' || service, printf('%d-%d', i, k), if(is_of_events(service) AND way < 4, NULL, service), service,
    if(is_of_events(service) AND way < 4, printf('pkg:%s-%d', service, i), NULL), if(luck < 0.1, 'staging', 'production'), luck >= 0.1,
    CASE if(is_of_events(service) AND way < 4, NULL, way) WHEN 3 THEN printf('%s-%d-f0', service, i) WHEN 2 THEN printf('%s-%d-l%d', service, i, commits - 1)
        WHEN 0 THEN printf('%s-%d-l0', service, i) WHEN 1 THEN printf('%s-%d-l0', service, i)
        WHEN 4 THEN printf('%s-%d-l0', service, i) END,
    if(luck > 0.9, 'failed', 'succeeded'), luck BETWEEN 0.2 AND 0.25, if(luck > 0.9, NULL, done_at)
FROM shipped;
INSERT INTO incident (source, id, detected_at, resolved_at, caused_by_source, caused_by_deployment, fixed_by_source, fixed_by_deployment)
SELECT d.source, d.id || '-i' || n, d.finished_at, if(random() < 0.2, NULL, d.finished_at + floor(random() * if(n = 0, 900, 30000))::INT * INTERVAL 1 MINUTE),
    d.source, if(random() < 0.8, d.id, NULL), d.source, if(random() < 0.3, d.id, NULL)
FROM deployment AS d, range(2) AS v(n) WHERE random() < 0.15 AND d.finished_at IS NOT NULL;
