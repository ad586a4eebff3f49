-- What src/persist/sql/commit.sql gives, said again in its plainest form: every commit beside every change.
SELECT k.repository, k.sha, min(c.number) AS change_number
FROM commit_folded AS k
JOIN change_folded AS c ON c.repository = k.repository
    AND (k.sha = c.merge_sha OR k.sha = c.head_sha OR (k.branch = c.head_branch
        AND k.branch <> coalesce(c.base_branch, '') AND coalesce(c.head_repository, c.repository) = c.repository
        AND (c.closed_at IS NULL OR k.committed_at <= c.closed_at)))
GROUP BY k.repository, k.sha
