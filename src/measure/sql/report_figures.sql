-- The figures over all, now and in the period before, with the cases behind each.
SELECT f.key AS figure, f.value, f.cases AS n, b.value AS before, b.cases AS before_n
FROM figure AS f LEFT JOIN figure AS b ON b.nth = f.nth AND b.kind = 'before'
WHERE f.kind = 'now'
ORDER BY f.nth
