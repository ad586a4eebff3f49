-- Relations asked: activity_told, activity_change, period, known_since, span. Gives figure: one row a period and figure,
-- as window.h has them; out_count: what lies in the window and is in no figure, or in some alone; open_at_end.
CREATE TEMP TABLE activity_period AS
SELECT kind, n, count(*) FILTER (is_merged) AS merged, count(*) FILTER (is_closed) AS closed,
    count(*) FILTER (is_closed AND merged_at IS NULL) AS dropped,
    count(*) FILTER (is_merged AND reviewed_at IS NULL) AS unreviewed, count(*) FILTER (is_open) AS open,
    count(review_s) FILTER (is_merged) AS reviewed, count(merge_s) FILTER (is_merged) AS timed,
    count(lines) FILTER (is_merged) AS sized,
    middle(CASE WHEN is_merged THEN review_s END, 0.5) AS review_p50, middle(CASE WHEN is_merged THEN review_s END, 0.9) AS review_p90,
    middle(CASE WHEN is_merged THEN merge_s END, 0.5) AS merge_p50, middle(CASE WHEN is_merged THEN merge_s END, 0.9) AS merge_p90,
    middle(CASE WHEN is_merged THEN lines END, 0.5) AS lines_p50
FROM (
    SELECT a.*, p.kind, p.n, coalesce(merged_at >= p.from_at AND merged_at < p.to_at, false) AS is_merged,
        coalesce(closed_at >= p.from_at AND closed_at < p.to_at, false) AS is_closed,
        closed_at IS NULL OR closed_at >= p.to_at AS is_open
    FROM activity_told AS a JOIN period AS p
        ON a.created_at < p.to_at AND (a.closed_at IS NULL OR a.closed_at >= p.from_at)
    WHERE NOT a.is_left
)
GROUP BY kind, n;

CREATE TEMP TABLE figure AS
SELECT kind, n, begins_at, is_part, unnest([
    figure_of(1, 'merged_per_day', 'Changes merged', 'Merged', '', 'per_day', 1, per_day(merged, kind, from_at, to_at, known_from),
        merged, merged, counted(merged, 'change', 'changes')),
    figure_of(2, 'first_review_p50_s', 'First review', 'First review', 'p50', 'span', -1, review_p50, reviewed, reviewed,
        concat(reviewed, ' reviewed')),
    figure_of(3, 'first_review_p90_s', '', '', 'p90', 'span', -1, review_p90, reviewed, reviewed, concat(unreviewed, ' without')),
    figure_of(4, 'open_to_merge_p50_s', 'Open to merge', 'To merge', 'p50', 'span', -1, merge_p50, timed, timed,
        concat(timed, ' merged')),
    figure_of(5, 'open_to_merge_p90_s', '', '', 'p90', 'span', -1, merge_p90, timed, timed, concat(open, ' still open')),
    figure_of(6, 'lines_p50', 'Lines changed', 'Lines', 'p50', 'number', 0, lines_p50, sized, sized, concat(sized, ' merged')),
    figure_of(7, 'unreviewed_rate', 'Merged unreviewed', 'Unreviewed', '', 'rate', -1, unreviewed / nullif(merged, 0), merged, unreviewed,
        concat(unreviewed, ' of ', merged)),
    figure_of(8, 'dropped_rate', 'Closed unmerged', 'Unmerged', '', 'rate', -1, dropped / nullif(closed, 0), closed, dropped,
        concat(dropped, ' of ', closed))
], recursive := true)
FROM (
    SELECT p.kind, p.n, p.from_at, p.to_at, p.from_at AT TIME ZONE s.zone AS begins_at, k.known_from,
        is_partly(p.is_part, p.from_at, p.to_at, k.known_from) AS is_part,
        coalesce(merged, 0) AS merged, coalesce(closed, 0) AS closed, coalesce(dropped, 0) AS dropped,
        coalesce(unreviewed, 0) AS unreviewed, coalesce(open, 0) AS open, coalesce(reviewed, 0) AS reviewed,
        coalesce(timed, 0) AS timed, coalesce(sized, 0) AS sized, review_p50, review_p90, merge_p50, merge_p90, lines_p50
    FROM span AS s, known_since AS k, period AS p LEFT JOIN activity_period AS a ON a.kind = p.kind AND a.n = p.n
);

CREATE TEMP TABLE out_count AS
SELECT what, reason, n FROM (
    SELECT 'change' AS what, 'by a bot' AS reason, count(*) AS n FROM activity_told, span AS s
    WHERE is_left AND (closed_at IS NULL OR closed_at >= s.from_at)
    UNION ALL SELECT 'change', 'opened at a time that is not known', count(*) FROM activity_told, span AS s
    WHERE created_at IS NULL AND NOT is_left AND (closed_at IS NULL OR closed_at >= s.from_at)
    UNION ALL SELECT 'merged change', 'without a review by another, in no review time', count(*) FROM activity_change
    WHERE is_merged AND reviewed_at IS NULL
    UNION ALL SELECT 'merged change', 'of a size that is not known, in no count of lines', count(*) FROM activity_change
    WHERE is_merged AND lines IS NULL
) WHERE n > 0;

CREATE TEMP TABLE open_at_end AS
SELECT 'change' AS what, 'changes' AS whats, count(*) AS n, epoch(max(to_at)) - epoch(min(created_at)) AS oldest_s
FROM activity_change WHERE closed_at IS NULL OR closed_at >= to_at;
