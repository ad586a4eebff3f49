# gitlab.jq - GitLab's project and group webhooks: push, merge request, pipeline, job, deployment, release, issue.
# The payloads: docs.gitlab.com, "Webhook events".

def project: .project // {};
def web: (project.web_url // .repository.homepage) | if . == null then dead("/project/web_url"; "is missing") else . end;
def host: web | split("/")[0:3] | join("/");
def short: web | split("/")[3:] | join("/");
def where: {repository: {id: web, source: host}};
def zeros: . == "0000000000000000000000000000000000000000";
def outcome: {success: "success", failed: "failure", canceled: "cancel"}[. // ""];
def labels: [(.labels // .object_attributes.labels // [])[] | .title];
def is_author: .user.id != null and .user.id == .object_attributes.author_id;

def push:
  .ref as $ref
  | if ($ref | startswith("refs/heads/") | not) then ignored("a tag is told by its release")
    else ($ref | ltrimstr("refs/heads/")) as $branch
    | {model: "branch", at: $received, repository: (web | repository), name: $branch} as $row
    | (web + "#" + $ref) as $subject
    | if .after | zeros then
        cdevent("branch.deleted"; $received; web; $subject; where),
        $row + {head_sha: null, deleted_at: $received, is_default: false}
      else
        (if .before | zeros then cdevent("branch.created"; $received; web; $subject; where) else empty end),
        $row + {head_sha: .after, deleted_at: null, is_default: (project.default_branch == $branch),
                created_at: (if .before | zeros then $received else null end)}
        # GitLab lists 20 commits of a push at most, and says how many it had.
        + (((.total_commits_count // 0) - (.commits // [] | length)) as $missing
           | if $missing > 0 then {attributes: {commits_missing: $missing}} else {} end),
        (web as $web | (.commits // [])[]
         | {model: "commit", at: (.timestamp | when), repository: ($web | repository), sha: .id, message,
            author: .author.name, author_name: .author.name, author_email: .author.email,
            committed_at: (.timestamp | when), pushed_at: $received, branch: $branch,
            files: ((.added // []) + (.modified // []) + (.removed // []) | unique)})
      end
    end;

# What tells apart the events of one second, which is all that `updated_at` tells: who reviewed, what was changed.
def act($action):
  if $action | . == "approved" or . == "unapproved" or . == "approval" or . == "unapproval" then
    "\($action),\(.user.username)"
  elif $action == "update" then ["update"] + (.changes // {} | keys - ["updated_at", "updated_by_id"]) | join(",")
  else null end;

# Whoever acts is told, the author only by a number: so the author is known once the author acts.
def merge_request:
  .object_attributes as $mr
  | ($mr.updated_at | when) as $at
  | ($mr.action // "update") as $action
  | {model: "change", at: $at, repository: (web | repository), id: $mr.iid} as $row
  | ($mr.draft // $mr.work_in_progress) as $is_draft
  | cdevent({open: "change.created", merge: "change.merged", close: "change.abandoned", approved: "change.reviewed",
             unapproved: "change.reviewed", approval: "change.reviewed", unapproval: "change.reviewed"}[$action]
            // "change.updated"; $at; web; $mr.url;
            where + {description: (if $action == "open" and $mr.title != "" then $mr.title else null end)}; act($action)),
    ($row + (if is_author then {author: .user.username} else {} end)
     + {number: $mr.iid, title: $mr.title, url: $mr.url, base_branch: $mr.target_branch,
        head_branch: $mr.source_branch, head_sha: $mr.last_commit.id, labels: labels,
        requested_reviewers: [(.reviewers // [])[].username],
        head_repository: ($mr.source.web_url | repository), created_at: ($mr.created_at | when)}),
    (if $action | . == "open" or . == "close" or . == "reopen" or . == "merge" then
       $row + {state: ({merge: "merged", close: "closed"}[$action] // "open"),
               original_status: $mr.state, is_draft: $is_draft,
               ready_at: (if $action == "open" and $is_draft == false then $mr.created_at | when else null end),
               merged_at: (if $action == "merge" then $at else null end),
               closed_at: (if $action == "merge" or $action == "close" then $at else null end),
               merged_by: (if $action == "merge" then .user.username else null end),
               merge_sha: ($mr.merge_commit_sha // $mr.squash_commit_sha)}
     elif $action == "update" and (.changes // {} | .draft // .work_in_progress) then
       $row + {is_draft: $is_draft, ready_at: (if $is_draft == false then $at else null end)}
     elif $action | . == "approved" or . == "approval" then
       $row + {approved_at: $at, first_review_at: $at, reviewers: [.user.username],
               verdicts: {(.user.username): "approved"}}
     elif $action | . == "unapproved" or . == "unapproval" then
       $row + {first_review_at: $at, reviewers: [.user.username], verdicts: {(.user.username): "dismissed"}}
     else empty end);

def pipeline:
  .object_attributes as $p
  | ([(.builds // [])[].started_at | select(.) | when] | min) as $begun
  | {model: "pipeline_run", source: web, id: $p.id, attempt: 1, repository: (web | repository),
     name: ($p.name // short), number: $p.iid, branch: $p.ref, sha: $p.sha, trigger: $p.source,
     actor: .user.username, created_at: ($p.created_at | when), queued_at: ($p.created_at | when),
     change_numbers: [.merge_request.iid | select(.)], original_status: $p.status,
     url: ($p.url // (web + "/-/pipelines/" + ($p.id | tostring)))} as $row
  | {pipelineName: $row.name, uri: $row.url} as $content
  | if $p.status | . == "success" or . == "failed" or . == "canceled" or . == "skipped" then
      (($p.finished_at | when) // $received) as $at
      | cdevent("pipelinerun.finished"; $at; web; $row.url; $content + {outcome: ($p.status | outcome)}),
        $row + {at: $at, ordinal: 2, outcome: ($p.status | outcome), original_result: $p.status,
                finished_at: $at, started_at: $begun}
    elif $p.status == "running" then
      ($begun // $received) as $at
      | cdevent("pipelinerun.started"; $at; web; $row.url; $content), $row + {at: $at, ordinal: 1, started_at: $at}
    else cdevent("pipelinerun.queued"; $row.created_at; web; $row.url; $content), $row + {at: $row.created_at}
    end;

def job:
  (web + "/-/jobs/" + (.build_id | tostring)) as $url
  | {model: "task_run", source: web, id: .build_id, attempt: 1, pipeline_run_id: .pipeline_id,
     repository: (web | repository), name: .build_name, runner: .runner.description, labels: (.runner.tags // []),
     sha, branch: .ref, queued_at: (.build_created_at | when), url: $url,
     attributes: ({stage: .build_stage, failure_reason: .build_failure_reason} | with_entries(select(.value)))} as $row
  | {taskName: .build_name, uri: $url, pipelineRun: {id: (.pipeline_id | tostring)}} as $content
  | if .build_status | . == "success" or . == "failed" or . == "canceled" or . == "skipped" then
      ((.build_finished_at // .build_created_at | when) // $received) as $at
      | cdevent("taskrun.finished"; $at; web; $url; $content + {outcome: (.build_status | outcome)}),
        $row + {at: $at, ordinal: 2, outcome: (.build_status | outcome), original_result: .build_status,
                started_at: (.build_started_at | when), finished_at: $at}
    elif .build_status == "running" then
      ((.build_started_at | when) // $received) as $at
      | cdevent("taskrun.started"; $at; web; $url; $content), $row + {at: $at, ordinal: 1, started_at: $at}
    else $row + {at: ($row.queued_at // $received)} end;

def deployment:
  (need("/status_changed_at") | when) as $at
  | (.commit_url // "" | split("/commit/")[1] // $at) as $sha
  | {model: "deployment", at: $at, source: web, id: need("/deployment_id"), repository: (web | repository),
     environment, is_production: (if .environment_tier then .environment_tier == "production" else null end),
     sha: ($sha | select(. != $at)), ref, creator: .user.username, url: .environment_external_url,
     log_url: .deployable_url, description: .commit_title, original_status: .status} as $row
  | if .status == "success" then
      cdevent("service.deployed"; $at; web; web;
              {environment: {id: .environment, source: host}, artifactId: "pkg:gitlab/\(short)@\($sha)"}),
      $row + {ordinal: 2, state: "succeeded", finished_at: $at}
    elif .status == "running" then $row + {ordinal: 1, state: "running", started_at: $at}
    elif .status | . == "failed" or . == "canceled" then $row + {ordinal: 2, state: "failed"}
    else $row + {state: "queued", created_at: $at, queued_at: $at} end;

def release:
  {model: "release", repository: (web | repository), tag, created_at: (.created_at | when)}
  + if .action == "delete" then {at: $received, deleted_at: $received}
    else {at: (if .action == "update" then $received else .created_at | when end), name, url, sha: .commit.id,
          published_at: ((.released_at // .created_at) | when), is_draft: false, is_prerelease: false,
          deleted_at: null} end;

# Whether an issue that is no incident may have been one: its label went, or its type, which is never among the changes:
# so of a delivery that names no change, nobody knows.
def was_incident:
  (.changes // {}) as $changes
  | ($changes | keys - ["updated_at", "updated_by_id"] == [])
    or ([($changes.labels.previous // [])[] | .title] | index("incident") != null);

def issue:
  .object_attributes as $i
  | ($i.updated_at | when) as $at
  | ($i.action // "update") as $action
  | ($i.type == "Incident" or $i.type == "incident" or (labels | index("incident") != null)) as $is_incident
  | (if $i.state == "closed" then ($i.closed_at // $i.updated_at) | when else null end) as $closed
  | (if $is_incident then "incident" else ([labels[] | ascii_downcase] |
      if index("bug") then "bug" elif index("enhancement") or index("feature") then "enhancement" else "task" end) end)
     as $type
  | (if $action == "open" then cdevent("ticket.created"; $at; web; $i.url;
       {summary: $i.title, ticketType: $type, creator: .user.username, uri: $i.url, labels: labels})
     elif $action == "close" then cdevent("ticket.closed"; $at; web; $i.url;
       {summary: $i.title, ticketType: $type, uri: $i.url, labels: labels, resolution: "completed",
        updatedBy: .user.username})
     else cdevent("ticket.updated"; $at; web; $i.url;
       {summary: $i.title, ticketType: $type, uri: $i.url, labels: labels, updatedBy: .user.username}; act($action)) end),
    {model: "ticket", at: $at, source: web, id: $i.iid, repository: (web | repository), number: $i.iid,
     title: $i.title, body: $i.description, type: $type, state: (if $closed then "closed" else "open" end),
     resolution: (if $closed then "completed" else null end),
     author: (if $action == "open" then .user.username else null end),
     assignees: [(.assignees // [])[].username], labels: labels, milestone: $i.milestone.title,
     created_at: ($i.created_at | when), closed_at: $closed, updated_at: $at, url: $i.url},
    (if $is_incident then
       {model: "incident", at: $at, source: web, id: $i.iid, repository: (web | repository), number: $i.iid,
        title: $i.title, labels: labels, severity: (($i.severity // "UNKNOWN") | ascii_downcase | if . == "unknown" then null else . end),
        state: (if $closed then "resolved" else "open" end), detected_at: ($i.created_at | when),
        resolved_at: $closed, url: $i.url, is_incident: true,
        reopened: (if $action == "reopen" then [$at] else [] end)}
     elif $action != "open" and was_incident then
       {model: "incident", at: $at, ordinal: 1, source: web, id: $i.iid, is_incident: false}
     else empty end);

if .object_kind | . == "push" or . == "tag_push" then push
elif .object_kind == "merge_request" then merge_request
elif .object_kind == "pipeline" then pipeline
elif .object_kind == "build" then job
elif .object_kind == "deployment" then deployment
elif .object_kind == "release" then release
elif .object_kind | . == "issue" or . == "incident" then issue
else empty end
