/* What becomes of merged changes: deployments, releases, incidents; and the issues that people
 * write. */
#include <stdio.h>

#include "command/simulate/github_operations.h"
#include "command/simulate/payload.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void issue_close(struct simulation *s, void *thing, int64_t number);

/* ---- releases ---- */

static void release_publish(struct simulation *s, struct repository *r, const struct person *by)
{
    const struct str tag = arena_printf(&s->scratch, "v1.%lld.0", (long long)r->next_version++);
    payload_begin(s, NULL);
    buf_printf(s->body,
               "\"ref\":\"%s\",\"ref_type\":\"tag\",\"master_branch\":\"main\",\"description\":"
               "null,\"pusher_type\":\"user\",",
               tag.at);
    payload_end(s, "create", r, by);
    r->pushed_us = s->now_us;
    payload_begin(s, NULL);
    payload_push(s, r, arena_printf(&s->scratch, "refs/tags/%s", tag.at).at,
                 &(struct push){.after = r->runs[1].sha, .message = "A release", .by = by});
    payload_end(s, "push", r, by);
    payload_begin(s, "published");
    payload_release(s, r, tag.at, by);
    payload_end(s, "release", r, by);
}

/* ---- deployments ---- */

static void tell_status(struct simulation *s, struct deployment *d, const char *state)
{
    d->updated_us = s->now_us;
    payload_begin(s, "created");
    payload_deployment_status(s, d, state);
    payload_end(s, "deployment_status", d->repository, d->creator);
}

static void deployment_end(struct simulation *s, struct deployment *d)
{
    struct organisation *const o = organisation_of(s);
    d->next_free = o->free_deployment;
    o->free_deployment = d;
}

static void to_production(struct simulation *s, void *thing, int64_t number)
{
    struct repository *const r = thing;
    (void)number;
    if (strcmp(r->runs[0].sha, r->runs[1].sha) != 0) {
        deployment_begin(s, r, 1, &r->runs[0], NULL);
    }
}

static void after_success(struct simulation *s, const struct deployment *d)
{
    struct repository *const r = d->repository;
    if (d->environment == 0) {
        if (draw_chance(&s->draw, 0.75)) {
            organisation_plan(s, 4 * HOUR_US, to_production, r);
        }
    } else if (d->mends) {
        (void)snprintf(d->mends->fix, sizeof d->mends->fix, "fixed-by:%lld", (long long)d->id);
        simulation_plan(s, draw_between(&s->draw, 5 * MINUTE_US, HOUR_US), issue_close, d->mends,
                        0);
    } else if (draw_chance(&s->draw, 0.09)) {
        incident_begin(s, r, d);
    } else if (draw_chance(&s->draw, 0.25)) {
        release_publish(s, r, d->creator);
    }
}

static void deployment_finish(struct simulation *s, void *thing, int64_t number)
{
    struct deployment *const d = thing;
    struct repository *const r = d->repository;
    struct deployment *const old = r->live[d->environment];
    (void)number;
    if (!d->mends && draw_chance(&s->draw, 0.05)) {
        tell_status(s, d, draw_chance(&s->draw, 0.8) ? "failure" : "error");
        deployment_end(s, d);
        return;
    }
    if (d->environment == 1 && !s->is_over) {
        d->truth = truth_deployed(&r->truth, d->place.n, s->now_us, d->mends != NULL);
    }
    tell_status(s, d, "success");
    d->before = r->runs[d->environment];
    r->runs[d->environment] = d->place;
    r->live[d->environment] = d;
    if (old) {
        tell_status(s, old, "inactive");
        deployment_end(s, old);
    }
    after_success(s, d);
}

static void deployment_start(struct simulation *s, void *thing, int64_t number)
{
    struct deployment *const d = thing;
    (void)number;
    tell_status(s, d, "in_progress");
    simulation_plan(s, draw_normal(&s->draw, 120 * SECOND_US, 20 * SECOND_US), deployment_finish, d,
                    0);
}

void deployment_begin(struct simulation *s, struct repository *r, size_t environment,
                      const struct place *place, struct issue *mends)
{
    struct organisation *const o = organisation_of(s);
    struct deployment *const d = o->free_deployment ? o->free_deployment
                                                    : arena_new(s->arena, struct deployment);
    o->free_deployment = o->free_deployment ? d->next_free : NULL;
    *d = (struct deployment){.repository = r,
                             .creator = organisation_person(s, NULL),
                             .id = organisation_id(s),
                             .created_us = s->now_us,
                             .updated_us = s->now_us,
                             .environment = environment,
                             .is_rollback = mends != NULL,
                             .place = *place,
                             .mends = mends};
    payload_begin(s, "created");
    payload_deployment(s, d);
    payload_end(s, "deployment", r, d->creator);
    if (draw_chance(&s->draw, 0.3)) {
        tell_status(s, d, "queued"); /* GitHub's seconds may give both the same time */
    }
    simulation_plan(s, draw_between(&s->draw, SECOND_US / 2, 30 * SECOND_US), deployment_start, d,
                    0);
}

/* ---- issues ---- */

static void tell_issue(struct simulation *s, struct issue *i, const char *action,
                       const struct person *by)
{
    i->updated_us = s->now_us;
    payload_begin(s, action);
    payload_issue(s, i);
    payload_issue_action(s, i, action);
    payload_end(s, "issues", i->repository, by);
}

static void add_label(struct simulation *s, struct issue *i, const char *label,
                      const struct person *by)
{
    size_t k = 0;
    while (i->label[k] && i->label[k] != label) {
        k++;
    }
    if (!i->label[k]) {
        i->label[k] = label;
        tell_issue(s, i, "labeled", by);
    }
}

static void issue_reopen(struct simulation *s, void *thing, int64_t number)
{
    struct issue *const i = thing;
    (void)number;
    i->state = "open";
    i->reason = "reopened";
    i->closed_us = TIME_NONE;
    if (i->broke && !s->is_over) {
        i->broke->resolved_us = TIME_NONE;
    }
    tell_issue(s, i, "reopened", i->author);
    organisation_plan(s, DAY_US, issue_close, i);
}

static void issue_close(struct simulation *s, void *thing, int64_t number)
{
    struct issue *const i = thing;
    struct organisation *const o = organisation_of(s);
    (void)number;
    const bool was_open_before = i->reason != NULL;
    if (i->fix[0]) {
        add_label(s, i, i->fix, i->author);
    }
    if (i->broke && !s->is_over) {
        i->broke->resolved_us = s->now_us;
    }
    i->state = "closed";
    i->reason = draw_chance(&s->draw, 0.85) ? "completed" : "not_planned";
    i->closed_us = s->now_us;
    i->repository->open_issues--;
    tell_issue(s, i, "closed", i->assignee ? i->assignee : i->author);
    if (!was_open_before && draw_chance(&s->draw, 0.06)) {
        i->repository->open_issues++;
        organisation_plan(s, 6 * HOUR_US, issue_reopen, i);
        return;
    }
    i->next_free = o->free_issue;
    o->free_issue = i;
}

static void incident_mend(struct simulation *s, void *thing, int64_t number)
{
    struct issue *const i = thing;
    (void)number;
    deployment_begin(s, i->repository, 1, &i->back, i);
}

static void issue_assign(struct simulation *s, void *thing, int64_t number)
{
    struct issue *const i = thing;
    (void)number;
    i->assignee = organisation_person(s, NULL);
    tell_issue(s, i, "assigned", i->assignee);
    organisation_plan(s, 2 * DAY_US, issue_close, i);
}

static struct issue *issue_new(struct simulation *s, struct repository *r, const char *title,
                               const char *label)
{
    struct organisation *const o = organisation_of(s);
    struct issue *const i = o->free_issue ? o->free_issue : arena_new(s->arena, struct issue);
    o->free_issue = o->free_issue ? i->next_free : NULL;
    *i = (struct issue){.repository = r,
                        .author = organisation_person(s, NULL),
                        .state = "open",
                        .number = r->next_number++,
                        .id = organisation_id(s),
                        .created_us = s->now_us,
                        .closed_us = TIME_NONE};
    r->open_issues++;
    (void)snprintf(i->title, sizeof i->title, "%s", title);
    tell_issue(s, i, "opened", i->author);
    add_label(s, i, label, i->author);
    return i;
}

void issue_begin(struct simulation *s, struct repository *r)
{
    static const char *const labels[] = {"bug", "enhancement", "question"};
    static const char *const titles[] = {"Prices differ between basket and order",
                                         "The search forgets filters",
                                         "A mail comes twice",
                                         "Sign-in takes ten seconds",
                                         "Coupons end a day early",
                                         "Show the delivery date earlier"};
    const char *const title = titles[draw_below(&s->draw, COUNT(titles))];
    struct issue *const i = issue_new(s, r, title, labels[draw_below(&s->draw, COUNT(labels))]);
    organisation_plan(s, 8 * HOUR_US, issue_assign, i);
}

/* Somebody finds out which deployment it was. */
static void incident_blame(struct simulation *s, void *thing, int64_t number)
{
    struct issue *const i = thing;
    (void)number;
    if (i->broke && !s->is_over) {
        i->broke->has_incident = true;
    }
    add_label(s, i, i->cause, i->author);
}

void incident_begin(struct simulation *s, struct repository *r, const struct deployment *cause)
{
    struct issue *const i = issue_new(
        s, r, cause ? "Production answers with errors" : "The provider of payments is down",
        "incident");
    if (!cause) {
        simulation_plan(s, draw_between(&s->draw, 10 * MINUTE_US, 5 * HOUR_US), issue_close, i, 0);
        return;
    }
    i->broke = cause->truth;
    i->back = cause->before;
    (void)snprintf(i->cause, sizeof i->cause, "caused-by:%lld", (long long)cause->id);
    simulation_plan(s, draw_between(&s->draw, 30 * SECOND_US, 3 * MINUTE_US), incident_blame, i, 0);
    simulation_plan(s, draw_between(&s->draw, 4 * MINUTE_US, 90 * MINUTE_US), incident_mend, i, 0);
}
