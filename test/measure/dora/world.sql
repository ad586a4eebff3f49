-- The relations that the report reads, with the columns that it asks for, and a wish for March 2026.
CREATE TABLE deployment (source VARCHAR DEFAULT 'https://ci', id VARCHAR, repository VARCHAR DEFAULT 'shop',
    service VARCHAR DEFAULT 'shop', environment VARCHAR DEFAULT 'production', is_production BOOLEAN DEFAULT true,
    sha VARCHAR, ref VARCHAR DEFAULT 'main', state VARCHAR DEFAULT 'succeeded', is_rollback BOOLEAN,
    created_at TIMESTAMPTZ, finished_at TIMESTAMPTZ, url VARCHAR, artifact_id VARCHAR);
CREATE TABLE change (repository VARCHAR DEFAULT 'shop', id VARCHAR, number BIGINT, title VARCHAR, url VARCHAR,
    author VARCHAR DEFAULT 'ann', labels VARCHAR[], base_branch VARCHAR DEFAULT 'main', head_branch VARCHAR,
    head_sha VARCHAR, merge_sha VARCHAR, head_repository VARCHAR, created_at TIMESTAMPTZ,
    first_review_at TIMESTAMPTZ, merged_at TIMESTAMPTZ, closed_at TIMESTAMPTZ);
CREATE TABLE commit (repository VARCHAR DEFAULT 'shop', sha VARCHAR, author VARCHAR DEFAULT 'ann',
    authored_at TIMESTAMPTZ, committed_at TIMESTAMPTZ, pushed_at TIMESTAMPTZ, branch VARCHAR, parents VARCHAR[],
    services VARCHAR[]);
-- Pushes that held a commit besides the first one.
CREATE TABLE push_again (repository VARCHAR DEFAULT 'shop', sha VARCHAR, pushed_at TIMESTAMPTZ, branch VARCHAR);
CREATE TABLE incident (source VARCHAR DEFAULT 'https://pager', id VARCHAR, service VARCHAR DEFAULT 'shop',
    environment VARCHAR DEFAULT 'production', title VARCHAR, url VARCHAR, is_incident BOOLEAN,
    detected_at TIMESTAMPTZ, resolved_at TIMESTAMPTZ, caused_by_source VARCHAR DEFAULT 'https://ci',
    caused_by_deployment VARCHAR, fixed_by_source VARCHAR DEFAULT 'https://ci', fixed_by_deployment VARCHAR, evidence VARCHAR DEFAULT 'link',
    causes VARCHAR);
CREATE VIEW deployment_folded AS FROM deployment;
CREATE TABLE release (repository VARCHAR DEFAULT 'shop', tag VARCHAR, change_id VARCHAR);
CREATE VIEW release_folded AS FROM release;
CREATE VIEW change_folded AS SELECT * REPLACE (coalesce(id, CAST(number AS VARCHAR)) AS id) FROM change;
-- Reviews besides the first one, of which nobody says who gave it.
CREATE TABLE review_told (repository VARCHAR DEFAULT 'shop', id VARCHAR, reviewers VARCHAR[], first_review_at TIMESTAMPTZ);
CREATE VIEW change_facts AS SELECT repository, id, NULL AS reviewers, first_review_at FROM change_folded
    UNION ALL FROM review_told;
CREATE VIEW commit_folded AS FROM commit;
CREATE VIEW commit_history AS SELECT repository, sha, pushed_at, branch, committed_at FROM commit
    UNION ALL SELECT repository, sha, pushed_at, branch, NULL FROM push_again;
