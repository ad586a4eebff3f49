-- Relations asked: change, span. What the parts of the activity report count: changes that were
-- open in the window. A draft that was reviewed before it was ready waited for no review. Who answers in
-- an own change reviews nothing.
CREATE TEMP TABLE activity_change AS
SELECT c.repository, c.number, c.state, c.created_at, c.merged_at, c.closed_at, c.first_review_at,
    person(c.author) AS author,
    list_transform(list_filter(coalesce(c.reviewers, []), lambda r: NOT is_left(r) AND r IS DISTINCT FROM c.author), lambda r: person(r)) AS reviewers,
    list_transform(coalesce(c.approvers, []), lambda r: person(r)) AS approvers,
    coalesce(c.merged_at >= s.from_at AND c.merged_at < s.to_at, false) AS is_merged,
    epoch(c.first_review_at) - least(epoch(c.first_review_at), epoch(coalesce(c.ready_at, c.created_at))) AS review_s,
    epoch(c.merged_at) - epoch(c.created_at) AS merge_s, c.additions + c.deletions AS lines,
    s.from_at, s.to_at
FROM change AS c, span AS s
WHERE NOT is_left(c.author) AND c.created_at < s.to_at AND (c.closed_at IS NULL OR c.closed_at >= s.from_at);
