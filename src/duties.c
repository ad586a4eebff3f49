/* duties.c - what each process of weir does, in the order of the path. */
#include "registry.h"

#include "agent/agent.h"
#include "base/log.h"
#include "collector/collect.h"
#include "orchestrate/narrow.h"
#include "persist/persister.h"
#include "persist/sink/sink.h"
#include "serve/serve.h"
#include "transform/run.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static enum outcome run_intake(const struct post *p, struct failure *f)
{
    const struct intake in = {.config = p->config,
                              .bus = p->bus,
                              .listen_fd = p->listen_fd,
                              .listen_n = p->listen_n,
                              .index = p->index,
                              .progress = p->progress};
    if (narrow_intake(p->config, f) != OK) {
        log_failure(LOG_WARN, "not narrowed", f, "the intake runs with all rights of its user");
    }
    return agent_run(&in, f);
}

static enum outcome run_collect(const struct post *p, struct failure *f)
{
    return collect_run(&(struct collecting){p->config, p->bus, p->progress, p->weir_us}, f);
}

static enum outcome run_transform(const struct post *p, struct failure *f)
{
    return transform_run(p->config, p->bus, p->progress, f);
}

static enum outcome run_lake(const struct post *p, struct failure *f)
{
    return persist_run(&persist_lake, p->config, p->bus, p->progress, f);
}

static enum outcome run_store(const struct post *p, struct failure *f)
{
    return persist_run(&persist_store, p->config, p->bus, p->progress, f);
}

static struct str sink_process(const struct config *c, size_t i)
{
    return i < c->sinks.n ? c->sinks.at[i].id : S("");
}

static enum outcome run_sink(const struct post *p, struct failure *f)
{
    const struct sink_config *own = NULL;
    struct arena a;
    for (size_t i = 0; i < p->config->sinks.n; i++) {
        own = str_eq(p->config->sinks.at[i].id, str_of(p->name)) ? &p->config->sinks.at[i] : own;
    }
    if (!own) {
        return failed(f, STOP, "%s is not in the configuration", p->name);
    }
    arena_init(&a, 1 << 16);
    const enum outcome result = persist_run(sink_persister(&a, own), p->config, p->bus, p->progress,
                                            f);
    arena_close(&a);
    return result;
}

static enum outcome run_serve(const struct post *p, struct failure *f)
{
    const struct serve s = {.config = p->config,
                            .listen_fd = p->listen_fd,
                            .listen_n = p->listen_n,
                            .bus = p->bus,
                            .progress = p->progress,
                            .duties = registry_duties};
    return serve_run(&s, f);
}

/* hang_ms: several times the longest turn that was seen on a busy disk. */
const struct duty registry_duties[] = {
    {.stage = "intake",
     .run = run_intake,
     .door = DOOR_INTAKE,
     .is_many = true,
     .wave = 0,
     .hang_ms = MINUTE},
    {.stage = "collect", .run = run_collect, .wave = 0, .hang_ms = 2 * MINUTE},
    {.stage = "transform",
     .run = run_transform,
     .reads = &transform_streams,
     .wave = 1,
     .hang_ms = 2 * MINUTE},
    {.stage = "store",
     .run = run_store,
     .reads = &persist_store.streams,
     .wave = 2,
     .hang_ms = 5 * MINUTE},
    /* hang_ms: a flush and its housekeeping count as one turn */
    {.stage = "lake",
     .run = run_lake,
     .reads = &persist_lake.streams,
     .wave = 2,
     .hang_ms = 10 * MINUTE},
    /* hang_ms: a slow receiver's time limit, and all that it may be tried again meanwhile */
    {.stage = "sink",
     .run = run_sink,
     .reads = &sink_streams,
     .each = sink_process,
     .wave = 2,
     .hang_ms = 10 * MINUTE},
    {.stage = "serve", .run = run_serve, .door = DOOR_ADMIN, .wave = 3, .hang_ms = MINUTE},
    {0},
};
