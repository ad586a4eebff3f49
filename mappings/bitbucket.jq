# bitbucket.jq - Bitbucket Cloud's webhooks: pushes, pull requests, build statuses.
# The payloads: support.atlassian.com, "Event payloads".

def web: .repository.links.html.href | if . == null then dead("/repository/links/html/href"; "is missing") else . end;
def where: {repository: {id: web, source: "https://bitbucket.org"}};
def login: if . == null then null else .nickname // .display_name end;

def push:
  web as $web
  | where as $where
  | (need("/push/changes")[]
     | (.new // .old) as $ref
     | if $ref.type != "branch" then ignored("a tag is no branch")
       else ($web + "#refs/heads/" + $ref.name) as $subject
       | {model: "branch", at: $received, repository: ($web | repository), name: $ref.name} as $row
       | if .new == null then
           cdevent("branch.deleted"; $received; $web; $subject; $where),
           $row + {head_sha: null, deleted_at: $received}
         else
           (if .created then cdevent("branch.created"; $received; $web; $subject; $where) else empty end),
           $row + {head_sha: .new.target.hash, deleted_at: null,
                   created_at: (if .created then $received else null end)},
           ((.commits // [])[]
            | (.author.raw // "" | split(" <")) as $raw
            | {model: "commit", at: (.date | when), repository: ($web | repository), sha: .hash, message,
               author: ((.author.user | login) // $raw[0]), author_name: $raw[0],
               author_email: (($raw[1] // "") | rtrimstr(">")), committed_at: (.date | when), pushed_at: $received,
               branch: $ref.name, parents: [(.parents // [])[].hash]})
         end
       end);

# When it ended, only these two tell: `updated_on` of what comes afterwards is later.
def end_by: {fulfilled: "merged", rejected: "closed"}[.];

def pull_request($event):
  need("/pullrequest") as $pr
  | $pr.links.html.href as $url
  | (((.approval // .changes_request // {}).date // $pr.updated_on) | when) as $at
  | ((.approval // .changes_request // {}).user | login) as $reviewer
  | ($event | end_by) as $ended
  | {model: "change", at: $at, repository: (web | repository), id: $pr.id} as $row
  | cdevent({created: "change.created", fulfilled: "change.merged", rejected: "change.abandoned",
             approved: "change.reviewed", unapproved: "change.reviewed",
             changes_request_created: "change.reviewed"}[$event] // "change.updated"; $at; web; $url;
            where + {description: (if $event == "created" and $pr.title != "" then $pr.title else null end)}),
    $row + {at: ($pr.updated_on | when), number: $pr.id, title: $pr.title, url: $url, author: ($pr.author | login),
            base_branch: $pr.destination.branch.name, base_sha: $pr.destination.commit.hash,
            head_branch: $pr.source.branch.name, head_sha: $pr.source.commit.hash,
            head_repository: ($pr.source.repository | if .full_name then "bitbucket.org/" + .full_name else null end),
            labels: [], requested_reviewers: [($pr.reviewers // [])[] | login], created_at: ($pr.created_on | when),
            merged_by: (if $pr.state == "MERGED" then $pr.closed_by | login else null end), is_draft: $pr.draft,
            comments: $pr.comment_count}
         + (if $ended then
              {state: $ended, original_status: $pr.state, merge_sha: $pr.merge_commit.hash, closed_at: ($pr.updated_on | when),
               merged_at: (if $ended == "merged" then $pr.updated_on | when else null end)}
            elif $pr.state == "OPEN" then {state: "open", original_status: $pr.state}
            else {} end),
    (if $reviewer then
       $row + {first_review_at: $at, reviewers: [$reviewer],
               approved_at: (if $event == "approved" then $at else null end),
               verdicts: {($reviewer): ({approved: "approved", unapproved: "dismissed",
                                         changes_request_removed: "dismissed"}[$event] // "changes_requested")}}
     else empty end);

def status:
  need("/commit_status") as $s
  | ($s.updated_on | when) as $at
  | {SUCCESSFUL: "success", FAILED: "failure", STOPPED: "cancel"}[$s.state] as $outcome
  | ($s.commit.hash // ($s.links.commit.href | split("/commit/")[1])) as $sha
  | {model: "pipeline_run", at: $at, source: web, id: "\($sha)/\($s.key)", attempt: 1,
     repository: (web | repository), name: $s.name, branch: $s.refname, sha: $sha, url: $s.url,
     created_at: ($s.created_on | when), original_status: $s.state} as $row
  | {pipelineName: $s.name, uri: $s.url} as $content
  | if $s.state == "INPROGRESS" then
      cdevent("pipelinerun.started"; $at; web; $s.url; $content), $row + {ordinal: 1, started_at: $at}
    else
      cdevent("pipelinerun.finished"; $at; web; $s.url; $content + {outcome: $outcome}),
      $row + {ordinal: 2, outcome: $outcome, original_result: $s.state, finished_at: $at,
              started_at: ($s.created_on | when)}
    end;

($headers["x-event-key"] // "") as $event
| if $event == "repo:push" then push
  elif $event | startswith("repo:commit_status") then status
  elif $event | startswith("pullrequest:comment") then empty
  elif $event | startswith("pullrequest:") then pull_request($event | ltrimstr("pullrequest:"))
  else empty end
