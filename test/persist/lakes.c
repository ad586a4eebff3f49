#include "persist/lakes.h"

#include <stdio.h>
#include <string.h>

#include "bus/driver.h"
#include "persist/lake/source.h"
#include "test.h"

static struct duck *duck;

void lakes_begin(struct lakes *t, const char *place)
{
    struct failure f;
    *t = (struct lakes){0};
    arena_init(&t->arena, (size_t)1 << 30);
    t->config.data = arena_str(&t->arena, str_of(place));
    t->config.lake = (struct config_lake){.path = arena_str(&t->arena, str_of(place)),
                                          .flush_ms = 300000,
                                          .keep_ms = INT64_MAX,
                                          .compact_ms = 3600000,
                                          .vacuum_ms = 3600000,
                                          .flush_bytes = 16 << 20,
                                          .memory_bytes_max = 256 << 20};
    if (bus_open_driver(&t->arena, &bus_memory, NULL, &t->bus, &f) != OK ||
        progress_open(&t->arena, t->config.lake.path, S("lake"), &t->progress, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

void lakes_end(struct lakes *t)
{
    duck_close(duck);
    duck = NULL;
    progress_close(t->progress);
    bus_close(t->bus);
    arena_close(&t->arena);
}

enum outcome lakes_open(struct lakes *t, struct failure *f)
{
    t->lake = arena_new(&t->arena, struct lake);
    t->persister = (struct persister){.driver = &persist_lake,
                                      .state = t->lake,
                                      .config = &t->config,
                                      .bus = t->bus,
                                      .progress = t->progress,
                                      .arena = &t->arena};
    const enum outcome result = persist_lake.open(&t->persister, f);
    /* what the stage's loop does at once: the tables are made */
    return result == OK && persist_lake.due_ms(&t->persister) == 0
               ? persist_lake.flush(&t->persister, false, f)
               : result;
}

void lakes_close(struct lakes *t)
{
    persist_lake.close(&t->persister);
}

enum outcome lakes_take(struct lakes *t, struct lane lane, struct record *r, size_t n,
                        uint64_t from, struct failure *f)
{
    struct slice slice = {.lane = lane, .from = {from}, .to = {from + n + 1}, .record = r, .n = n};
    struct batch batch = {.arena = &t->arena, .slice = &slice, .n = 1};
    struct rejects rejects = {.arena = &t->arena};
    for (size_t i = 0; i < n; i++) {
        r[i].at.at = from + i;
    }
    const enum outcome result = persist_lake.take(&t->persister, &batch, &rejects, f);
    assert_null(rejects.first);
    return result;
}

uint64_t lakes_cursor(struct lakes *t, struct lane lane)
{
    struct position at;
    struct failure f;
    if (persist_lake.cursor(&t->persister, lane, &at, &f) != OK) {
        fail_msg("%s", f.text);
    }
    return at.at;
}

struct duck *lakes_duck(struct lakes *t)
{
    struct failure f;
    if (!duck && duck_open(&t->arena, &(struct duck_options){0}, &duck, &f) != OK) {
        fail_msg("%s", f.text);
    }
    return duck;
}

int64_t lakes_count(struct lakes *t, const char *model, const char *select)
{
    struct arena a;
    struct delta log;
    struct buf sql;
    struct duck_result r;
    struct failure f;
    const struct files files = files_at(t->config.lake.path);
    arena_init(&a, (size_t)1 << 28);
    buf_init(&sql, &a, 1 << 24);
    if (delta_open(&a, &files, str_of(model), &log, &f) != OK) {
        fail_msg("%s", f.text);
    }
    buf_add(&sql, str_of(select));
    buf_add(&sql, S(" FROM ("));
    source_add(&sql, &a, &log, model_find(str_of(model)));
    buf_add(&sql, S(")"));
    buf_add_byte(&sql, '\0');
    if (duck_query(lakes_duck(t), buf_str(&sql).at, &r, &f) != OK || !duck_next(&r)) {
        fail_msg("%s", f.text);
    }
    const int64_t n = duck_i64(&r, 0);
    duck_result_close(&r);
    arena_close(&a);
    return n;
}

size_t lakes_data_files(struct lakes *l, const char *table)
{
    const struct files files = files_at(l->config.lake.path);
    struct files_list list;
    struct failure failure;
    size_t n = 0;
    assert_int_equal(files.driver->list(&files, &l->arena, str_of(table), &list, &failure), OK);
    for (size_t i = 0; i < list.n; i++) {
        n += str_ends(list.at[i].key, S(".parquet"));
    }
    return n;
}

void lakes_move(struct lakes *l, struct str from, struct str to)
{
    const struct files files = files_at(l->config.lake.path);
    assert_int_equal(
        rename(files_path(&files, &l->arena, from).at, files_path(&files, &l->arena, to).at), 0);
}
