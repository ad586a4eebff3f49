-- Relations asked: dora_figure, wish. Gives dora_tier: the tier of each figure by one year's report, one a metric
-- and never one for all. Bands [least, most) are data, gaps and oddities of the reports kept: 2019 has none between
-- 15 and 46 % and between a day and a week to restore; in 2024 medium fails less often than high. "On demand" has no
-- number in the reports: it is read as 5 days a week or more with a deployment.
CREATE TEMP TABLE dora_tier AS
WITH unit AS (SELECT 3600.0 AS h, 86400.0 AS d, 604800.0 AS w, 2629800.0 AS m, 'infinity'::DOUBLE AS far),
band AS (
    SELECT year, metric, tier, place, least, most FROM unit, (VALUES
    (2019, 'lead', ['elite', 'high', 'medium', 'low'], [0, d, w, m], [d, w, m, 6 * m]),
    (2019, 'fail', ['elite', 'high', 'medium', 'low'], [0, 0, 0, 0.455], [0.155, 0.155, 0.155, 0.605]),
    (2019, 'restore', ['elite', 'high', 'medium', 'low'], [0, h, h, w], [h, d, d, m]),
    (2019, 'gap', ['high', 'medium', 'low'], [0, w, m], [w + 1, m + 1, 6 * m + 1]),
    (2021, 'lead', ['elite', 'high', 'medium', 'low'], [0, h, w, 6 * m], [h, w, 6 * m, far]),
    (2021, 'fail', ['elite', 'high', 'medium', 'low'], [0, 0.155, 0.205, 0.305], [0.155, 0.205, 0.305, far]),
    (2021, 'restore', ['elite', 'high', 'medium', 'low'], [0, h, d, w], [h, d, w, far]),
    (2021, 'gap', ['high', 'medium', 'low'], [0, m, 6 * m], [m + 1, 6 * m + 1, far]),
    (2023, 'lead', ['elite', 'high', 'medium', 'low'], [0, d, w, m], [d, w, m, far]),
    (2023, 'fail', ['elite', 'high', 'medium', 'low'], [0, 0.05001, 0.10001, 0.15001], [0.05001, 0.10001, 0.15001, far]),
    (2023, 'restore', ['elite', 'high', 'medium', 'low'], [0, h, d, w], [h, d, w, far]),
    (2023, 'gap', ['high', 'medium', 'low'], [0, w, m], [w + 1, m + 1, far]),
    (2024, 'lead', ['elite', 'high', 'medium', 'low'], [0, d, w, m], [d, w, m, 6 * m]),
    (2024, 'fail', ['elite', 'medium', 'high', 'low'], [0, 0.05001, 0.10001, 0.20001], [0.05001, 0.10001, 0.20001, far]),
    (2024, 'restore', ['elite', 'high', 'medium', 'low'], [0, h, h, w], [h, d, d, m]),
    (2024, 'gap', ['high', 'medium', 'low'], [0, w, m], [w + 1, m + 1, 6 * m + 1])
    ) AS v(year, metric, tiers, leasts, mosts),
    LATERAL (SELECT unnest(tiers), unnest(range(len(tiers))), unnest(leasts), unnest(mosts)) AS b(tier, place, least, most)
), value AS (
    SELECT by_service, by_environment, is_all, days_per_week_p50, v.metric, v.x FROM (
        SELECT f.*, unnest([{metric: 'lead', x: lead_p50_s}, {metric: 'fail', x: fail_rate},
            {metric: 'restore', x: recovery_p50_s}, {metric: 'gap', x: 86400.0 / nullif(per_day, 0)}]) AS v
        FROM dora_figure AS f WHERE f.kind = 'now')
), placed AS (
    SELECT a.by_service, a.by_environment, a.is_all, a.metric, a.days_per_week_p50, arg_min(b.tier, b.place) AS tier
    FROM value AS a CROSS JOIN wish AS w
    LEFT JOIN band AS b ON b.year = w.tiers_year AND b.metric = a.metric AND a.x >= b.least AND a.x < b.most
    GROUP BY ALL
)
SELECT by_service, by_environment, is_all,
    max(CASE WHEN metric = 'gap' THEN if(days_per_week_p50 >= 5 AND w.tiers_year < 2025, 'elite', tier) END) AS frequency,
    max(CASE WHEN metric = 'lead' THEN tier END) AS lead, max(CASE WHEN metric = 'fail' THEN tier END) AS fail,
    max(CASE WHEN metric = 'restore' THEN tier END) AS restore
FROM placed, wish AS w
GROUP BY by_service, by_environment, is_all;
