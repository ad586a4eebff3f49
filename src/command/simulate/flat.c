/* The world of `simulate cdevents --shape flat`: the raw events of the simulation that this field
 * began with, before there were CDEvents that tools agree on. A lifecycle is told when it is over,
 * one after the other, and context.id holds it together. */
#include "command/simulate/run_draws.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ONE_OF(s, list, weights) ((list)[draw_weighted(&(s)->draw, (weights), COUNT(list))])

enum { SOURCE_BYTES = 32, STAMP_BYTES = 26 };

static const char *const versions[] = {"0.0.1", "0.0.2", "0.1.0"};
static const unsigned version_weight[] = {20, 40, 40};
static const char *const types[] = {"pipelineRun", "taskRun"};
static const unsigned type_weight[] = {30, 70};
static const unsigned name_weight[] = {20, 60, 20};
static const unsigned first_weight[] = {30, 60}; /* queued, started */

struct lifecycle {
    struct run_draws draws;
    char id[UUID_BYTES + 1], subject[UUID_BYTES + 1], run[UUID_BYTES + 1];
    const char *version, *type;
    size_t name; /* of the pipeline or task: the type and 1, 2 or 3 */
};

/* Local time of the one who wrote it, without zone: UTC here. Always with its fraction, which the
 * readers of this shape expect. */
static struct str stamp(int64_t at_us, char out[CLOCK_TEXT_BYTES])
{
    static const char parts[] = "0000-00-00 00:00:00.000000";
    (void)clock_text(at_us, out);
    out[10] = ' ';
    return (struct str){out, sizeof parts - 1};
}

static void put_content(struct buf *b, const struct lifecycle *l, bool is_finished)
{
    const struct run_draws *const d = &l->draws;
    buf_printf(b,
               "\"content\":{\"task\":\"%s\",\"url\":\"/apis/%s.%s/veta/namespaces/default/%ss/"
               "%s%zu\",\"%s\":{\"id\":\"%s\",\"source\":\"/%s/%s/\",\"type\":\"%s\","
               "\"pipelineName\":\"%s\",\"url\":\"https://api.example_system.com/namespace/%s\"",
               d->task, d->user, d->environment, l->type, l->type, l->name + 1, l->type, l->run,
               d->environment, d->user, l->type, d->pipeline, d->pipeline);
    if (is_finished) {
        const char *const error = run_draws_error(d);
        buf_printf(b, ",\"outcome\":\"%s\"", d->outcome);
        if (error) {
            buf_printf(b, ",\"run_errors\":\"%s\"", error);
        }
    }
    buf_add(b, S("}}"));
}

static void tell(struct simulation *s, const struct lifecycle *l, const char *state, int64_t at_us)
{
    char id[UUID_BYTES];
    char time[CLOCK_TEXT_BYTES];
    struct buf *const b = s->body;
    draw_uuid(&s->draw, id);
    const struct delivery d = {
        .id = {id, sizeof id},
        .source = arena_printf(&s->scratch, "/%s/%s/", l->draws.environment, l->draws.user),
        .type = arena_printf(&s->scratch, "%s.simulated_events.%s.%s", l->draws.environment,
                             l->type, state),
        .subject = str_of(l->subject),
        .time = stamp(at_us, time),
    };
    buf_reset(b);
    buf_printf(b,
               "{\"context\":{\"version\":\"%s\",\"id\":\"%s\",\"source\":\"%.*s\",\"type\":"
               "\"%.*s\",\"timestamp\":\"%.*s\"},\"subject\":{\"id\":\"%s\",\"type\":\"%s\",",
               l->version, l->id, STR_ARG(d.source), STR_ARG(d.type), STR_ARG(d.time), l->subject,
               l->type);
    put_content(b, l, strcmp(state, "finished") == 0);
    buf_printf(b, "},\"event_id\":\"%.*s\"}", STR_ARG(d.id));
    simulation_deliver(s, d);
}

/* A lifecycle that ends now. */
static void tell_lifecycle(struct simulation *s)
{
    struct lifecycle l = {.version = ONE_OF(s, versions, version_weight),
                          .type = ONE_OF(s, types, type_weight),
                          .name = draw_weighted(&s->draw, name_weight, COUNT(name_weight))};
    const bool is_task = strcmp(l.type, "taskRun") == 0;
    const bool is_queued = !is_task && draw_weighted(&s->draw, first_weight, 2) == 0;
    const int64_t started_us = s->now_us - run_step_us(s);
    run_draws_draw(s, &l.draws);
    draw_uuid(&s->draw, l.id);
    draw_uuid(&s->draw, l.subject);
    draw_uuid(&s->draw, l.run);
    if (is_queued) {
        tell(s, &l, "queued", started_us - run_step_us(s));
    }
    tell(s, &l, "started", started_us);
    tell(s, &l, "finished", s->now_us);
}

static void next_lifecycle(struct simulation *s, void *thing, int64_t number)
{
    /* events a lifecycle on average: two, and one more for the pipelines that are queued */
    const double events = 2.0 + 0.3 / 3.0;
    tell_lifecycle(s);
    simulation_plan(s, draw_gap(&s->draw, (int64_t)(DAY_US * events / (double)FLAT_A_DAY)),
                    next_lifecycle, thing, number);
}

void world_flat(struct simulation *s)
{
    simulation_plan(s, 0, next_lifecycle, NULL, 0);
}
