/* Files in S3: DuckDB's SQL over JSON, CSV or Parquet, with the window in the path.
 *   source  duckdb.org/docs/1.5/core_extensions/httpfs/s3api */
#include <string.h>

#include "collector/engine.h"
#include "config/sources.h"
#include "wire/aws.h"

enum { SQL_BYTES_MAX = 1 << 16 };

static void add(struct buf *b, const char *name, struct str value)
{
    if (value.len > 0) {
        buf_printf(b, ", %s ", name);
        duck_add_literal(b, value);
    }
}

/* Who asks, and where. The secret stays in the engine's memory. */
static enum outcome identify(struct duck *d, const struct source_ask *ask, struct failure *f)
{
    const struct s3_options *const o = ask->options;
    struct aws_identity who;
    struct buf sql;
    const enum outcome result = aws_identity(ask->arena, &who, f);
    if (result != OK) {
        return result;
    }
    const bool is_plain = str_starts(o->endpoint, S("http://"));
    const size_t scheme = is_plain                                 ? sizeof "http://" - 1
                          : str_starts(o->endpoint, S("https://")) ? sizeof "https://" - 1
                                                                   : 0;
    struct str endpoint = str_sub(o->endpoint, scheme, o->endpoint.len);
    endpoint = str_sub(endpoint, 0, str_find(endpoint, '/'));
    const struct str region = o->region.len > 0    ? o->region
                              : who.region.len > 0 ? who.region
                                                   : S("us-east-1");
    buf_init(&sql, ask->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("CREATE SECRET (TYPE s3"));
    add(&sql, "KEY_ID", who.key);
    add(&sql, "SECRET", who.secret);
    add(&sql, "SESSION_TOKEN", who.token);
    add(&sql, "REGION", region);
    add(&sql, "ENDPOINT", endpoint);
    add(&sql, "URL_STYLE", o->is_path_style || endpoint.len > 0 ? S("path") : S("vhost"));
    buf_add(&sql, is_plain ? S(", USE_SSL false)") : S(")"));
    buf_add_byte(&sql, '\0');
    struct failure why;
    return duck_run(d, buf_str(&sql).at, &why) == OK
               ? OK
               : failed(f, STOP,
                        "region or endpoint: the engine takes them not"); /* it shows them */
}

static bool names_bucket(struct str text)
{
    const struct str scheme = S("s3://");
    return text.len > 0 && memmem(text.at, text.len, scheme.at, scheme.len) != NULL;
}

/* A file's path as the SQL names it: where that does not say the bucket, the partition does. */
static struct str whole(const struct source_ask *ask, struct str partition)
{
    const struct s3_options *const o = ask->options;
    const bool has_prefix = o->prefix.len > 0 && !str_ends(o->prefix, S("/"));
    return o->bucket.len == 0 || names_bucket(o->sql)
               ? partition
               : arena_printf(ask->arena, "s3://%.*s/%.*s%s%.*s", STR_ARG(o->bucket),
                              STR_ARG(o->prefix), has_prefix ? "/" : "", STR_ARG(partition));
}

static enum outcome s3_read(const struct source_ask *ask, const struct source_to *to,
                            struct failure *f)
{
    const struct s3_options *const o = ask->options;
    struct duck *d = NULL;
    struct str partition, sql;
    struct template_dot dot = source_dot(ask);
    enum outcome result = template_render(ask->arena, o->partition, &dot, &partition, f);
    dot.partition = result == OK ? whole(ask, partition) : S("");
    if (result == OK) {
        result = template_render(ask->arena, o->sql, &dot, &sql, f);
    }
    if (result == OK) {
        result = engine_open(ask, &d, f);
    }
    if (result == OK) {
        result = duck_load(d, ask->arena, "httpfs", f);
    }
    if (result == OK) {
        result = identify(d, ask, f);
    }
    if (result == OK) {
        /* SQL that names buckets may mean another than `bucket`: the original did not look there */
        const bool is_one = o->bucket.len > 0 && !names_bucket(o->sql);
        const struct str folder = is_one
                                      ? arena_printf(ask->arena, "s3://%.*s/", STR_ARG(o->bucket))
                                      : S("s3://");
        result = engine_confine(d, ask, &folder, 1, f);
    }
    if (result == OK) {
        result = engine_file_rows(d, ask, sql, to, f);
    }
    duck_close(d);
    return result;
}

const struct source_driver source_s3 = {.name = "s3", .read = s3_read};
