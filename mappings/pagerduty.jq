# pagerduty.jq - PagerDuty's V3 webhooks: incidents.
# The payloads: developer.pagerduty.com, "Webhooks Overview".

# PagerDuty knows no environments. Copy this file and change the line where its services stand for others.
def environment: "production";

# Only these move an incident's state; the others (a priority, a responder) repeat the status that it has.
def moves: . == "triggered" or . == "acknowledged" or . == "resolved" or . == "reopened";

def incident:
  .event as $e
  | ($e.data) as $i
  | (need("/event/occurred_at") | when) as $at
  | (need("/event/data/html_url") | split("/incidents/")[0]) as $source
  | ($e.event_type | ltrimstr("incident.")) as $what
  | {description: $i.title, environment: {id: environment}, service: {id: $i.service.summary, source: $source}}
     as $content
  | (if $what == "triggered" or $what == "reopened" then
       cdevent("incident.detected"; $at; $source; $i.html_url; $content)
     elif $what == "resolved" then cdevent("incident.resolved"; $at; $source; $i.html_url; $content)
     else empty end),
    {model: "incident", at: $at, ordinal: (if $what == "resolved" then 1 else 0 end), source: $source, id: $i.id,
     number: $i.number, service: $i.service.summary, environment: environment, title: $i.title,
     severity: ($i.priority.summary // $i.urgency), detected_at: ($i.created_at | when),
     reopened: (if $what == "reopened" then [$at] else [] end), url: $i.html_url, is_incident: true,
     attributes: ({status: $i.status, urgency: $i.urgency, teams: [($i.teams // [])[].summary]}
                  | with_entries(select(.value != null and .value != [])))}
    + if $what | moves | not then {}
      elif $i.status == "resolved" then {state: "resolved", resolved_at: $at}
      else {state: "open", resolved_at: null} end;

if .event.event_type == "pagey.ping" then ignored("ping")
elif (.event.event_type | startswith("incident.")) and .event.data.type == "incident" then incident
else empty end
