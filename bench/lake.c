/* lake.c - facts gathered and flushed into the lake, a child a flush, beside DuckDB's appender
 * alone making the same Parquet files of the same rows, and beside DuckDB reading the same lines
 * into them; and what a query costs over how many files. Rounds take turns, since a machine is
 * never quiet; each of DuckDB's has a process and an open engine before its clock starts. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "bus/driver.h"
#include "bus/memory.h"
#include "folder.h"
#include "persist/lake/child.h"
#include "persist/lake/lake.h"
#include "persist/lake/schema.h"
#include "persist/lake/source.h"
#include "signal/fact.h"
#include "signal/facts.h"
#include "wire/duckdb.h"

enum { ROUNDS = 8, FACTS = 60000, BATCH = 2000 };
#define MEMORY_BYTES_MAX ((size_t)3 << 30)

struct bench {
    struct arena arena;
    struct config config;
    struct bus *bus;
    struct lake lake;
    struct persister persister;
    struct progress *progress;
    struct arena facts;  /* of one round */
    struct record *fact; /* FACTS of them */
    struct dice dice;
    size_t made;
    int64_t *spent_us; /* shared with children */
    struct failure f;
};

static const struct lane lane = {STREAM_STANDARD, STR("intake-0")};

static bool is_ok(struct bench *b, enum outcome result)
{
    if (result != OK) {
        fprintf(stderr, "bench lake: %s\n", b->f.text);
    }
    return result == OK;
}

/* The next round's; times of one day, as a stream has them: random facts spread over years. */
static void make_facts(struct bench *b)
{
    arena_reset(&b->facts);
    b->fact = arena_array(&b->facts, struct record, FACTS);
    for (size_t i = 0; i < FACTS; i++, b->made++) {
        struct fact fact = fact_begin(&b->facts, model_find(S("ticket")),
                                      1700006400000000 + (int64_t)b->made * 100000);
        fact_text(&fact, "source", S("https://github.com/acme/shop"));
        fact_text(&fact, "id", arena_printf(&b->facts, "%u", roll(&b->dice, 100000)));
        fact_group(&fact, "what", fact.at_us, 0);
        fact_group(&fact, "state", fact.at_us, 0);
        fact_text(&fact, "repository", S("github.com/acme/shop"));
        fact_text(&fact, "title", arena_printf(&b->facts, "The cart forgets item %zu", b->made));
        fact_text(&fact, "state", roll(&b->dice, 2) ? S("open") : S("closed"));
        fact_text(&fact, "author", arena_printf(&b->facts, "user-%u", roll(&b->dice, 300)));
        fact_time(&fact, "created_at", fact.at_us - roll(&b->dice, 1000000));
        const struct signal raw = {.agent = S("github"), .received_us = fact.at_us + 200000};
        (void)fact_end(&fact, &raw, arena_printf(&b->facts, "intake-0:%zu", b->made * 1500),
                       &b->fact[i].signal, &b->f);
        b->fact[i].at.at = b->made;
    }
}

static bool open_lake(struct bench *b, const char *place)
{
    b->config.data = str_of(place);
    b->config.lake = (struct config_lake){.path = str_of(place),
                                          .flush_ms = 300000,
                                          .keep_ms = INT64_MAX,
                                          .compact_ms = INT64_MAX,
                                          .vacuum_ms = 3600000,
                                          .flush_bytes = 16 << 20,
                                          .memory_bytes_max = 192 << 20};
    b->persister = (struct persister){.driver = &persist_lake,
                                      .state = &b->lake,
                                      .config = &b->config,
                                      .bus = b->bus,
                                      .progress = b->progress,
                                      .arena = &b->arena};
    struct position at;
    return is_ok(b, persist_lake.open(&b->persister, &b->f)) &&
           is_ok(b, persist_lake.cursor(&b->persister, lane, &at, &b->f));
}

/* All the way into commits. */
static bool feed(struct bench *b, int64_t *spent_us)
{
    const int64_t begun = clock_mono_us();
    struct rejects rejects = {.arena = &b->arena};
    for (size_t i = 0; i < FACTS; i += BATCH) {
        const uint64_t at = b->fact[i].at.at;
        struct slice slice = {
            .lane = lane, .from = {at}, .to = {at + BATCH}, .record = b->fact + i, .n = BATCH};
        const struct batch batch = {.arena = &b->arena, .slice = &slice, .n = 1};
        if (!is_ok(b, persist_lake.take(&b->persister, &batch, &rejects, &b->f))) {
            return false;
        }
        if (persist_lake.due_ms(&b->persister) == 0 &&
            !is_ok(b, persist_lake.flush(&b->persister, false, &b->f))) {
            return false;
        }
    }
    const bool is_done = is_ok(b, persist_lake.flush(&b->persister, true, &b->f));
    *spent_us += clock_mono_us() - begun;
    return is_done;
}

/* ---- DuckDB alone ---- */

static enum outcome read_lines(void *to, struct failure *f)
{
    struct bench *const b = to;
    struct duck *d = NULL;
    struct buf lines;
    struct buf sql;
    const int fd = memfd_create("lines", MFD_CLOEXEC);
    buf_init(&lines, &b->arena, (size_t)1 << 30);
    buf_init(&sql, &b->arena, 1 << 20);
    for (size_t i = 0; i < FACTS; i++) {
        buf_add(&lines, b->fact[i].signal.data);
        buf_add_byte(&lines, '\n');
    }
    enum outcome result = file_write_at(fd, buf_str(&lines), 0, f);
    result = result == OK ? duck_open(&b->arena, &(struct duck_options){0}, &d, f) : result;
    const int64_t begun = clock_mono_us();
    buf_printf(&sql,
               "COPY (SELECT * FROM read_json('/proc/self/fd/%d', "
               "format = 'newline_delimited', columns = ",
               fd);
    schema_add_columns(&sql, model_find(S("ticket")));
    buf_printf(&sql, ")) TO '%s' (FORMAT parquet, COMPRESSION zstd)", folder_path("alone.parquet"));
    buf_add_byte(&sql, '\0');
    result = result == OK ? duck_run(d, buf_str(&sql).at, f) : result;
    *b->spent_us = clock_mono_us() - begun;
    return result;
}

/* What of DuckDB's API the program itself has no use for. */
#define FUNCTIONS(X)                                                                               \
    X(duckdb_open)                                                                                 \
    X(duckdb_connect)                                                                              \
    X(duckdb_query)                                                                                \
    X(duckdb_result_error)                                                                         \
    X(duckdb_appender_create)                                                                      \
    X(duckdb_appender_destroy)                                                                     \
    X(duckdb_appender_end_row)                                                                     \
    X(duckdb_append_null)                                                                          \
    X(duckdb_append_timestamp)                                                                     \
    X(duckdb_append_varchar_length)

struct engine {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): the name of a member */
#define POINTER(name) __typeof__(&(name)) name;
    FUNCTIONS(POINTER)
#undef POINTER
    duckdb_database database;
    duckdb_connection connection;
};

static enum outcome engine_run(struct engine *e, const char *sql, struct failure *f)
{
    duckdb_result r;
    return e->duckdb_query(e->connection, sql, &r) == DuckDBSuccess
               ? OK
               : failed(f, STOP, "%s", e->duckdb_result_error(&r));
}

static enum outcome engine_open(struct bench *b, struct engine *e, struct failure *f)
{
    struct duck *d; /* finds and loads the library */
    struct buf sql;
    enum outcome result = duck_open(&b->arena, &(struct duck_options){0}, &d, f);
    void *const library = result == OK ? dlopen("libduckdb.so", RTLD_LAZY) : NULL;
    if (!library) {
        return result == OK ? failed(f, STOP, "libduckdb.so") : result;
    }
#define RESOLVE(name)                                                                              \
    do {                                                                                           \
        void *const at = dlsym(library, #name);                                                    \
        memcpy(&e->name, &at, sizeof at);                                                          \
    } while (0);
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    (void)e->duckdb_open(NULL, &e->database);
    (void)e->duckdb_connect(e->database, &e->connection);
    buf_init(&sql, &b->arena, 1 << 20);
    buf_add(&sql, S("SET TimeZone = 'UTC'; SET threads = 1; CREATE TABLE alone AS "));
    schema_add_empty(&sql, model_find(S("ticket")));
    buf_add_byte(&sql, '\0');
    return engine_run(e, buf_str(&sql).at, f);
}

static void append(struct engine *e, duckdb_appender to, const struct row *row)
{
    for (size_t i = 0; i < row->model->columns_n; i++) {
        const struct value *const v = &row->value[i];
        if (!column_is_in_fact(&row->model->columns[i])) {
            continue;
        }
        if (v->kind == VALUE_TEXT) {
            (void)e->duckdb_append_varchar_length(to, v->text.at, v->text.len);
        } else if (v->kind == VALUE_TIME) {
            (void)e->duckdb_append_timestamp(to, (duckdb_timestamp){v->number});
        } else {
            (void)e->duckdb_append_null(to); /* these facts have texts and times alone */
        }
    }
    (void)e->duckdb_appender_end_row(to);
}

static enum outcome append_rows(void *to, struct failure *f)
{
    struct bench *const b = to;
    struct engine e;
    struct buf sql;
    duckdb_appender appender;
    struct row *const row = arena_array(&b->arena, struct row, FACTS);
    enum outcome result = engine_open(b, &e, f);
    for (size_t i = 0; i < FACTS && result == OK; i++) {
        result = fact_read(&b->arena, &b->fact[i].signal, &row[i], f);
    }
    if (result != OK) {
        return result;
    }
    const int64_t begun = clock_mono_us();
    (void)e.duckdb_appender_create(e.connection, NULL, "alone", &appender);
    for (size_t i = 0; i < FACTS; i++) {
        append(&e, appender, &row[i]);
    }
    buf_init(&sql, &b->arena, 1 << 20);
    buf_printf(&sql,
               "COPY (SELECT *, strftime(fact_at, '%%Y') AS year, strftime(fact_at, '%%m') AS "
               "month, strftime(fact_at, '%%d') AS day FROM alone) TO '%s' (FORMAT parquet, "
               "COMPRESSION zstd, PARTITION_BY (year, month, day), OVERWRITE_OR_IGNORE)",
               folder_path("appended"));
    buf_add_byte(&sql, '\0');
    result = e.duckdb_appender_destroy(&appender) == DuckDBSuccess
                 ? engine_run(&e, buf_str(&sql).at, f)
                 : failed(f, STOP, "the appender refused the rows");
    *b->spent_us = clock_mono_us() - begun;
    return result;
}

/* In a process of its own: DuckDB is never open when the lake forks. */
static bool time_alone(struct bench *b, enum outcome (*work)(void *, struct failure *),
                       int64_t *spent_us)
{
    const struct child_watch watch = {NULL, CHILD_STILL_MS_MAX};
    const bool is_done = is_ok(b, child_run(work, b, &watch, &b->f));
    *spent_us += *b->spent_us;
    return is_done;
}

static void time_query(struct bench *b, struct duck *d)
{
    struct delta log;
    struct buf sql;
    struct duck_result r;
    const int64_t begun = clock_mono_us();
    buf_init(&sql, &b->arena, 16 << 20);
    if (!is_ok(b, delta_open(&b->arena, &b->lake.files, S("ticket"), &log, &b->f))) {
        return;
    }
    buf_add(&sql, S("SELECT state, count(*) FROM ("));
    source_add(&sql, &b->arena, &log, model_find(S("ticket")));
    buf_add(&sql, S(") GROUP BY state"));
    buf_add_byte(&sql, '\0');
    if (is_ok(b, duck_query(d, buf_str(&sql).at, &r, &b->f)) && duck_next(&r)) {
        printf("{\"name\":\"lake: query over %zu files\",\"value\":%.1f,\"unit\":\"ms\"}\n",
               log.files_n, (double)(clock_mono_us() - begun) / 1000);
    }
    duck_result_close(&r);
}

static void say(const char *name, int64_t spent_us, const char *beside, int64_t beside_us)
{
    const double rows = (double)ROUNDS * (double)FACTS * 1e6;
    printf("{\"name\":\"%s\",\"value\":%.0f,\"unit\":\"rows/s\",\"beside\":\"%s\","
           "\"beside_value\":%.0f,\"ratio\":%.2f}\n",
           name, rows / (double)spent_us, beside, rows / (double)beside_us,
           (double)beside_us / (double)spent_us);
}

int main(void)
{
    static struct bench b = {.dice = {1}};
    int64_t lake_us = 0, appender_us = 0, lines_us = 0;
    struct duck *d = NULL;
    arena_init(&b.arena, MEMORY_BYTES_MAX);
    arena_init(&b.facts, MEMORY_BYTES_MAX);
    b.spent_us = mmap(NULL, sizeof *b.spent_us, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
    const char *const place = folder_make();
    if (!place || b.spent_us == MAP_FAILED ||
        !is_ok(&b, bus_open_driver(&b.arena, &bus_memory, NULL, &b.bus, &b.f)) ||
        !is_ok(&b, progress_open(&b.arena, str_of(place), S("lake"), &b.progress, &b.f)) ||
        !open_lake(&b, place)) {
        return 1;
    }
    for (int i = 0; i < ROUNDS; i++) {
        make_facts(&b);
        if (!feed(&b, &lake_us) || !time_alone(&b, append_rows, &appender_us) ||
            !time_alone(&b, read_lines, &lines_us)) {
            return 1;
        }
    }
    say("lake: facts flushed", lake_us, "DuckDB's appender alone, the same files", appender_us);
    say("lake: facts flushed, beside COPY", lake_us,
        "DuckDB alone, the same lines into one Parquet file", lines_us);
    if (!is_ok(&b, duck_open(&b.arena, &(struct duck_options){0}, &d, &b.f))) {
        return 1;
    }
    time_query(&b, d);
    duck_close(d);
    persist_lake.close(&b.persister);
    progress_close(b.progress);
    folder_drop();
    return 0;
}
