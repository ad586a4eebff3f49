# argocd.jq - Argo CD Notifications, with the template of mappings/README.md: {"app": the Application}.
# The object: argo-cd.readthedocs.io, "Application Specification".

def git: if . == null then null
  else rtrimstr("/") | rtrimstr(".git") | sub("^[a-z+]+://([^@/]*@)?"; "") | sub("^[^@/:]+@"; "")
    | sub("^(?<h>[^/:]+):"; "\(.h)/") end;

need("/app/metadata/name") as $name
| .app as $app
| need("/app/status/operationState") as $o
| ($app.spec.source // $app.spec.sources[0]) as $from
| ($from.repoURL | git) as $repository
| ("https://" + $repository) as $source
| ($o.startedAt | when) as $begun
| (($o.finishedAt | when) // $begun) as $at
| ([$o.syncResult, $app.status.sync | .revision, .revisions[0]?] | map(select(. != null and . != "")) | .[0]) as $revision
| ($app.metadata.labels.environment // $app.spec.destination.namespace) as $environment
| (($app.status.summary.images // [])[0]) as $image
| ($image // if $revision then "pkg:generic/\($name)@\($revision)" else null end) as $artifact
| {model: "deployment", at: $at, source: $source, id: "\($name)/\($begun)", repository: $repository, service: $name,
   environment: $environment, sha: $revision, ref: $from.targetRevision, task: "deploy",
   creator: ($o.operation.initiatedBy | if .automated then "argocd" else .username end),
   is_rollback: false, artifact_id: $artifact, created_at: $begun, started_at: $begun, description: $o.message,
   original_status: $o.phase,
   attributes: ({health: $app.status.health.status, sync: $app.status.sync.status, path: $from.path}
                | with_entries(select(.value)))} as $row
| if $o.phase == "Succeeded" then
    (if $artifact then
       cdevent("service.deployed"; $at; $source; $name; {environment: {id: $environment}, artifactId: $artifact})
     else empty end),
    $row + {ordinal: 2, state: "succeeded", finished_at: $at}
  elif $o.phase == "Failed" or $o.phase == "Error" then $row + {ordinal: 2, state: "failed"}
  elif $o.phase == "Running" or $o.phase == "Terminating" then $row + {ordinal: 1, state: "running"}
  else empty end
