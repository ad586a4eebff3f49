/* config.c - the tables of weir.yaml. */
#include "config/config.h"

#include <stddef.h>

#include "base/hash.h"
#include "config/agents.h"
#include "config/check.h"
#include "config/collector_read.h"
#include "config/files.h"

/* Ranges: below the least nothing works, above the most a promise about memory or time would be
 * empty. */
enum { KIB = 1024, MIB = 1024 * KIB, SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define GIB (1024 * (int64_t)MIB)
#define FOREVER INT64_MAX

static const struct option tls_options[] = {
    {"certificate", OPTION_PATH, offsetof(struct config_tls, certificate), "",
     .about = "PEM file of the certificate and its chain"},
    {"key", OPTION_PATH, offsetof(struct config_tls, key), "", .about = "PEM file of its key"},
    {0},
};

static const struct option intake_options[] = {
    {"listen", OPTION_LIST, offsetof(struct config_intake, listen), "127.0.0.1:8080",
     .about = "one address or a list: IP:PORT, [::1]:PORT, unix:PATH (beside this file)"},
    {"body_bytes_max", OPTION_SIZE, offsetof(struct config_intake, body_bytes_max), "26MiB", KIB,
     32 * MIB, /* a CDEvent's fact holds it twice, and the store takes facts of 64 MiB */
     .about = "largest body of one request, inflated; GitHub sends up to 25 MB"},
    {"bodies_bytes_max", OPTION_SIZE, offsetof(struct config_intake, bodies_bytes_max), "128MiB",
     MIB, 64 * GIB,
     .about = "all bodies in flight together, a process, at least 4 times body_bytes_max; above "
              "it: 503"},
    {"headers_bytes_max", OPTION_SIZE, offsetof(struct config_intake, headers_bytes_max), "16KiB",
     4 * KIB, MIB,
     .about = "all headers of one request; above it, and for many hundreds of tiny ones: 431"},
    {"connections_max", OPTION_INT, offsetof(struct config_intake, connections_max), "1024", 1,
     60000, .about = "open connections, a process"},
    {"connections_per_address_max", OPTION_INT,
     offsetof(struct config_intake, connections_per_address_max), "0", 0, 60000,
     .about = "open connections from one address; 0: no limit (behind a proxy)"},
    {"request", OPTION_DURATION, offsetof(struct config_intake, request_ms), "30s", 100, HOUR,
     .about = "deadline of a whole request"},
    {"idle", OPTION_DURATION, offsetof(struct config_intake, idle_ms), "60s", 100, HOUR,
     .about = "how long a connection may stay without a request"},
    {"batch_events_max", OPTION_INT, offsetof(struct config_intake, batch_events_max), "1000", 1,
     100000, .about = "events of one CloudEvents batch"},
    {"processes", OPTION_INT, offsetof(struct config_intake, processes), "1", 1,
     INTAKE_PROCESSES_MAX, .about = "intake processes; each has a lane of its own"},
    {"tls", OPTION_SECTION, offsetof(struct config_intake, tls), .section = tls_options,
     .about = "serve HTTPS; absent: HTTP"},
    {0},
};

static const struct option admin_options[] = {
    {"listen", OPTION_LIST, offsetof(struct config_admin, listen), "127.0.0.1:8081",
     .about = "address of livez, readyz, health and metrics"},
    {"behind", OPTION_DURATION, offsetof(struct config_admin, behind_ms), "30s", SECOND, FOREVER,
     .about = "readyz turns red when a stage is further behind"},
    {0},
};

static const struct option bus_options[] = {
    {"type", OPTION_DRIVER, offsetof(struct config_bus, type), "embedded", .role = ROLE_BUS,
     .about = "embedded: segment files in the data folder"},
    {"path", OPTION_PATH, offsetof(struct config_bus, path), "",
     .about = "its folder; default: DATA/bus"},
    {"segment", OPTION_SIZE, offsetof(struct config_bus, segment_bytes), "64MiB", MIB, GIB,
     .about = "size of a full-grown segment file"},
    {"keep", OPTION_DURATION, offsetof(struct config_bus, keep_ms), "7d", 0, FOREVER,
     .about = "how long signals stay that every reader has passed; raw stays in the lake"},
    {"disk_max", OPTION_SIZE, offsetof(struct config_bus, disk_bytes_max), "20GiB", 16 * MIB,
     FOREVER,
     .about = "all streams together, at least 4 times intake.body_bytes_max; what is read "
              "goes first, then the intake says 429"},
    {0},
};

static const struct option repetitions_options[] = {
    {"keep", OPTION_DURATION, offsetof(struct config_keep, keep_ms), "7d", MINUTE, FOREVER,
     .about = "how long a repetition is recognised"},
    {"disk_max", OPTION_SIZE, offsetof(struct config_keep, disk_bytes_max), "1GiB", MIB, FOREVER,
     .about = "size of the index; the oldest identities go first"},
    {0},
};

static const struct option dead_options[] = {
    {"keep", OPTION_DURATION, offsetof(struct config_keep, keep_ms), "90d", 0, FOREVER,
     .about = "how long dead letters stay"},
    {"disk_max", OPTION_SIZE, offsetof(struct config_keep, disk_bytes_max), "1GiB", MIB, FOREVER,
     .about = "their size; the oldest go first, counted and logged"},
    {0},
};

static const struct option lake_options[] = {
    {"path", OPTION_PATH, offsetof(struct config_lake, path), "",
     .about = "folder of the Delta tables; default: DATA/lake"},
    {"flush", OPTION_DURATION, offsetof(struct config_lake, flush_ms), "5m", 100, 24 * HOUR,
     .about = "rows are written at this age, or at flush_bytes"},
    {"flush_bytes", OPTION_SIZE, offsetof(struct config_lake, flush_bytes), "16MiB", 64 * KIB, GIB,
     .about = "rows of a table are written at this size, or at flush"},
    {"keep", OPTION_DURATION, offsetof(struct config_lake, keep_ms), "forever", HOUR, FOREVER,
     .about = "how long facts stay, by their own time, and from when they came"},
    {"compact", OPTION_DURATION, offsetof(struct config_lake, compact_ms), "1h", MINUTE, FOREVER,
     .about = "how often small files are joined"},
    {"vacuum", OPTION_DURATION, offsetof(struct config_lake, vacuum_ms), "1h", 0, FOREVER,
     .about = "how long files that were replaced stay for readers"},
    {"memory_bytes_max", OPTION_SIZE, offsetof(struct config_lake, memory_bytes_max), "192MiB",
     64 * MIB, 64 * GIB,
     .about = "DuckDB's memory in a flush, and 8 to 16 times the longest row besides"},
    {"query_memory_bytes_max", OPTION_SIZE, offsetof(struct config_lake, query_memory_bytes_max),
     "2GiB", 256 * MIB, 1024 * GIB,
     .about = "DuckDB's memory in a command that reads the lake: query, report, verify, replay"},
    {0},
};

static const struct option store_options[] = {
    {"type", OPTION_DRIVER, offsetof(struct config_store, type), "sqlite", .role = ROLE_STORE,
     .about = "sqlite"},
    {"path", OPTION_PATH, offsetof(struct config_store, path), "",
     .about = "its file; default: DATA/store.db"},
    {"keep", OPTION_DURATION, offsetof(struct config_store, keep_ms), "forever", HOUR, FOREVER,
     .about = "how long rows stay, by their newest fact"},
    {0},
};

static const struct option service_options[] = {
    {"team", OPTION_TEXT, offsetof(struct config_service, team), "",
     .about = "who owns it: `weir report dora --by team` counts the services of one team together"},
    {"repositories", OPTION_LIST, offsetof(struct config_service, repositories), "",
     .about = "globs of OWNER/NAME or HOST/OWNER/NAME"},
    {"environments", OPTION_LIST, offsetof(struct config_service, environments), "",
     .about = "globs of the environments that it is deployed to; absent: all of its repositories"},
    {"names", OPTION_LIST, offsetof(struct config_service, names), "",
     .about = "globs of what CDEvents, labels and deployment.payload.service call it, beside its "
              "own name"},
    {"paths", OPTION_LIST, offsetof(struct config_service, paths), "",
     .about = "globs of its files in its repositories (`cart/**`): which commits are its own"},
    {"production", OPTION_LIST, offsetof(struct config_service, production), "",
     .about = "globs of its production environments; absent: what the signal says of itself, else "
              "production, prod and live are"},
    {0},
};
static const struct section_type service_types[] = {
    {.name = "", .options = service_options, .bytes = sizeof(struct config_service)},
    {0},
};

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const struct option log_options[] = {
    {"level", OPTION_CHOICE, offsetof(struct config_log, level), "info", .words = log_levels,
     .about = "least level: debug, info, warn or error"},
    {"format", OPTION_CHOICE, offsetof(struct config_log, format), "text", .words = log_formats,
     .about = "text (key=value) or json"},
    {0},
};

const struct option config_options[] = {
    {"data", OPTION_PATH, offsetof(struct config, data), "./weir-data",
     .about = "everything weir keeps; one weir per data folder"},
    {"intake", OPTION_SECTION, offsetof(struct config, intake), .section = intake_options,
     .about = "where signals come in"},
    {"admin", OPTION_SECTION, offsetof(struct config, admin), .section = admin_options,
     .about = "where weir is asked how it does"},
    {"agents", OPTION_NAMED, offsetof(struct config, agents), .role = ROLE_AGENT,
     .about = "who may send what: POST /hooks/NAME"},
    {"services", OPTION_NAMED, offsetof(struct config, services), .types = service_types,
     .about = "what a deployment or incident belongs to; by default its repository"},
    {"rules", OPTION_SECTION, offsetof(struct config, rules), .section = rules_options,
     .about = "what labels, names and payloads mean, where they do not say so themselves"},
    {"report", OPTION_SECTION, offsetof(struct config, report), .section = report_options,
     .about = "the choices behind the figures of `weir report`, printed with them"},
    {"bus", OPTION_SECTION, offsetof(struct config, bus), .section = bus_options,
     .about = "the streams between the stages"},
    {"repetitions", OPTION_SECTION, offsetof(struct config, repetitions),
     .section = repetitions_options, .about = "the index that tells a repetition"},
    {"dead", OPTION_SECTION, offsetof(struct config, dead), .section = dead_options,
     .about = "what could not be processed"},
    {"lake", OPTION_SECTION, offsetof(struct config, lake), .section = lake_options,
     .about = "all facts, as Delta tables"},
    {"store", OPTION_SECTION, offsetof(struct config, store), .section = store_options,
     .about = "the rows as they stand"},
    {"collectors", OPTION_TREE, offsetof(struct config, written.collectors), "",
     .about = "aggregates that are read on time: the path of collector files, a list of them, or "
              "collectors by name"},
    {"sinks", OPTION_TREE, offsetof(struct config, written.sinks), "",
     .about = "where else models and metrics go: sections by name with type, models and config"},
    {"log", OPTION_SECTION, offsetof(struct config, log), .section = log_options,
     .about = "what goes to stderr"},
    {"stop", OPTION_DURATION, offsetof(struct config, stop_ms), "30s", 100, HOUR,
     .about = "SIGTERM: how long a process may drain before it is killed"},
    {0},
};

static void complete(struct arena *a, struct config *c)
{
    const struct {
        struct str *path;
        const char *name;
    } inside[] = {{&c->bus.path, "bus"}, {&c->lake.path, "lake"}, {&c->store.path, "store.db"}};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        if (inside[i].path->len == 0) {
            *inside[i].path = arena_printf(a, "%.*s/%s", STR_ARG(c->data), inside[i].name);
        }
    }
}

/* What was written, whatever the comments and the files that it stands in; before expansion, so
 * that a secret that is rotated changes nothing. */
static uint64_t revision_of(const struct yaml *y, uint64_t seed)
{
    uint64_t revision = hash_64(y->text, seed + (uint64_t)y->kind);
    for (size_t i = 0; i < y->n; i++) {
        revision = hash_64(y->entry[i].key, revision);
        revision = revision_of(&y->entry[i].value, revision);
    }
    return revision;
}

static uint64_t programs_of(const struct named_list *agents)
{
    uint64_t programs = 0;
    for (size_t i = 0; i < agents->n; i++) {
        if (str_eq(str_of(agents->at[i].type->name), S("webhook"))) {
            const struct webhook_options *const o = agents->at[i].options;
            programs = hash_64(o->mapping.program, programs + 1);
        }
    }
    return programs;
}

/* Collector files, and beside them at most a place for the data and the like: nothing comes in from
 * outside, and the numbers are where such files' own program had them. */
static void complete_alone(struct arena *a, const struct yaml *own, struct config *c)
{
    const struct yaml_entry *const admin = yaml_find(own, S("admin"));
    c->intake.listen.n = 0;
    if (!admin || !yaml_find(&admin->value, S("listen"))) {
        c->admin.listen = (struct str_list){arena_array(a, struct str, 1), 1};
        c->admin.listen.at[0] = S("0.0.0.0:12223");
    }
}

static void read_collectors(const struct sections *s, struct files_trees *trees, struct config *c)
{
    const struct yaml *const written = c->written.collectors;
    const bool is_paths = written && written->kind != YAML_MAP &&
                          !(written->kind == YAML_TEXT && written->is_empty);
    const bool are_given = trees->collectors_n + trees->left_n > 0; /* themselves, by -c */
    if (is_paths) {
        files_read_collectors(trees, written);
    }
    c->files = trees->found.all;
    if (are_given && !yaml_find(&trees->own, S("intake")) && !yaml_find(&trees->own, S("agents"))) {
        complete_alone(s->arena, &trees->own, c);
    }
    collectors_read(s, trees, is_paths ? NULL : written, c->written.sinks, c);
    for (size_t i = 0; i < trees->left_n && trees->own_n == 0 && c->collectors.n == 0; i++) {
        for (size_t k = 0; k < trees->left[i].lines.n; k++) { /* none is left to run */
            problem_add(s->problems, (struct place){{NULL, 0}, 0, 0}, "%.*s",
                        STR_ARG(trees->left[i].lines.at[k]));
        }
    }
}

/* The trees as a configuration; everything wrong in them is in the problems. */
static enum outcome make(const struct sections *s, struct files_trees *trees, struct config *c,
                         struct failure *f)
{
    const struct problems *const p = s->problems;
    section_read(s, config_options, &trees->own, (struct str){NULL, 0}, c);
    read_collectors(s, trees, c);
    check_config(s, &trees->own, c);
    if (p->lines.n > 0) {
        return failed(f, STOP, "the configuration has %zu error%s", p->lines.n,
                      p->lines.n == 1 ? "" : "s");
    }
    uint64_t revision = revision_of(&trees->own, 0);
    for (size_t i = 0; i < trees->collectors_n; i++) {
        revision = revision_of(&trees->collector[i], revision);
    }
    c->bus.revision = (uint32_t)revision;
    c->programs = s->is_without_mappings ? 0 : (uint32_t)programs_of(&c->agents);
    complete(s->arena, c);
    return OK;
}

/* Where something is wrong, what was passed over may be why: `shedule` was no key. */
static struct str_list all_lines(struct arena *a, const struct problems *p,
                                 const struct problems *notes)
{
    struct str_list all = {arena_array(a, struct str, p->lines.n + notes->lines.n), 0};
    for (size_t i = 0; i < p->lines.n; i++) {
        all.at[all.n++] = p->lines.at[i];
    }
    for (size_t i = 0; i < notes->lines.n && p->lines.n > 0; i++) {
        all.at[all.n++] = notes->lines.at[i];
    }
    return all;
}

enum outcome config_read(struct arena *a, const struct config_from *from, struct config **out,
                         struct str_list *errors, struct failure *f)
{
    struct problems p = {.arena = a}, notes = {.arena = a, .are_notes = true};
    const struct sections s = {.arena = a,
                               .problems = &p,
                               .drivers = from->drivers,
                               .is_without_secrets = from->is_without_secrets,
                               .is_without_mappings = from->is_without_mappings,
                               .notes = &notes};
    struct files_trees trees = {
        .arena = a, .problems = &p, .notes = &notes, .is_whole = from->is_whole};
    struct config *const c = arena_new(a, struct config);
    enum outcome result = files_find(a, &from->places, &trees.found, f);
    if (result != OK) {
        problem_add(&p, (struct place){{NULL, 0}, 0, 0}, "%s", f->text);
    } else {
        files_read(&trees);
        result = make(&s, &trees, c, f);
    }
    *errors = from->is_without_notes ? p.lines : all_lines(a, &p, &notes);
    if (result == OK) {
        *out = c;
    }
    return result;
}

enum outcome config_read_text(struct arena *a, struct str file, struct str text,
                              const struct drivers *drivers, struct config **out,
                              struct str_list *errors)
{
    struct problems p = {.arena = a}, notes = {.arena = a, .are_notes = true};
    const struct sections s = {.arena = a, .problems = &p, .drivers = drivers, .notes = &notes};
    struct files_trees trees = {.arena = a, .problems = &p, .notes = &notes};
    struct failure f;
    struct config *const c = arena_new(a, struct config);
    files_read_text(&trees, file, text, false);
    const enum outcome result = make(&s, &trees, c, &f);
    *errors = all_lines(a, &p, &notes);
    if (result == OK) {
        *out = c;
    }
    return result;
}
