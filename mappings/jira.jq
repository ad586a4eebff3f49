# jira.jq - Jira's webhooks: issues created, updated, closed, deleted.
# The payloads: developer.atlassian.com, "Webhooks".

def kind: ascii_downcase | ltrimstr("[system] ")
  | if test("bug|defect") then "bug" elif test("incident") then "incident" elif test("question") then "question"
    elif test("story|improvement|feature|epic") then "enhancement" else "task" end;
def urgency: {highest: "high", high: "high", medium: "medium", low: "low", lowest: "low"}[. // "" | ascii_downcase];
def end_of: . // "" | ascii_downcase
  | if test("duplicate") then "duplicate" elif test("won't|wont|declined|cannot|withdrawn|incomplete") then "withdrawn"
    else "completed" end;
def person: if . == null then null else .accountId // .name // .key end;

def issue:
  need("/issue/self") as $self
  | ($self | split("/rest/")[0]) as $site
  | need("/issue/key") as $key
  | need("/issue/fields") as $f
  | ($site + "/browse/" + $key) as $url
  | (need("/timestamp") | when) as $at
  | ($f.issuetype.name | kind) as $kind
  | ($f.status.statusCategory.key == "done") as $is_done
  | (if $is_done then (($f.resolutiondate | when) // $at) else null end) as $closed
  | {summary: $f.summary, ticketType: $kind, uri: $url, labels: ($f.labels // []), priority: ($f.priority.name | urgency),
     assignees: [$f.assignee | person | select(.)], group: $f.project.key} as $content
  | ([(.changelog.items // [])[] | select(.field == "status" or .field == "resolution")] != []) as $moved
  # Done since when: this delivery tells it, unless it is about something else and no date stands there.
  | ($is_done and $f.resolutiondate == null and ($moved | not) and .webhookEvent != "jira:issue_created") as $unknown
  | ({model: "ticket", at: $at, source: $site, id: $key, title: $f.summary, type: $kind,
     priority: ($f.priority.name | urgency), author: (($f.creator // $f.reporter) | person),
     assignees: $content.assignees, labels: $content.labels, milestone: ($f.fixVersions // [] | .[0].name),
     created_at: ($f.created | when), updated_at: (($f.updated | when) // $at), url: $url,
     attributes: ({status: $f.status.name, project: $f.project.key, issue_type: $f.issuetype.name}
                  | with_entries(select(.value)))}
     + (if $unknown then {} else
          {state: (if $is_done then "closed" else "open" end), closed_at: $closed,
           resolution: (if $is_done then ($f.resolution.name | end_of) else null end)} end)) as $ticket
  | ({model: "incident", at: $at, source: $site, id: $key, title: $f.summary, severity: $f.priority.name,
     labels: ($f.labels // []), detected_at: ($f.created | when), url: $url, is_incident: true}
     + (if $unknown then {} else
          {state: (if $is_done then "resolved" else "open" end), resolved_at: $closed} end)) as $incident
  | {model: "incident", at: $at, source: $site, id: $key, is_incident: false} as $withdrawn
  | if .webhookEvent == "jira:issue_created" then
      cdevent("ticket.created"; $at; $site; $url; $content + {creator: (($f.creator // $f.reporter | person) // "unknown")}),
      $ticket, (if $kind == "incident" then $incident else empty end)
    elif .webhookEvent == "jira:issue_updated" then
      ([(.changelog.items // [])[] | select(.field == "issuetype" and (.fromString // "" | kind) == "incident")] != [])
        as $retyped
      | (if $moved and $is_done then
           cdevent("ticket.closed"; $at; $site; $url;
                   $content + {resolution: ($f.resolution.name | end_of), updatedBy: (.user | person)})
         else cdevent("ticket.updated"; $at; $site; $url; $content + {updatedBy: (.user | person)}) end),
        $ticket, (if $kind == "incident" then $incident elif $retyped then $withdrawn else empty end)
    elif .webhookEvent == "jira:issue_deleted" then
      $ticket + {deleted_at: $at}, (if $kind == "incident" and ($is_done | not) then $withdrawn else empty end)
    else empty end;

if .webhookEvent // "" | startswith("jira:issue_") then issue else empty end
