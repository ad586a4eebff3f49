/* metrics.c - every counter of every page, and the survey's figures, as Prometheus reads them.
 *
 * A page's counter `refused{agent=a,reason=b}` becomes weir_refused_total{agent="a",reason="b",…};
 * a bare `{x}` becomes {name="x"}. */
#include "serve/answer.h"

#include <stdio.h>

#include "version.h"
#include "wire/exposition.h"

struct writing {
    struct buf *to;
    bool is_openmetrics;
};

static void begin(const struct writing *w, const char *name, const char *type, const char *help)
{
    /* OpenMetrics names a counter's family without the suffix that its samples carry */
    const char *const suffix = strcmp(type, "counter") == 0 && !w->is_openmetrics ? "_total" : "";
    buf_printf(w->to, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
}

static void add_number(struct buf *b, double value)
{
    buf_printf(b, " %.17g\n", value);
}

static void gauge(const struct writing *w, const char *name, const char *help, double value)
{
    begin(w, name, "gauge", help);
    buf_add(w->to, str_of(name));
    add_number(w->to, value);
}

/* ---- the survey's figures ---- */

static void add_stage(const struct writing *w, const char *name, const struct survey_stage *stage,
                      double value)
{
    buf_printf(w->to, "%s{stage=\"%s\"}", name, stage->name);
    add_number(w->to, value);
}

static void add_stages(const struct writing *w, const struct survey *s)
{
    begin(w, "weir_stage_up", "gauge", "1 while the stage works, 0 while it is down or stuck.");
    for (size_t i = 0; i < s->stages_n; i++) {
        const enum stage_state state = s->stage[i].state;
        add_stage(w, "weir_stage_up", &s->stage[i], state == STAGE_OK || state == STAGE_BEHIND);
    }
    begin(w, "weir_stage_lag_seconds", "gauge", "Age of the oldest signal not yet taken.");
    for (size_t i = 0; i < s->stages_n; i++) {
        add_stage(w, "weir_stage_lag_seconds", &s->stage[i], (double)s->stage[i].lag_ms / 1000);
    }
    begin(w, "weir_stage_lag_bytes", "gauge", "Bytes of the streams not yet taken.");
    for (size_t i = 0; i < s->stages_n; i++) {
        if (s->stage[i].lag_bytes != UINT64_MAX) {
            add_stage(w, "weir_stage_lag_bytes", &s->stage[i], (double)s->stage[i].lag_bytes);
        }
    }
    begin(w, "weir_stage_restarts", "counter", "Restarts since weir started.");
    for (size_t i = 0; i < s->stages_n; i++) {
        add_stage(w, "weir_stage_restarts_total", &s->stage[i], (double)s->stage[i].restarts);
    }
}

static void add_streams(const struct writing *w, const struct survey *s)
{
    begin(w, "weir_stream_signals", "gauge", "Signals that a stream keeps.");
    for (int i = 0; i < STREAM_N; i++) {
        buf_printf(w->to, "weir_stream_signals{stream=\"%s\"}", stream_name((enum stream)i));
        add_number(w->to, (double)s->stream[i].signals);
    }
    begin(w, "weir_stream_bytes", "gauge", "Bytes that a stream keeps.");
    for (int i = 0; i < STREAM_N; i++) {
        buf_printf(w->to, "weir_stream_bytes{stream=\"%s\"}", stream_name((enum stream)i));
        add_number(w->to, (double)s->stream[i].bytes);
    }
}

/* ---- the pages' counters ---- */

struct sample {
    struct str family, labels, process;
    uint64_t value;
};

static bool is_known(struct str family, const struct sample *before, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(before[i].family, family)) {
            return true;
        }
    }
    return false;
}

static size_t gather(const struct survey *s, struct sample *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < s->pages_n; i++) {
        const char *at = NULL;
        uint64_t value = 0;
        if (str_eq(s->page[i].name, S("orchestrator"))) {
            continue; /* its words are the survey's */
        }
        for (size_t k = 0; n < room && progress_counter_at(s->page[i].page, k, &at, &value); k++) {
            struct str labels = {NULL, 0};
            if (str_starts(str_of(at), S("collector_sink_duration{"))) {
                continue; /* collected.c's */
            }
            const struct str family = str_cut(str_of(at), '{', &labels);
            labels.len -= str_ends(labels, S("}"));
            out[n++] = (struct sample){family, labels, s->page[i].name, value};
        }
    }
    return n;
}

static void add_sample(const struct writing *w, const struct sample *sample)
{
    struct str rest = sample->labels;
    buf_printf(w->to, "weir_%.*s_total{", STR_ARG(sample->family));
    exposition_add_label(w->to, S("process"), sample->process);
    while (rest.len > 0) {
        struct str value = {NULL, 0};
        const struct str part = str_cut(rest, ',', &rest);
        const bool has_name = str_find(part, '=') < part.len;
        const struct str name = has_name ? str_cut(part, '=', &value) : S("name");
        buf_add_byte(w->to, ',');
        exposition_add_label(w->to, name, has_name ? value : part);
    }
    buf_add_byte(w->to, '}');
    add_number(w->to, (double)sample->value);
}

static void add_counters(const struct writing *w, const struct survey *s, struct arena *a)
{
    const size_t room = s->pages_n * PROGRESS_COUNTERS;
    struct sample *const sample = arena_array(a, struct sample, room);
    const size_t n = gather(s, sample, room);
    for (size_t i = 0; i < n; i++) {
        char name[PROGRESS_NAME_BYTES + 8];
        if (is_known(sample[i].family, sample, i)) {
            continue;
        }
        const int len = (int)(sample[i].family.len < PROGRESS_NAME_BYTES ? sample[i].family.len
                                                                         : PROGRESS_NAME_BYTES);
        (void)snprintf(name, sizeof name, "weir_%.*s", len, sample[i].family.at);
        begin(w, name, "counter", "Counted by the processes of weir, across restarts.");
        for (size_t k = i; k < n; k++) {
            if (str_eq(sample[k].family, sample[i].family)) {
                add_sample(w, &sample[k]);
            }
        }
    }
}

static void add_damage(const struct writing *w, const struct survey *s)
{
    const uint64_t holes = survey_counter(s, "damage_holes");
    const uint64_t signals = survey_counter(s, "damage_signals");
    const uint64_t bytes = survey_counter(s, "damage_bytes");
    gauge(w, "weir_bus_damage_holes", "Damaged places of the streams that were set aside.",
          (double)holes);
    gauge(w, "weir_bus_damage_signals", "Signals lost with them, at most.", (double)signals);
    gauge(w, "weir_bus_damage_bytes", "Bytes of them, kept in corrupt-* files.", (double)bytes);
}

void answer_metrics(const struct survey *s, const struct collected *c, struct arena *a,
                    bool is_openmetrics, struct page *to)
{
    const struct writing w = {&to->body, is_openmetrics};
    to->status = 200;
    to->type = is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                              : "text/plain; version=0.0.4; charset=utf-8";
    begin(&w, "weir_build", is_openmetrics ? "info" : "gauge", "Which weir this is.");
    buf_printf(w.to, "weir_build%s{version=\"%s\",commit=\"%s\"} 1\n",
               is_openmetrics ? "_info" : "", WEIR_VERSION, WEIR_BUILD);
    gauge(&w, "weir_ready", "1 once every stage has started.", s->is_ready);
    gauge(&w, "weir_start_time_seconds", "When weir started, since 1970.",
          (double)s->started_us / 1e6);
    gauge(&w, "weir_reload_time_seconds", "When the newest configuration was read, since 1970.",
          (double)s->reload_us / 1e6);
    gauge(&w, "weir_reload_success", "0 while it was refused: the one before is in force.",
          !s->is_reload_refused);
    gauge(&w, "weir_complete_time_seconds", "All received before is transformed, since 1970.",
          (double)s->complete_us / 1e6);
    add_damage(&w, s);
    add_stages(&w, s);
    add_streams(&w, s);
    add_counters(&w, s, a);
    collected_write(c, w.to, is_openmetrics);
    if (is_openmetrics) {
        buf_add(w.to, S("# EOF\n"));
    }
}
