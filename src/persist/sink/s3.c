/* Objects in a bucket: records of one partition and lane, as JSON lines or Parquet, by number,
 * bytes and age. An object is called by where its first record stands: what a kill left behind the
 * cursors is written anew under the same name, so no record is in two objects. */
#include <stdio.h>

#include "base/hash.h"
#include "config/template.h"
#include "persist/sink/parquet.h"
#include "persist/sink/sink.h"
#include "wire/s3.h"

enum {
    ITEMS_MAX = 1000,
    GROUPS_MAX = 64,
    WRITTEN_BYTES_MAX =
        64 << 20,         /* that come again after a kill, and are kept in memory till then */
    KEY_BYTES_MAX = 1024, /* S3's own limit */
    DOT_BYTES_MAX = 1 << 20
};
#define OBJECT_BYTES_MAX ((size_t)2 << 30)

struct line {
    uint64_t position;
    struct str key;
    size_t begin; /* of its line */
};

/* An object to be: several where Parquet cannot hold all of it at once. */
struct group {
    struct arena arena; /* of all that it holds */
    struct buf lines;
    struct str partition, lane;
    struct line *row;
    size_t n, room;
    size_t put_n; /* so many of them are in an object by now */
};

struct s3_sink {
    struct uploader *uploader;
    struct group *group;  /* GROUPS_MAX of them; n == 0: free */
    size_t written_bytes; /* since the last flush: what the cursors still stand before */
    int64_t since_us;     /* monotonic, of the first record taken since then; 0: none  */
    struct arena scratch;
};

static enum outcome s3_open(struct sink *s, struct failure *f)
{
    struct s3_sink *const k = s->state;
    const struct s3_sink_options *const o = s->options;
    k->group = arena_array(s->arena, struct group, GROUPS_MAX);
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        arena_init(&k->group[i].arena, OBJECT_BYTES_MAX);
    }
    arena_init(&k->scratch, OBJECT_BYTES_MAX);
    if (o->bucket.len == 0) {
        return failed(f, STOP, "S3: sink %.*s names no bucket", STR_ARG(s->config->name));
    }
    return uploader_open(s->arena, &k->uploader, f);
}

static void s3_close(struct sink *s)
{
    struct s3_sink *const k = s->state;
    if (k && k->group) {
        uploader_close(k->uploader);
        for (size_t i = 0; i < GROUPS_MAX; i++) {
            arena_close(&k->group[i].arena);
        }
        arena_close(&k->scratch);
    }
}

/* ---- one object ---- */

static struct str trimmed(struct str path)
{
    while (path.len > 0 && path.at[0] == '/') {
        path = str_sub(path, 1, path.len);
    }
    while (path.len > 0 && path.at[path.len - 1] == '/') {
        path.len--;
    }
    return path;
}

/* PREFIX/PARTITION/LANE-POSITION-BUS.json; without a bus by the first record's key. */
static struct str key_of(const struct sink *s, struct arena *a, const struct group *g)
{
    const struct line *const first = &g->row[g->put_n];
    const struct s3_sink_options *const o = s->options;
    const bool is_parquet = o->encoding.type == ENCODING_PARQUET;
    const struct str part[] = {trimmed(o->prefix), trimmed(g->partition)};
    struct buf b;
    char hash[16];
    hex_u64(hash_64(s->bus.len > 0 ? s->bus : first->key, 0), hash);
    buf_init(&b, a, 2 * (size_t)KEY_BYTES_MAX);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        buf_add(&b, part[i]);
        buf_add(&b, part[i].len > 0 ? S("/") : S(""));
    }
    buf_printf(&b, "%.*s-%019llu-%.8s%s", STR_ARG(g->lane.len > 0 ? g->lane : S("invoke")),
               (unsigned long long)first->position, hash, is_parquet ? ".parquet" : ".json");
    return buf_str(&b);
}

/* The next n of them. */
static enum outcome put_some(struct sink *s, const struct group *g, size_t n, struct failure *f)
{
    struct s3_sink *const k = s->state;
    const struct s3_sink_options *const o = s->options;
    const struct s3_bucket bucket = {.endpoint = o->endpoint,
                                     .region = o->region,
                                     .name = o->bucket,
                                     .is_path_style = o->is_path_style};
    const size_t begin = g->row[g->put_n].begin;
    const size_t end = g->put_n + n < g->n ? g->row[g->put_n + n].begin : g->lines.len;
    struct s3_object object = {.body = str_sub(buf_str(&g->lines), begin, end - begin),
                               .type = S("application/x-ndjson")};
    enum outcome result = OK;
    arena_reset(&k->scratch);
    object.key = key_of(s, &k->scratch, g);
    if (o->encoding.type == ENCODING_PARQUET) {
        object.type = S("application/vnd.apache.parquet");
        result = parquet_of_lines(&k->scratch, object.body, &o->encoding.config, &object.body, f);
    }
    return result == OK ? s3_put(k->uploader, &k->scratch, &bucket, &object, f) : result;
}

/* As many as go into one object. Fewer are tried by powers of two: what comes again behind a kill,
 * with more behind it, is cut in the same places. */
static enum outcome put_next(struct sink *s, struct group *g, struct failure *f)
{
    size_t n = g->n - g->put_n;
    enum outcome result = put_some(s, g, n, f);
    while (n > 1 && (result == REJECT || (result == RETRY && f->cause == CAUSE_MEMORY))) {
        size_t fewer = 1;
        while (2 * fewer < n) {
            fewer *= 2;
        }
        n = fewer;
        result = put_some(s, g, n, f);
    }
    g->put_n += result == OK ? n : 0;
    return result == REJECT ? (f->outcome = RETRY) : result; /* parquet_fits should have told */
}

static enum outcome put(struct sink *s, struct group *g, struct failure *f)
{
    struct s3_sink *const k = s->state;
    enum outcome result = OK;
    while (result == OK && g->put_n < g->n) {
        result = put_next(s, g, f);
    }
    if (result == OK) {
        k->written_bytes += g->lines.len;
        g->n = 0;
        arena_reset(&g->arena);
    }
    return result;
}

static enum outcome s3_flush(struct sink *s, struct failure *f)
{
    struct s3_sink *const k = s->state;
    enum outcome result = OK;
    for (size_t i = 0; i < GROUPS_MAX && result == OK; i++) {
        if (k->group[i].n > 0) {
            result = put(s, &k->group[i], f);
        }
    }
    if (result == OK) {
        k->written_bytes = 0;
        k->since_us = 0;
    }
    return result;
}

/* ---- many ---- */

static struct group *group_of(struct s3_sink *k, struct str partition, struct str lane)
{
    struct group *unused = NULL;
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        struct group *const g = &k->group[i];
        if (g->n > 0 && str_eq(g->partition, partition) && str_eq(g->lane, lane)) {
            return g;
        }
        unused = g->n == 0 && !unused ? g : unused;
    }
    return unused;
}

static void add(struct group *g, struct str partition, const struct sink_item *item)
{
    if (g->n == 0) {
        buf_init(&g->lines, &g->arena, OBJECT_BYTES_MAX / 2);
        g->partition = arena_str(&g->arena, partition);
        g->lane = arena_str(&g->arena, item->lane);
        g->row = NULL;
        g->room = g->put_n = 0;
    }
    g->row = arena_more(&g->arena, g->row, g->n, &g->room, sizeof *g->row);
    g->row[g->n++] = (struct line){
        .position = item->position, .key = arena_str(&g->arena, item->key), .begin = g->lines.len};
    buf_add(&g->lines, item->body);
    buf_add_byte(&g->lines, '\n');
}

static bool is_full(const struct s3_sink_options *o, const struct group *g)
{
    return g->n >= (size_t)o->batch_size || g->lines.len >= o->batch_bytes;
}

static enum outcome take(struct sink *s, const struct sink_item *item, struct failure *f)
{
    struct s3_sink *const k = s->state;
    const struct s3_sink_options *const o = s->options;
    const struct template_dot dot = {.at_us = item->at_us == TIME_NONE ? 0 : item->at_us};
    struct arena a;
    struct str partition = S("");
    arena_init(&a, DOT_BYTES_MAX);
    enum outcome result = o->encoding.type == ENCODING_PARQUET
                              ? parquet_fits(item->body, &o->encoding.config, f)
                              : OK;
    if (result == OK) {
        result = template_render(&a, o->partition, &dot, &partition, f);
    }
    struct group *g = result == OK ? group_of(k, partition, item->lane) : NULL;
    if (result == OK && !g) { /* more partitions than objects are gathered for */
        result = s3_flush(s, f);
        g = k->group;
    }
    if (result == OK && g->n > 0 && is_full(o, g)) { /* an earlier call could not write it */
        result = put(s, g, f);
    }
    if (result == OK) {
        add(g, partition, item);
    }
    arena_close(&a);
    return result;
}

/* Taken means gathered: the cursors wait for flush. */
static enum outcome s3_send(struct sink *s, const struct sink_item *item, size_t n, size_t *done,
                            struct failure *f)
{
    struct s3_sink *const k = s->state;
    enum outcome result = OK;
    for (*done = 0; *done < n && result == OK; *done += result == OK) {
        result = take(s, &item[*done], f);
        k->since_us = k->since_us ? k->since_us : clock_mono_us();
    }
    return result;
}

static int s3_due_ms(const struct sink *s)
{
    const struct s3_sink *const k = s->state;
    const struct s3_sink_options *const o = s->options;
    bool is_due = k->written_bytes >= WRITTEN_BYTES_MAX;
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        is_due = is_due || (k->group[i].n > 0 && is_full(o, &k->group[i]));
    }
    if (k->since_us == 0) {
        return -1;
    }
    const int64_t left = o->batch_ms - (clock_mono_us() - k->since_us) / 1000;
    return left <= 0 || is_due ? 0 : left < INT32_MAX ? (int)left : INT32_MAX;
}

static void s3_drop(struct sink *s)
{
    struct s3_sink *const k = s->state;
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        k->group[i].n = 0;
        arena_reset(&k->group[i].arena);
    }
    k->written_bytes = 0;
    k->since_us = 0;
}

const struct sink_driver sink_s3 = {.name = "s3",
                                    .state_bytes = sizeof(struct s3_sink),
                                    .items_max = ITEMS_MAX,
                                    .open = s3_open,
                                    .send = s3_send,
                                    .flush = s3_flush,
                                    .due_ms = s3_due_ms,
                                    .drop = s3_drop,
                                    .close = s3_close};
