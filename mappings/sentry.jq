# sentry.jq - Sentry's integration platform: issues as tickets, metric alerts as incidents.
# The payloads: docs.sentry.io, "Webhooks".

def site: split("/")[0:3] | join("/");

def issue:
  .data.issue as $i
  | (need("/data/issue/web_url") | site) as $site
  | $i.web_url as $url
  | (if .action == "created" then $i.firstSeen | when else $received end) as $at
  | ($i.status == "resolved") as $is_resolved
  | ($is_resolved or $i.status == "ignored") as $is_closed
  # An assignment says that it is closed, not since when.
  | ($is_closed and .action == "assigned") as $unknown
  | {summary: $i.title, ticketType: "bug", uri: $url, group: $i.project.slug,
     labels: [$i.level, $i.platform | select(.)]} as $content
  | (if .action == "created" then cdevent("ticket.created"; $at; $site; $url; $content + {creator: "sentry"})
     elif .action == "resolved" then
       cdevent("ticket.closed"; $at; $site; $url; $content + {resolution: "completed", updatedBy: .actor.name})
     else cdevent("ticket.updated"; $at; $site; $url; $content + {updatedBy: .actor.name}) end),
    {model: "ticket", at: $at, source: $site, id: $i.id, title: $i.title, type: "bug",
     assignees: [$i.assignedTo.name | select(.)], labels: $content.labels, created_at: ($i.firstSeen | when),
     updated_at: $at, url: $url,
     attributes: ({project: $i.project.slug, short_id: $i.shortId, culprit: $i.culprit, events: $i.count}
                  | with_entries(select(.value)))}
    + (if $unknown then {} else
         {state: (if $is_closed then "closed" else "open" end), closed_at: (if $is_closed then $at else null end),
          resolution: (if $is_resolved then "completed" elif $is_closed then "withdrawn" else null end)} end);

def metric_alert:
  .data as $d
  | $d.metric_alert as $m
  | need("/data/web_url") as $url
  | ($url | site) as $site
  | (.action == "resolved") as $is_resolved
  | (if $is_resolved then (($m.date_closed | when) // $received) else $m.date_detected | when end) as $at
  | ($m.alert_rule.environment // "production") as $environment
  | cdevent(if $is_resolved then "incident.resolved" else "incident.detected" end; $at; $site; $url;
            {description: $d.description_title, environment: {id: $environment},
             service: {id: ($m.projects // ["unknown"] | .[0])}}),
    {model: "incident", at: $at, ordinal: (if $is_resolved then 1 else 0 end), source: $site, id: $m.identifier,
     service: ($m.projects // [] | .[0]), environment: $environment, title: $m.title,
     severity: (if $is_resolved then null else .action end), state: (if $is_resolved then "resolved" else "open" end),
     detected_at: ($m.date_detected | when), resolved_at: (if $is_resolved then $at else null end), url: $url,
     is_incident: true, attributes: {description: $d.description_text}};

if $headers["sentry-hook-resource"] == "issue" then issue
elif $headers["sentry-hook-resource"] == "metric_alert" then metric_alert
elif $headers["sentry-hook-resource"] == "installation" then ignored("installation")
else empty end
