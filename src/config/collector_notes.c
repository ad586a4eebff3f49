/* collector_notes.c - where a dialect's own program did something else than its file says: what it
 * did, and what weir does. Only what this very file is touched by is told. */
#include <string.h>

#include "config/collector_read.h"
#include "config/sources.h"

static void note_schedule(const struct sections *s, const struct collector_written *w,
                          const struct collector *c)
{
    if (c->dialect == DIALECT_A0 && c->schedule.cron.len > 0) {
        problem_add(s->notes, collector_place(w, "schedule", "cron"),
                    "the original read cron and did not use it; weir runs by it");
    }
    if (collector_has(w, "metric", "grain") && c->dialect != DIALECT_A) {
        problem_add(s->notes, collector_place(w, "metric", "grain"),
                    "metric.grain had no effect in this dialect; records of shape v3 carry it");
    }
}

static void note_strategy(const struct sections *s, const struct collector_written *w,
                          const struct collector *c)
{
    const struct place source = collector_place(w, "source", "type");
    if (c->strategy == STRATEGY_WINDOW) {
        problem_add(s->notes,
                    c->dialect == DIALECT_B ? collector_place(w, "source", "strategy")
                                            : collector_place(w, "collector", NULL),
                    "with two windows or more to make good the original failed, or did nothing; "
                    "weir collects them all, in order (at most %lld)",
                    (long long)c->windows_max);
    }
    if (c->strategy == STRATEGY_GROWING) {
        problem_add(s->notes, source,
                    "the original failed at each run of strategy incremental; weir "
                    "has it");
    }
    if (w->state_store.type.len > 0 || collector_has(w, "state_store", NULL)) {
        problem_add(s->notes, collector_place(w, "state_store", NULL),
                    "the original lost its state at a restart; weir keeps it in the data folder");
    }
    if (c->dialect == DIALECT_C && w->source.strategy.len > 0) {
        problem_add(s->notes, collector_place(w, "source", "strategy"),
                    "source.strategy had no effect in this dialect, which has "
                    "collector.invocation_strategy; weir takes both");
    }
    const bool is_prometheus = c->source && strcmp(c->source->name, "prometheus") == 0;
    if (is_prometheus && c->strategy == STRATEGY_TICK &&
        (c->dialect == DIALECT_B || c->dialect == DIALECT_C)) {
        problem_add(s->notes, source,
                    "the original could read prometheus by windows alone; weir asks "
                    "as of now");
    }
    if (c->kind == COLLECT_METRIC && collector_has(w, "transform", NULL)) {
        problem_add(s->notes, collector_place(w, "transform", NULL),
                    "transform has an effect with collector.type: partition alone");
    }
}

static void note_source(const struct sections *s, const struct collector_written *w,
                        const struct collector *c)
{
    const struct yaml *const config = w->source.config;
    if (!c->source || !config) {
        return;
    }
    const struct yaml_entry *const bucket = yaml_find_nocase(config, S("bucket"));
    const struct yaml_entry *const exists = yaml_find_nocase(config, S("validate_exists"));
    if (strcmp(c->source->name, "s3") == 0 && bucket) {
        problem_add(s->notes, bucket->place,
                    "the original read bucket and prefix, and used the SQL alone; in weir they "
                    "stand before a partition that names no bucket itself");
    }
    if (exists) {
        problem_add(s->notes, exists->place, "validate_exists has no effect, as ever");
    }
}

static void note_sink(const struct sections *s, const struct collector *c,
                      const struct yaml_entry *e)
{
    static const struct yaml none = {.kind = YAML_MAP};
    const struct yaml_entry *const type = yaml_find(&e->value, S("type"));
    const struct yaml_entry *const given = yaml_find(&e->value, S("config"));
    const struct yaml *const config = given ? &given->value : &none;
    const struct str is = type && type->value.kind == YAML_TEXT ? type->value.text : S("");
    const bool is_later = c->dialect == DIALECT_B || c->dialect == DIALECT_C;
    const struct yaml_entry *const encoding = yaml_find_nocase(config, S("encoding"));
    const struct yaml_entry *const encoded = encoding
                                                 ? yaml_find_nocase(&encoding->value, S("type"))
                                                 : NULL;
    const struct yaml_entry *const batch = yaml_find_nocase(config, S("batch_size"));
    const struct yaml_entry *const uri = yaml_find_nocase(config, S("uri"));
    if (str_eq(is, S("http")) && is_later && !yaml_find_nocase(config, S("method"))) {
        problem_add(s->notes, e->place,
                    "sinks.%.*s has no method, and the original sent GET; weir "
                    "sends POST",
                    STR_ARG(e->key));
    }
    if (c->dialect == DIALECT_C && (str_eq(is, S("file")) || str_eq(is, S("console")))) {
        problem_add(s->notes, e->place,
                    "sinks.%.*s: the original wrote a blank line after each record; "
                    "weir does not",
                    STR_ARG(e->key));
    }
    if (encoded && str_eq_nocase(encoded->value.text, S("parquet"))) {
        problem_add(s->notes, encoded->place,
                    "sinks.%.*s: the original wrote nothing as parquet; weir "
                    "writes it",
                    STR_ARG(e->key));
    }
    if (str_eq(is, S("s3")) && batch) {
        problem_add(s->notes, batch->place,
                    "sinks.%.*s: the original did not use batch_size; weir does", STR_ARG(e->key));
    }
    if (str_eq(is, S("kafka")) && uri && str_find(uri->value.text, ',') < uri->value.text.len) {
        problem_add(s->notes, uri->value.place,
                    "sinks.%.*s: the original took the whole uri for one "
                    "broker; weir splits it at its commas",
                    STR_ARG(e->key));
    }
}

/* A file that uses what weir alone has was never run by the original. */
static bool is_of_weir(const struct collector_written *w, const struct collector *c)
{
    static const struct {
        const char *section, *key;
    } keys[] = {{"schedule", "jitter"},       {"schedule", "time_limit"},
                {"collector", "column"},      {"collector", "overlap"},
                {"collector", "windows_max"}, {"collector", "windows_at_once"},
                {"metric", "record"}};
    static const char *const sources[] = {"postgres", "mongodb", "prometheus", "s3",
                                          "partition.s3"};
    bool is_known = !c->source;
    for (size_t i = 0; i < sizeof sources / sizeof *sources && !is_known; i++) {
        is_known = strcmp(c->source->name, sources[i]) == 0;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys && is_known; i++) {
        is_known = !collector_has(w, keys[i].section, keys[i].key);
    }
    return !is_known;
}

void collector_notes(const struct sections *s, const struct collector_written *w,
                     const struct collector *c)
{
    if (is_of_weir(w, c)) {
        return;
    }
    note_schedule(s, w, c);
    note_strategy(s, w, c);
    note_source(s, w, c);
    for (size_t i = 0; w->sinks && w->sinks->kind == YAML_MAP && i < w->sinks->n; i++) {
        note_sink(s, c, &w->sinks->entry[i]);
    }
}
