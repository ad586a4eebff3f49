-- Relations asked: change_facts, what was told of changes, some of it twice. Gives review: by change, who reviewed it
-- when, without the bots that do not count; macro first_review(reviews, author): when another than the author
-- first did. A source that does not say who reviewed is believed.
CREATE TEMP TABLE review AS
SELECT repository, id, list({'at': first_review_at, 'by': reviewer}) AS reviews
FROM (
    SELECT repository, id, first_review_at, unnest(CASE WHEN len(reviewers) > 0 THEN reviewers ELSE [NULL] END) AS reviewer
    FROM change_facts WHERE first_review_at IS NOT NULL
)
WHERE NOT is_left(reviewer)
GROUP BY repository, id;

CREATE TEMP MACRO first_review(reviews, author) AS
    list_min(list_transform(list_filter(reviews, lambda v: v.by IS NULL OR v.by IS DISTINCT FROM author), lambda v: v.at));
