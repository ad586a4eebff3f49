/* report.c - the DORA report over a million rows, beside plain SQL for the same figures, written
 * another way (the second implementation that the tests hold it to). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "measure/dora.h"

enum { SQL_BYTES_MAX = 1 << 20 };
#define SERVICES "range(5500)" /* in place of the test's thousand */

static struct arena arena;

static void check(enum outcome result, const struct failure *f)
{
    if (result != OK) {
        (void)fprintf(stderr, "%s\n", f->text);
        exit(1);
    }
}

static const char *sql_of(const char *name, bool is_scaled)
{
    static const char small[] = "range(1000)";
    struct str text;
    struct failure f;
    struct buf b;
    check(file_read(&arena, arena_printf(&arena, "test/measure/dora/%s.sql", name).at,
                    SQL_BYTES_MAX, &text, &f),
          &f);
    const char *const sql = arena_cstr(&arena, text);
    const char *const at = strstr(sql, small);
    if (!is_scaled || !at) {
        return sql;
    }
    buf_init(&b, &arena, SQL_BYTES_MAX);
    buf_add(&b, (struct str){sql, (size_t)(at - sql)});
    buf_add(&b, S(SERVICES));
    buf_add(&b, str_of(at + sizeof small - 1));
    buf_add_byte(&b, '\0');
    return buf_str(&b).at;
}

static int64_t count(struct duck *d, const char *sql)
{
    struct duck_result r;
    struct failure f;
    check(duck_query(d, sql, &r, &f), &f);
    int64_t n = 0;
    while (duck_next(&r)) {
        n = duck_type(&r, 0) == DUCKDB_TYPE_BIGINT ? duck_i64(&r, 0) : n + 1;
    }
    duck_result_close(&r);
    return n;
}

int main(void)
{
    struct failure f;
    struct duck *duck;
    struct str json, labels[] = {S("hotfix")}, branches[] = {S("hotfix/*")};
    struct dora_wish w = {.window.choice = {.zone = S("UTC"),
                                            .leaves_bots = true,
                                            .hotfix = {{labels, 1}, {branches, 1}}},
                          .group = DORA_SERVICE,
                          .is_by_environment = true};
    const struct duck_options o = {.memory_bytes_max = (size_t)4 << 30, .threads = 2};
    arena_init(&arena, (size_t)1 << 30);
    (void)clock_parse(S("2026-03-01T00:00:00Z"), &w.window.from_us);
    (void)clock_parse(S("2026-04-01T00:00:00Z"), &w.window.to_us);
    check(duck_open(&arena, &o, &duck, &f), &f);
    check(duck_run(duck, sql_of("world", false), &f), &f);
    check(duck_run(duck, sql_of("random", true), &f), &f);
    const int64_t rows = count(duck, "SELECT (SELECT count(*) FROM deployment) + (SELECT count(*) "
                                     "FROM change) + (SELECT count(*) FROM commit) + "
                                     "(SELECT count(*) FROM incident)");
    const int64_t begun_us = clock_mono_us();
    check(dora_take(duck, &arena, &w, &f), &f);
    check(dora_json(duck, &arena, &json, &f), &f);
    const int64_t taken_us = clock_mono_us() - begun_us;
    const int64_t plain_us = clock_mono_us();
    const int64_t differ = count(duck, sql_of("second", false));
    const int64_t beside_us = clock_mono_us() - plain_us;
    if (differ != 0) {
        (void)fprintf(stderr, "the two implementations differ on %lld services\n",
                      (long long)differ);
        return 1;
    }
    printf(
        "{\"name\":\"DORA report over %lld rows\",\"value\":%.2f,\"unit\":\"s\","
        "\"beside\":\"plain SQL, one question a figure\",\"beside_value\":%.2f,\"ratio\":%.2f}\n",
        (long long)rows, (double)taken_us / 1e6, (double)beside_us / 1e6,
        (double)taken_us / (double)beside_us);
    duck_close(duck);
    arena_close(&arena);
    return 0;
}
