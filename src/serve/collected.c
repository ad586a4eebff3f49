#include "serve/collected.h"
#include "wire/exposition.h"

#include <stdio.h>

struct writing {
    const struct collected *of;
    struct buf *to;
    bool is_openmetrics;
};

/* ---- sinks: on their pages, since each is a process of its own ---- */

static struct state_observed *sink_of(struct collected *c, struct str type, bool is_ok)
{
    for (size_t i = 0; i < c->sinks_n; i++) {
        if (str_eq(c->sink[i].label, type) && c->sink[i].is_ok == is_ok) {
            return &c->sink[i];
        }
    }
    if (c->sinks_n == COLLECTED_SINKS_MAX) {
        return NULL;
    }
    c->sink[c->sinks_n] = (struct state_observed){S("sink"), type, .is_ok = is_ok};
    return &c->sink[c->sinks_n++];
}

/* `collector_sink_duration{TYPE,OK,BUCKET}`, and the microseconds under BUCKET `sum`. */
static void take_sinks(struct arena *a, const struct survey *s, struct collected *out)
{
    struct survey_count *count = NULL;
    const size_t n = survey_counters(s, a, S("collector_sink_duration{"), &count);
    for (size_t i = 0; i < n; i++) {
        struct str rest = count[i].rest;
        uint64_t bucket = 0;
        const struct str type = str_cut(rest, ',', &rest);
        const bool is_ok = str_eq(str_cut(rest, ',', &rest), S("OK"));
        struct state_observed *const o = sink_of(out, type, is_ok);
        if (o && str_eq(rest, S("sum"))) {
            o->sum_us += count[i].n;
        } else if (o && str_to_u64(rest, &bucket) && bucket <= HISTOGRAM_BOUNDS) {
            o->bucket[bucket] += count[i].n;
            o->n += count[i].n;
        }
    }
}

void collected_take(struct arena *a, const struct config *config, const struct survey *survey,
                    struct collected *out)
{
    struct state *s = NULL;
    struct failure ignored;
    *out = (struct collected){.collectors = &config->collectors};
    take_sinks(a, survey, out);
    if (config->collectors.n == 0 || state_open(a, config->data, STATE_READ, &s, &ignored) != OK) {
        return;
    }
    if (state_all(s, a, &out->entry, &out->entries_n, &ignored) != OK) {
        out->entries_n = 0;
    }
    if (state_observed_all(s, a, &out->observed, &out->observed_n, &ignored) != OK) {
        out->observed_n = 0;
    }
    state_close(s);
}

static void begin(const struct writing *w, const char *name, const char *type, const char *help)
{
    const char *const suffix = strcmp(type, "counter") == 0 && !w->is_openmetrics ? "_total" : "";
    buf_printf(w->to, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
}

/* ---- what was observed ---- */

/* `NAME_suffix{label="…",result_status_code="OK"`, still open. */
static void add_head(const struct writing *w, const char *name, const char *label,
                     const struct state_observed *o)
{
    buf_printf(w->to, "%s{%s=\"", name, label);
    exposition_add_escaped(w->to, o->label);
    buf_printf(w->to, "\",result_status_code=\"%s\"", o->is_ok ? "OK" : "ERROR");
}

static void add_histogram(const struct writing *w, const char *name, const char *label,
                          const struct state_observed *o)
{
    uint64_t sum = 0;
    for (int i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        sum += o->bucket[i];
        add_head(w, name, label, o);
        if (i < HISTOGRAM_BOUNDS) {
            buf_printf(w->to, ",le=\"%.10g\"} %llu\n", histogram_bounds_s[i],
                       (unsigned long long)sum);
        } else {
            buf_printf(w->to, ",le=\"+Inf\"} %llu\n", (unsigned long long)sum);
        }
    }
}

struct histogram {
    const char *series, *name, *label, *help;
};

static void add_durations(const struct writing *w, const struct histogram *h)
{
    const struct collected *const c = w->of;
    char name[64];
    begin(w, h->name, "histogram", h->help);
    for (size_t i = 0; i < c->observed_n + c->sinks_n; i++) {
        const struct state_observed *const o = i < c->observed_n ? &c->observed[i]
                                                                 : &c->sink[i - c->observed_n];
        if (!str_eq(o->series, str_of(h->series))) {
            continue;
        }
        (void)snprintf(name, sizeof name, "%s_bucket", h->name);
        add_histogram(w, name, h->label, o);
        (void)snprintf(name, sizeof name, "%s_sum", h->name);
        add_head(w, name, h->label, o);
        buf_printf(w->to, "} %.17g\n", (double)o->sum_us / 1e6);
        (void)snprintf(name, sizeof name, "%s_count", h->name);
        add_head(w, name, h->label, o);
        buf_printf(w->to, "} %llu\n", (unsigned long long)o->n);
    }
}

static void add_invocations(const struct writing *w)
{
    const struct collected *const c = w->of;
    begin(w, "collector_invoke_count", "counter", "Runs of a collector, over all restarts.");
    for (size_t i = 0; i < c->observed_n; i++) {
        if (str_eq(c->observed[i].series, S("invoke"))) {
            add_head(w, "collector_invoke_count_total", "collector_name", &c->observed[i]);
            buf_printf(w->to, "} %llu\n", (unsigned long long)c->observed[i].n);
        }
    }
}

static void add_source_metrics(const struct writing *w)
{
    const struct collected *const c = w->of;
    begin(w, "collector_source_metrics_total", "gauge",
          "Records of the newest run that read this type of source.");
    for (size_t i = 0; i < c->observed_n; i++) {
        const struct state_observed *const o = &c->observed[i];
        if (str_eq(o->series, S("source")) && o->is_ok) {
            buf_add(w->to, S("collector_source_metrics_total{source_type=\""));
            exposition_add_escaped(w->to, o->label);
            buf_printf(w->to, "\"} %llu\n", (unsigned long long)o->metrics);
        }
    }
}

/* ---- how each collector does ---- */

struct figure {
    const char *name, *type, *help;
    double (*of)(const struct state_entry *e);
};

static double up(const struct state_entry *e)
{
    return e->n == 0 || e->outcome == OK;
}

static double last_good(const struct state_entry *e)
{
    return e->ok_us == TIME_NONE ? 0 : (double)e->ok_us / 1e6;
}

static double skipped(const struct state_entry *e)
{
    return (double)e->skipped_n;
}

static double passed(const struct state_entry *e)
{
    return (double)e->passed_n;
}

static void add_figure(const struct writing *w, const struct figure *g)
{
    const struct collected *const c = w->of;
    const char *const suffix = strcmp(g->type, "counter") == 0 ? "_total" : "";
    begin(w, g->name, g->type, g->help);
    for (size_t i = 0; i < c->collectors->n; i++) {
        struct state_entry e = state_entry_new(c->collectors->at[i].id);
        for (size_t k = 0; k < c->entries_n; k++) {
            e = str_eq(c->entry[k].id, e.id) ? c->entry[k] : e;
        }
        buf_printf(w->to, "%s%s{collector_name=\"", g->name, suffix);
        exposition_add_escaped(w->to, e.id);
        buf_printf(w->to, "\"} %.17g\n", g->of(&e));
    }
    for (size_t i = 0; i < c->collectors->left_n && g->of == up; i++) {
        buf_printf(w->to, "%s{collector_name=\"", g->name);
        exposition_add_escaped(w->to, c->collectors->left[i].name);
        buf_add(w->to, S("\"} 0\n"));
    }
}

void collected_write(const struct collected *c, struct buf *to, bool is_openmetrics)
{
    static const struct histogram histograms[] = {
        {"invoke", "collector_invoke_duration_seconds", "collector_name",
         "How long runs took, until their records were durable."},
        {"source", "collector_source_duration_seconds", "source_type",
         "How long sources took to read, by their type."},
        {"sink", "collector_sink_duration_seconds", "sink_name",
         "How long deliveries took by their type of sink."},
    };
    static const struct figure figures[] = {
        {"weir_collector_up", "gauge",
         "0 while the newest run of a collector failed, or its file is left out.", up},
        {"weir_collector_last_success_time_seconds", "gauge",
         "End of the newest run that went well, since 1970; 0: none.", last_good},
        {"weir_collector_skipped", "counter", "Times that found the run before still at work.",
         skipped},
        {"weir_collector_passed_windows", "counter",
         "Missed windows beyond collector.windows_max, passed over.", passed},
    };
    const struct writing w = {c, to, is_openmetrics};
    if (c->collectors->n + c->collectors->left_n + c->sinks_n == 0) {
        return;
    }
    add_invocations(&w);
    for (size_t i = 0; i < sizeof histograms / sizeof *histograms; i++) {
        add_durations(&w, &histograms[i]);
    }
    add_source_metrics(&w);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        add_figure(&w, &figures[i]);
    }
}
