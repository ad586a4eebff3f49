#include "persist/lake/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "persist/lake/stage.h"

enum { SNAPSHOT_BYTES_MAX = 512 << 20, SQL_BYTES_MAX = 1 << 16, SUM_BYTES = 32 };

/* The actions as the checkpoint's schema has them. */
static const char columns[] =
    "{'txn': 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)',"
    "'add': 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, "
    "modificationTime BIGINT, dataChange BOOLEAN, tags MAP(VARCHAR, VARCHAR), stats VARCHAR)',"
    "'remove': 'STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN)',"
    "'metaData': 'STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, "
    "format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, "
    "partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)',"
    "'protocol': 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)'}";

static enum outcome write_parquet(struct delta *l, struct arena *a, struct duck *d,
                                  char sum[SUM_BYTES], struct failure *f)
{
    struct buf sql;
    struct stage s;
    const struct str name = delta_name(l, a, l->version, ".checkpoint.parquet");
    enum outcome result = stage_open(&s, a, d, l, f);
    if (result != OK) {
        return result;
    }
    const struct str staged = arena_printf(a, "%.*s/0.parquet", STR_ARG(s.folder));
    buf_init(&sql, a, SQL_BYTES_MAX);
    buf_add(&sql, S("COPY (SELECT * FROM read_json("));
    duck_add_literal(
        &sql, duck_pattern(a, files_path(l->files, a, delta_snapshot_name(l, a, l->version))));
    buf_printf(&sql,
               ", format = 'newline_delimited', maximum_object_size = 33554432, columns = %s)) TO ",
               columns);
    duck_add_literal(&sql, staged);
    buf_add(&sql, S(" (FORMAT parquet, COMPRESSION snappy)"));
    buf_add_byte(&sql, '\0');
    result = duck_run(d, buf_str(&sql).at, f);
    if (result == OK) {
        struct str bytes = S("");
        result = file_read(a, staged.at, SNAPSHOT_BYTES_MAX, &bytes, f);
        hash_128_hex(bytes, sum);
    }
    if (result == OK) {
        result = l->files->driver->put_file(l->files, name, staged.at, f);
    }
    stage_close(&s);
    return result;
}

enum outcome checkpoint_write(struct delta *l, struct duck *d, int64_t since_ms, struct failure *f)
{
    struct arena a;
    struct buf text;
    struct buf last;
    char sum[SUM_BYTES] = {0};
    char own_sum[SUM_BYTES] = {0};
    arena_init(&a, 3 * (size_t)SNAPSHOT_BYTES_MAX);
    buf_init(&text, &a, SNAPSHOT_BYTES_MAX);
    buf_init(&last, &a, 4096);
    delta_snapshot(l, since_ms, &text);
    const struct str own = delta_snapshot_name(l, &a, l->version);
    const struct str name = arena_printf(&a, "%.*s/_delta_log/_last_checkpoint", STR_ARG(l->table));
    size_t actions = 0;
    for (size_t i = 0; i < text.len; i++) {
        actions += text.at[i] == '\n';
    }
    enum outcome result = l->files->driver->put(l->files, own, buf_str(&text), f);
    if (result == OK) {
        result = write_parquet(l, &a, d, sum, f);
    }
    FAILPOINT("lake.checkpoint");
    hash_128_hex(buf_str(&text), own_sum);
    buf_printf(&last,
               "{\"version\":%" PRId64 ",\"size\":%zu,\"tags\":{\"weir.snapshot\":\"%.32s\","
               "\"weir.checkpoint\":\"%.32s\"}}\n",
               l->version, actions, own_sum, sum);
    if (result == OK) {
        result = l->files->driver->put(l->files, name, buf_str(&last), f);
    }
    if (result == OK) {
        l->checkpoint = l->version;
    }
    arena_close(&a);
    return result;
}
