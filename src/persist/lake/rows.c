/* A raw signal as a row. A body that is UTF-8 without a zero byte stands in `body` as it came; any
 * other stands as base64 in attributes.body_base64 (`body` is then null), so that no byte is lost
 * and every reader of Parquet can take the column for text. */
#include <openssl/evp.h>

#include "base/hash.h"
#include "persist/lake/lake.h"
#include "signal/rank.h"

enum { HASH_HEX = 16, FACT_ID_HEX = 32 };

struct str lake_app(struct arena *a, struct str bus_id, struct lane lane)
{
    return arena_printf(a, "weir/%.*s/%s/%.*s", STR_ARG(bus_id), stream_name(lane.stream),
                        STR_ARG(lane.name));
}

bool lake_feeds(enum stream stream, const struct model *m)
{
    const bool is_raw = str_eq(str_of(m->name), S("raw"));
    return is_raw ? stream == STREAM_RAW : stream == STREAM_STANDARD || stream == STREAM_MEASURED;
}

bool lake_lacks(const struct lake_table *t, const struct lake_lane *lane)
{
    return lake_feeds(lane->lane.stream, t->model) && lane->begin.at > 0 &&
           delta_txn(&t->log, lane->app) < (int64_t)lane->begin.at;
}

static void add_text(struct buf *b, const char *name, struct str text)
{
    if (text.len > 0) {
        buf_printf(b, ",\"%s\":", name);
        buf_add_json(b, text);
    }
}

static void add_time(struct buf *b, const char *name, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];
    (void)clock_text(time_us, text);
    buf_printf(b, ",\"%s\":\"%s\"", name, text);
}

static void add_base64(struct buf *b, struct str bytes)
{
    const size_t len = (bytes.len + 2) / 3 * 4;
    char *const at = buf_take(b, len + 1); /* OpenSSL ends it with a zero byte */
    if (at) {
        (void)EVP_EncodeBlock((unsigned char *)at, (const unsigned char *)bytes.at, (int)bytes.len);
        b->len--;
    }
}

static bool is_text(struct str body)
{
    return str_is_utf8(body) && (body.len == 0 || !memchr(body.at, '\0', body.len));
}

static void add_body(struct buf *b, struct str body, const char rank[RANK_BYTES])
{
    if (is_text(body)) {
        buf_add(b, S(",\"body\":"));
        buf_add_json(b, body);
    } else {
        /* an entry of a member list: rank, member, value (signal/model.h) */
        buf_printf(b, ",\"attributes_by\":[\"%.*s\\u001fbody_base64\\u001f\\\"", (int)RANK_BYTES,
                   rank);
        add_base64(b, body);
        buf_add(b, S("\\\"\"]"));
    }
    buf_printf(b, ",\"body_bytes\":%zu", body.len);
}

/* The end of a member that begins at `at`: the comma behind it, or the end of its object. */
static size_t member_end(struct str line, size_t at)
{
    bool is_text = false;
    for (size_t depth = 0; at < line.len; at++) {
        const char c = line.at[at];
        if (c == '"') {
            is_text = !is_text;
        } else if (is_text) {
            at += c == '\\';
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == '}')) {
            break;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        }
    }
    return at < line.len ? at : line.len;
}

/* How much of a member is its name, the colon with it, when its value is a column's JSON; else 0.
 */
static size_t json_at(const struct model *m, struct str member)
{
    struct str value;
    const struct str name = str_cut(member, ':', &value);
    const bool is_there = value.len > 0 && !str_eq(value, S("null"));
    for (size_t i = 0; is_there && i < m->columns_n; i++) {
        const struct column *const c = &m->columns[i];
        if (c->type == COLUMN_JSON && name.len > 2 &&
            str_eq(str_sub(name, 1, name.len - 2), str_of(c->name))) {
            return name.len + 1;
        }
    }
    return 0;
}

void lake_add_fact(struct buf *b, const struct model *m, struct str line)
{
    size_t done = 0;
    for (size_t at = 1, end; at < line.len; at = end + 1) {
        end = member_end(line, at);
        const size_t value = at + json_at(m, str_sub(line, at, end - at));
        if (value > at) {
            buf_add(b, str_sub(line, done, value - done));
            buf_add_json(b, str_sub(line, value, end - value));
            done = end;
        }
    }
    buf_add(b, str_sub(line, done, line.len - done));
}

int64_t lake_raw_us(const struct signal *s)
{
    return s->received_us != TIME_NONE ? s->received_us : s->time_us != TIME_NONE ? s->time_us : 0;
}

void lake_add_raw(struct buf *b, struct str bus_id, struct str lane, const struct record *r)
{
    const struct signal *const s = &r->signal;
    const int64_t at_us = lake_raw_us(s);
    char rank[RANK_BYTES];
    char hash[HASH_HEX];
    char fact_id[FACT_ID_HEX];
    struct buf identity;
    buf_init(&identity, b->arena, 4096);
    buf_printf(&identity, "%.*s/%.*s:%llu", STR_ARG(bus_id), STR_ARG(lane),
               (unsigned long long)r->at.at);
    hash_128_hex(buf_str(&identity), fact_id);
    hex_u64(hash_64(s->data, 0), hash);
    rank_write(at_us, 0, (struct str){hash, sizeof hash}, rank);
    buf_add(b, S("{\"lane\":"));
    buf_add_json(b, lane);
    buf_printf(b, ",\"position\":%llu", (unsigned long long)r->at.at);
    add_text(b, "bus", bus_id);
    add_text(b, "source", s->source);
    add_text(b, "id", s->id);
    add_text(b, "partitionkey", s->partitionkey);
    add_text(b, "event", s->type);
    add_text(b, "headers", s->headers);
    add_body(b, s->data, rank);
    add_text(b, "raw_rank", (struct str){rank, sizeof rank});
    add_text(b, "fact_id", (struct str){fact_id, sizeof fact_id});
    add_time(b, "fact_at", at_us);
    add_text(b, "agent", s->agent);
    buf_printf(b, ",\"raw\":\"%.*s:%llu\"", STR_ARG(lane), (unsigned long long)r->at.at);
    add_time(b, "received_at", at_us);
    add_time(b, "revised_at", at_us);
    buf_add_byte(b, '}');
}
