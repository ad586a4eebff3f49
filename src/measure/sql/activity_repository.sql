-- Changes of the window by repository: how many, how fast they were reviewed and merged, how large.
SELECT repository, count(*) FILTER (created_at >= from_at AND created_at < to_at) AS opened,
    count(*) FILTER (is_merged) AS merged,
    round(CAST(middle(CASE WHEN is_merged THEN review_s END, 0.5) AS DOUBLE), 1) AS first_review_p50_s,
    round(CAST(middle(CASE WHEN is_merged THEN merge_s END, 0.5) AS DOUBLE), 1) AS open_to_merge_p50_s,
    round(CAST(middle(CASE WHEN is_merged THEN lines END, 0.5) AS DOUBLE), 1) AS lines_p50,
    count(*) FILTER (state = 'closed' AND merged_at IS NULL AND closed_at >= from_at AND closed_at < to_at) AS dropped,
    count(*) FILTER (closed_at IS NULL OR closed_at >= to_at) AS open_at_end,
    count(DISTINCT author) AS authors,
    round(CAST(middle(CASE WHEN is_merged THEN merge_s END, 0.9) AS DOUBLE), 1) AS open_to_merge_p90_s,
    count(*) FILTER (is_merged AND reviewed_at IS NULL) AS merged_unreviewed,
    count(review_s) FILTER (is_merged) AS first_review_n, count(merge_s) FILTER (is_merged) AS open_to_merge_n, count(lines) FILTER (is_merged) AS lines_n
FROM activity_change
GROUP BY repository, from_at, to_at
ORDER BY merged DESC, repository
