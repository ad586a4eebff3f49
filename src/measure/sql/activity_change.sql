-- Relations asked: change_folded, review, span. What the activity report counts: activity_told, changes that were
-- open in the window or in the period before; activity_change, those of the window. A draft that was reviewed before it
-- was ready waited for no review. Who answers in an own change reviews nothing.
CREATE TEMP TABLE activity_told AS
SELECT c.repository, c.number, c.state, c.created_at, c.merged_at, coalesce(c.closed_at, c.merged_at) AS closed_at, person(c.author) AS author,
    list_transform(list_filter(coalesce(c.reviewers, []), lambda r: NOT is_left(r) AND r IS DISTINCT FROM c.author), lambda r: person(r)) AS reviewers,
    list_transform(coalesce(c.approvers, []), lambda r: person(r)) AS approvers,
    is_left(c.author) AS is_left,
    first_review(r.reviews, c.author) AS reviewed_at,
    epoch(reviewed_at) - least(epoch(reviewed_at), epoch(coalesce(c.ready_at, c.created_at))) AS review_s,
    epoch(c.merged_at) - epoch(c.created_at) AS merge_s, c.additions + c.deletions AS lines
FROM change_folded AS c LEFT JOIN review AS r ON r.repository = c.repository AND r.id = c.id, span AS s
WHERE (c.created_at IS NULL OR c.created_at < s.to_at) AND coalesce(c.closed_at, c.merged_at, s.to_at) >= s.before_at;

CREATE TEMP TABLE activity_change AS
SELECT a.*, coalesce(a.merged_at >= s.from_at AND a.merged_at < s.to_at, false) AS is_merged, s.from_at, s.to_at
FROM activity_told AS a, span AS s
WHERE NOT a.is_left AND a.created_at IS NOT NULL AND (a.closed_at IS NULL OR a.closed_at >= s.from_at);

CREATE TEMP TABLE known_since AS SELECT min(created_at) AS known_from FROM change_folded;
