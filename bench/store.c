/* store.c - facts of random keys into the store (parsed, folded with each other and with the rows
 * that stand there, put with the cursor), beside SQLite alone upserting the same rows in the same
 * batches; and how fast facts are written, read and folded. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bus/driver.h"
#include "persist/persister.h"
#include "persist/store.h"
#include "persist/store/table.h"
#include "signal/facts.h"

enum { KEYS = 100000, BATCH = 1000, BATCHES = 60, FACTS = 200000 };

static const struct signal raw = {
    .agent = STR("github"), .source = STR("/agents/github"), .received_us = 1700000000000000};

static struct dice dice = {1};

/* A change as a webhook tells it. */
static struct signal change(struct arena *a, unsigned key, int64_t at_us)
{
    static struct str labels[] = {STR("bug"), STR("checkout")};
    struct signal out;
    struct failure f;
    struct fact fact = fact_begin(a, model_find(S("change")), at_us);
    fact_text(&fact, "repository", arena_printf(a, "github.com/acme/shop-%u", key % 100));
    fact_text(&fact, "id", arena_printf(a, "%u", key / 100));
    fact_int(&fact, "number", key / 100);
    fact_text(&fact, "title", S("Round half cents in the cart to the nearest even one"));
    fact_text(&fact, "url", S("https://github.com/acme/shop/pull/1234567"));
    fact_text(&fact, "author", S("ines"));
    fact_text(&fact, "state", S("open"));
    fact_bool(&fact, "is_draft", false);
    fact_text(&fact, "base_branch", S("main"));
    fact_text(&fact, "head_branch", S("half-cents"));
    fact_text(&fact, "head_sha", S("6dcb09b5b57875f334f61aebed695e2e4193db5e"));
    fact_time(&fact, "created_at", at_us - roll(&dice, 1000));
    fact_int(&fact, "commits", 3);
    fact_int(&fact, "additions", roll(&dice, 1000));
    fact_int(&fact, "deletions", 7);
    fact_int(&fact, "changed_files", 2);
    fact_set(&fact, "labels", (struct value){.kind = VALUE_LIST, .list = {labels, 2}});
    fact_group(&fact, "what", at_us, 1);
    fact_group(&fact, "state", at_us, 1);
    fact_group(&fact, "full", at_us, 0);
    fact_member(&fact, "attributes_by", S("node_id"), at_us, S("\"PR_kwDOABCDEF\""));
    return fact_end(&fact, &raw, S("intake-0:123456789"), &out, &f) == OK ? out
                                                                          : (struct signal){0};
}

static void check(enum outcome result, const struct failure *f)
{
    if (result != OK) {
        (void)fprintf(stderr, "%s\n", f->text);
        exit(1);
    }
}

static void print_rate(const char *name, const char *unit, double value)
{
    printf("{\"name\":\"%s\",\"value\":%.0f,\"unit\":\"%s\"}\n", name, value, unit);
}

static double per_second(double n, int64_t start_us)
{
    return n * 1e6 / (double)(clock_mono_us() - start_us);
}

/* In memory that was touched before, as a running stage has it. */
static void measure_facts(struct arena *keep, struct arena *a)
{
    static struct signal s[100];
    static struct row fact[100];
    struct failure f;
    for (unsigned i = 0; i < 100; i++) {
        s[i] = change(keep, 1, 1700000000000000 + i);
        check(fact_read(keep, s + i, fact + i, &f), &f);
    }
    int64_t start_us = clock_mono_us();
    for (unsigned i = 0; i < FACTS; i++) {
        (void)change(a, i % 1000, 1700000000000000 + i);
        if (i % 100 == 0) {
            arena_reset(a);
        }
    }
    print_rate("facts of a change written", "facts/s", per_second(FACTS, start_us));
    start_us = clock_mono_us();
    for (unsigned i = 0; i < FACTS; i++) {
        struct row row;
        check(fact_read(a, s + i % 100, &row, &f), &f);
        if (i % 100 == 0) {
            arena_reset(a);
        }
    }
    print_rate("facts of a change read", "facts/s", per_second(FACTS, start_us));
    struct row row = row_new(keep, fact->model);
    start_us = clock_mono_us();
    for (unsigned i = 0; i < FACTS; i++) {
        fold_into(a, &row, fact + i % 100);
    }
    print_rate("facts of a change folded", "facts/s", per_second(FACTS, start_us));
    arena_reset(a);
}

/* ---- the two stores ---- */

struct bare {
    sqlite3 *db;
    struct table table;
    sqlite3_stmt *upsert;
};

static struct bare bare_open(struct arena *a, const char *path, bool has_rowid)
{
    struct failure f;
    struct bare b = {.table = table_of(a, model_find(S("change")))};
    struct buf sql;
    check(sqlite_open(path, SQLITE_USE_WRITE, &b.db, &f), &f);
    buf_init(&sql, a, 1 << 16);
    buf_add(&sql, S("CREATE TABLE change("));
    for (size_t i = 0; i < b.table.columns_n; i++) {
        buf_printf(&sql, "\"%s\",", b.table.model->columns[b.table.column[i]].name);
    }
    buf_printf(&sql, "PRIMARY KEY(repository,id))%s", has_rowid ? "" : "WITHOUT ROWID");
    buf_add_byte(&sql, 0);
    check(sqlite_exec(b.db, sql.at, &f), &f);
    buf_init(&sql, a, 1 << 16);
    buf_add(&sql, S("INSERT INTO change VALUES("));
    for (size_t i = 0; i < b.table.columns_n; i++) {
        buf_printf(&sql, "%s?%zu", i ? "," : "", i + 1);
    }
    buf_add(&sql, S(") ON CONFLICT DO UPDATE SET "));
    for (size_t i = b.table.keys_n; i < b.table.columns_n; i++) {
        const char *const name = b.table.model->columns[b.table.column[i]].name;
        buf_printf(&sql, "%s\"%s\"=excluded.\"%s\"", i > b.table.keys_n ? "," : "", name, name);
    }
    check(sqlite_prepare(b.db, buf_str(&sql), &b.upsert, &f), &f);
    return b;
}

static int row_order(const void *a, const void *b)
{
    return row_key_cmp(a, b);
}

/* The rows as they would stand in the end, sorted; reading and folding is not part of it. */
static int64_t bare_put(struct bare *b, struct arena *scratch, struct row *row, size_t n)
{
    struct failure f;
    const int64_t start = clock_mono_us();
    qsort(row, n, sizeof *row, row_order);
    check(sqlite_exec(b->db, "BEGIN IMMEDIATE", &f), &f);
    for (size_t i = 0; i < n; i++) {
        table_bind(scratch, &b->table, b->upsert, row + i);
        check(sqlite_run(b->upsert, &f), &f);
        arena_reset(scratch);
    }
    check(sqlite_exec(b->db, "COMMIT", &f), &f);
    return clock_mono_us() - start;
}

static int64_t store_put(struct persister *p, struct batch *b)
{
    struct failure f;
    struct rejects rejects = {.arena = b->arena};
    const int64_t start = clock_mono_us();
    check(p->driver->take(p, b, &rejects, &f), &f);
    check(p->driver->flush(p, false, &f), &f);
    return clock_mono_us() - start;
}

struct bench {
    struct arena life, turn, scratch;
    struct persister p;
    struct bare bare[2];
    struct position at;
    int64_t us[3];
};

/* One batch into all three: of random keys, or of the next keys in order. */
static void run_batch(struct bench *b, unsigned first, bool is_random, size_t n)
{
    struct record *const record = arena_array(&b->turn, struct record, n);
    struct row *const row = arena_array(&b->turn, struct row, n);
    struct failure f;
    for (size_t i = 0; i < n; i++) {
        const unsigned key = is_random ? roll(&dice, KEYS) : first + (unsigned)i;
        record[i].signal = change(&b->turn, key, 1700000000000000 + roll(&dice, 1000000));
        check(fact_read(&b->turn, &record[i].signal, row + i, &f), &f);
        fold_finish(&b->turn, row + i);
    }
    struct slice slice = {.lane = {STREAM_STANDARD, S("intake-0")},
                          .from = b->at,
                          .to = {b->at.at + n},
                          .record = record,
                          .n = n};
    struct batch batch = {.arena = &b->turn, .slice = &slice, .n = 1};
    b->at = slice.to;
    b->us[0] += store_put(&b->p, &batch);
    b->us[1] += bare_put(b->bare, &b->scratch, row, n);
    b->us[2] += bare_put(b->bare + 1, &b->scratch, row, n);
    arena_reset(&b->turn);
}

static void print_beside(const char *name, const struct bench *b, double n)
{
    const double rate = n * 1e6 / (double)b->us[0];
    const double beside = n * 1e6 / (double)b->us[2];
    printf("{\"name\":\"%s\",\"value\":%.0f,\"unit\":\"facts/s\",\"beside\":\"SQLite alone, rows "
           "upserted unread\",\"beside_value\":%.0f,\"ratio\":%.2f}\n",
           name, rate, beside, rate / beside);
    print_rate("SQLite alone, its table WITHOUT ROWID", "rows/s", n * 1e6 / (double)b->us[1]);
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

int main(void)
{
    static struct bench b;
    struct failure f;
    char folder[] = "build/bench-store-XXXXXX";
    struct config config = {0};
    arena_init(&b.life, (size_t)1 << 30);
    arena_init(&b.turn, (size_t)1 << 30);
    arena_init(&b.scratch, (size_t)1 << 30);
    measure_facts(&b.scratch, &b.turn);
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    static const struct section_type sqlite = {.name = "sqlite", .driver = &store_sqlite};
    config.store = (struct config_store){&sqlite, arena_printf(&b.life, "%s/store.db", folder),
                                         INT64_MAX};
    b.p = (struct persister){.driver = &persist_store, .config = &config, .arena = &b.life};
    b.p.state = arena_alloc(&b.life, 1, persist_store.state_bytes);
    check(bus_open_driver(&b.life, &bus_memory, NULL, &b.p.bus, &f), &f);
    check(progress_open(&b.life, str_of(folder), S("store"), &b.p.progress, &f), &f);
    check(persist_store.open(&b.p, &f), &f);
    b.bare[0] = bare_open(&b.life, arena_printf(&b.life, "%s/bare.db", folder).at, false);
    b.bare[1] = bare_open(&b.life, arena_printf(&b.life, "%s/rowid.db", folder).at, true);
    for (unsigned i = 0; i < KEYS; i += BATCH) {
        run_batch(&b, i, false, BATCH);
    }
    print_beside("store, 1,000 new keys a batch", &b, KEYS);
    memset(b.us, 0, sizeof b.us);
    for (unsigned i = 0; i < BATCHES; i++) {
        run_batch(&b, 0, true, BATCH);
    }
    print_beside("store, 1,000 random keys of 100,000 a batch", &b, BATCHES * BATCH);
    persist_store.close(&b.p);
    sqlite_close(b.bare[0].db);
    sqlite_close(b.bare[1].db);
    bus_close(b.p.bus);
    return nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
