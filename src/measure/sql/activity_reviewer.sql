-- Changes merged in the window that a person reviewed, and approved.
SELECT reviewer, count(*) AS reviewed, count(*) FILTER (list_contains(approvers, reviewer)) AS approved,
    count(DISTINCT repository) AS repositories
FROM (SELECT *, unnest(reviewers) AS reviewer FROM activity_change WHERE is_merged)
GROUP BY reviewer
ORDER BY reviewer
