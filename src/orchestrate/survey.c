#include "orchestrate/survey.h"

#include <dirent.h>
#include <stdlib.h>

#include "bus/trim.h"
#include "bus/upkeep.h"
#include "orchestrate/lock.h"

enum { LOOK_BYTES = 1 }; /* one record is enough to know its age */

const char *stage_state_name(enum stage_state s)
{
    switch (s) {
    case STAGE_OK: return "ok";
    case STAGE_STARTING: return "starting";
    case STAGE_RETRYING: return "retrying";
    case STAGE_BEHIND: return "behind";
    case STAGE_DOWN: return "down";
    }
    return "?";
}

static void close_page(void *page)
{
    progress_close(page);
}

static void open_pages(struct survey *s, struct arena *a, struct str dir, struct str bus_id)
{
    DIR *const d = opendir(arena_cstr(a, dir));
    if (!d) {
        return; /* nothing has run here */
    }
    /* one thread a process */
    for (struct dirent *e;
         s->pages_n < SURVEY_PAGES_MAX && (e = readdir(d));) { /* NOLINT(concurrency-mt-unsafe) */
        const struct str name = str_of(e->d_name);
        struct survey_page *const p = &s->page[s->pages_n];
        if (!str_ends(name, S(".page"))) {
            continue;
        }
        p->name = arena_str(a, str_sub(name, 0, name.len - 5));
        if (progress_peek(a, dir, p->name, bus_id, &p->page)) {
            arena_defer(a, close_page, p->page);
            s->pages_n++;
        }
    }
    closedir(d);
}

static const struct progress *page_of(const struct survey *s, struct str name)
{
    for (size_t i = 0; i < s->pages_n; i++) {
        if (str_eq(s->page[i].name, name)) {
            return s->page[i].page;
        }
    }
    return NULL;
}

static uint64_t counter_of(const struct progress *p, const char *name)
{
    const char *at = NULL;
    uint64_t n = 0;
    for (size_t i = 0; p && progress_counter_at(p, i, &at, &n); i++) {
        if (strcmp(at, name) == 0) {
            return n;
        }
    }
    return 0;
}

uint64_t survey_counter(const struct survey *s, const char *name)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->pages_n; i++) {
        sum += counter_of(s->page[i].page, name);
    }
    return sum;
}

static void count(struct survey_count *list, size_t *n, size_t room, struct survey_count one)
{
    for (size_t i = 0; i < *n; i++) {
        if (str_eq(list[i].rest, one.rest)) {
            list[i].n += one.n;
            return;
        }
    }
    if (*n < room) {
        list[(*n)++] = one;
    }
}

static int by_number(const void *a, const void *b)
{
    const struct survey_count *const x = a, *const y = b;
    if (x->n != y->n) {
        return x->n < y->n ? 1 : -1;
    }
    return str_cmp(x->rest, y->rest);
}

size_t survey_counters(const struct survey *s, struct arena *a, struct str prefix,
                       struct survey_count **out)
{
    size_t n = 0;
    *out = arena_array(a, struct survey_count, PROGRESS_COUNTERS);
    for (size_t i = 0; i < s->pages_n; i++) {
        const char *at = NULL;
        uint64_t value = 0;
        for (size_t k = 0; progress_counter_at(s->page[i].page, k, &at, &value); k++) {
            struct str name = str_of(at);
            if (value > 0 && str_starts(name, prefix)) {
                name = str_sub(name, prefix.len, name.len);
                name.len -= str_ends(name, S("}"));
                count(*out, &n, PROGRESS_COUNTERS, (struct survey_count){name, value});
            }
        }
    }
    qsort(*out, n, sizeof **out, by_number);
    return n;
}

static struct position cursor_in(const struct progress *p, struct lane lane, int64_t *time_us)
{
    struct progress_cursor c;
    for (size_t i = 0; p && progress_cursor_at(p, i, &c); i++) {
        if (c.stream == lane.stream && str_eq(str_of(c.lane), lane.name)) {
            *time_us = c.time_us;
            return c.at;
        }
    }
    return (struct position){0};
}

struct position survey_cursor(const struct survey *s, const char *reader, struct lane lane)
{
    int64_t time_us = TIME_NONE;
    return cursor_in(page_of(s, str_of(reader)), lane, &time_us);
}

/* ---- stages ---- */

struct looking {
    struct arena *arena;
    const struct survey_of *of;
    struct survey *survey;
};

/* Receipt of the oldest signal that the reader has not taken; now when there is none. When it
 * cannot be read (damage, trimmed meanwhile) nothing is promised beyond what the reader is known to
 * have taken, `taken_us`. */
static int64_t oldest_unread(const struct looking *l, const struct lane_ends *ends,
                             struct position at, int64_t taken_us)
{
    struct batch batch = {.arena = l->arena};
    struct failure f;
    if (at.at >= ends->end.at) {
        return l->survey->now_us;
    }
    const struct position from = at.at < ends->begin.at ? ends->begin : at;
    const struct span what = {ends->lane, from, ends->end};
    if (bus_look(l->of->bus, what, LOOK_BYTES, &batch, &f) != OK) {
        return taken_us != TIME_NONE ? taken_us : l->survey->started_us;
    }
    return batch.n > 0 && batch.slice[0].n > 0 ? batch.slice[0].record[0].signal.received_us
                                               : l->survey->now_us; /* nothing visible */
}

/* Whatever was received until then, that moment included, is taken: the newest signal taken, unless
 * one of the same moment is not; now when nothing is unread. */
static int64_t complete_in(const struct survey *s, int64_t oldest_us, int64_t taken_us)
{
    return oldest_us >= s->now_us                          ? s->now_us
           : taken_us != TIME_NONE && taken_us < oldest_us ? taken_us
                                                           : oldest_us - 1;
}

static enum outcome measure_lag(const struct looking *l, const struct duty *d,
                                struct survey_stage *stage, struct failure *f)
{
    struct survey *const s = l->survey;
    const struct progress *const page = page_of(s, str_of(stage->name));
    for (int stream = 0; stream < STREAM_N; stream++) {
        struct lane_ends *lane = NULL;
        size_t n = 0;
        if (!(duty_reads(d) & STREAM_BIT(stream))) {
            continue;
        }
        const enum outcome result = bus_ends(l->of->bus, l->arena, (enum stream)stream, &lane, &n,
                                             f);
        if (result != OK) {
            return result;
        }
        for (size_t i = 0; i < n; i++) {
            int64_t time_us = TIME_NONE;
            const struct position at = cursor_in(page, lane[i].lane, &time_us);
            const int64_t oldest_us = oldest_unread(l, &lane[i], at, time_us);
            const int64_t lag_ms = (s->now_us - oldest_us) / 1000;
            const uint64_t bytes = at.at >= lane[i].end.at ? 0
                                                           : bus_lag(l->of->bus, lane[i].lane, at);
            stage->lag_bytes = bytes == UINT64_MAX || stage->lag_bytes == UINT64_MAX
                                   ? UINT64_MAX
                                   : stage->lag_bytes + bytes;
            stage->lag_ms = lag_ms > stage->lag_ms ? lag_ms : stage->lag_ms;
            const int64_t complete_us = complete_in(s, oldest_us, time_us);
            if (strcmp(d->stage, "transform") == 0 && complete_us < s->complete_us) {
                s->complete_us = complete_us;
            }
        }
    }
    return OK;
}

/* Of one process, by the orchestrator's page and its own. */
static enum stage_state state_of(const struct survey *s, struct str name, bool is_down)
{
    const struct progress *const page = page_of(s, name);
    if (is_down || !page) {
        return STAGE_DOWN;
    }
    switch (progress_state_is(page)) {
    case DUTY_STARTING: return STAGE_STARTING;
    case DUTY_RUNNING: return STAGE_OK;
    case DUTY_RETRYING: return STAGE_RETRYING;
    case DUTY_STOPPED: return STAGE_DOWN;
    }
    return STAGE_DOWN;
}

static struct str why_of(const struct progress *page, struct arena *a, enum stage_state state)
{
    char text[PROGRESS_WHY_BYTES];
    if (!page || (state != STAGE_RETRYING && state != STAGE_DOWN)) {
        return S("");
    }
    progress_why(page, text);
    return arena_str(a, str_of(text));
}

/* "intake-0" is a process of the stage "intake". */
static bool is_of_stage(struct str process, struct str stage)
{
    return str_starts(process, stage) && (process.len == stage.len || process.at[stage.len] == '-');
}

/* Several processes of one stage are as well as the worst of them. */
static void add_process(struct survey *s, struct arena *a, const struct progress *orchestrator,
                        struct str name, struct survey_stage *stage)
{
    const char *const down = arena_printf(a, "down{%.*s}", STR_ARG(name)).at;
    const char *const restarts = arena_printf(a, "restarts{%.*s}", STR_ARG(name)).at;
    const bool is_down = s->pid == 0 || counter_of(orchestrator, down) > 0;
    const enum stage_state state = state_of(s, name, is_down);
    if (state > stage->state) {
        stage->state = state;
        stage->why = why_of(page_of(s, name), a, state);
    }
    stage->restarts += counter_of(orchestrator, restarts);
}

static bool has_process(struct survey *s, struct arena *a, const struct duty *d,
                        struct survey_stage *stage)
{
    const struct progress *const orchestrator = page_of(s, S("orchestrator"));
    const char *at = NULL;
    uint64_t pid = 0;
    bool is_there = false;
    for (size_t i = 0; orchestrator && progress_counter_at(orchestrator, i, &at, &pid); i++) {
        struct str name = str_of(at);
        if (pid == 0 || !str_starts(name, S("process{"))) {
            continue;
        }
        name = str_sub(name, 8, name.len - 9);
        if (d->each ? str_eq(name, str_of(stage->name)) : is_of_stage(name, str_of(d->stage))) {
            add_process(s, a, orchestrator, name, stage);
            is_there = true;
        }
    }
    return is_there;
}

static bool is_behind(const struct config *c, const struct survey_stage *stage)
{
    int64_t limit_ms = c->admin.behind_ms;
    if (strcmp(stage->name, "lake") == 0 && limit_ms < INT64_MAX - c->lake.flush_ms) {
        limit_ms += c->lake.flush_ms; /* it gathers that long on purpose */
    }
    return stage->lag_ms > limit_ms;
}

static enum outcome take_stage(const struct looking *l, const struct duty *d, struct str name,
                               struct failure *f)
{
    struct survey *const s = l->survey;
    struct survey_stage *const stage = &s->stage[s->stages_n];
    *stage = (struct survey_stage){.name = arena_cstr(l->arena, name)};
    const bool is_there = has_process(s, l->arena, d, stage);
    if (!is_there && s->pid > 0) {
        return OK; /* not wanted: run --only */
    }
    stage->state = is_there ? stage->state : STAGE_DOWN;
    if (l->of->bus && d->reads) {
        const enum outcome result = measure_lag(l, d, stage, f);
        if (result != OK) {
            return result;
        }
    }
    if (stage->state == STAGE_OK && is_behind(l->of->config, stage)) {
        stage->state = STAGE_BEHIND;
    }
    s->stages_n++;
    return OK;
}

/* What is on its way to a lane is not complete: read after the clock and before the lanes' ends. */
static void bound_by_writers(struct survey *s)
{
    for (size_t i = 0; i < s->pages_n; i++) {
        const int64_t since_us = progress_receiving_us(s->page[i].page);
        if (since_us > 0 && since_us <= s->complete_us) {
            s->complete_us = since_us - 1;
        }
    }
}

static enum outcome take_stages(const struct looking *l, struct failure *f)
{
    enum { STAGES_MAX = TRIM_READERS_MAX + 8 /* those that read, and those that do not */ };
    struct str name;
    l->survey->stage = arena_array(l->arena, struct survey_stage, STAGES_MAX);
    for (const struct duty *d = l->of->duties; d->stage; d++) {
        for (size_t i = 0; (name = duty_process(d, l->of->config, i)).len > 0; i++) {
            const enum outcome result = l->survey->stages_n < STAGES_MAX ? take_stage(l, d, name, f)
                                                                         : OK;
            if (result != OK) {
                return result;
            }
        }
    }
    return OK;
}

static enum outcome take_streams(const struct looking *l, struct failure *f)
{
    for (int stream = 0; stream < STREAM_N; stream++) {
        struct survey_stream *const to = &l->survey->stream[stream];
        struct lane_ends *lane = NULL;
        size_t n = 0;
        to->stream = (enum stream)stream;
        enum outcome result = bus_ends(l->of->bus, l->arena, to->stream, &lane, &n, f);
        for (size_t i = 0; i < n && result == OK; i++) {
            struct bus_size size;
            result = bus_size(l->of->bus, lane[i].lane, &size, f);
            if (result == OK) {
                to->signals += size.signals;
                to->bytes += size.bytes;
            }
        }
        if (result != OK) {
            return result;
        }
    }
    return OK;
}

enum outcome survey_take(struct arena *a, const struct survey_of *of, struct survey *out,
                         struct failure *f)
{
    *out = (struct survey){.now_us = clock_now_us()};
    out->complete_us = out->now_us;
    const struct looking l = {a, of, out};
    out->pid = lock_holder(a, of->config->data);
    open_pages(out, a, arena_printf(a, "%.*s/run", STR_ARG(of->config->data)),
               of->bus ? bus_id(of->bus) : of->bus_id);
    bound_by_writers(out);
    const struct progress *const orchestrator = page_of(out, S("orchestrator"));
    out->started_us = (int64_t)counter_of(orchestrator, "started_us");
    out->uptime_us = clock_mono_us() - (int64_t)counter_of(orchestrator, "started_mono_us");
    out->reload_us = (int64_t)counter_of(orchestrator, "reload_us");
    out->is_reload_refused = out->pid > 0 && counter_of(orchestrator, "reload_refused") > 0;
    out->revision = (uint32_t)counter_of(orchestrator, "revision");
    out->programs = (uint32_t)counter_of(orchestrator, "programs");
    out->is_ready = out->pid > 0 && counter_of(orchestrator, "ready") > 0;
    enum outcome result = take_stages(&l, f);
    if (result == OK && of->bus) {
        result = take_streams(&l, f);
    }
    return result;
}
