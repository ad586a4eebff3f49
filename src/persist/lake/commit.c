/* Rows into Parquet files, files and positions into one commit. DuckDB writes below a hidden folder
 * of the table; a file gets its name, which holds a hash of its content, when it is whole, and is
 * synced before any commit names it. */
#include "persist/lake/commit.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/failpoint.h"
#include "persist/lake/checkpoint.h"
#include "persist/lake/part.h"
#include "persist/lake/schema.h"
#include "persist/lake/stage.h"
#include "wire/json.h"

enum { ACTIONS_BYTES_MAX = 64 << 20, BEGINS_BYTES_MAX = 1 << 16 };

static void begin(struct lake *l, struct delta_commit *c, const char *operation)
{
    *c = (struct delta_commit){.operation = operation};
    buf_init(&c->actions, &l->scratch, ACTIONS_BYTES_MAX);
    c->move = arena_array(&l->scratch, struct delta_move, READER_LANES_MAX);
}

/* ---- tables ---- */

/* Where the lanes that feed it begin, of those that have forgotten what it does not hold; behind
 * what its log says of that. */
static struct str begins_of(struct lake *l, const struct lake_table *t)
{
    struct buf b;
    buf_init(&b, &l->scratch, BEGINS_BYTES_MAX);
    buf_add(&b, t->log.begins);
    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct lake_lane *const lane = &l->lane[i];
        if (lake_lacks(t, lane)) {
            buf_printf(&b, "%s%s/%.*s:%" PRIu64, b.len > 0 ? " " : "",
                       stream_name(lane->lane.stream), STR_ARG(lane->lane.name), lane->begin.at);
        }
    }
    return buf_str(&b);
}

/* What others have set stays. Without the columns that files have bounds of, deltalake takes each
 * of the first 32 for one whose bounds are null, and finds no row by any of the others. */
static void add_configuration(struct lake *l, struct buf *b, const struct lake_table *t,
                              struct str begins)
{
    yyjson_doc *doc;
    yyjson_val *key, *value;
    size_t i, n;
    struct failure ignored; /* none yet */
    buf_add(b, S("{"));
    if (t->log.configuration.len > 0 &&
        json_read(&l->scratch, t->log.configuration, &doc, &ignored) == OK) {
        yyjson_obj_foreach(yyjson_doc_get_root(doc), i, n, key, value)
        {
            const struct str name = json_text(key);
            if (!str_eq(name, S(DELTA_BEGINS)) && !str_eq(name, S(DELTA_BOUNDED))) {
                buf_add_json(b, name);
                buf_add_byte(b, ':');
                buf_add(b, json_write(&l->scratch, value));
                buf_add_byte(b, ',');
            }
        }
    }
    if (begins.len > 0) {
        buf_add(b, S("\"" DELTA_BEGINS "\":"));
        buf_add_json(b, begins);
        buf_add_byte(b, ',');
    }
    buf_add(b, S("\"" DELTA_BOUNDED "\":"));
    buf_add_json(b, t->log.bounded.len > 0 ? t->log.bounded : S(STAGE_BOUNDED));
    buf_add(b, S("}"));
}

/* The columns that the table has, when they hold all of this weir's; else this weir's. */
static struct str schema_of(struct lake *l, const struct lake_table *t)
{
    const struct str wanted = schema_spark(&l->scratch, t->model);
    return t->log.version >= 0 && schema_holds(&l->scratch, t->log.schema, wanted) ? t->log.schema
                                                                                   : wanted;
}

static void add_metadata(struct lake *l, struct buf *b, const struct lake_table *t,
                         struct str begins)
{
    buf_add(b, S("{\"metaData\":{\"id\":\""));
    if (t->log.id.len > 0) {
        buf_add(b, t->log.id);
    } else {
        char id[MADE_ID_BYTES];
        made_id(bus_id(l->bus), t->log.table, id);
        buf_add(b, str_of(id));
    }
    buf_printf(b, "\",\"name\":\"%s\",\"description\":", t->model->name);
    buf_add_json(b, str_of(t->model->about));
    buf_add(b, S(",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"));
    buf_add_json(b, schema_of(l, t));
    buf_add(b, S(",\"partitionColumns\":[\"year\",\"month\",\"day\"],\"configuration\":"));
    add_configuration(l, b, t, begins);
    buf_printf(b, ",\"createdTime\":%" PRId64 "}}\n",
               t->log.created_ms ? t->log.created_ms : clock_now_us() / 1000);
}

static enum outcome create(struct lake *l, struct lake_table *t, struct failure *f)
{
    struct delta_commit c;
    begin(l, &c, "CREATE TABLE");
    c.is_first = true;
    buf_add(&c.actions, S("{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"));
    add_metadata(l, &c.actions, t, begins_of(l, t));
    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct lake_lane *const lane = &l->lane[i];
        if (lake_feeds(lane->lane.stream, t->model)) {
            c.move[c.moves_n++] = (struct delta_move){lane->app, -1, (int64_t)lane->begin.at};
        }
    }
    return delta_commit(&t->log, &c, f);
}

/* Its line is not there, or was removed: it goes on without what the streams have forgotten, and
 * says so itself before the line is written. */
static enum outcome take_up(struct lake *l, struct lake_table *t, struct failure *f)
{
    struct delta_commit c;
    begin(l, &c, "BEGIN LANES");
    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct lake_lane *const lane = &l->lane[i];
        if (lake_lacks(t, lane)) {
            c.move[c.moves_n++] = (struct delta_move){lane->app, delta_txn(&t->log, lane->app),
                                                      (int64_t)lane->begin.at};
        }
    }
    if (c.moves_n == 0 || made_has(&l->made, t->log.table, bus_id(l->bus))) {
        return OK;
    }
    add_metadata(l, &c.actions, t, begins_of(l, t));
    return delta_commit(&t->log, &c, f);
}

static enum outcome widen(struct lake *l, struct lake_table *t, struct failure *f)
{
    struct delta_commit c;
    const struct str wanted = schema_spark(&l->scratch, t->model);
    /* as it is, or a newer weir's, whose columns are null in what this one adds */
    const bool is_wide = schema_holds(&l->scratch, t->log.schema, wanted);
    if (is_wide && t->log.bounded.len > 0) {
        return OK;
    }
    if (!is_wide && !schema_holds(&l->scratch, wanted, t->log.schema)) {
        return failed(f, STOP,
                      "table %s of the lake has columns that this weir does not know, or of other "
                      "types, and lacks some that it writes: use the newest weir that wrote to it",
                      t->model->name);
    }
    begin(l, &c, is_wide ? "SET TBLPROPERTIES" : "ADD COLUMNS");
    add_metadata(l, &c.actions, t, t->log.begins);
    return delta_commit(&t->log, &c, f);
}

enum outcome lake_widen(struct lake *l, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        result = l->table[i].log.version < 0 ? OK : widen(l, &l->table[i], f);
    }
    return result;
}

enum outcome lake_create(struct lake *l, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        struct lake_table *const t = &l->table[i];
        result = t->log.version < 0 ? create(l, t, f) : take_up(l, t, f);
    }
    return result;
}

/* ---- rows ---- */

static enum outcome add_parts(struct part_writer *w, struct lake_table *t, struct delta_commit *c,
                              struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < w->lake->lanes_n && result == OK; i++) {
        if (t->part[i].rows > 0) {
            result = part_write(w, t, i, &c->actions, f);
        }
    }
    return result;
}

/* Forward alone: what a table has that the others lack (a writer died between two commits) is read
 * once more, and that for some flushes. */
static enum outcome commit_table(struct part_writer *w, struct lake_table *t, struct failure *f)
{
    struct lake *const l = w->lake;
    struct delta_commit c;
    begin(l, &c, "WRITE");
    enum outcome result = add_parts(w, t, &c, f);
    FAILPOINT("lake.staged");
    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct lake_lane *const lane = &l->lane[i];
        if (lane->is_begun && lake_feeds(lane->lane.stream, t->model) &&
            t->part[i].from < (int64_t)lane->taken.at) {
            c.move[c.moves_n++] = (struct delta_move){lane->app, t->part[i].from,
                                                      (int64_t)lane->taken.at};
        }
    }
    if (result == OK && c.moves_n > 0) {
        result = delta_commit(&t->log, &c, f);
    }
    FAILPOINT("lake.committed");
    if (result == OK && delta_wants_checkpoint(&t->log)) {
        result = part_writer_duck(w, f);
        if (result == OK) {
            const int64_t since = l->wall.now_us == TIME_NONE
                                      ? INT64_MIN
                                      : l->wall.now_us / 1000 - l->config->lake.vacuum_ms -
                                            CHECKPOINT_TOMBSTONE_MS;
            result = checkpoint_write(&t->log, w->duck, since, f);
        }
    }
    return result;
}

enum outcome lake_commit(struct lake *l, struct failure *f)
{
    struct part_writer w;
    enum outcome result = OK;
    part_writer_init(&w, l);
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        if (l->table[i].is_chosen) {
            result = commit_table(&w, &l->table[i], f);
        }
    }
    part_writer_close(&w);
    return result;
}
