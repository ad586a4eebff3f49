/* What `weir top` shows, gathered: the pages of the processes, and the streams. */
#include <math.h>

#include "base/os.h"
#include "bus/dead.h"
#include "command/top_view.h"

/* Dead letters are read to be counted: not at every look. */
enum { LOOKS_A_COUNT = 15 };

/* `seconds` since the last look; 0: there was none. */
static void grow(struct top_rate *r, uint64_t n, double seconds)
{
    r->a_second = r->is_known && seconds > 0.0 && n >= r->n ? (double)(n - r->n) / seconds
                                                            : (double)NAN;
    r->n = n;
    r->is_known = true;
}

static struct top_line *line_of(struct top *t, struct str name, const char *kind)
{
    size_t i = 0;
    while (i < t->lines_n &&
           (strcmp(t->line[i].kind, kind) != 0 || !str_eq(str_of(t->line[i].name), name))) {
        i++;
    }
    if (i == TOP_LINES) {
        return NULL;
    }
    struct top_line *const l = &t->line[i];
    if (i == t->lines_n) {
        *l = (struct top_line){.kind = kind, .lag_ms = -1};
        memcpy(l->name, name.at, name.len < sizeof l->name ? name.len : sizeof l->name - 1);
        for (size_t k = 0; k < TOP_SAMPLES; k++) {
            l->sample[k] = (double)NAN;
        }
        t->lines_n++;
    }
    return l;
}

static void add_sample(struct top_line *l)
{
    memmove(l->sample, l->sample + 1, sizeof l->sample - sizeof *l->sample);
    l->sample[TOP_SAMPLES - 1] = l->has_rate     ? l->rate.a_second
                                 : l->lag_ms < 0 ? (double)NAN
                                                 : (double)l->lag_ms;
}

static uint64_t sum_of(const struct survey *s, struct arena *a, struct str prefix)
{
    struct survey_count *count = NULL;
    uint64_t sum = 0;
    const size_t n = survey_counters(s, a, prefix, &count);
    for (size_t i = 0; i < n; i++) {
        sum += count[i].n;
    }
    return sum;
}

static void look_at_agents(struct top *t, const struct survey *s, struct arena *a, double seconds)
{
    for (size_t i = 0; i < t->config->agents.n; i++) {
        const struct named *const named = &t->config->agents.at[i];
        struct top_line *const l = line_of(t, named->name, named->type->name);
        if (l) {
            const char *const name =
                arena_printf(a, "accepted{agent=%.*s}", STR_ARG(named->name)).at;
            grow(&l->rate, survey_counter(s, name), seconds);
            l->has_rate = true;
            add_sample(l);
        }
    }
}

/* Time and memory of the processes of a stage: "intake-0" is one of the stage "intake". */
static void look_at_processes(const struct survey *s, struct arena *a, struct top_line *l,
                              double seconds)
{
    struct survey_count *process = NULL;
    const struct str stage = str_of(l->name);
    const size_t n = survey_counters(s, a, S("process{"), &process);
    uint64_t cpu_us = 0;
    l->rss_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const struct str name = process[i].rest;
        struct os_usage use;
        if (str_starts(name, stage) && (name.len == stage.len || name.at[stage.len] == '-') &&
            os_usage((pid_t)process[i].n, &use)) {
            cpu_us += use.cpu_us;
            l->rss_bytes += use.rss_bytes;
        }
    }
    grow(&l->cpu_us, cpu_us, seconds);
}

static bool reads_nothing(const struct top *t, const char *stage)
{
    const struct duty *d = t->duties;
    while (d->stage && strcmp(d->stage, stage) != 0) {
        d++;
    }
    return !d->stage || duty_reads(d) == 0;
}

static void look_at_stages(struct top *t, const struct survey *s, struct arena *a, double seconds)
{
    for (size_t i = 0; i < s->stages_n; i++) {
        const struct survey_stage *const stage = &s->stage[i];
        struct top_line *const l = line_of(t, str_of(stage->name), "stage");
        if (!l) {
            continue;
        }
        l->state = stage_state_name(stage->state);
        l->is_ill = stage->state != STAGE_OK && stage->state != STAGE_STARTING;
        l->lag_ms = reads_nothing(t, stage->name) ? -1 : stage->lag_ms;
        l->has_rate = true;
        if (strcmp(stage->name, "intake") == 0) {
            grow(&l->rate, t->accepted.n, seconds);
        } else if (strcmp(stage->name, "transform") == 0) {
            grow(&l->rate, t->transformed.n, seconds);
        } else if (strcmp(stage->name, "store") == 0) {
            grow(&l->rate, survey_counter(s, "facts"), seconds);
        } else {
            l->has_rate = false;
        }
        look_at_processes(s, a, l, seconds);
        add_sample(l);
    }
}

static enum outcome look_at_bus(struct top *t, struct arena *a, struct survey *s, struct failure *f)
{
    struct bus *bus = NULL;
    struct failure unread; /* weir dead list says what is the matter */
    enum outcome result = bus_visit(a, &t->config->bus, &bus, f);
    if (result != OK) {
        return result;
    }
    result = survey_take(a, &(struct survey_of){t->config, t->duties, bus, S("")}, s, f);
    if (result == OK && (t->looks++ % LOOKS_A_COUNT == 0 || t->is_dead_unknown)) {
        t->is_dead_unknown = dead_count(bus, &t->dead, &unread) != OK;
    }
    bus_close(bus);
    return result;
}

void top_saw_nothing(struct top *t, const struct failure *why)
{
    t->is_blind = true;
    t->why = *why;
    t->now_us = clock_now_us();
    t->complete_us = TIME_NONE;
    t->pid = 0;
    t->lines_n = 0;
}

enum outcome top_look(struct top *t, struct arena *a, struct failure *f)
{
    struct survey *const s = arena_new(a, struct survey);
    const int64_t before_us = t->looked_us;
    const enum outcome result = look_at_bus(t, a, s, f);
    if (result != OK) {
        return result;
    }
    t->looked_us = clock_mono_us();
    t->is_blind = false;
    const double seconds = before_us ? (double)(t->looked_us - before_us) / 1e6 : 0.0;
    const uint64_t dead = survey_counter(s, "dead");
    t->dead += t->dying.is_known && dead > t->dying.n ? dead - t->dying.n : 0;
    grow(&t->accepted, sum_of(s, a, S("accepted{")), seconds);
    grow(&t->refused, sum_of(s, a, S("refused{")), seconds);
    grow(&t->stored, survey_counter(s, "stored"), seconds);
    grow(&t->dying, dead, seconds);
    grow(&t->transformed,
         t->stored.n + dead + sum_of(s, a, S("ignored{")) + sum_of(s, a, S("unmapped{")), seconds);
    t->stream_bytes = 0;
    for (int i = 0; i < STREAM_N; i++) {
        t->stream_bytes += s->stream[i].bytes;
    }
    t->pid = s->pid;
    t->is_ready = s->is_ready;
    t->now_us = s->now_us;
    t->uptime_us = s->uptime_us;
    t->complete_us = s->complete_us;
    look_at_agents(t, s, a, seconds);
    look_at_stages(t, s, a, seconds);
    return OK;
}
