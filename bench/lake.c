/* lake.c - facts gathered and flushed into the lake, a child a flush, beside DuckDB alone turning
 * the same lines into one Parquet file; and what a query costs over how many files. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "bus/memory.h"
#include "folder.h"
#include "persist/lake/lake.h"
#include "persist/lake/schema.h"
#include "persist/lake/source.h"
#include "signal/facts.h"
#include "wire/duckdb.h"

enum { FACTS = 400000, BATCH = 2000 };
#define MEMORY_BYTES_MAX ((size_t)3 << 30)

struct bench {
    struct arena arena;
    struct config config;
    struct bus *bus;
    struct lake lake;
    struct persister persister;
    struct record *fact;
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

/* Times of one day, as a stream has them; random facts spread over years. */
static void make_facts(struct bench *b)
{
    struct dice dice = {1};
    b->fact = arena_array(&b->arena, struct record, FACTS);
    for (size_t i = 0; i < FACTS; i++) {
        struct fact fact = fact_begin(&b->arena, model_find(S("ticket")),
                                      1700000000000000 + (int64_t)i * 100000);
        fact_text(&fact, "source", S("https://github.com/acme/shop"));
        fact_text(&fact, "id", arena_printf(&b->arena, "%u", roll(&dice, 100000)));
        fact_group(&fact, "state", fact.at_us, 0);
        fact_text(&fact, "repository", S("github.com/acme/shop"));
        fact_text(&fact, "title", arena_printf(&b->arena, "The cart forgets item %zu", i));
        fact_text(&fact, "state", roll(&dice, 2) ? S("open") : S("closed"));
        fact_text(&fact, "author", arena_printf(&b->arena, "user-%u", roll(&dice, 300)));
        fact_time(&fact, "created_at", fact.at_us - roll(&dice, 1000000));
        const struct signal raw = {.agent = S("github"), .received_us = fact.at_us + 200000};
        (void)fact_end(&fact, &raw, arena_printf(&b->arena, "intake-0:%zu", i * 1500),
                       &b->fact[i].signal, &b->f);
        b->fact[i].at.at = i;
    }
}

static bool open_lake(struct bench *b, const char *place)
{
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
                                      .arena = &b->arena};
    struct position at;
    return is_ok(b, persist_lake.open(&b->persister, &b->f)) &&
           is_ok(b, persist_lake.cursor(&b->persister, lane, &at, &b->f));
}

/* Rows a second, all the way into commits. */
static double feed(struct bench *b)
{
    const int64_t begun = clock_mono_us();
    struct rejects rejects = {.arena = &b->arena};
    for (size_t i = 0; i < FACTS; i += BATCH) {
        struct slice slice = {lane, {i}, {i + BATCH}, b->fact + i, BATCH, 0};
        const struct batch batch = {.arena = &b->arena, .slice = &slice, .n = 1};
        if (!is_ok(b, persist_lake.take(&b->persister, &batch, &rejects, &b->f))) {
            return 0;
        }
        if (persist_lake.due_ms(&b->persister) == 0 &&
            !is_ok(b, persist_lake.flush(&b->persister, false, &b->f))) {
            return 0;
        }
    }
    if (!is_ok(b, persist_lake.flush(&b->persister, true, &b->f))) {
        return 0;
    }
    return (double)FACTS * 1e6 / (double)(clock_mono_us() - begun);
}

static double duckdb_alone(struct bench *b, struct duck *d)
{
    struct buf lines;
    struct buf sql;
    const int fd = memfd_create("lines", MFD_CLOEXEC);
    buf_init(&lines, &b->arena, (size_t)1 << 30);
    buf_init(&sql, &b->arena, 1 << 20);
    for (size_t i = 0; i < FACTS; i++) {
        buf_add(&lines, b->fact[i].signal.data);
        buf_add_byte(&lines, '\n');
    }
    if (!is_ok(b, file_write_at(fd, buf_str(&lines), 0, &b->f))) {
        return 0;
    }
    buf_printf(&sql,
               "COPY (SELECT * FROM read_json('/proc/self/fd/%d', "
               "format = 'newline_delimited', columns = ",
               fd);
    schema_add_columns(&sql, model_find(S("ticket")));
    buf_printf(&sql, ")) TO '%s' (FORMAT parquet, COMPRESSION zstd)", folder_path("alone.parquet"));
    buf_add_byte(&sql, '\0');
    const int64_t begun = clock_mono_us();
    const bool is_done = is_ok(b, duck_run(d, buf_str(&sql).at, &b->f));
    close(fd);
    return is_done ? (double)FACTS * 1e6 / (double)(clock_mono_us() - begun) : 0;
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

int main(void)
{
    static struct bench b;
    struct duck *d = NULL;
    arena_init(&b.arena, MEMORY_BYTES_MAX);
    const char *const place = folder_make();
    if (!place || !is_ok(&b, bus_open(&b.arena, S("memory"), NULL, &b.bus, &b.f))) {
        return 1;
    }
    make_facts(&b);
    if (!open_lake(&b, place)) {
        return 1;
    }
    const double rate = feed(&b);
    /* only now: never before a fork */
    if (!is_ok(&b, duck_open(&b.arena, &(struct duck_options){0}, &d, &b.f))) {
        return 1;
    }
    const double alone = duckdb_alone(&b, d);
    printf("{\"name\":\"lake: facts flushed\",\"value\":%.0f,\"unit\":\"rows/s\",\"beside\":"
           "\"DuckDB alone, the same lines into one Parquet file\",\"beside_value\":%.0f,"
           "\"ratio\":%.2f}\n",
           rate, alone, alone > 0 ? rate / alone : 0);
    time_query(&b, d);
    duck_close(d);
    persist_lake.close(&b.persister);
    folder_drop();
    return 0;
}
