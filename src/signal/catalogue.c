/* The catalogue itself: one table a model, keys first, the common columns last. The contract is in
 * model.h; the names are those of CDEvents and of DevLake's domain layer where they fit. Adding a
 * column: one line, before COMMON. */
#include "signal/model.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define KEY(name, type, from) {(name), (type), FOLD_KEY, NULL, NULL, (from)}
#define LATEST(group, name, type, from) {(name), (type), FOLD_LATEST, (group), NULL, (from)}
#define RANK(group)                                                                                \
    {group "_rank", COLUMN_TEXT, FOLD_RANK, (group), NULL, "rank of the group " group}
/* The same in every fact that has it; so a fact may leave it out. */
#define FIXED(name, type, from) {(name), (type), FOLD_EARLIEST, NULL, NULL, (from)}
#define EARLIEST(name, type, from) {(name), (type), FOLD_EARLIEST, NULL, NULL, (from)}
#define GREATEST(name, type, from) {(name), (type), FOLD_GREATEST, NULL, NULL, (from)}
#define UNION(name, from) {(name), COLUMN_LIST, FOLD_UNION, NULL, NULL, (from)}
#define MEMBERS(name, from) {(name), COLUMN_LIST, FOLD_MEMBERS, NULL, NULL, (from)}
#define SPAN(name, start, end)                                                                     \
    {(name), COLUMN_REAL, FOLD_SPAN, (start), (end), "seconds from " start " to " end}
#define DERIVED(name, type, from) {(name), (type), FOLD_DERIVED, NULL, NULL, (from)}

/* Every row ends with these. */
#define COMMON                                                                                     \
    {"fact_id", COLUMN_TEXT, FOLD_FACT, NULL, NULL, "XXH3-128 of what the fact says"},             \
        {"fact_at", COLUMN_TIME, FOLD_FACT, NULL, NULL, "the fact's own time"},                    \
        {"agent", COLUMN_TEXT, FOLD_ARRIVAL,                                                       \
         NULL,    NULL,        "who took the signal that first spoke of the row"},                 \
        {"raw", COLUMN_TEXT, FOLD_ARRIVAL,                                                         \
         NULL,  NULL,        "where that raw signal stands, lane:position"},                       \
        {"received_at", COLUMN_TIME, FOLD_ARRIVAL, NULL, NULL, "when weir took it"},               \
        {"revised_at", COLUMN_TIME, FOLD_GREATEST,                                                 \
         NULL,         NULL,        "time of the newest fact in the row"},                         \
        MEMBERS("attributes_by", "attributes with their ranks"),                                   \
        {"attributes",    COLUMN_JSON, FOLD_OBJECT,                                                \
         "attributes_by", NULL,        "what has no column, as a JSON object"}

#define MODEL(name, about, is_stored)                                                              \
    static const struct model model_##name = {#name, (about), name##_columns,                      \
                                              COUNT(name##_columns), (is_stored)}

static const struct column raw_columns[] = {
    KEY("lane", COLUMN_TEXT, "lane of the stream raw"),
    KEY("position", COLUMN_INT, "position in the lane"),
    KEY("bus", COLUMN_TEXT, "id of the streams that have the lane; null in rows of an older weir"),
    LATEST("raw", "source", COLUMN_TEXT, "CloudEvents source"),
    LATEST("raw", "id", COLUMN_TEXT, "CloudEvents id: the delivery's, or the event's"),
    LATEST("raw", "partitionkey", COLUMN_TEXT, "repository, source or collector, else the id"),
    LATEST("raw", "event", COLUMN_TEXT, "CloudEvents type"),
    LATEST("raw", "headers", COLUMN_JSON, "request headers without secrets"),
    LATEST("raw", "body", COLUMN_TEXT, "the bytes as they came"),
    LATEST("raw", "body_bytes", COLUMN_INT, "their number"),
    RANK("raw"),
    COMMON,
};
MODEL(raw, "A signal as it came", false);

static const struct column event_columns[] = {
    KEY("source", COLUMN_TEXT, "context.source"),
    KEY("id", COLUMN_TEXT, "context.id"),
    LATEST("event", "type", COLUMN_TEXT, "context.type, of 0.5.1"),
    LATEST("event", "subject_type", COLUMN_TEXT, "second part of the type: pipelinerun, change, …"),
    LATEST("event", "predicate", COLUMN_TEXT, "third part: started, finished, …"),
    LATEST("event", "subject_id", COLUMN_TEXT, "subject.id"),
    LATEST("event", "subject_source", COLUMN_TEXT, "subject.source"),
    LATEST("event", "occurred_at", COLUMN_TIME, "context.timestamp"),
    LATEST("event", "chain_id", COLUMN_TEXT, "context.chainId"),
    LATEST("event", "content", COLUMN_JSON, "subject.content"),
    LATEST("event", "custom_data", COLUMN_JSON, "customData"),
    LATEST("event", "links", COLUMN_JSON, "context.links"),
    LATEST("event", "original_specversion", COLUMN_TEXT,
           "release of the specification that it came in"),
    LATEST("event", "original", COLUMN_JSON, "the event as it came; null where weir derived it"),
    RANK("event"),
    COMMON,
};
MODEL(event, "A CDEvent, normalised to 0.5.1", true);

static const struct column change_columns[] = {
    KEY("repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    KEY("id", COLUMN_TEXT, "number; CDEvents: subject.id"),
    LATEST("what", "number", COLUMN_INT, "number"),
    LATEST("what", "title", COLUMN_TEXT, "title"),
    LATEST("what", "url", COLUMN_TEXT, "web page"),
    FIXED("author", COLUMN_TEXT, "login of who opened it"),
    LATEST("state", "state", COLUMN_TEXT, "open, merged, closed"),
    LATEST("full", "is_draft", COLUMN_BOOL, "draft"),
    LATEST("what", "base_branch", COLUMN_TEXT, "branch to merge into"),
    LATEST("what", "head_branch", COLUMN_TEXT, "branch to merge"),
    LATEST("what", "head_sha", COLUMN_TEXT, "its newest commit"),
    LATEST("state", "merge_sha", COLUMN_TEXT, "the commit on the base, once merged"),
    EARLIEST("created_at", COLUMN_TIME, "opened"),
    EARLIEST("ready_at", COLUMN_TIME, "first no draft"),
    DERIVED("first_commit_at", COLUMN_TIME, "earliest committed_at of its commits"),
    EARLIEST("first_comment_at", COLUMN_TIME, "first comment by another than the author"),
    EARLIEST("first_review_at", COLUMN_TIME, "first review"),
    EARLIEST("approved_at", COLUMN_TIME, "first approval"),
    LATEST("state", "merged_at", COLUMN_TIME, "merged"),
    LATEST("state", "closed_at", COLUMN_TIME, "closed or merged; null while open"),
    LATEST("full", "merged_by", COLUMN_TEXT, "login of who merged it"),
    LATEST("full", "commits", COLUMN_INT, "number of commits"),
    LATEST("full", "additions", COLUMN_INT, "lines added"),
    LATEST("full", "deletions", COLUMN_INT, "lines deleted"),
    LATEST("full", "changed_files", COLUMN_INT, "files changed"),
    LATEST("full", "comments", COLUMN_INT, "comments"),
    UNION("reviewers", "logins of who reviewed"),
    {"approvers", COLUMN_LIST, FOLD_HOLDING, "verdicts", "approved",
     "logins whose last verdict is approved"},
    LATEST("what", "labels", COLUMN_LIST, "label names"),
    LATEST("what", "requested_reviewers", COLUMN_LIST,
           "logins asked for a review that is still due"),
    LATEST("state", "original_status", COLUMN_TEXT, "the source's own word for its state"),
    LATEST("what", "base_sha", COLUMN_TEXT, "newest commit of the base branch"),
    LATEST("what", "head_repository", COLUMN_TEXT,
           "HOST/OWNER/NAME that the head branch is in; null when the fork is gone"),
    LATEST("milestone", "milestone", COLUMN_TEXT, "title"),
    RANK("state"),
    RANK("what"),
    RANK("full"),
    RANK("milestone"),
    MEMBERS("verdicts", "last verdict of each reviewer: approved, changes_requested, dismissed"),
    COMMON,
};
MODEL(change, "A pull or merge request", true);

static const struct column commit_columns[] = {
    KEY("repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    KEY("sha", COLUMN_TEXT, "SHA-1 or SHA-256, hex"),
    LATEST("commit", "author", COLUMN_TEXT, "login, else name"),
    LATEST("commit", "author_email", COLUMN_TEXT, "e-mail"),
    LATEST("commit", "committer", COLUMN_TEXT, "login, else name"),
    EARLIEST("authored_at", COLUMN_TIME, "written"),
    EARLIEST("committed_at", COLUMN_TIME, "committed"),
    EARLIEST("pushed_at", COLUMN_TIME, "first seen in a push"),
    LATEST("push", "branch", COLUMN_TEXT, "branch of the first push that held it"),
    LATEST("commit", "message", COLUMN_TEXT, "whole message"),
    LATEST("parents", "parents", COLUMN_LIST, "parent commits, where the source tells"),
    LATEST("commit", "files", COLUMN_LIST, "paths added, removed or modified"),
    DERIVED("change_number", COLUMN_INT, "the change that it came with"),
    LATEST("commit", "author_name", COLUMN_TEXT, "name"),
    LATEST("commit", "committer_name", COLUMN_TEXT, "name"),
    LATEST("push", "is_distinct", COLUMN_BOOL, "that push was the first of all that held it"),
    UNION("services", "services whose paths it touches; else its repository"),
    RANK("commit"),
    RANK("push"),
    RANK("parents"),
    COMMON,
};
MODEL(commit, "A commit", true);

static const struct column branch_columns[] = {
    KEY("repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    KEY("name", COLUMN_TEXT, "without refs/heads/"),
    LATEST("head", "head_sha", COLUMN_TEXT, "its newest commit; null once deleted"),
    LATEST("life", "is_default", COLUMN_BOOL, "the repository's default branch"),
    EARLIEST("created_at", COLUMN_TIME, "created"),
    LATEST("life", "deleted_at", COLUMN_TIME, "deleted; null while it exists"),
    RANK("head"),
    RANK("life"),
    COMMON,
};
MODEL(branch, "A branch", true);

static const struct column release_columns[] = {
    KEY("repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    KEY("tag", COLUMN_TEXT, "tag; CDEvents: id of the artifact"),
    LATEST("state", "name", COLUMN_TEXT, "title"),
    LATEST("state", "url", COLUMN_TEXT, "web page"),
    LATEST("state", "author", COLUMN_TEXT, "login"),
    LATEST("state", "target", COLUMN_TEXT, "branch or commit that it was made from"),
    LATEST("tag", "sha", COLUMN_TEXT, "commit that the tag points at"),
    LATEST("state", "is_draft", COLUMN_BOOL, "not public yet"),
    LATEST("state", "is_prerelease", COLUMN_BOOL, "not for production"),
    EARLIEST("created_at", COLUMN_TIME, "created"),
    LATEST("state", "published_at", COLUMN_TIME, "published"),
    LATEST("deleted", "deleted_at", COLUMN_TIME, "deleted or unpublished"),
    FIXED("change_id", COLUMN_TEXT, "change that the artifact was packaged from"),
    RANK("state"),
    RANK("tag"),
    RANK("deleted"),
    COMMON,
};
MODEL(release, "A release", true);

static const struct column deployment_columns[] = {
    KEY("source", COLUMN_TEXT, "html_url of the repository; CDEvents: context.source"),
    KEY("id", COLUMN_TEXT, "deployment.id; CDEvents: context.id"),
    LATEST("what", "repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    LATEST("what", "service", COLUMN_TEXT, "by configuration, else the repository's full name"),
    LATEST("what", "environment", COLUMN_TEXT, "environment"),
    LATEST("what", "original_environment", COLUMN_TEXT, "as first asked for"),
    LATEST("what", "is_production", COLUMN_BOOL, "configuration, else the payload, else the name"),
    LATEST("what", "sha", COLUMN_TEXT, "commit"),
    LATEST("what", "ref", COLUMN_TEXT, "branch or tag"),
    LATEST("what", "task", COLUMN_TEXT, "deploy, rollback, …"),
    LATEST("what", "creator", COLUMN_TEXT, "login"),
    LATEST("state", "state", COLUMN_TEXT, "queued, running, succeeded, failed, inactive"),
    LATEST("what", "is_rollback", COLUMN_BOOL, "its task says so, or a rule of the configuration"),
    DERIVED("previous_id", COLUMN_TEXT,
            "deployment of the same service and environment that succeeded before"),
    EARLIEST("created_at", COLUMN_TIME, "created"),
    EARLIEST("queued_at", COLUMN_TIME, "queued or pending"),
    EARLIEST("started_at", COLUMN_TIME, "in progress"),
    EARLIEST("finished_at", COLUMN_TIME, "first success"),
    DERIVED("superseded_at", COLUMN_TIME,
            "finished_at of the next success of the same service and environment"),
    SPAN("duration_s", "created_at", "finished_at"),
    LATEST("state", "url", COLUMN_TEXT, "where it runs"),
    LATEST("what", "description", COLUMN_TEXT, "description"),
    LATEST("what", "is_transient", COLUMN_BOOL, "the environment will be gone some day"),
    LATEST("state", "log_url", COLUMN_TEXT, "its output"),
    LATEST("state", "original_status", COLUMN_TEXT, "the source's own word for its state"),
    LATEST("run", "pipeline_run_id", COLUMN_TEXT, "run that made it"),
    LATEST("run", "pipeline_run_attempt", COLUMN_INT, "that run's attempt"),
    EARLIEST("replaced_at", COLUMN_TIME, "became inactive"),
    LATEST("what", "artifact_id", COLUMN_TEXT, "purl of what was deployed"),
    LATEST("what", "fixes", COLUMN_TEXT,
           "ids or addresses of the incidents that it is said to mend, a space between two"),
    RANK("what"),
    RANK("state"),
    RANK("run"),
    COMMON,
};
MODEL(deployment, "A deployment of a service to an environment", true);

static const struct column pipeline_run_columns[] = {
    KEY("source", COLUMN_TEXT,
        "html_url of the repository; CDEvents: subject.source, else context.source"),
    KEY("id", COLUMN_TEXT, "workflow_run.id; CDEvents: subject.id"),
    KEY("attempt", COLUMN_INT, "run_attempt, else 1"),
    LATEST("state", "repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    FIXED("name", COLUMN_TEXT, "pipeline"),
    LATEST("state", "number", COLUMN_INT, "number of the run"),
    LATEST("state", "branch", COLUMN_TEXT, "branch"),
    LATEST("state", "sha", COLUMN_TEXT, "commit"),
    LATEST("state", "trigger", COLUMN_TEXT, "event that began it"),
    FIXED("actor", COLUMN_TEXT, "login of who began it; CDEvents: customData.user"),
    LATEST("state", "outcome", COLUMN_TEXT,
           "success, failure, cancel; null while running or undecided"),
    EARLIEST("created_at", COLUMN_TIME, "created"),
    EARLIEST("queued_at", COLUMN_TIME, "queued"),
    LATEST("start", "started_at", COLUMN_TIME, "started; where no signal told so, asked for"),
    LATEST("state", "finished_at", COLUMN_TIME, "finished"),
    SPAN("queue_s", "queued_at", "started_at"),
    SPAN("duration_s", "started_at", "finished_at"),
    LATEST("state", "change_numbers", COLUMN_LIST, "numbers of the changes that it ran for"),
    FIXED("url", COLUMN_TEXT, "web page"),
    LATEST("state", "workflow_id", COLUMN_TEXT, "what it is a run of"),
    LATEST("state", "title", COLUMN_TEXT, "of this run"),
    LATEST("state", "original_status", COLUMN_TEXT, "the source's own word for its state"),
    LATEST("state", "original_result", COLUMN_TEXT, "the source's own word for its outcome"),
    LATEST("state", "errors", COLUMN_TEXT, "what went wrong, as the source says it"),
    RANK("state"),
    RANK("start"),
    COMMON,
};
MODEL(pipeline_run, "A run of a pipeline or workflow, one attempt", true);

static const struct column task_run_columns[] = {
    KEY("source", COLUMN_TEXT,
        "html_url of the repository; CDEvents: subject.source, else context.source"),
    KEY("id", COLUMN_TEXT, "workflow_job.id; CDEvents: subject.id"),
    KEY("attempt", COLUMN_INT, "run_attempt, else 1"),
    FIXED("pipeline_run_id", COLUMN_TEXT, "run that it belongs to"),
    LATEST("state", "repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    FIXED("name", COLUMN_TEXT, "task or job"),
    LATEST("state", "runner", COLUMN_TEXT, "machine"),
    LATEST("state", "labels", COLUMN_LIST, "labels that the runner had to have"),
    LATEST("state", "outcome", COLUMN_TEXT,
           "success, failure, cancel; null while running or undecided"),
    EARLIEST("queued_at", COLUMN_TIME, "queued"),
    EARLIEST("started_at", COLUMN_TIME, "started"),
    LATEST("state", "finished_at", COLUMN_TIME, "finished"),
    SPAN("queue_s", "queued_at", "started_at"),
    SPAN("duration_s", "started_at", "finished_at"),
    LATEST("state", "steps", COLUMN_JSON,
           "name, conclusion, started_at, completed_at of each step"),
    FIXED("url", COLUMN_TEXT, "web page"),
    LATEST("state", "sha", COLUMN_TEXT, "commit"),
    LATEST("state", "branch", COLUMN_TEXT, "branch"),
    LATEST("state", "pipeline_name", COLUMN_TEXT, "pipeline that it belongs to"),
    LATEST("state", "original_result", COLUMN_TEXT, "the source's own word for its outcome"),
    LATEST("state", "errors", COLUMN_TEXT, "what went wrong, as the source says it"),
    RANK("state"),
    COMMON,
};
MODEL(task_run, "A run of a task or job", true);

static const struct column test_run_columns[] = {
    KEY("source", COLUMN_TEXT,
        "html_url of the repository; CDEvents: subject.source, else context.source"),
    KEY("id", COLUMN_TEXT, "check_run.id or check_suite.id; CDEvents: subject.id"),
    KEY("attempt", COLUMN_INT, "1"),
    FIXED("repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    FIXED("name", COLUMN_TEXT, "of the case or suite"),
    FIXED("kind", COLUMN_TEXT, "case, suite"),
    FIXED("environment", COLUMN_TEXT, "where it ran"),
    FIXED("sha", COLUMN_TEXT, "commit"),
    LATEST("state", "outcome", COLUMN_TEXT,
           "success, failure, cancel; null while running, skipped or undecided"),
    LATEST("state", "passed", COLUMN_INT, "cases that passed; of one case 1 or 0"),
    LATEST("state", "failed", COLUMN_INT, "cases that failed"),
    LATEST("state", "skipped", COLUMN_INT, "cases that were skipped"),
    EARLIEST("started_at", COLUMN_TIME, "started"),
    LATEST("state", "finished_at", COLUMN_TIME, "finished"),
    SPAN("duration_s", "started_at", "finished_at"),
    FIXED("url", COLUMN_TEXT, "web page"),
    EARLIEST("queued_at", COLUMN_TIME, "queued"),
    FIXED("suite_run_id", COLUMN_TEXT, "run of the suite that the case belongs to"),
    FIXED("branch", COLUMN_TEXT, "branch"),
    FIXED("test_id", COLUMN_TEXT, "id of the case or suite"),
    FIXED("app", COLUMN_TEXT, "program that ran it"),
    FIXED("type", COLUMN_TEXT, "unit, integration, e2e, … where the source says"),
    LATEST("state", "reason", COLUMN_TEXT, "why, as the source says it"),
    LATEST("state", "severity", COLUMN_TEXT, "low, medium, high, critical"),
    LATEST("state", "original_result", COLUMN_TEXT, "the source's own word for its outcome"),
    RANK("state"),
    COMMON,
};
MODEL(test_run, "A run of a test case or of a suite", true);

static const struct column incident_columns[] = {
    KEY("source", COLUMN_TEXT,
        "html_url of the repository; CDEvents: subject.source, else context.source"),
    KEY("id", COLUMN_TEXT, "issue number; CDEvents: subject.id"),
    LATEST("what", "service", COLUMN_TEXT, "by configuration, label or event; else the repository"),
    LATEST("what", "environment", COLUMN_TEXT, "environment"),
    LATEST("what", "title", COLUMN_TEXT, "title"),
    LATEST("what", "severity", COLUMN_TEXT, "by label"),
    LATEST("state", "state", COLUMN_TEXT, "open, resolved"),
    EARLIEST("detected_at", COLUMN_TIME, "detected or reported"),
    LATEST("state", "resolved_at", COLUMN_TIME, "resolved; null while open"),
    UNION("reopened", "times at which it was opened again"),
    DERIVED("caused_by_deployment", COLUMN_TEXT, "deployment that caused it: see evidence"),
    DERIVED("fixed_by_deployment", COLUMN_TEXT, "deployment that is said to mend it"),
    DERIVED("evidence", COLUMN_TEXT,
            "why that deployment: link, label, artifact, fix, or time alone (the weakest)"),
    FIXED("url", COLUMN_TEXT, "web page or ticket"),
    FIXED("repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    FIXED("number", COLUMN_INT, "number"),
    LATEST("withdrawn", "is_incident", COLUMN_BOOL, "false: its label was taken away again"),
    LATEST("what", "artifact_id", COLUMN_TEXT, "artifact that it is said to come from"),
    LATEST("what", "causes", COLUMN_TEXT,
           "ids or commits of deployments that labels name as its cause, a space between two"),
    LATEST("what", "fixed_by", COLUMN_TEXT, "likewise as its end"),
    LATEST("links", "linked", COLUMN_TEXT, "likewise of events that it links to"),
    EARLIEST("blame_from_at", COLUMN_TIME,
             "without other evidence deployments since then may be blamed; null: none"),
    DERIVED("caused_by_source", COLUMN_TEXT, "source of caused_by_deployment"),
    DERIVED("fixed_by_source", COLUMN_TEXT, "source of fixed_by_deployment"),
    RANK("what"),
    RANK("state"),
    RANK("withdrawn"),
    RANK("links"),
    COMMON,
};
MODEL(incident, "An incident", true);

static const struct column ticket_columns[] = {
    KEY("source", COLUMN_TEXT,
        "html_url of the repository; CDEvents: subject.source, else context.source"),
    KEY("id", COLUMN_TEXT, "issue number; CDEvents: subject.id"),
    FIXED("repository", COLUMN_TEXT, "HOST/OWNER/NAME"),
    FIXED("number", COLUMN_INT, "number"),
    LATEST("what", "title", COLUMN_TEXT, "title"),
    LATEST("what", "type", COLUMN_TEXT, "bug, enhancement, incident, task, question"),
    LATEST("state", "state", COLUMN_TEXT, "open, closed"),
    LATEST("state", "resolution", COLUMN_TEXT, "completed, withdrawn, duplicate"),
    LATEST("what", "priority", COLUMN_TEXT, "low, medium, high"),
    FIXED("author", COLUMN_TEXT, "login"),
    LATEST("what", "assignees", COLUMN_LIST, "logins"),
    LATEST("what", "labels", COLUMN_LIST, "label names"),
    LATEST("what", "milestone", COLUMN_TEXT, "title"),
    EARLIEST("created_at", COLUMN_TIME, "opened"),
    LATEST("state", "closed_at", COLUMN_TIME, "closed; null while open"),
    GREATEST("updated_at", COLUMN_TIME, "changed"),
    EARLIEST("deleted_at", COLUMN_TIME, "deleted"),
    FIXED("url", COLUMN_TEXT, "web page"),
    LATEST("what", "body", COLUMN_TEXT, "description"),
    RANK("state"),
    RANK("what"),
    COMMON,
};
MODEL(ticket, "An issue", true);

static const struct column metric_columns[] = {
    KEY("key", COLUMN_TEXT,
        "hash of collector, name, tags and window; with an overlap, of the row's value of the "
        "column that grows; else of metric.grain's begin, else of when it was to be read"),
    FIXED("name", COLUMN_TEXT, "metric.name of the collector"),
    FIXED("tags", COLUMN_JSON, "the row's columns but `value`, and the collector's own tags"),
    FIXED("window_start_at", COLUMN_TIME, "begin of the window; null: as it was when it was read"),
    FIXED("window_end_at", COLUMN_TIME, "its end, exclusive"),
    LATEST("value", "type", COLUMN_TEXT, "COUNT, GAUGE"),
    LATEST("value", "value", COLUMN_REAL, "the number"),
    LATEST("value", "collector", COLUMN_TEXT, "who read it"),
    LATEST("value", "body", COLUMN_TEXT, "instead of a number: what a partition collector made"),
    LATEST("value", "scheduled_at", COLUMN_TIME, "without a window: when its run was to begin"),
    RANK("value"),
    COMMON,
};
MODEL(metric, "A number that a collector made at its source", true);

const struct model *const model_all[] = {
    &model_raw,      &model_event,      &model_change,       &model_commit,   &model_branch,
    &model_release,  &model_deployment, &model_pipeline_run, &model_task_run, &model_test_run,
    &model_incident, &model_ticket,     &model_metric,
};
const size_t model_all_n = COUNT(model_all);
