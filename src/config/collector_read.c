/* collector_read.c - one collector, whichever dialect it is written in. */
#include "config/collector_read.h"

#include <stddef.h>

#include "base/cron.h"
#include "config/sources.h"

enum { MS = 1000, SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define YEAR ((int64_t)366 * 24 * HOUR)
#define AT(member) offsetof(struct collector_written, member)

static const char *const types[] = {"metric", "partition", NULL};
static const char *const strategies[] = {"tick", "historic_tumbling_window", "incremental", NULL};
static const char *const records[] = {"v2", "v3", "v4", "v5", NULL};

static const struct option block_options[] = {
    {"type", OPTION_TEXT, AT(collector.type), "", .words = types,
     .about = "`metric`: a number a row; `partition`: one text a window, by `transform`"},
    {"invocation_strategy", OPTION_TEXT, AT(collector.strategy), "", .words = strategies,
     .about = "`tick`: what there is now; `historic_tumbling_window`: each window of time once; "
              "`incremental`: what is beyond the greatest value of a column. Absent: tick"},
    {"column", OPTION_TEXT, AT(collector.column), "",
     .about = "incremental: the column that grows"},
    {"overlap", OPTION_DURATION, AT(collector.overlap_ms), "0", 0, YEAR,
     .about = "incremental: so far behind its greatest value, a time, late rows may come"},
    {"windows_max", OPTION_INT, AT(collector.windows_max), "1000", 1, 1000000,
     .about = "missed windows that are made good at most; older ones are told and passed over"},
    {"windows_at_once", OPTION_INT, AT(collector.windows_at_once), "4", 1, 64,
     .about = "windows of a backfill that are read at the same time"},
    {0},
};

static const struct option state_store_options[] = {
    {"type", OPTION_TEXT, AT(state_store.type), "",
     .about = "without effect: state is in the data folder"},
    {"config", OPTION_TREE, AT(state_store.config), "", .about = "without effect"},
    {0},
};

static const struct option tag_options[] = {
    {"key", OPTION_TEXT, offsetof(struct collector_tag, key), NULL, .about = "name of the tag"},
    {"value", OPTION_TEXT, offsetof(struct collector_tag, value), "", .about = "its value"},
    {0},
};
static const struct section_type tags[] = {
    {.name = "", .options = tag_options, .bytes = sizeof(struct collector_tag)},
    {0},
};

static const struct option metric_options[] = {
    {"name", OPTION_TEXT, AT(metric.name), "", .about = "name of the metric"},
    {"type", OPTION_TEXT, AT(metric.type), "", .about = "COUNT or GAUGE"},
    {"grain", OPTION_DURATION, AT(metric.grain_ms), "", 1, YEAR,
     .about = "time is cut to it (grain_datetime); the same as the interval"},
    {"tags", OPTION_ITEMS, AT(metric.tags), "", .types = tags,
     .about = "of every record: a list of key and value; they win over a column of the same name"},
    {"record", OPTION_TEXT, AT(metric.record), "", .words = records,
     .about = "how its records look in sinks; absent: as the file's dialect had them, else v5"},
    {0},
};

static const struct option schedule_options[] = {
    {"interval", OPTION_DURATION, AT(schedule.interval_ms), "", 1, YEAR,
     .about = "a run at once, then each interval"},
    {"cron", OPTION_TEXT, AT(schedule.cron), "",
     .about = "five fields, or @hourly …, @every 90s; TZ=Area/City before it"},
    {"jitter", OPTION_DURATION, AT(schedule.jitter_ms), "0", 0, HOUR,
     .about = "a run begins up to so much later, at random"},
    {"time_limit", OPTION_DURATION, AT(schedule.time_ms), "10m", SECOND, 24 * HOUR,
     .about = "a run that takes longer is ended"},
    {0},
};

static const struct option source_options[] = {
    {"type", OPTION_TREE, AT(source.type), "",
     .about = "which source, with or without `metric.` before it"},
    {"strategy", OPTION_TEXT, AT(source.strategy), "", .words = strategies,
     .about = "the same as collector.invocation_strategy"},
    {"config", OPTION_TREE, AT(source.config), "", .about = "the source's own options"},
    {0},
};

static const struct option template_options[] = {
    {"template", OPTION_TEMPLATE, AT(transform.template), "",
     .about = "of the text that sinks are given; {{.URI}} stands for the files of a window"},
    {0},
};
static const char *const transforms[] = {"template", NULL};
static const struct option transform_options[] = {
    {"name", OPTION_TEXT, AT(transform.name), "", .about = "any"},
    {"type", OPTION_TEXT, AT(transform.type), "template", .words = transforms, .about = "template"},
    {"config", OPTION_SECTION, 0, .section = template_options, .about = "the template"},
    {0},
};

const struct option collector_options[] = {
    {"name", OPTION_TEXT, AT(name), "", .about = "name; absent: the file's, or the section's"},
    {"collector", OPTION_SECTION, 0, .section = block_options, .about = "how it runs"},
    {"state_store", OPTION_SECTION, 0, .section = state_store_options,
     .about = "where the original kept its state"},
    {"metric", OPTION_SECTION, 0, .section = metric_options, .about = "what its numbers are"},
    {"schedule", OPTION_SECTION, 0, .section = schedule_options,
     .about = "when it runs: an interval or cron"},
    {"source", OPTION_SECTION, 0, .section = source_options, .about = "what it reads"},
    {"sinks", OPTION_TREE, AT(sinks), "",
     .about =
         "where records go: sections by name with type and config; in weir.yaml also a list of "
         "names of its `sinks`"},
    {"transform", OPTION_SECTION, 0, .section = transform_options,
     .about = "of a partition collector"},
    {0},
};

struct place collector_place(const struct collector_written *w, const char *section,
                             const char *key)
{
    const struct yaml_entry *const e = section ? yaml_find(w->tree, str_of(section)) : NULL;
    const struct yaml_entry *const inner = e && key ? yaml_find(&e->value, str_of(key)) : NULL;
    return inner ? inner->value.place : e ? e->place : w->tree->place;
}

bool collector_has(const struct collector_written *w, const char *section, const char *key)
{
    const struct yaml_entry *const e = yaml_find(w->tree, str_of(section));
    const struct yaml_entry *const inner = e && key ? yaml_find(&e->value, str_of(key)) : e;
    return inner && !(inner->value.kind == YAML_TEXT && inner->value.is_empty);
}

/* "" in a file, "collectors.NAME." in weir.yaml. */
static struct str prefix_of(const struct sections *s, const struct collector_written *w)
{
    return w->path.len > 0 ? arena_printf(s->arena, "%.*s.", STR_ARG(w->path)) : S("");
}

static enum collector_dialect dialect_of(const struct collector_written *w)
{
    if (w->is_file && !collector_has(w, "collector", NULL)) {
        return w->metric.grain_ms > 0 ? DIALECT_A : DIALECT_A0;
    }
    const bool is_prefixed = w->source.type && w->source.type->kind == YAML_TEXT &&
                             str_starts(w->source.type->text, S("metric."));
    return !w->is_file || is_prefixed || w->collector.strategy.len > 0 ? DIALECT_C : DIALECT_B;
}

static enum record_shape shape_of(const struct collector_written *w, enum collector_dialect dialect)
{
    static const enum record_shape shapes[] = {SHAPE_V2, SHAPE_V3, SHAPE_V4, SHAPE_V5};
    for (size_t i = 0; w->metric.record.len > 0 && records[i]; i++) {
        if (str_eq(w->metric.record, str_of(records[i]))) {
            return shapes[i];
        }
    }
    switch (dialect) {
    case DIALECT_A0: return SHAPE_V2;
    case DIALECT_A: return SHAPE_V3;
    case DIALECT_B: return SHAPE_V4;
    case DIALECT_C: return SHAPE_V5;
    }
    return SHAPE_V5;
}

static void read_schedule(const struct sections *s, const struct collector_written *w,
                          struct collector *c)
{
    const struct str prefix = prefix_of(s, w);
    const bool has_interval = collector_has(w, "schedule", "interval");
    const bool has_cron = w->schedule.cron.len > 0;
    struct cron *cron;
    struct failure f;
    c->schedule = (struct collector_schedule){w->schedule.interval_ms * MS, w->schedule.cron,
                                              w->schedule.jitter_ms, w->schedule.time_ms};
    if (!has_interval && !collector_has(w, "schedule", "cron")) {
        problem_add(s->problems, collector_place(w, "schedule", NULL),
                    "must set %.*sschedule.interval or %.*sschedule.cron", STR_ARG(prefix),
                    STR_ARG(prefix));
    } else if (has_interval && has_cron) {
        problem_add(s->problems, collector_place(w, "schedule", "cron"),
                    "must set either %.*sschedule.interval or %.*sschedule.cron, and not both",
                    STR_ARG(prefix), STR_ARG(prefix));
    } else if (!has_interval && !has_cron) {
        problem_add(s->problems, collector_place(w, "schedule", "cron"),
                    "%.*sschedule.cron is empty", STR_ARG(prefix));
    } else if (has_cron && cron_parse(s->arena, w->schedule.cron, &cron, &f) != OK) {
        problem_add(s->problems, collector_place(w, "schedule", "cron"), "%.*sschedule.cron: %s",
                    STR_ARG(prefix), f.text);
    }
}

/* What is cut to, and what the original demanded of it. */
static void read_grain(const struct sections *s, const struct collector_written *w,
                       struct collector *c)
{
    c->grain_us = w->metric.grain_ms * MS;
    if (c->dialect == DIALECT_A0) {
        c->grain_us = c->schedule.interval_us;
    } else if (c->dialect == DIALECT_A && c->schedule.interval_us > 0 &&
               c->schedule.interval_us != c->grain_us) {
        problem_add(s->problems, collector_place(w, "metric", "grain"),
                    "'schedule.interval' should match 'metric.grain'");
    }
}

/* `postgres`, or `metric.postgres` as dialect C has it. */
static void read_source(const struct sections *s, const struct collector_written *w,
                        struct collector *c)
{
    const struct str prefix = prefix_of(s, w);
    const struct place at = collector_place(w, "source", NULL);
    if (!w->source.type) {
        problem_add(s->problems, at, "%.*ssource.type is missing: which source, such as postgres",
                    STR_ARG(prefix));
        return;
    }
    struct yaml type = *w->source.type;
    if (type.kind == YAML_TEXT && str_starts(type.text, S("metric."))) {
        type.text = str_sub(type.text, 7, type.text.len);
    }
    c->source = section_driver(s, s->drivers->of[ROLE_SOURCE], &type,
                               arena_printf(s->arena, "%.*ssource.type", STR_ARG(prefix)));
    if (!c->source) {
        return;
    }
    const struct str path = arena_printf(s->arena, "%.*ssource.config", STR_ARG(prefix));
    const struct yaml none = {.kind = YAML_MAP, .place = at};
    const struct yaml *const config = w->source.config ? w->source.config : &none;
    if (config->kind != YAML_MAP) {
        problem_add(s->problems, config->place, "%.*s wants a section (key: value)", STR_ARG(path));
        return;
    }
    struct sections any_case = *s;
    any_case.is_any_case = true;
    c->source_options = section_options(&any_case, c->source, config, path, at.file);
    c->window_us = ((const struct source_time *)c->source_options)->window_ms * MS;
}

/* Strategy, source and what it gives must go together. */
static void check_strategy(const struct sections *s, const struct collector_written *w,
                           const struct collector *c)
{
    const struct str prefix = prefix_of(s, w);
    const struct source_can can = source_can(c->source);
    const bool is_in_source = w->collector.strategy.len == 0 && w->source.strategy.len > 0;
    const struct place at = is_in_source ? collector_place(w, "source", "strategy")
                            : w->collector.strategy.len > 0
                                ? collector_place(w, "collector", "invocation_strategy")
                                : collector_place(w, "source", "type");
    if (can.is_text != (c->kind == COLLECT_PARTITION)) {
        problem_add(s->problems, collector_place(w, "source", "type"),
                    "source %s goes with collector.type: %s alone", c->source->name,
                    can.is_text ? "partition" : "metric");
    } else if (c->strategy == STRATEGY_WINDOW && !can.windows) {
        problem_add(s->problems, at, "source %s cannot read windows", c->source->name);
    } else if (c->strategy == STRATEGY_WINDOW && c->window_us == 0) {
        problem_add(s->problems, collector_place(w, "source", "config"),
                    "%.*ssource.config.time.window is missing: strategy historic_tumbling_window "
                    "wants the length of a window, such as 24h",
                    STR_ARG(prefix));
    } else if (c->strategy == STRATEGY_GROWING && !can.growing) {
        problem_add(s->problems, at, "source %s cannot read by what grows (incremental)",
                    c->source->name);
    } else if (c->strategy == STRATEGY_GROWING && c->column.len == 0) {
        problem_add(s->problems, at,
                    "%.*scollector.column is missing: strategy incremental wants the name of the "
                    "column that grows",
                    STR_ARG(prefix));
    } else if (c->kind == COLLECT_PARTITION && c->strategy != STRATEGY_WINDOW) {
        problem_add(s->problems, at,
                    "source %s reads windows alone: strategy historic_tumbling_window",
                    c->source->name);
    }
}

static enum collector_strategy strategy_of(struct str word)
{
    return str_eq(word, str_of(strategies[1]))   ? STRATEGY_WINDOW
           : str_eq(word, str_of(strategies[2])) ? STRATEGY_GROWING
                                                 : STRATEGY_TICK;
}

static void read_kind(const struct sections *s, const struct collector_written *w,
                      struct collector *c)
{
    const struct str prefix = prefix_of(s, w);
    c->kind = str_eq(w->collector.type, S("partition")) ? COLLECT_PARTITION : COLLECT_METRIC;
    c->template = w->transform.template;
    if (w->is_file && collector_has(w, "collector", NULL) &&
        !collector_has(w, "collector", "type")) {
        problem_add(s->problems, collector_place(w, "collector", NULL),
                    "collector.type is missing: metric or partition");
    }
    if (c->kind == COLLECT_PARTITION && c->template.len == 0) {
        problem_add(s->problems, collector_place(w, "transform", NULL),
                    "%.*stransform.config.template is missing: the text that sinks are given",
                    STR_ARG(prefix));
    }
    const bool is_known = str_eq(c->metric_type, S("COUNT")) || str_eq(c->metric_type, S("GAUGE"));
    if (c->kind == COLLECT_METRIC && !is_known) {
        problem_add(w->is_file ? s->notes : s->problems, collector_place(w, "metric", "type"),
                    "%.*smetric.type is %s%.*s%s, and not COUNT or GAUGE%s", STR_ARG(prefix),
                    c->metric_type.len ? "" : "empty", STR_ARG(c->metric_type), "",
                    w->is_file ? "; records say so, as ever" : "");
    }
    if (c->kind == COLLECT_METRIC && c->metric_name.len == 0) {
        problem_add(w->is_file ? s->notes : s->problems, collector_place(w, "metric", "name"),
                    "%.*smetric.name is missing", STR_ARG(prefix));
    }
}

static void read_one(const struct sections *s, struct collector_written *w, struct collector *c)
{
    section_read(s, collector_options, w->tree, w->path, w);
    *c = (struct collector){
        .name = w->name.len > 0 ? w->name
                : w->is_file    ? files_stem(w->tree->place.file)
                                : str_sub(w->path, sizeof "collectors." - 1, w->path.len),
        .place = place_text(s->arena, w->tree->place),
        .file = w->is_file ? w->tree->place.file : S(""),
        .dialect = dialect_of(w),
        .metric_name = w->metric.name,
        .metric_type = w->metric.type,
        .tag = w->metric.tags.at,
        .tags_n = w->metric.tags.n,
        .column = w->collector.column,
        .overlap_us = w->collector.overlap_ms * MS,
        .windows_max = w->collector.windows_max,
        .windows_at_once = w->collector.windows_at_once,
        .strategy = strategy_of(w->collector.strategy.len > 0 ? w->collector.strategy
                                                              : w->source.strategy)};
    c->shape = shape_of(w, c->dialect);
    read_kind(s, w, c);
    read_schedule(s, w, c);
    read_grain(s, w, c);
    read_source(s, w, c);
    if (c->source && c->source_options) {
        check_strategy(s, w, c);
    }
    if (w->is_file) {
        collector_notes(s, w, c);
    }
}

/* The one of the tree w->tree, behind those that are there. false: it is left out. */
static bool read_next(const struct sections *s, struct files_trees *trees,
                      struct collector_written *w, struct sinks_reading *sinks,
                      struct collectors *all)
{
    struct collector *const c = &all->at[all->n];
    const struct str file = w->tree->place.file;
    struct problems wrong = {.arena = s->arena};
    struct sections how = *s;
    const bool is_map = w->tree->kind == YAML_MAP;
    const size_t sinks_n = sinks_so_far(sinks);
    how.problems = w->is_file && files_may_leave(trees, file) ? &wrong : s->problems;
    if (is_map) {
        read_one(&how, w, c);
        sinks_add(sinks, &how, w, c, all->n);
    } else {
        const struct str what = w->is_file ? S("a collector") : w->path;
        problem_add(how.problems, w->tree->place, "%.*s wants a section", STR_ARG(what));
    }
    if (wrong.lines.n > 0) {
        sinks_back(sinks, sinks_n, all->n);
        files_leave(trees, file, w->name.len > 0 ? w->name : files_stem(file), &wrong);
    }
    return is_map && wrong.lines.n == 0;
}

void collectors_read(const struct sections *s, struct files_trees *trees, const struct yaml *inside,
                     const struct yaml *sinks, struct config *c)
{
    const bool has_inside = inside && inside->kind == YAML_MAP;
    const size_t files_n = trees->collectors_n, n = files_n + (has_inside ? inside->n : 0);
    struct collectors *const all = &c->collectors;
    struct sections foreign = *s, own = *s;
    foreign.is_foreign = foreign.has_templates = own.has_templates = true;
    const struct yaml **const tree = arena_array(s->arena, const struct yaml *, n);
    struct sinks_reading *const reading = sinks_begin(&own, sinks);
    all->at = arena_array(s->arena, struct collector, n);
    for (size_t i = 0; i < n; i++) {
        const struct yaml_entry *const e = i < files_n ? NULL : &inside->entry[i - files_n];
        struct collector_written *const w = arena_new(s->arena, struct collector_written);
        w->tree = e ? &e->value : &trees->collector[i];
        w->is_file = !e;
        w->path = e ? arena_printf(s->arena, "collectors.%.*s", STR_ARG(e->key)) : S("");
        if (read_next(e ? &own : &foreign, trees, w, reading, all)) {
            tree[all->n++] = w->tree;
        }
    }
    all->left = trees->left;
    all->left_n = trees->left_n;
    c->names = names_read(s, c->data);
    collectors_name(s, tree, all, c->names);
    sinks_end(reading, all, c->names, &c->sinks);
    all->notes = s->notes->lines;
    all->notes_unsaid = s->notes->unsaid;
}
