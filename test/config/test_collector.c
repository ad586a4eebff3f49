/* Collector files of all four dialects: what they become, what is wrong with them, where, and what
 * is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "config/config.h"
#include "config/sinks.h"
#include "config/sources.h"
#include "config/value.h"

#define TYPE(type, table, of) {.name = type, .options = table, .bytes = sizeof(struct of)}
#define CHECKED(type, table, of, check)                                                            \
    {.name = type, .options = table, .bytes = sizeof(struct of), .complete = check}
static const struct section_type sources[] = {
    CHECKED("postgres", postgres_options, postgres_options, postgres_complete),
    CHECKED("mongodb", mongodb_options, mongodb_options, mongodb_complete),
    CHECKED("prometheus", prometheus_options, prometheus_options, prometheus_complete),
    TYPE("s3", s3_source_options, s3_options),
    TYPE("files", files_options, files_options),
    TYPE("partition.s3", partition_s3_options, partition_s3_options),
    CHECKED("http", http_source_options, http_source_options, http_source_complete),
    TYPE("command", command_options, command_options),
    TYPE("sqlite", sqlite_options, sqlite_options),
    CHECKED("mysql", mysql_source_options, mysql_source_options, mysql_source_complete),
    {0},
};
static const struct section_type sinks[] = {
    TYPE("console", console_options, console_options),
    CHECKED("file", file_options, file_options, file_complete),
    CHECKED("http", http_sink_options, http_sink_options, http_sink_complete),
    CHECKED("kafka", kafka_options, kafka_options, kafka_complete),
    TYPE("s3", s3_sink_options, s3_sink_options),
    CHECKED("prometheus", prometheus_sink_options, prometheus_sink_options,
            prometheus_sink_complete),
    {.name = "postgresql", .needs = "-Dpostgresql=enabled"},
    {0},
};
static const struct section_type nothing[] = {{0}};
static const struct section_type buses[] = {{.name = "embedded"}, {0}};
static const struct section_type stores[] = {{.name = "sqlite"}, {0}};
static const struct drivers drivers = {{[ROLE_AGENT] = nothing,
                                        [ROLE_BUS] = buses,
                                        [ROLE_STORE] = stores,
                                        [ROLE_SOURCE] = sources,
                                        [ROLE_SINK] = sinks}};

struct setting {
    char folder[64];
    struct arena arena;
    struct config *config;
    struct str_list errors;
    enum outcome outcome;
};

static int begin(void **state)
{
    static struct setting s;
    s = (struct setting){.folder = "/tmp/weir-collector-XXXXXX"};
    assert_non_null(mkdtemp(s.folder));
    assert_int_equal(chdir(s.folder), 0);
    arena_init(&s.arena, 64 * 1024 * 1024);
    assert_int_equal(setenv("WEIR_HOST", "db.example.test", 1), 0);
    assert_int_equal(unsetenv("WEIR_NONE"), 0);
    *state = &s;
    return 0;
}

static int end(void **state)
{
    struct setting *const s = *state;
    static const char *const names[] = {"a.yaml", "b.yaml", "weir.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)unlink(names[i]);
    }
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(s->folder), 0);
    arena_close(&s->arena);
    return 0;
}

static void write_file(const char *name, const char *text)
{
    FILE *const f = fopen(name, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* "": no place is named */
static void read_place(struct setting *s, const char *place)
{
    struct str one = str_of(place);
    struct failure f;
    const struct config_from from = {.places = {&one, one.len > 0}, .drivers = &drivers};
    s->outcome = config_read(&s->arena, &from, &s->config, &s->errors, &f);
}

static void read_text(struct setting *s, const char *text)
{
    s->outcome = config_read_text(&s->arena, S("a.yaml"), str_of(text), &drivers, &s->config,
                                  &s->errors);
}

static void assert_text(struct str is, const char *wanted)
{
    char text[2000] = "";
    assert_true(is.len < sizeof text);
    if (is.len > 0) {
        memcpy(text, is.at, is.len);
    }
    assert_string_equal(text, wanted);
}

static void assert_read(const struct setting *s)
{
    if (s->outcome != OK) {
        fail_msg("%.*s", STR_ARG(s->errors.at[0]));
    }
}

/* Some line has this in it. */
static void assert_line(const struct str_list *lines, const char *part)
{
    for (size_t i = 0; i < lines->n; i++) {
        char line[1200] = "";
        memcpy(line, lines->at[i].at, lines->at[i].len < 1199 ? lines->at[i].len : 1199);
        if (strstr(line, part)) {
            return;
        }
    }
    for (size_t i = 0; i < lines->n; i++) {
        print_error("%.*s\n", STR_ARG(lines->at[i]));
    }
    fail_msg("no line has: %s", part);
}

#define METRIC "metric: { name: users, type: COUNT }\n"
#define METRIC_30S "metric: { name: users, type: COUNT, grain: 30s }\n"
#define EVERY "schedule: { interval: 30s }\n"
#define BLOCK "collector: { type: metric }\n"
#define WINDOWS "collector: { type: metric, invocation_strategy: historic_tumbling_window }\n"
#define POSTGRES "source: { type: postgres, config: { uri: h=1, sql: q } }\n"
#define CONSOLE "sinks: { out: { type: console } }\n"

static void a_dialect_is_told_by_what_its_file_says(void **state)
{
    struct setting *const s = *state;
    static const struct {
        const char *text;
        enum collector_dialect dialect;
        enum record_shape shape;
        enum collector_strategy strategy;
    } cases[] = {
        {METRIC EVERY POSTGRES CONSOLE, DIALECT_A0, SHAPE_V2, STRATEGY_TICK},
        {METRIC_30S EVERY POSTGRES CONSOLE, DIALECT_A, SHAPE_V3, STRATEGY_TICK},
        {BLOCK METRIC EVERY POSTGRES CONSOLE, DIALECT_B, SHAPE_V4, STRATEGY_TICK},
        {BLOCK METRIC EVERY
         "source: { type: prometheus, strategy: historic_tumbling_window,\n"
         "  config: { uri: http://u, query: q, sql: s, time: { window: 24h } } }\n",
         DIALECT_B, SHAPE_V4, STRATEGY_WINDOW},
        {BLOCK METRIC EVERY "source: { type: metric.postgres, config: { uri: h=u, sql: q } }\n",
         DIALECT_C, SHAPE_V5, STRATEGY_TICK},
        {WINDOWS METRIC EVERY
         "source: { type: prometheus,\n"
         "  config: { uri: http://u, query: q, sql: s, time: { window: 24h } } }\n",
         DIALECT_C, SHAPE_V5, STRATEGY_WINDOW},
        {BLOCK "metric: { name: users, type: COUNT, record: v3 }\n" EVERY POSTGRES, DIALECT_B,
         SHAPE_V3, STRATEGY_TICK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_text(s, cases[i].text);
        assert_read(s);
        const struct collector *const c = &s->config->collectors.at[0];
        assert_int_equal(s->config->collectors.n, 1);
        assert_int_equal(c->dialect, cases[i].dialect);
        assert_int_equal(c->shape, cases[i].shape);
        assert_int_equal(c->strategy, cases[i].strategy);
        assert_int_equal(c->window_us, c->strategy == STRATEGY_WINDOW ? 86400000000 : 0);
    }
}

static void a_file_becomes_one_checked_struct(void **state)
{
    struct setting *const s = *state;
    read_text(s, "name: users.30s\n"
                 "metric:\n  name: core.users\n  type: GAUGE\n  grain: 30s\n"
                 "  tags:\n    - key: env\n      value: prod\n    - { key: n, value: 1 }\n"
                 "schedule:\n  interval: 30s\n"
                 "source:\n  type: postgres\n  config:\n"
                 "    URI: 'postgresql://{{ getEnvOrDefault \"WEIR_HOST\" \"x\" }}/${NOT_OURS}'\n"
                 "    Sql: |\n      SELECT 1 AS value\n"
                 "sinks:\n  out: { type: console }\n"
                 "  bus:\n    type: kafka\n    config:\n      brokers:\n"
                 "        - '{{ getEnvOrDefault \"WEIR_NONE\" \"localhost:9092\" }}'\n"
                 "      topic: signals\n      allow_auto_topic_creation: true\n");
    assert_read(s);
    const struct collector *const c = &s->config->collectors.at[0];
    assert_text(c->name, "users.30s");
    assert_text(c->id, "users.30s");
    assert_text(c->place, "a.yaml:1:1");
    assert_text(c->metric_name, "core.users");
    assert_text(c->metric_type, "GAUGE");
    assert_int_equal(c->grain_us, 30000000);
    assert_int_equal(c->schedule.interval_us, 30000000);
    assert_int_equal(c->tags_n, 2);
    assert_text(c->tag[0].key, "env");
    assert_text(c->tag[1].value, "1");
    const struct postgres_options *const o = c->source_options;
    assert_text(o->uri, "postgresql://db.example.test/${NOT_OURS}");
    assert_text(o->sql, "SELECT 1 AS value\n");
    assert_int_equal(c->sinks_n, 2);
    assert_int_equal(s->config->sinks.n, 2);
    const struct sink_config *const bus = &s->config->sinks.at[c->sink[1]];
    const struct kafka_options *const k = bus->options;
    assert_text(bus->name, "bus");
    assert_true(bus->is_for_collectors);
    assert_text(k->brokers.at[0], "localhost:9092");
    assert_true(k->may_create_topic);
    assert_int_equal(s->config->collectors.notes.n, 0);
    assert_int_equal(s->config->intake.listen.n, 0);
    assert_text(s->config->admin.listen.at[0], "0.0.0.0:12223");
}

struct mistake {
    const char *text, *wanted;
};

/* The table ends with {0}. */
static void assert_mistakes(struct setting *s, const struct mistake *m)
{
    for (; m->text; m++) {
        read_text(s, m->text);
        if (s->outcome == OK) {
            fail_msg("taken: %s", m->text);
        }
        assert_line(&s->errors, m->wanted);
    }
}

static void a_mistake_in_schedule_source_or_sink_stands_at_its_place(void **state)
{
    static const struct mistake cases[] = {
        {METRIC POSTGRES CONSOLE, "a.yaml:1:1: must set schedule.interval or schedule.cron"},
        {METRIC POSTGRES "schedule: { interval: 1m, cron: '* * * * *' }\n",
         "a.yaml:3:33: must set either schedule.interval or schedule.cron, and not both"},
        {METRIC POSTGRES "schedule: { cron: '60 * * * *' }\n", "a.yaml:3:19: schedule.cron: "},
        {METRIC POSTGRES "schedule: { interval: }\n", "a.yaml:3:1: must set schedule.interval"},
        {METRIC POSTGRES "schedule: { cron: '{{ getEnv \"WEIR_NONE\" }}' }\n",
         "a.yaml:3:19: schedule.cron is empty"},
        {METRIC POSTGRES "schedule: { interval: 0s }\n",
         "a.yaml:3:23: schedule.interval is 0s; it wants 1ms to 366d"},
        {METRIC POSTGRES "schedule: { interval: 30 }\n",
         "a.yaml:3:23: schedule.interval is 30; it wants a duration such as 30s or 1h30m (ms, s, "
         "m, h)"},
        {METRIC POSTGRES "schedule: { interval: 1d }\n",
         "a.yaml:3:23: schedule.interval is 1d; it wants a duration"},
        {METRIC EVERY "source: { type: oracle, config: {} }\n",
         "a.yaml:3:17: source.type is oracle; it wants postgres, mongodb"},
        {METRIC EVERY "source: { config: {} }\n", "a.yaml:3:1: source.type is missing"},
        {METRIC EVERY, "a.yaml:1:1: source.type is missing"},
        {METRIC EVERY "source: { type: postgres }\n",
         "a.yaml:3:1: source.config.uri is missing: libpq URI"},
        {METRIC EVERY POSTGRES "sinks: { out: { type: printer } }\n",
         "a.yaml:4:23: sinks.out.type is printer; it wants console, file"},
        {METRIC EVERY POSTGRES "sinks: { out: { type: postgresql } }\n",
         "a.yaml:4:23: sinks.out.type: this weir was built without postgresql; build it with "
         "-Dpostgresql=enabled"},
        {METRIC EVERY POSTGRES "sinks: { out: { config: {} } }\n",
         "a.yaml:4:10: sinks.out.type is missing"},
        {METRIC EVERY POSTGRES "sinks: [console]\n", "a.yaml:4:9: sinks wants sections by name"},
        {METRIC EVERY POSTGRES "sinks: { k: { type: kafka, config: { topic: t } } }\n",
         "a.yaml:4:38: sinks.k.config.brokers is missing"},
        {METRIC EVERY POSTGRES "sinks: { k: { type: kafka, config: { topic: t, uri: u,\n"
                               "  allow_auto_topic_creation: \"true\" } } }\n",
         "a.yaml:5:30: sinks.k.config.allow_auto_topic_creation is true; it wants true or false "
         "without quotes"},
        {METRIC_30S "schedule: { interval: 1m }\n" POSTGRES,
         "a.yaml:1:44: 'schedule.interval' should match 'metric.grain'"},
        {0},
    };
    assert_mistakes(*state, cases);
}

static void an_address_or_pipeline_that_cannot_be_one_is_told_without_a_server(void **state)
{
    static const struct mistake cases[] = {
        {METRIC EVERY "source: { type: postgres, config: { uri: localhost, sql: q } }\n",
         "a.yaml:3:42: source.config.uri is no address that is known here; it wants postgresql://"},
        {METRIC EVERY "source: { type: postgres, config: { sql: q,\n"
                      "  uri: '{{ getEnv \"WEIR_NONE\" }}' } }\n",
         "a.yaml:4:8: source.config.uri is empty; it wants libpq URI"},
        {METRIC EVERY
         "source: { type: prometheus, config: { uri: localhost, query: q, sql: s } }\n",
         "a.yaml:3:44: source.config.uri is no address that is known here; it wants http://HOST"},
        {METRIC EVERY "source: { type: mongodb, config: { uri: mongodb://h, database: d,\n"
                      "  collection: c, agg: '{}' } }\n",
         "a.yaml:4:23: source.config.agg is no list of pipeline stages"},
        {METRIC EVERY
         "source: { type: mongodb, config: { uri: 'mongodb://u:p@s@h/d', database: d,\n"
         "  collection: c, agg: '[]' } }\n",
         "a.yaml:3:41: source.config.uri has an @ or a / within user or password"},
        {METRIC EVERY
         "source: { type: mongodb, config: { uri: 'mongodb://u:p/s@h/d', database: d,\n"
         "  collection: c, agg: '[]' } }\n",
         "a.yaml:3:41: source.config.uri has an @ or a / within user or password"},
        {METRIC EVERY "source: { type: mongodb, config: { uri: mongodb://h, database: d,\n"
                      "  collection: c, agg: '[{]' } }\n",
         "a.yaml:4:23: source.config.agg: ensure that aggregate is valid json: not JSON: line 1, "
         "column 3"},
        {METRIC EVERY POSTGRES
         "sinks: { h: { type: http, config: { uri: http://h, method: B AD } } }\n",
         "a.yaml:4:60: sinks.h.config.method is no method of HTTP: POST, PUT or another word is"},
        {METRIC EVERY "source: { type: http, config: { uri: http://h, method: PUT } }\n",
         "a.yaml:3:56: source.config.method is PUT; it wants GET or POST"},
        {METRIC EVERY "source: { type: http, config: { uri: http://h, paging: { by: cursor } } }\n",
         "source.config.paging.next is missing"},
        {METRIC EVERY POSTGRES "sinks: { h: { type: http, config: { uri: h:80 } } }\n",
         "a.yaml:4:42: sinks.h.config.uri is no address that is known here; it wants http://"},
        {METRIC EVERY POSTGRES
         "sinks: { c: { type: console, config: { encoding: { jq: '{n: .name' } } } }\n",
         "a.yaml:4:56: sinks.c.config.encoding.jq: mapping encoding: line 1: syntax error"},
        {METRIC EVERY POSTGRES
         "sinks: { c: { type: console, config: { encoding: { type: parquet } } } }\n",
         "a.yaml:4:58: sinks.c.config.encoding.type: Parquet is for sinks of type s3"},
        {METRIC EVERY POSTGRES "sinks: { p: { type: prometheus, config: { listen: here } } }\n",
         "a.yaml:4:51: sinks.p.config.listen is no address"},
        {0},
    };
    assert_mistakes(*state, cases);
}

static void what_does_not_go_together_stands_at_its_place(void **state)
{
    static const struct mistake cases[] = {
        {"collector: { type: entity }\n" METRIC EVERY POSTGRES,
         "a.yaml:1:20: collector.type is entity; it wants metric or partition"},
        {"collector: {}\n" METRIC EVERY POSTGRES, "a.yaml:1:1: collector.type is missing"},
        {"collector: { type: metric, invocation_strategy: tock }\n" METRIC EVERY POSTGRES,
         "a.yaml:1:49: collector.invocation_strategy is tock; it wants tick, "
         "historic_tumbling_window or incremental"},
        {WINDOWS METRIC EVERY POSTGRES, "a.yaml:4:37: source.config.time.window is missing"},
        {"collector: { type: metric, invocation_strategy: incremental }\n" METRIC EVERY POSTGRES,
         "a.yaml:1:49: collector.column is missing"},
        {"collector: { type: metric, invocation_strategy: incremental }\n" METRIC EVERY
         "source: { type: metric.s3, config: { sql: q } }\n",
         "a.yaml:1:49: source s3 cannot read by what grows (incremental)"},
        {BLOCK METRIC EVERY
         "source: { type: partition.s3, config: { bucket: b, region: r, partition: p } }\n",
         "a.yaml:4:17: source partition.s3 goes with collector.type: partition alone"},
        {"collector: { type: partition }\n" EVERY
         "source: { type: partition.s3, config: { bucket: b, region: r, partition: p } }\n"
         "transform: { type: template, config: { template: '{{ .URI }}' } }\n",
         "a.yaml:3:17: source partition.s3 reads windows alone"},
        {"collector: { type: partition }\n" EVERY
         "source: { type: partition.s3, strategy: historic_tumbling_window,\n"
         "  config: { bucket: b, region: r, partition: p, time: { window: 1m } } }\n",
         "a.yaml:1:1: transform.config.template is missing"},
        {METRIC EVERY "source:\n  type: s3\n  config:\n    sql: |\n"
                      "      SELECT 1\n      FROM '{{.Partitoin}}'\n",
         "a.yaml:8:15: source.config.sql: .Partitoin is not known"},
        {METRIC EVERY "source: { type: postgres, config: { uri: 'a{{ html 1 }}', sql: q } }\n",
         "a.yaml:3:47: source.config.uri: html of Go's templates is not supported here"},
        {"metric: { name: users, type: COUNT, tags: { env: prod } }\n" EVERY POSTGRES,
         "a.yaml:1:45: metric.tags wants a list of sections"},
        {"metric: { name: users, name: others }\n" EVERY POSTGRES,
         "a.yaml:1:24: name stands here twice; first at a.yaml:1:11"},
        {"metric: [1]\n" EVERY POSTGRES, "metric: a section is wanted (key: value), not a list"},
        {METRIC EVERY "source: { type: prometheus, config: { uri: http://u, query: q, sql: s,\n"
                      "  time_expression: $midnight } }\n",
         "a.yaml:4:20: source.config.time_expression: query time \"$midnight\" not supported"},
        {METRIC EVERY "source: *nowhere\n", "a.yaml:3:"},
        {"source: [\n", "a.yaml:"},
        {0},
    };
    assert_mistakes(*state, cases);
}

static void what_the_original_did_otherwise_is_a_note(void **state)
{
    struct setting *const s = *state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {METRIC EVERY POSTGRES "sinsk: {}\n",
         "a.yaml:4:1: note: sinsk is not known, and has no effect, as ever; was sinks meant?"},
        {METRIC EVERY "source: { type: postgres, config: { uri: h=u, sql: q, pool: 5 } }\n",
         "a.yaml:3:55: note: source.config.pool is not known, and has no effect, as ever"},
        {METRIC "schedule: { cron: '* * * * *' }\n" POSTGRES,
         "a.yaml:2:19: note: the original read cron and did not use it; weir runs by it"},
        {"metric: { name: users, type: SUM }\n" EVERY POSTGRES,
         "a.yaml:1:30: note: metric.type is SUM, and not COUNT or GAUGE"},
        {BLOCK METRIC EVERY POSTGRES "sinks: { h: { type: http, config: { uri: http://u } } }\n",
         "a.yaml:5:10: note: sinks.h has no method, and the original sent GET; weir sends POST"},
        {BLOCK METRIC EVERY
         "source: { type: metric.postgres, config: { uri: h=u, sql: q } }\n" CONSOLE,
         "a.yaml:5:10: note: sinks.out: the original wrote a blank line after each record"},
        {WINDOWS "state_store: { type: memory }\n" METRIC EVERY "source: { type: prometheus,\n"
                 "  config: { uri: http://u, query: q, sql: s, time: { window: 24h } } }\n",
         "a.yaml:1:1: note: with two windows or more to make good the original failed"},
        {BLOCK "state_store: { type: memory }\n" METRIC EVERY POSTGRES,
         "a.yaml:2:1: note: the original lost its state at a restart"},
        {BLOCK METRIC EVERY
         "source: { type: prometheus, config: { uri: http://u, query: q, sql: s } }\n",
         "a.yaml:4:17: note: the original could read prometheus by windows alone"},
        {BLOCK METRIC EVERY
         "source: { type: metric.s3, config: { sql: q, bucket: b } }\n"
         "sinks: { t: { type: s3, config: { bucket: b, batch_size: 5,\n"
         "  encoding: { type: Parquet, config: { compression: SNAPPY } } } } }\n",
         "a.yaml:6:15: note: sinks.t: the original wrote nothing as parquet; weir writes it"},
        {BLOCK METRIC EVERY POSTGRES
         "sinks: { k: { type: kafka, config: { topic: t, uri: 'a:1,b:2' } } }\n",
         "a.yaml:5:53: note: sinks.k: the original took the whole uri for one broker"},
        {METRIC EVERY POSTGRES "sinks: { f: { type: file, config: { path: 'a-{{.Year}}' } } }\n",
         "a.yaml:4:43: note: sinks.f.config.path is not rendered at a run"},
        {BLOCK METRIC EVERY POSTGRES "sinks: { h: { type: http, config: { uri: http://u,\n"
                                     "  encoding: { type: jsonl } } } }\n",
         "a.yaml:6:21: note: sinks.h.config.encoding.type is jsonl, and counts as json, as ever"},
        {METRIC EVERY POSTGRES "---\na: b\n", "a.yaml:5:1: note: a second document"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_text(s, cases[i].text);
        assert_read(s);
        assert_line(&s->config->collectors.notes, cases[i].wanted);
    }
}

static void notes_are_told_beside_errors(void **state)
{
    struct setting *const s = *state;
    read_text(s, METRIC "shedule: { interval: 5s }\n" POSTGRES);
    assert_int_equal(s->outcome, STOP);
    assert_int_equal(s->errors.n, 2);
    assert_line(&s->errors,
                "a.yaml:2:1: note: shedule is not known, and has no effect, as ever; was "
                "schedule meant?");
}

static void aliases_are_followed_within_a_limit(void **state)
{
    struct setting *const s = *state;
    read_text(s, "x: &db { uri: h=u, sql: q }\n" METRIC EVERY
                 "source: { type: postgres, config: { <<: *db, sql: !!str mine } }\n");
    assert_read(s);
    const struct postgres_options *const o = s->config->collectors.at[0].source_options;
    assert_text(o->uri, "h=u");
    assert_text(o->sql, "mine");
    read_text(s, METRIC EVERY POSTGRES
              "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
              "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
              "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n");
    assert_int_equal(s->outcome, STOP);
    assert_line(&s->errors, "more than 20000 nodes or 50 levels, aliases followed");
    read_text(s, METRIC EVERY POSTGRES "a: &a [*a]\n");
    assert_int_equal(s->outcome, STOP);
}

static void a_template_outside_of_quotes_is_rendered_before_the_file_is_read(void **state)
{
    struct setting *const s = *state;
    read_text(s, METRIC EVERY
              "source:\n  type: postgres\n  config:\n    uri: h=1 {{ getEnv \"WEIR_HOST\" }}\n"
              "{{ if getEnv \"WEIR_NONE\" }}    sql: never\n{{ else }}    sql: q\n{{ end }}");
    assert_read(s);
    const struct postgres_options *const o = s->config->collectors.at[0].source_options;
    assert_text(o->uri, "h=1 db.example.test");
    assert_text(o->sql, "q");
    read_text(s, METRIC EVERY "source:\n  type: postgres\n  config:\n    uri: {{ getEnv }}\n");
    assert_line(&s->errors, "a.yaml:6:13: getEnv wants 1 operand, and has 0");
}

static void the_same_name_in_two_files_is_told_apart(void **state)
{
    struct setting *const s = *state;
    write_file("a.yaml", "name: users\n" METRIC EVERY POSTGRES CONSOLE);
    write_file("b.yaml",
               "name: users\n" METRIC EVERY POSTGRES
               "sinks: { stdout: { type: console }, f: { type: file, config: { path: b } } }\n");
    read_place(s, "*.yaml");
    assert_read(s);
    assert_int_equal(s->config->collectors.n, 2);
    assert_text(s->config->collectors.at[0].id, "users@a");
    assert_text(s->config->collectors.at[1].id, "users@b");
    assert_line(&s->config->collectors.notes,
                "b.yaml:1:1: note: the name users is also in a.yaml:1:1");
    assert_int_equal(s->config->sinks.n, 2); /* both consoles are one */
    assert_int_equal(s->config->collectors.at[1].sink[0], 0);
    const struct file_options *const f = s->config->sinks.at[1].options;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/b", s->folder);
    assert_text(f->path, path);
    write_file("b.yaml", "name: users\n" METRIC EVERY POSTGRES
                         "sinks: { out: { type: file, config: { path: /b } } }\n");
    read_place(s, "*.yaml");
    assert_read(s);
    assert_text(s->config->sinks.at[0].name, "out@users@a");
}

static void collectors_and_sinks_stand_in_weir_yaml_too(void **state)
{
    struct setting *const s = *state;
    write_file("a.yaml", METRIC EVERY POSTGRES CONSOLE);
    write_file("weir.yaml",
               "data: d\ncollectors: ./a.yaml\n"
               "sinks: { out: { type: file, models: [deployment], config: { path: x } } }\n");
    read_place(s, "weir.yaml");
    assert_read(s);
    assert_int_equal(s->config->files.n, 2);
    assert_int_equal(s->config->collectors.n, 1);
    assert_text(s->config->collectors.at[0].name, "a");
    assert_int_equal(s->config->sinks.n, 2);
    assert_text(s->config->sinks.at[0].name, "out");
    assert_text(s->config->sinks.at[0].models.at[0], "deployment");
    assert_false(s->config->sinks.at[0].is_for_collectors);
    assert_text(s->config->sinks.at[1].name, "out@a");
    assert_int_equal(s->config->intake.listen.n, 1);
    write_file("weir.yaml",
               "sinks: { all: { type: console } }\n"
               "collectors:\n  users:\n    metric: { name: m, type: COUNT }\n"
               "    schedule: { interval: 1h30m }\n"
               "    source: { type: postgres, config: { uri: 'h=${WEIR_HOST}', sql: q } }\n"
               "    sinks: [all]\n");
    read_place(s, "weir.yaml");
    assert_read(s);
    const struct collector *const c = &s->config->collectors.at[0];
    assert_text(c->id, "users");
    assert_int_equal(c->shape, SHAPE_V5);
    assert_int_equal(c->schedule.interval_us, 5400000000);
    assert_text(((const struct postgres_options *)c->source_options)->uri, "h=db.example.test");
    assert_int_equal(c->sink[0], 0);
    assert_true(s->config->sinks.at[0].is_for_collectors);
}

static void weirs_own_sections_are_strict(void **state)
{
    struct setting *const s = *state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"sinks: { a b: { type: console, models: [change] } }\n",
         "a.yaml:1:10: sinks.a b: a name has 1 to 26 letters, digits"},
        {"sinks: { a: { type: console } }\n", "a.yaml:1:10: sinks.a is given nothing"},
        {"sinks: { a: { type: console, models: [deploymnt] } }\n",
         "a.yaml:1:39: sinks.a.models: there is no model deploymnt"},
        {"sinks: { a: { type: prometheus, models: [metric, change] } }\n",
         "a.yaml:1:42: sinks.a.models: a sink of type prometheus takes metric alone, not change"},
        {"sinks: { a: { type: console, models: [change], confg: {} } }\n",
         "a.yaml:1:48: unknown key sinks.a.confg; did you mean config?"},
        {"collectors: { u: { metrc: {} } }\n",
         "a.yaml:1:20: unknown key collectors.u.metrc; did you mean metric?"},
        {"collectors: { u: { metric: { name: m, type: SUM } } }\n",
         "a.yaml:1:45: collectors.u.metric.type is SUM, and not COUNT or GAUGE"},
        {"collectors: { u: { sinks: [a] } }\n",
         "a.yaml:1:28: collectors.u.sinks: `sinks` has no a"},
        {"collectors: nowhere.yaml\n", "a.yaml:1:13: collectors: nowhere.yaml: no such file"},
        {"collectors: { u: &x { sinks: {} } }\n", "anchors and aliases are not used here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_text(s, cases[i].text);
        assert_int_equal(s->outcome, STOP);
        assert_line(&s->errors, cases[i].wanted);
    }
}

static void durations_are_gos(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {{"0", 0},           {"30s", 30000},
                 {"1h30m", 5400000}, {"1.5h", 5400000},
                 {"500us", 0},       {"1500us", 1},
                 {"2ms", 2},         {".5s", 500},
                 {"1m.5s", 60500},   {"1h1m1s1ms", 3661001},
                 {"\xc2\xb5s", -1},  {"1\xc2\xb5s", 0},
                 {"", -1},           {"5", -1},
                 {"1d", -1},         {"s", -1},
                 {"1..5s", -1},      {"-1s", -1},
                 {"1 s", -1},        {"9000000h", -1},
                 {"+1h", 3600000},   {"++1h", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -1;
        if (!value_go_duration(str_of(cases[i].text), &ms)) {
            ms = -1;
        }
        if (ms != cases[i].ms) {
            fail_msg("%s gives %lld", cases[i].text, (long long)ms);
        }
    }
}

/* What a whole folder of examples became, as text. */
static struct str told(struct setting *s, const char *dialect)
{
    static const char *const strategies[] = {"tick", "window", "growing"};
    struct buf b;
    buf_init(&b, &s->arena, 1 << 16);
    read_place(s, arena_printf(&s->arena, "examples/collectors/%s/*.yaml", dialect).at);
    assert_read(s);
    for (size_t i = 0; i < s->config->collectors.n; i++) {
        const struct collector *const c = &s->config->collectors.at[i];
        buf_printf(&b, "%.*s: dialect %d v%d %s %llds %s", STR_ARG(c->file), (int)c->dialect,
                   (int)c->shape + 2, strategies[c->strategy],
                   (long long)(c->schedule.interval_us / 1000000), c->source->name);
        buf_printf(&b, " grain %lld window %lld tags %zu id %.*s ->",
                   (long long)(c->grain_us / 1000000), (long long)(c->window_us / 1000000),
                   c->tags_n, STR_ARG(c->id));
        for (size_t k = 0; k < c->sinks_n; k++) {
            const struct sink_config *const sink = &s->config->sinks.at[c->sink[k]];
            buf_printf(&b, " %.*s(%s)", STR_ARG(sink->name), sink->type->name);
        }
        buf_add_byte(&b, '\n');
    }
    for (size_t i = 0; i < s->config->collectors.notes.n; i++) {
        buf_printf(&b, "%.*s\n", STR_ARG(s->config->collectors.notes.at[i]));
    }
    return buf_str(&b);
}

static void the_examples_of_every_dialect_are_what_they_say(void **state)
{
    struct setting *const s = *state;
    static const struct {
        const char *dialect;
        size_t n;
    } folders[] = {{"a0", 4}, {"a", 6}, {"b", 7}, {"c", 8}};
    struct buf all;
    struct str wanted;
    struct failure f;
    const char *const root = getenv("WEIR_ROOT");
    assert_int_equal(chdir(root ? root : "."), 0);
    buf_init(&all, &s->arena, 1 << 18);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        buf_add(&all, told(s, folders[i].dialect));
        assert_int_equal(s->config->collectors.n, folders[i].n);
    }
    assert_int_equal(file_read(&s->arena, "test/config/examples.txt", 1 << 18, &wanted, &f), OK);
    if (!str_eq(buf_str(&all), wanted)) {
        (void)fprintf(stderr, "%.*s", STR_ARG(buf_str(&all)));
    }
    assert_true(str_eq(buf_str(&all), wanted));
    assert_int_equal(chdir(s->folder), 0);
}

/* What `weir init --collector` writes, with every driver there. */
static void every_starter_is_right(void **state)
{
    struct setting *const s = *state;
    const char *const root = getenv("WEIR_ROOT");
    assert_int_equal(chdir(root ? root : "."), 0);
    read_place(s, "src/command/collector/*.yaml");
    assert_read(s);
    assert_int_equal(s->config->collectors.n, 10);
    assert_int_equal(s->config->collectors.notes.n, 0); /* no other program ran them */
    for (size_t i = 0; i < s->config->collectors.n; i++) {
        assert_int_equal(s->config->collectors.at[i].dialect, DIALECT_C);
    }
    assert_int_equal(chdir(s->folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dialect_is_told_by_what_its_file_says, begin, end),
        cmocka_unit_test_setup_teardown(a_file_becomes_one_checked_struct, begin, end),
        cmocka_unit_test_setup_teardown(a_mistake_in_schedule_source_or_sink_stands_at_its_place,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            an_address_or_pipeline_that_cannot_be_one_is_told_without_a_server, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_go_together_stands_at_its_place, begin, end),
        cmocka_unit_test_setup_teardown(what_the_original_did_otherwise_is_a_note, begin, end),
        cmocka_unit_test_setup_teardown(notes_are_told_beside_errors, begin, end),
        cmocka_unit_test_setup_teardown(aliases_are_followed_within_a_limit, begin, end),
        cmocka_unit_test_setup_teardown(
            a_template_outside_of_quotes_is_rendered_before_the_file_is_read, begin, end),
        cmocka_unit_test_setup_teardown(the_same_name_in_two_files_is_told_apart, begin, end),
        cmocka_unit_test_setup_teardown(collectors_and_sinks_stand_in_weir_yaml_too, begin, end),
        cmocka_unit_test_setup_teardown(weirs_own_sections_are_strict, begin, end),
        cmocka_unit_test_setup_teardown(the_examples_of_every_dialect_are_what_they_say, begin,
                                        end),
        cmocka_unit_test_setup_teardown(every_starter_is_right, begin, end),
        cmocka_unit_test(durations_are_gos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
