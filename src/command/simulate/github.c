/* The world of `simulate github`: an organisation whose people open changes, review, test and merge
 * them. */
#include <stdio.h>

#include "command/simulate/github.h"
#include "command/simulate/github_operations.h"
#include "command/simulate/payload.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void review(struct simulation *s, void *thing, int64_t number);

struct organisation *organisation_of(struct simulation *s)
{
    return s->world;
}

int64_t organisation_id(struct simulation *s)
{
    struct organisation *const o = organisation_of(s);
    o->next_id += draw_between(&s->draw, 1, 5000);
    return o->next_id;
}

const struct person *organisation_person(struct simulation *s, const struct person *but)
{
    struct organisation *const o = organisation_of(s);
    const struct person *p = but;
    while (p == but) {
        p = &o->person[draw_below(&s->draw, PEOPLE)];
    }
    return p;
}

void organisation_plan(struct simulation *s, int64_t mean_us, step_fn *run, void *thing)
{
    const int64_t then_us = s->now_us + MINUTE_US + draw_gap(&s->draw, mean_us);
    simulation_plan(s, simulation_working(s, then_us) - s->now_us, run, thing, 0);
}

static void new_sha(struct simulation *s, char sha[SHA_BYTES + 1])
{
    draw_hex(&s->draw, sha, SHA_BYTES);
    sha[SHA_BYTES] = '\0';
}

/* GitHub tells of a new or gone branch or tag by `push` and by `create` or `delete`. */
static void push(struct simulation *s, struct repository *r, const char *branch,
                 const struct push *p)
{
    const struct str ref = arena_printf(&s->scratch, "refs/heads/%s", branch);
    r->pushed_us = s->now_us;
    if (!p->before || !p->after) {
        payload_begin(s, NULL);
        buf_printf(s->body,
                   "\"ref\":\"%s\",\"ref_type\":\"branch\",\"master_branch\":\"main\","
                   "\"description\":null,\"pusher_type\":\"user\",",
                   branch);
        payload_end(s, p->after ? "create" : "delete", r, p->by);
    }
    payload_begin(s, NULL);
    payload_push(s, r, ref.at, p);
    payload_end(s, "push", r, p->by);
}

/* ---- runs of the workflow ---- */

static void tell_run(struct simulation *s, struct run *r, const char *action, const char *status)
{
    r->status = status;
    r->updated_us = s->now_us;
    payload_begin(s, action);
    payload_run(s, r);
    payload_end(s, "workflow_run", r->repository, r->actor);
}

static void tell_job(struct simulation *s, struct run *r, size_t i, const char *status)
{
    payload_begin(s, status);
    payload_job(s, r, i, status);
    payload_end(s, "workflow_job", r->repository, r->actor);
}

static void run_attempt(struct simulation *s, void *thing, int64_t number);

static void run_end(struct simulation *s, struct run *r)
{
    r->conclusion = r->will_fail ? "failure" : "success";
    tell_run(s, r, "completed", "completed");
    if (r->will_fail && r->attempt == 1 && draw_chance(&s->draw, 0.5)) {
        r->attempt = 2;
        r->will_fail = draw_chance(&s->draw, 0.3);
        organisation_plan(s, 20 * MINUTE_US, run_attempt, r);
        return;
    }
    if (r->is_for_main && !r->will_fail && r->n > r->repository->staged_n) {
        struct place place = {.n = r->n};
        memcpy(place.sha, r->sha, sizeof place.sha);
        r->repository->staged_n = r->n;
        deployment_begin(s, r->repository, 0, &place, NULL);
    }
    struct organisation *const o = organisation_of(s);
    r->next_free = o->free_run;
    o->free_run = r;
}

static void job_end(struct simulation *s, void *thing, int64_t i)
{
    struct run *const r = thing;
    const bool is_bad = r->will_fail && i == 1;
    r->job[i].completed_us = s->now_us;
    r->job[i].conclusion = is_bad ? "failure" : "success";
    tell_job(s, r, (size_t)i, "completed");
    if (--r->jobs_left == 0) {
        run_end(s, r);
    }
}

static void job_start(struct simulation *s, void *thing, int64_t i)
{
    struct run *const r = thing;
    bool is_first = true;
    for (int k = 0; k < JOBS; k++) {
        is_first &= r->job[k].started_us == TIME_NONE;
    }
    r->job[i].started_us = s->now_us;
    if (is_first) {
        tell_run(s, r, "in_progress", "in_progress");
    }
    tell_job(s, r, (size_t)i, "in_progress");
    simulation_plan(s, draw_normal(&s->draw, 120 * SECOND_US, 20 * SECOND_US), job_end, r, i);
}

static void run_attempt(struct simulation *s, void *thing, int64_t number)
{
    struct run *const r = thing;
    (void)number;
    r->conclusion = NULL;
    r->started_us = s->now_us;
    r->jobs_left = JOBS;
    tell_run(s, r, "requested", "queued");
    for (size_t i = 0; i < JOBS; i++) {
        r->job[i] = (struct job){.id = organisation_id(s),
                                 .created_us = s->now_us,
                                 .started_us = TIME_NONE,
                                 .completed_us = TIME_NONE};
        tell_job(s, r, i, "queued");
        simulation_plan(s, draw_between(&s->draw, 2 * SECOND_US, 40 * SECOND_US), job_start, r,
                        (int64_t)i);
    }
}

/* A run of the workflow for this commit; of main when there is no change. */
static void run_begin(struct simulation *s, struct repository *r, const struct change *c,
                      const struct person *actor)
{
    struct organisation *const o = organisation_of(s);
    struct run *const run = o->free_run ? o->free_run : arena_new(s->arena, struct run);
    o->free_run = o->free_run ? run->next_free : NULL;
    *run = (struct run){.repository = r,
                        .actor = actor,
                        .event = c ? "pull_request" : "push",
                        .id = organisation_id(s),
                        .number = r->next_run++,
                        .attempt = 1,
                        .created_us = s->now_us,
                        .change_number = c ? c->number : 0,
                        .change_id = c ? c->id : 0,
                        .will_fail = draw_chance(&s->draw, c ? 0.15 : 0.06),
                        .is_for_main = !c,
                        .n = r->head.n};
    (void)snprintf(run->branch, sizeof run->branch, "%s", c ? c->branch : "main");
    (void)snprintf(run->title, sizeof run->title, "%s", c ? c->title : "Merge what was reviewed");
    memcpy(run->sha, c ? c->head : r->head.sha, sizeof run->sha);
    memcpy(run->base, r->head.sha, sizeof run->base);
    run_attempt(s, run, 0);
}

/* ---- changes ---- */

/* Push the head of its branch: a commit of its own. */
static void push_head(struct simulation *s, struct change *c, const char *before,
                      const char *message)
{
    struct repository *const r = c->repository;
    if (!s->is_over) {
        truth_commit(&r->truth, c->truth, s->now_us - COMMITTED_BEFORE_US);
    }
    push(s, r, c->branch,
         &(struct push){.before = before, .after = c->head, .message = message, .by = c->author});
}

static void tell_change(struct simulation *s, struct change *c, const char *action,
                        const struct person *by)
{
    c->updated_us = s->now_us;
    payload_begin(s, action);
    payload_change_action(s, c, action);
    payload_change(s, c, false);
    payload_end(s, "pull_request", c->repository, by);
}

static void change_end(struct simulation *s, struct change *c)
{
    struct organisation *const o = organisation_of(s);
    c->next_free = o->free_change;
    o->free_change = c;
}

static void change_close(struct simulation *s, void *thing, int64_t number)
{
    struct change *const c = thing;
    struct repository *const r = c->repository;
    (void)number;
    c->is_closed = true;
    c->closed_us = s->now_us;
    c->is_merged = draw_chance(&s->draw, 0.93);
    c->merged_by = c->is_merged ? organisation_person(s, NULL) : NULL;
    const struct person *const by = c->merged_by ? c->merged_by : c->author;
    if (c->is_merged) {
        c->merged_us = s->now_us;
        new_sha(s, c->merge);
        if (!s->is_over) {
            truth_merged(&r->truth, c->truth, r->head.n + 1);
        }
    }
    tell_change(s, c, "closed", by);
    if (c->is_merged) {
        char before[SHA_BYTES + 1];
        memcpy(before, r->head.sha, sizeof before);
        memcpy(r->head.sha, c->merge, sizeof r->head.sha);
        r->head.n++;
        push(s, r, "main",
             &(struct push){.before = before, .after = c->merge, .message = c->title, .by = by});
        run_begin(s, r, NULL, by);
    }
    push(s, r, c->branch, &(struct push){.before = c->head, .by = by});
    change_end(s, c);
}

static void change_push(struct simulation *s, void *thing, int64_t number)
{
    struct change *const c = thing;
    char before[SHA_BYTES + 1];
    (void)number;
    memcpy(before, c->head, sizeof before);
    new_sha(s, c->head);
    c->commits++;
    c->additions += (int)draw_between(&s->draw, 1, 40);
    push_head(s, c, before, "Mend what the review found");
    c->updated_us = s->now_us;
    payload_begin(s, "synchronize");
    payload_change_action(s, c, "synchronize");
    buf_printf(s->body, "\"before\":\"%s\",\"after\":\"%s\",", before, c->head);
    payload_change(s, c, false);
    payload_end(s, "pull_request", c->repository, c->author);
    run_begin(s, c->repository, c, c->author);
    organisation_plan(s, 2 * HOUR_US, review, c);
}

static void review(struct simulation *s, void *thing, int64_t number)
{
    static const char *const states[] = {"approved", "changes_requested", "commented"};
    static const unsigned weight[] = {65, 20, 15};
    struct change *const c = thing;
    (void)number;
    const size_t verdict = draw_weighted(&s->draw, weight, COUNT(weight));
    const struct person *const by = c->asked ? c->asked : organisation_person(s, c->author);
    c->asked = NULL;
    c->updated_us = s->now_us;
    payload_begin(s, "submitted");
    payload_review(s, c, by, states[verdict]);
    payload_change(s, c, true);
    payload_end(s, "pull_request_review", c->repository, by);
    if (verdict == 0) {
        organisation_plan(s, HOUR_US, change_close, c);
    } else if (verdict == 1) {
        organisation_plan(s, 3 * HOUR_US, change_push, c);
    } else {
        c->comments++;
        organisation_plan(s, 4 * HOUR_US, review, c);
    }
}

static void change_ready(struct simulation *s, void *thing, int64_t number)
{
    struct change *const c = thing;
    (void)number;
    c->is_draft = false;
    tell_change(s, c, "ready_for_review", c->author);
    organisation_plan(s, 3 * HOUR_US, review, c);
}

static void change_open(struct simulation *s, void *thing, int64_t number)
{
    static const char *const labels[] = {"bug", "enhancement", "dependencies"};
    struct change *const c = thing;
    (void)number;
    c->number = c->repository->next_number++;
    c->id = organisation_id(s);
    c->created_us = c->updated_us = s->now_us;
    c->is_draft = draw_chance(&s->draw, 0.2);
    memcpy(c->base, c->repository->head.sha, sizeof c->base);
    tell_change(s, c, "opened", c->author);
    run_begin(s, c->repository, c, c->author);
    if (draw_chance(&s->draw, 0.4)) {
        c->label = labels[draw_below(&s->draw, COUNT(labels))];
        tell_change(s, c, "labeled", c->author);
    }
    if (c->is_draft) {
        organisation_plan(s, 5 * HOUR_US, change_ready, c);
        return;
    }
    if (draw_chance(&s->draw, 0.6)) {
        c->asked = organisation_person(s, c->author);
        tell_change(s, c, "review_requested", c->author);
    }
    organisation_plan(s, 3 * HOUR_US, review, c);
}

static void change_begin(struct simulation *s)
{
    static const char *const verbs[] = {"Mend", "Speed up", "Simplify", "Add", "Test", "Rename"};
    static const char *const things[] = {"the basket",       "prices",       "the search",
                                         "payment by card",  "stock counts", "the mails",
                                         "log lines",        "the sign-in",  "delivery dates",
                                         "the order's page", "coupons",      "addresses"};
    struct organisation *const o = organisation_of(s);
    struct change *const c = o->free_change ? o->free_change : arena_new(s->arena, struct change);
    o->free_change = o->free_change ? c->next_free : NULL;
    *c = (struct change){.repository = &o->repository[draw_below(&s->draw, REPOSITORIES)],
                         .author = organisation_person(s, NULL),
                         .closed_us = TIME_NONE,
                         .merged_us = TIME_NONE,
                         .commits = 1,
                         .additions = (int)draw_between(&s->draw, 1, 400),
                         .deletions = (int)draw_between(&s->draw, 0, 200),
                         .files = (int)draw_between(&s->draw, 1, 15)};
    const size_t thing = draw_below(&s->draw, COUNT(things));
    (void)snprintf(c->title, sizeof c->title, "%s %s", verbs[draw_below(&s->draw, COUNT(verbs))],
                   things[thing]);
    const bool is_hotfix = draw_chance(&s->draw, 0.05);
    (void)snprintf(c->branch, sizeof c->branch, "%s/topic-%llx",
                   is_hotfix ? "hotfix" : c->author->login,
                   (unsigned long long)draw_below(&s->draw, 0xFFFFFFFF));
    c->truth = truth_change_new(&c->repository->truth, is_hotfix);
    new_sha(s, c->head);
    push_head(s, c, NULL, c->title);
    organisation_plan(s, 10 * MINUTE_US, change_open, c);
}

/* ---- the organisation ---- */

/* Deliveries that weir has no mapping for, as every organisation has them. */
static void star(struct simulation *s)
{
    struct organisation *const o = organisation_of(s);
    struct repository *const r = &o->repository[draw_below(&s->draw, REPOSITORIES)];
    payload_begin(s, "created");
    buf_printf(s->body, "\"starred_at\":null,");
    payload_end(s, "star", r, organisation_person(s, NULL));
}

static void next_work(struct simulation *s, void *thing, int64_t number)
{
    static const unsigned weight[] = {68, 26, 1, 5};
    (void)thing;
    (void)number;
    struct organisation *const o = organisation_of(s);
    switch (draw_weighted(&s->draw, weight, COUNT(weight))) {
    case 0: change_begin(s); break;
    case 1: issue_begin(s, &o->repository[draw_below(&s->draw, REPOSITORIES)]); break;
    case 2: incident_begin(s, &o->repository[draw_below(&s->draw, REPOSITORIES)], NULL); break;
    default: star(s); break;
    }
    organisation_plan(s, 65 * MINUTE_US, next_work, NULL);
}

static void first_deployment(struct simulation *s, void *thing, int64_t number)
{
    struct repository *const r = thing;
    (void)number;
    deployment_begin(s, r, 1, &r->runs[1], NULL);
}

/* What there was before anybody looked: a commit of main, and soon it is deployed once more. */
static void repository_begin(struct simulation *s, struct repository *r)
{
    char before[SHA_BYTES + 1];
    new_sha(s, before);
    push(s, r, "main",
         &(struct push){.before = before,
                        .after = r->head.sha,
                        .message = "Bring what there is",
                        .by = organisation_person(s, NULL)});
    simulation_plan(s, draw_between(&s->draw, MINUTE_US, 2 * HOUR_US), first_deployment, r, 0);
}

static void ping(struct simulation *s, void *thing, int64_t number)
{
    struct organisation *const o = organisation_of(s);
    (void)thing;
    (void)number;
    payload_begin(s, NULL);
    buf_add(s->body, S("\"zen\":\"A river needs no map to reach the sea.\",\"hook_id\":4711,"
                       "\"hook\":{\"type\":\"Organization\",\"id\":4711,\"name\":\"web\","
                       "\"active\":true,\"events\":[\"*\"],\"config\":{\"content_type\":"
                       "\"json\",\"insecure_ssl\":\"0\",\"secret\":\"********\"}},"));
    payload_end(s, "ping", &o->repository[0], &o->person[0]);
    for (size_t i = 0; i < REPOSITORIES; i++) {
        repository_begin(s, &o->repository[i]);
    }
    organisation_plan(s, MINUTE_US, next_work, NULL);
}

void world_github(struct simulation *s)
{
    static const char *const repositories[REPOSITORIES][3] = {
        {"shop", "TypeScript", "Where the yard's things are sold"},
        {"payments", "Go", "Takes the money, once"},
        {"search", "Rust", "Finds the right bolt"},
        {"website", "HTML", "Who we are"},
    };
    static const char *const people[PEOPLE][2] = {
        {"ada-acme", "Ada Ahlgren"},    {"bruno-acme", "Bruno Bauer"}, {"chen-acme", "Chen Cai"},
        {"dara-acme", "Dara Doyle"},    {"emil-acme", "Emil Eriksen"}, {"fatou-acme", "Fatou Fall"},
        {"goran-acme", "Goran Grubor"}, {"hana-acme", "Hana Hayashi"},
    };
    struct organisation *const o = arena_new(s->arena, struct organisation);
    s->world = o;
    o->next_id = 2000000000;
    for (size_t i = 0; i < PEOPLE; i++) {
        o->person[i] = (struct person){people[i][0], people[i][1], 500000 + 7919 * (int64_t)i};
    }
    for (size_t i = 0; i < REPOSITORIES; i++) {
        struct repository *const r = &o->repository[i];
        *r = (struct repository){.name = repositories[i][0],
                                 .language = repositories[i][1],
                                 .description = repositories[i][2],
                                 .id = 300000000 + 104729 * (int64_t)i,
                                 .created_us = s->now_us - 400 * DAY_US,
                                 .pushed_us = s->now_us - DAY_US,
                                 .next_number = 100,
                                 .next_run = 1000,
                                 .next_version = 1};
        r->truth.arena = s->arena;
        new_sha(s, r->head.sha);
        for (size_t e = 0; e < ENVIRONMENTS; e++) {
            r->runs[e] = r->head;
        }
    }
    simulation_plan(s, 0, ping, NULL, 0);
}

struct str world_github_truth(struct simulation *s, int64_t from_us, int64_t until_us)
{
    struct organisation *const o = organisation_of(s);
    struct buf b;
    char from[CLOCK_TEXT_BYTES];
    char until[CLOCK_TEXT_BYTES];
    buf_init(&b, s->arena, SIZE_MAX);
    (void)clock_text(from_us, from);
    (void)clock_text(until_us, until);
    buf_printf(&b, "{\"dora\":{\"from\":\"%s\",\"to\":\"%s\",\"rows\":[", from, until);
    for (size_t i = 0; i < REPOSITORIES; i++) {
        const size_t before = b.len;
        if (o->repository[i].truth.deployment) {
            buf_add(&b, b.at[before - 1] == '}' ? S(",") : S(""));
            truth_write(&o->repository[i].truth,
                        arena_printf(s->arena, "acme/%s", o->repository[i].name).at,
                        (double)(until_us - from_us) / (double)DAY_US, &b);
        }
    }
    buf_add(&b, S("]}}"));
    return buf_str(&b);
}
