-- What src/persist/sql/commit.sql gives, said again in its plainest form: every commit beside every change.
SELECT k.repository, k.sha, arg_min(c.number, (c.merged_at IS NULL, coalesce(c.merged_at, TIMESTAMP '2026-01-01'), c.number)) AS change_number
FROM commit_folded AS k, change_folded AS c
WHERE c.repository = k.repository AND c.number IS NOT NULL
    AND (is_told(k.repository, k.sha, c.merge_sha) OR is_told(k.repository, k.sha, c.head_sha) OR (k.branch = c.head_branch
        AND k.branch <> coalesce(c.base_branch, '') AND coalesce(c.head_repository, c.repository) = c.repository
        AND (c.closed_at IS NULL OR k.committed_at <= c.closed_at)))
GROUP BY k.repository, k.sha
