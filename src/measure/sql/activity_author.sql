-- A person is a filter for one's own work, never a ranking: in the order of their names.
SELECT author, count(*) FILTER (created_at >= from_at AND created_at < to_at) AS opened,
    count(*) FILTER (is_merged) AS merged,
    round(CAST(middle(CASE WHEN is_merged THEN review_s END, 0.5) AS DOUBLE), 1) AS first_review_p50_s,
    round(CAST(middle(CASE WHEN is_merged THEN merge_s END, 0.5) AS DOUBLE), 1) AS open_to_merge_p50_s,
    round(CAST(middle(CASE WHEN is_merged THEN lines END, 0.5) AS DOUBLE), 1) AS lines_p50,
    count(*) FILTER (closed_at IS NULL OR closed_at >= to_at) AS open_at_end,
    count(review_s) FILTER (is_merged) AS first_review_n, count(merge_s) FILTER (is_merged) AS open_to_merge_n, count(lines) FILTER (is_merged) AS lines_n
FROM activity_change
GROUP BY author, from_at, to_at
ORDER BY author
