/* payload_run.c - GitHub's objects of what runs and is kept: workflow runs, jobs, deployments,
 * releases, issues. */
#include <stdio.h>

#include "command/simulate/payload.h"

#define API "https://api.github.com"
#define WEB "https://github.com"

static void put_head_commit(struct buf *b, const struct run *r)
{
    buf_printf(b, "\"head_commit\":{\"id\":\"%s\",\"tree_id\":\"%s\",\"message\":\"%s\",", r->sha,
               r->sha, r->title);
    put_time(b, "timestamp", r->created_us);
    buf_printf(b,
               "\"author\":{\"name\":\"%s\",\"email\":\"%s@acme.example\"},\"committer\":"
               "{\"name\":\"%s\",\"email\":\"%s@acme.example\"}},",
               r->actor->name, r->actor->login, r->actor->name, r->actor->login);
}

static void put_changes_of(struct buf *b, const struct run *r)
{
    const char *const name = r->repository->name;
    const long long id = (long long)r->repository->id;
    buf_add(b, S("\"pull_requests\":["));
    if (r->change_number) {
        buf_printf(b,
                   "{\"url\":\"" API "/repos/acme/%s/pulls/%lld\",\"id\":%lld,\"number\":%lld,"
                   "\"head\":{\"ref\":\"%s\",\"sha\":\"%s\",\"repo\":{\"id\":%lld,\"url\":\"" API
                   "/repos/acme/%s\",\"name\":\"%s\"}},\"base\":{\"ref\":\"main\",\"sha\":\"%s\","
                   "\"repo\":{\"id\":%lld,\"url\":\"" API "/repos/acme/%s\",\"name\":\"%s\"}}},",
                   name, (long long)r->change_number, (long long)r->change_id,
                   (long long)r->change_number, r->branch, r->sha, id, name, name, r->base, id,
                   name, name);
    }
    put_end(b, ']');
}

void payload_run(struct simulation *s, const struct run *r)
{
    struct buf *const b = s->body;
    const char *const name = r->repository->name;
    char run[160];
    (void)snprintf(run, sizeof run, API "/repos/acme/%s/actions/runs/%lld", name, (long long)r->id);
    buf_printf(b,
               "\"workflow_run\":{\"id\":%lld,\"name\":\"ci\",\"node_id\":\"WFR_kwLO%08llx\","
               "\"head_branch\":\"%s\",\"head_sha\":\"%s\",\"path\":\".github/workflows/ci.yaml\","
               "\"display_title\":\"%s\",\"run_number\":%lld,\"event\":\"%s\",\"status\":\"%s\",",
               (long long)r->id, (unsigned long long)r->id, r->branch, r->sha, r->title,
               (long long)r->number, r->event, r->status);
    put_text(b, "conclusion", r->conclusion);
    buf_printf(b,
               "\"workflow_id\":%lld,\"check_suite_id\":%lld,\"check_suite_node_id\":"
               "\"CS_kwDO%08llx\",\"url\":\"%s\",\"html_url\":\"" WEB
               "/acme/%s/actions/runs/%lld\",",
               (long long)(r->repository->id + 11), (long long)(r->id + 7),
               (unsigned long long)(r->id + 7), run, name, (long long)r->id);
    put_changes_of(b, r);
    put_time(b, "created_at", r->created_us);
    put_time(b, "updated_at", r->updated_us);
    put_person(b, "actor", r->actor);
    put_number(b, "run_attempt", r->attempt);
    buf_add(b, S("\"referenced_workflows\":[],"));
    put_time(b, "run_started_at", r->started_us);
    put_person(b, "triggering_actor", r->actor);
    buf_printf(b,
               "\"jobs_url\":\"%s/jobs\",\"logs_url\":\"%s/logs\",\"check_suite_url\":\"" API
               "/repos/acme/%s/check-suites/%lld\",\"artifacts_url\":\"%s/artifacts\","
               "\"cancel_url\":\"%s/cancel\",\"rerun_url\":\"%s/rerun\",\"previous_attempt_url\":",
               run, run, name, (long long)(r->id + 7), run, run, run);
    buf_printf(b, r->attempt > 1 ? "\"%s/attempts/%lld\"," : "null,", run,
               (long long)r->attempt - 1);
    buf_printf(b, "\"workflow_url\":\"" API "/repos/acme/%s/actions/workflows/%lld\",", name,
               (long long)(r->repository->id + 11));
    put_head_commit(b, r);
    put_repository(b, "repository", r->repository, false);
    put_repository(b, "head_repository", r->repository, false);
    put_end(b, '}');
    buf_printf(b,
               "\"workflow\":{\"id\":%lld,\"node_id\":\"W_kwDO\",\"name\":\"ci\",\"path\":"
               "\".github/workflows/ci.yaml\",\"state\":\"active\",",
               (long long)(r->repository->id + 11));
    put_time(b, "created_at", r->repository->created_us);
    put_time(b, "updated_at", r->repository->created_us);
    buf_printf(b,
               "\"url\":\"" API "/repos/acme/%s/actions/workflows/%lld\",\"html_url\":\"" WEB
               "/acme/%s/blob/main/.github/workflows/ci.yaml\",\"badge_url\":\"" WEB
               "/acme/%s/workflows/ci/badge.svg\"},",
               name, (long long)(r->repository->id + 11), name, name);
}

static void put_steps(struct buf *b, const struct job *j, const char *status)
{
    static const char *const name[] = {"Set up job", "Check out", "Install", "Run", "Complete job"};
    enum { STEPS = sizeof name / sizeof *name };
    const bool is_done = strcmp(status, "completed") == 0;
    buf_add(b, S("\"steps\":["));
    for (int i = 0; j->started_us != TIME_NONE && i < (is_done ? STEPS : 1); i++) {
        const int64_t span_us = is_done ? j->completed_us - j->started_us : 0;
        const bool is_bad = is_done && i == 3 && strcmp(j->conclusion, "success") != 0;
        buf_printf(b, "{\"name\":\"%s\",\"status\":\"%s\",\"conclusion\":", name[i], status);
        buf_add(b, !is_done ? S("null,") : is_bad ? S("\"failure\",") : S("\"success\","));
        put_number(b, "number", i + 1);
        put_time(b, "started_at", j->started_us + span_us * i / STEPS);
        put_time(b, "completed_at",
                 is_done ? j->started_us + span_us * (i + 1) / STEPS : TIME_NONE);
        put_end(b, '}');
    }
    put_end(b, ']');
}

void payload_job(struct simulation *s, const struct run *r, size_t i, const char *status)
{
    struct buf *const b = s->body;
    const struct job *const j = &r->job[i];
    const char *const name = r->repository->name;
    const long long id = (long long)j->id;
    const bool has_runner = j->started_us != TIME_NONE;
    buf_printf(b,
               "\"workflow_job\":{\"id\":%lld,\"run_id\":%lld,\"workflow_name\":\"ci\","
               "\"head_branch\":\"%s\",\"run_url\":\"" API
               "/repos/acme/%s/actions/runs/%lld\",\"run_attempt\":%lld,\"node_id\":"
               "\"CR_kwDO%08llx\",\"head_sha\":\"%s\",\"url\":\"" API
               "/repos/acme/%s/actions/jobs/%lld\",\"html_url\":\"" WEB
               "/acme/%s/actions/runs/%lld/job/%lld\",\"status\":\"%s\",",
               id, (long long)r->id, r->branch, name, (long long)r->id, (long long)r->attempt,
               (unsigned long long)id, r->sha, name, id, name, (long long)r->id, id, status);
    put_text(b, "conclusion", j->conclusion);
    put_time(b, "created_at", j->created_us);
    put_time(b, "started_at", has_runner ? j->started_us : j->created_us);
    put_time(b, "completed_at", j->completed_us);
    put_text(b, "name", job_names[i]);
    put_steps(b, j, status);
    buf_printf(b,
               "\"check_run_url\":\"" API "/repos/acme/%s/check-runs/%lld\",\"labels\":"
               "[\"ubuntu-latest\"],",
               name, id);
    if (has_runner) {
        buf_printf(b,
                   "\"runner_id\":%lld,\"runner_name\":\"GitHub Actions %lld\","
                   "\"runner_group_id\":2,\"runner_group_name\":\"GitHub Actions\",",
                   id % 40 + 1, id % 40 + 1);
    } else {
        buf_add(b, S("\"runner_id\":null,\"runner_name\":null,\"runner_group_id\":null,"
                     "\"runner_group_name\":null,"));
    }
    put_end(b, '}');
}

void payload_deployment(struct simulation *s, const struct deployment *d)
{
    struct buf *const b = s->body;
    const char *const name = d->repository->name;
    const char *const environment = environment_names[d->environment];
    buf_printf(b,
               "\"deployment\":{\"url\":\"" API "/repos/acme/%s/deployments/%lld\",\"id\":%lld,"
               "\"node_id\":\"DE_kwDO%08llx\",\"task\":\"%s\",\"original_environment\":\"%s\","
               "\"environment\":\"%s\",\"description\":null,\"sha\":\"%s\",\"ref\":\"main\","
               "\"payload\":{},\"transient_environment\":false,\"production_environment\":%s,",
               name, (long long)d->id, (long long)d->id, (unsigned long long)d->id,
               d->is_rollback ? "rollback" : "deploy", environment, environment, d->place.sha,
               d->environment == 1 ? "true" : "false");
    put_person(b, "creator", d->creator);
    put_time(b, "created_at", d->created_us);
    put_time(b, "updated_at", d->updated_us);
    buf_printf(b,
               "\"statuses_url\":\"" API "/repos/acme/%s/deployments/%lld/statuses\","
               "\"repository_url\":\"" API "/repos/acme/%s\",\"performed_via_github_app\":null},",
               name, (long long)d->id, name);
}

void payload_deployment_status(struct simulation *s, const struct deployment *d, const char *state)
{
    struct buf *const b = s->body;
    const char *const name = d->repository->name;
    const long long id = (long long)organisation_id(s);
    buf_printf(b,
               "\"deployment_status\":{\"url\":\"" API
               "/repos/acme/%s/deployments/%lld/statuses/%lld\",\"id\":%lld,\"node_id\":"
               "\"DES_kwDO%08llx\",\"state\":\"%s\",\"description\":\"\",\"environment\":\"%s\","
               "\"target_url\":\"\",\"log_url\":\"https://deploy.acme.example/%lld\","
               "\"environment_url\":\"https://%s.acme.example/%s\",",
               name, (long long)d->id, id, id, (unsigned long long)id, state,
               environment_names[d->environment], (long long)d->id,
               environment_names[d->environment], name);
    put_person(b, "creator", d->creator);
    put_time(b, "created_at", s->now_us);
    put_time(b, "updated_at", s->now_us);
    buf_printf(b,
               "\"deployment_url\":\"" API "/repos/acme/%s/deployments/%lld\","
               "\"repository_url\":\"" API "/repos/acme/%s\",\"performed_via_github_app\":null},",
               name, (long long)d->id, name);
    payload_deployment(s, d);
}

void payload_release(struct simulation *s, const struct repository *r, const char *tag,
                     const struct person *by)
{
    struct buf *const b = s->body;
    const long long id = (long long)organisation_id(s);
    char release[160];
    (void)snprintf(release, sizeof release, API "/repos/acme/%s/releases/%lld", r->name, id);
    buf_printf(b,
               "\"release\":{\"url\":\"%s\",\"assets_url\":\"%s/assets\",\"upload_url\":"
               "\"https://uploads.github.com/repos/acme/%s/releases/%lld/assets{?name,label}\","
               "\"html_url\":\"" WEB
               "/acme/%s/releases/tag/%s\",\"id\":%lld,\"node_id\":\"RE_kwDO%08llx\","
               "\"tag_name\":\"%s\",\"target_commitish\":\"main\",\"name\":\"%s %s\",\"draft\":"
               "false,\"prerelease\":false,\"immutable\":false,\"assets\":[],\"tarball_url\":\"" API
               "/repos/acme/%s/tarball/%s\",\"zipball_url\":\"" API
               "/repos/acme/%s/zipball/%s\",\"body\":\"What is new.\",",
               release, release, r->name, id, r->name, tag, id, (unsigned long long)id, tag,
               r->name, tag, r->name, tag, r->name, tag);
    put_person(b, "author", by);
    put_time(b, "created_at", s->now_us - MINUTE_US);
    put_time(b, "published_at", s->now_us);
    put_end(b, '}');
}

void payload_issue(struct simulation *s, const struct issue *i)
{
    struct buf *const b = s->body;
    char issue[160];
    (void)snprintf(issue, sizeof issue, API "/repos/acme/%s/issues/%lld", i->repository->name,
                   (long long)i->number);
    buf_printf(b,
               "\"issue\":{\"url\":\"%s\",\"repository_url\":\"" API
               "/repos/acme/%s\",\"labels_url\":\"%s/labels{/name}\",\"comments_url\":"
               "\"%s/comments\",\"events_url\":\"%s/events\",\"html_url\":\"" WEB
               "/acme/%s/issues/%lld\",\"id\":%lld,\"node_id\":\"I_kwDO%08llx\",\"number\":%lld,"
               "\"title\":\"%s\",",
               issue, i->repository->name, issue, issue, issue, i->repository->name,
               (long long)i->number, (long long)i->id, (unsigned long long)i->id,
               (long long)i->number, i->title);
    put_person(b, "user", i->author);
    buf_add(b, S("\"labels\":["));
    for (size_t k = 0; k < LABELS && i->label[k]; k++) {
        put_label(b, i->repository, i->label[k]);
    }
    put_end(b, ']');
    put_text(b, "state", i->state);
    put_bool(b, "locked", false);
    put_person(b, "assignee", i->assignee);
    buf_add(b, S("\"assignees\":["));
    if (i->assignee) {
        put_account(b, i->assignee);
    }
    put_end(b, ']');
    buf_add(b, S("\"milestone\":null,\"comments\":0,"));
    put_time(b, "created_at", i->created_us);
    put_time(b, "updated_at", i->updated_us);
    put_time(b, "closed_at", i->closed_us);
    put_text(b, "author_association", "MEMBER");
    put_text(b, "state_reason", i->reason);
    buf_printf(b,
               "\"active_lock_reason\":null,\"body\":\"What happens, and what should.\","
               "\"reactions\":{\"url\":\"%s/reactions\",\"total_count\":0,\"+1\":0,\"-1\":0,"
               "\"laugh\":0,\"hooray\":0,\"confused\":0,\"heart\":0,\"rocket\":0,\"eyes\":0},"
               "\"timeline_url\":\"%s/timeline\",\"performed_via_github_app\":null},",
               issue, issue);
}

void payload_issue_action(struct simulation *s, const struct issue *i, const char *action)
{
    if (strcmp(action, "labeled") == 0) {
        size_t newest = 0;
        while (newest + 1 < LABELS && i->label[newest + 1]) {
            newest++;
        }
        buf_add(s->body, S("\"label\":"));
        put_label(s->body, i->repository, i->label[newest]);
    }
    if (strcmp(action, "assigned") == 0) {
        put_person(s->body, "assignee", i->assignee);
    }
}
