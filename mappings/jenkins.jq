# jenkins.jq - Jenkins' Notification plugin (JSON, all phases): builds.
# The payloads: plugins.jenkins.io/notification. Jenkins' CDEvents plugin needs no mapping: agent type cdevents.

# HOST/OWNER/NAME of what git calls https://…, ssh://git@… or git@HOST:OWNER/NAME
def git: if . == null then null
  else rtrimstr("/") | rtrimstr(".git") | sub("^[a-z+]+://([^@/]*@)?"; "") | sub("^[^@/:]+@"; "")
    | sub("^(?<h>[^/:]+):"; "\(.h)/") end;
def outcome: {SUCCESS: "success", FAILURE: "failure", UNSTABLE: "failure", ABORTED: "cancel"}[. // ""];

.build as $b
| need("/build/full_url") as $url
| ($url | split("/job/")[0]) as $source
| (need("/build/timestamp") | when) as $at
| {pipelineName: .name, uri: $url} as $content
| {model: "pipeline_run", at: $at, source: $source, id: $url, attempt: 1, repository: ($b.scm.url | git), name,
   number: $b.number, branch: ($b.scm.branch | if . then ltrimstr("origin/") else . end), sha: $b.scm.commit,
   original_status: $b.phase, url: $url, actor: ($b.scm.culprits // [] | .[0])} as $row
| if $b.phase == "QUEUED" then
    cdevent("pipelinerun.queued"; $at; $source; $url; $content), $row + {queued_at: $at, created_at: $at}
  elif $b.phase == "STARTED" then
    cdevent("pipelinerun.started"; $at; $source; $url; $content), $row + {ordinal: 1, started_at: $at}
  elif $b.phase == "COMPLETED" then
    cdevent("pipelinerun.finished"; $at; $source; $url; $content + {outcome: ($b.status | outcome)}),
    $row + {ordinal: 2, finished_at: $at, outcome: ($b.status | outcome), original_result: $b.status}
  elif $b.phase == "FINALIZED" then ignored("FINALIZED repeats COMPLETED")
  else empty end
