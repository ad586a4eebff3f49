-- Relations asked: deployment_folded, change_folded, review, commit_folded, commit_history, release_folded, incident, as
-- weir query shows them, and wish. Gives deployment, change, commit, incident, folded once and with the columns that the
-- steps read; of derived columns those of incident alone, which cost most of the time. A commit's lead time begins at
-- begun_at; is_stood_in: when it was written is not told (GitHub's push does not), and it begins with its commit.
-- change_key: stands for a change's repository and id, in the order of numbers, which not every source gives.
-- A hash that is told in short (of Bitbucket's pull requests, twelve digits) is that of the one commit of its repository
-- that begins with it, as in the derived columns of changes and commits.
-- push: each branch that a commit was pushed to, and when first. packaged: which change an artifact was made from.
CREATE TEMP TABLE deployment AS
SELECT source, id, repository, service, environment, is_production, sha, ref, state, is_rollback, created_at,
    finished_at, url, artifact_id
FROM deployment_folded;
CREATE TEMP TABLE change AS
SELECT row_number() OVER (ORDER BY repository, number, id) AS change_key, repository, id, number, title, url, author, labels, base_branch, head_branch, head_sha, merge_sha, created_at,
    first_review(reviews, author) AS first_review_at, merged_at, closed_at,
    coalesce(head_repository = repository, true) AS is_of_branch -- else of a fork's
FROM change_folded LEFT JOIN review USING (repository, id);
CREATE TEMP TABLE commit AS
SELECT repository, sha, author, committed_at, pushed_at, branch, services,
    CASE w.lead_from WHEN 'authored' THEN coalesce(authored_at, committed_at) WHEN 'pushed' THEN pushed_at ELSE committed_at END AS begun_at,
    w.lead_from = 'authored' AND authored_at IS NULL AS is_stood_in
FROM commit_folded, wish AS w;
CREATE TEMP TABLE whole_sha AS
SELECT t.repository, t.sha AS told, any_value(k.sha) AS sha
FROM (
    SELECT repository, head_sha AS sha FROM change UNION SELECT repository, merge_sha FROM change
    UNION SELECT repository, sha FROM deployment
) AS t
JOIN commit AS k ON k.repository = t.repository AND substr(k.sha, 1, 7) = substr(t.sha, 1, 7) AND starts_with(k.sha, t.sha)
WHERE length(t.sha) BETWEEN 7 AND 39
    AND NOT EXISTS (FROM commit AS o WHERE o.repository = t.repository AND o.sha = t.sha)
GROUP BY ALL HAVING count(*) = 1;
UPDATE change SET head_sha = s.sha FROM whole_sha AS s WHERE s.repository = change.repository AND s.told = change.head_sha;
UPDATE change SET merge_sha = s.sha FROM whole_sha AS s WHERE s.repository = change.repository AND s.told = change.merge_sha;
UPDATE deployment SET sha = s.sha FROM whole_sha AS s WHERE s.repository = deployment.repository AND s.told = deployment.sha;
CREATE TEMP TABLE push AS
SELECT repository, sha, branch, coalesce(min(pushed_at), min(committed_at)) AS pushed_at
FROM commit_history WHERE branch IS NOT NULL GROUP BY repository, sha, branch;
CREATE TEMP TABLE packaged AS
SELECT DISTINCT tag AS artifact_id, repository, change_id FROM release_folded WHERE change_id IS NOT NULL;
CREATE TEMP TABLE incident AS
SELECT source, id, service, environment, title, url, is_incident, detected_at, resolved_at, caused_by_source,
    caused_by_deployment, fixed_by_source, fixed_by_deployment, evidence, causes
FROM main.incident;
