/* The world of `simulate cdevents`: runs by the draws of the CDEvents simulation that weir's
 * field began with, changes on their way into production with what goes wrong there, and tickets.
 */
#include <stdio.h>

#include "command/simulate/run_draws.h"
#include "transform/cdevents/table.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ID_BYTES = 64 };

static const char *const services[] = {"shop", "payments", "search"};

/* What a lifecycle goes on with from step to step. */
struct story {
    struct story *next_free;
    char chain[UUID_BYTES + 1], last[UUID_BYTES + 1]; /* ids of the chain, of its last event */
    char subject[ID_BYTES], run[ID_BYTES], artifact[ID_BYTES * 2], ticket[ID_BYTES];
    struct run_draws draws;
    const char *service;
    bool is_task, is_bad;
    int reviews;
};

struct world {
    struct story *free;
    uint64_t changes_n, tickets_n, builds_n;
};

static struct story *story_new(struct simulation *s)
{
    struct world *const w = s->world;
    struct story *const story = w->free ? w->free : arena_new(s->arena, struct story);
    w->free = w->free ? story->next_free : NULL;
    *story = (struct story){0};
    run_draws_draw(s, &story->draws);
    story->service = services[draw_below(&s->draw, COUNT(services))];
    draw_uuid(&s->draw, story->chain);
    draw_uuid(&s->draw, story->subject);
    draw_uuid(&s->draw, story->run);
    return story;
}

static void story_end(struct simulation *s, struct story *story)
{
    struct world *const w = s->world;
    story->next_free = w->free;
    w->free = story;
}

/* ---- one event ---- */

/* Deliver a CDEvent of this type; `content` is the content's members without braces, in which
 * nothing needs quoting. */
static void tell(struct simulation *s, struct story *story, const char *name, struct str subject,
                 struct str content)
{
    struct buf *const b = s->body;
    struct arena *const a = &s->scratch;
    char id[UUID_BYTES];
    char time[CLOCK_TEXT_BYTES];
    draw_uuid(&s->draw, id);
    struct delivery d = {
        .id = {id, sizeof id},
        .source = arena_printf(a, "https://ci.example.org/%s/%s", story->draws.environment,
                               story->draws.user),
        .type = cdevents_type(a, str_of(name)),
        .subject = subject,
        .time = {time, clock_text(s->now_us, time)},
    };
    buf_reset(b);
    buf_printf(b,
               "{\"context\":{\"specversion\":\"0.5.1\",\"id\":\"%.*s\",\"source\":\"%.*s\","
               "\"type\":\"%.*s\",\"timestamp\":\"%.*s\",\"chainId\":\"%s\"",
               STR_ARG(d.id), STR_ARG(d.source), STR_ARG(d.type), STR_ARG(d.time), story->chain);
    if (story->last[0]) {
        buf_printf(b, ",\"links\":[{\"linkType\":\"PATH\",\"from\":{\"contextId\":\"%s\"}}]",
                   story->last);
    }
    buf_printf(b, "},\"subject\":{\"id\":\"%.*s\",\"content\":{%.*s}},", STR_ARG(subject),
               STR_ARG(content));
    buf_printf(b, "\"customData\":{\"user\":\"%s\",\"environment\":\"%s\",\"service\":\"%s\"}}",
               story->draws.user, story->draws.environment, story->service);
    memcpy(story->last, id, sizeof id);
    simulation_deliver(s, d);
}

#define SAY(...) arena_printf(&s->scratch, __VA_ARGS__)

static struct str repository_of(struct simulation *s, const struct story *story)
{
    return SAY("\"repository\":{\"id\":\"acme/%s\",\"source\":\"https://git.example.org\"}",
               story->service);
}

/* ---- runs: queued, started, finished ---- */

static struct str run_content(struct simulation *s, const struct story *story)
{
    if (!story->is_task) {
        return SAY("\"pipelineName\":\"%s\",\"uri\":\"https://ci.example.org/%s/runs/%s\"",
                   story->draws.pipeline, story->draws.pipeline, story->subject);
    }
    return SAY("\"taskName\":\"%s\",\"uri\":\"https://ci.example.org/%s/tasks/%s\","
               "\"pipelineRun\":{\"id\":\"%s\"}",
               story->draws.task, story->draws.pipeline, story->subject, story->run);
}

static void run_finish(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    const char *const error = run_draws_error(&story->draws);
    const struct str what = run_content(s, story);
    tell(s, story, story->is_task ? "taskrun.finished" : "pipelinerun.finished",
         str_of(story->subject),
         SAY("%.*s,\"outcome\":\"%s\"%s%s%s", STR_ARG(what), story->draws.outcome,
             error ? ",\"errors\":\"" : "", error ? error : "", error ? "\"" : ""));
    story_end(s, story);
}

static void run_start(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    tell(s, story, story->is_task ? "taskrun.started" : "pipelinerun.started",
         str_of(story->subject), run_content(s, story));
    simulation_plan(s, run_step_us(s), run_finish, story, 0);
}

static void run_new(struct simulation *s)
{
    struct story *const story = story_new(s);
    story->is_task = draw_chance(&s->draw, 0.7);
    if (story->is_task || draw_chance(&s->draw, 2.0 / 3.0)) {
        run_start(s, story, 0);
        return;
    }
    tell(s, story, "pipelinerun.queued", str_of(story->subject), run_content(s, story));
    simulation_plan(s, run_step_us(s), run_start, story, 0);
}

/* ---- incidents ---- */

static struct str where_it_runs(struct simulation *s, const struct story *story, const char *in)
{
    return SAY("\"environment\":{\"id\":\"%s\"},\"service\":{\"id\":\"%s\"},\"artifactId\":\"%s\"",
               in, story->service, story->artifact);
}

static void incident_end(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    tell(s, story, "incident.resolved", SAY("incident-%s", story->ticket),
         where_it_runs(s, story, "prod"));
    tell(s, story, "ticket.closed", str_of(story->ticket),
         SAY("\"summary\":\"%s answers with errors\",\"ticketType\":\"incident\",\"uri\":"
             "\"https://tickets.example.org/%s\",\"resolution\":\"completed\",\"updatedBy\":"
             "\"%s\"",
             story->service, story->ticket, story->draws.user));
    story_end(s, story);
}

static void incident_rollback(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    tell(s, story, "service.rolledback", str_of(story->service),
         SAY("\"environment\":{\"id\":\"prod\"},\"artifactId\":\"%s\"", story->artifact));
    simulation_plan(s, 4 * run_step_us(s), incident_end, story, 0);
}

static void incident_begin(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    struct world *const w = s->world;
    (void)number;
    (void)snprintf(story->ticket, sizeof story->ticket, "OPS-%llu",
                   (unsigned long long)++w->tickets_n);
    const struct str where = where_it_runs(s, story, "prod");
    tell(s, story, "incident.detected", SAY("incident-%s", story->ticket),
         SAY("\"description\":\"error rate of %s above 5 %%\",%.*s", story->service,
             STR_ARG(where)));
    tell(s, story, "ticket.created", str_of(story->ticket),
         SAY("\"summary\":\"%s answers with errors\",\"ticketType\":\"incident\",\"creator\":"
             "\"%s\",\"priority\":\"high\",\"uri\":\"https://tickets.example.org/%s\"",
             story->service, story->draws.user, story->ticket));
    tell(s, story, "incident.reported", SAY("incident-%s", story->ticket),
         SAY("%.*s,\"ticketURI\":\"https://tickets.example.org/%s\"", STR_ARG(where),
             story->ticket));
    simulation_plan(s, draw_gap(&s->draw, 45 * MINUTE_US) + run_step_us(s), incident_rollback,
                    story, 0);
}

/* ---- a change on its way ---- */

static void deploy(struct simulation *s, void *thing, int64_t is_production)
{
    struct story *const story = thing;
    const char *const in = is_production ? "prod" : "staging";
    const bool is_first = draw_chance(&s->draw, 0.1);
    tell(s, story, is_first ? "service.deployed" : "service.upgraded", str_of(story->service),
         SAY("\"environment\":{\"id\":\"%s\"},\"artifactId\":\"%s\"", in, story->artifact));
    if (!is_production && draw_chance(&s->draw, 0.8)) {
        simulation_plan(
            s, simulation_working(s, s->now_us + draw_gap(&s->draw, 3 * HOUR_US)) - s->now_us,
            deploy, story, 1);
    } else if (is_production && draw_chance(&s->draw, 0.1)) {
        simulation_plan(s, draw_gap(&s->draw, HOUR_US), incident_begin, story, 0);
    } else {
        story_end(s, story);
    }
}

static struct str pipeline_of(struct simulation *s, const struct story *story)
{
    return SAY("\"pipelineName\":\"%s-release\",\"uri\":\"https://ci.example.org/%s/runs/%s\"",
               story->service, story->service, story->run);
}

/* The last step of the pipeline: what it made, and how it ended. */
static void pipeline_finish(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    const struct str what = pipeline_of(s, story);
    if (!story->is_bad) {
        tell(s, story, "artifact.packaged", str_of(story->artifact),
             SAY("\"change\":{\"id\":\"%s\"}", story->subject));
        tell(s, story, "artifact.signed", str_of(story->artifact),
             SAY("\"signature\":\"%.16s\"", story->chain));
        tell(s, story, "artifact.published", str_of(story->artifact),
             SAY("\"user\":\"%s\"", story->draws.user));
    }
    tell(s, story, "pipelinerun.finished", str_of(story->run),
         SAY("%.*s,\"outcome\":\"%s\"%s", STR_ARG(what), story->is_bad ? "failure" : "success",
             story->is_bad ? ",\"errors\":\"Unit tests failed\"" : ""));
    if (story->is_bad) {
        story_end(s, story);
    } else {
        simulation_plan(s, run_step_us(s), deploy, story, 0);
    }
}

/* Tests of the pipeline: their outcome decides its own. */
static void tests_finish(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    tell(s, story, "testsuiterun.finished", SAY("%s-unit", story->run),
         SAY("\"environment\":{\"id\":\"ci\"},\"testSuite\":{\"id\":\"%s-unit\",\"name\":\"unit\"}"
             ",\"outcome\":\"%s\"",
             story->service, story->is_bad ? "failure" : "success"));
    tell(s, story, "taskrun.finished", SAY("%s-test", story->run),
         SAY("\"taskName\":\"test\",\"pipelineRun\":{\"id\":\"%s\"},\"outcome\":\"%s\"", story->run,
             story->is_bad ? "failure" : "success"));
    simulation_plan(s, run_step_us(s), pipeline_finish, story, 0);
}

static void build_finish(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    struct world *const w = s->world;
    (void)number;
    (void)snprintf(story->artifact, sizeof story->artifact,
                   "pkg:oci/%s@1.0.%llu?repository_url=registry.example.org", story->service,
                   (unsigned long long)++w->builds_n);
    tell(s, story, "build.finished", SAY("%s-build", story->run),
         SAY("\"artifactId\":\"%s\"", story->artifact));
    tell(s, story, "taskrun.finished", SAY("%s-compile", story->run),
         SAY("\"taskName\":\"compile\",\"pipelineRun\":{\"id\":\"%s\"},\"outcome\":\"success\"",
             story->run));
    tell(s, story, "taskrun.started", SAY("%s-test", story->run),
         SAY("\"taskName\":\"test\",\"pipelineRun\":{\"id\":\"%s\"}", story->run));
    tell(s, story, "testsuiterun.started", SAY("%s-unit", story->run),
         SAY("\"environment\":{\"id\":\"ci\"},\"testSuite\":{\"id\":\"%s-unit\",\"name\":"
             "\"unit\"}",
             story->service));
    simulation_plan(s, run_step_us(s), tests_finish, story, 0);
}

static void pipeline_start(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    tell(s, story, "pipelinerun.started", str_of(story->run), pipeline_of(s, story));
    tell(s, story, "taskrun.started", SAY("%s-compile", story->run),
         SAY("\"taskName\":\"compile\",\"pipelineRun\":{\"id\":\"%s\"}", story->run));
    tell(s, story, "build.started", SAY("%s-build", story->run), S(""));
    simulation_plan(s, run_step_us(s), build_finish, story, 0);
}

static void change_end(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    const bool is_merged = draw_chance(&s->draw, 0.92);
    const struct str in = repository_of(s, story);
    tell(s, story, is_merged ? "change.merged" : "change.abandoned", str_of(story->subject), in);
    tell(s, story, "branch.deleted", SAY("topic-%s", story->subject), in);
    if (!is_merged) {
        story_end(s, story);
        return;
    }
    story->is_bad = draw_chance(&s->draw, 0.12);
    tell(s, story, "pipelinerun.queued", str_of(story->run), pipeline_of(s, story));
    tell(s, story, "build.queued", SAY("%s-build", story->run), S(""));
    simulation_plan(s, run_step_us(s), pipeline_start, story, 0);
}

static void change_review(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    const struct str in = repository_of(s, story);
    tell(s, story, "change.reviewed", str_of(story->subject), in);
    const bool is_enough = --story->reviews <= 0;
    if (!is_enough) {
        tell(s, story, "change.updated", str_of(story->subject), in);
    }
    const int64_t then_us = simulation_working(s, s->now_us + draw_gap(&s->draw, 4 * HOUR_US));
    simulation_plan(s, then_us - s->now_us, is_enough ? change_end : change_review, story, 0);
}

static void change_new(struct simulation *s)
{
    struct world *const w = s->world;
    struct story *const story = story_new(s);
    (void)snprintf(story->subject, sizeof story->subject, "%llu",
                   (unsigned long long)++w->changes_n);
    story->reviews = (int)draw_between(&s->draw, 1, 3);
    const struct str in = repository_of(s, story);
    tell(s, story, "branch.created", SAY("topic-%s", story->subject), in);
    tell(s, story, "change.created", str_of(story->subject),
         SAY("\"description\":\"Change %s of %s\",%.*s", story->subject, story->service,
             STR_ARG(in)));
    const int64_t then_us = simulation_working(s, s->now_us + draw_gap(&s->draw, 3 * HOUR_US));
    simulation_plan(s, then_us - s->now_us, change_review, story, 0);
}

/* ---- tickets ---- */

static struct str ticket_content(struct simulation *s, const struct story *story)
{
    return SAY("\"summary\":\"%s: %s\",\"ticketType\":\"%s\",\"creator\":\"%s\",\"assignees\":"
               "[\"%s\"],\"priority\":\"%s\",\"labels\":[\"%s\"],\"uri\":"
               "\"https://tickets.example.org/%s\"",
               story->service, story->draws.error, story->is_bad ? "bug" : "enhancement",
               story->draws.user, story->draws.user, story->is_bad ? "high" : "low", story->service,
               story->ticket);
}

static void ticket_close(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    const struct str content = ticket_content(s, story);
    tell(s, story, "ticket.closed", str_of(story->ticket),
         SAY("%.*s,\"resolution\":\"%s\",\"updatedBy\":\"%s\"", STR_ARG(content),
             draw_chance(&s->draw, 0.8) ? "completed" : "withdrawn", story->draws.user));
    story_end(s, story);
}

static void ticket_update(struct simulation *s, void *thing, int64_t number)
{
    struct story *const story = thing;
    (void)number;
    const struct str content = ticket_content(s, story);
    tell(s, story, "ticket.updated", str_of(story->ticket),
         SAY("%.*s,\"milestone\":\"next\",\"updatedBy\":\"%s\"", STR_ARG(content),
             story->draws.user));
    simulation_plan(s, draw_gap(&s->draw, 2 * DAY_US), ticket_close, story, 0);
}

static void ticket_new(struct simulation *s)
{
    struct world *const w = s->world;
    struct story *const story = story_new(s);
    (void)snprintf(story->ticket, sizeof story->ticket, "DEV-%llu",
                   (unsigned long long)++w->tickets_n);
    story->is_bad = draw_chance(&s->draw, 0.6);
    tell(s, story, "ticket.created", str_of(story->ticket), ticket_content(s, story));
    simulation_plan(s, draw_gap(&s->draw, DAY_US), ticket_update, story, 0);
}

/* ---- the world ---- */

static void next_lifecycle(struct simulation *s, void *thing, int64_t number)
{
    static const unsigned weight[] = {70, 20, 10};
    (void)thing;
    (void)number;
    switch (draw_weighted(&s->draw, weight, COUNT(weight))) {
    case 0: run_new(s); break;
    case 1: change_new(s); break;
    default: ticket_new(s); break;
    }
    simulation_plan(s, draw_gap(&s->draw, 65 * MINUTE_US), next_lifecycle, NULL, 0);
}

static void begin(struct simulation *s, void *thing, int64_t number)
{
    (void)thing;
    (void)number;
    struct story *const story = story_new(s);
    for (size_t i = 0; i < RUN_ENVIRONMENTS; i++) {
        tell(s, story, "environment.created", str_of(run_environments[i]),
             SAY("\"name\":\"%s\",\"uri\":\"https://%s.example.org\"", run_environments[i],
                 run_environments[i]));
    }
    for (size_t i = 0; i < COUNT(services); i++) {
        tell(s, story, "repository.created", SAY("acme/%s", services[i]),
             SAY("\"name\":\"%s\",\"owner\":\"acme\",\"uri\":\"https://git.example.org/acme/%s\"",
                 services[i], services[i]));
    }
    story_end(s, story);
    next_lifecycle(s, NULL, 0);
}

void world_cdevents(struct simulation *s)
{
    s->world = arena_new(s->arena, struct world);
    simulation_plan(s, 0, begin, NULL, 0);
}
