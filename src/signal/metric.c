#include "signal/metric.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "signal/value.h"

enum { METRIC_BYTES_MAX = 16 << 20 };

const char metric_signal_type[] = "weir.metric";

/* ---- the key ---- */

static void add_part(struct buf *b, struct str part)
{
    buf_printf(b, "%zu:", part.len); /* so that no two lists of parts give the same text */
    buf_add(b, part);
}

/* 0001-01-01 in the proleptic Gregorian calendar stands 719,162 days before 1970-01-01. */
#define YEAR_ONE_US (-719162 * DAY_US)

int64_t metric_cut(int64_t at_us, int64_t length_us)
{
    assert(length_us > 0);
    const int64_t over_us = (at_us - YEAR_ONE_US) % length_us;
    return at_us - over_us - (over_us < 0 ? length_us : 0);
}

int64_t metric_grain_start(const struct metric *m)
{
    const int64_t begun_us = m->scheduled_us != TIME_NONE ? m->scheduled_us : m->at_us;
    return m->grain_us > 0 ? metric_cut(begun_us, m->grain_us) : begun_us;
}

/* What it is of, besides name and tags. */
static void add_moment(struct buf *b, const struct metric *m)
{
    if (m->window_start_us != TIME_NONE) {
        buf_printf(b, "window %lld %lld", (long long)m->window_start_us,
                   (long long)m->window_end_us);
    } else if (m->row.len > 0) {
        buf_add(b, S("row "));
        add_part(b, m->row);
    } else if (m->grain_us > 0) {
        buf_printf(b, "grain %lld", (long long)metric_grain_start(m));
    } else {
        buf_printf(b, "at %lld", (long long)m->scheduled_us);
    }
    if (m->nth > 0) {
        buf_printf(b, " row %llu", (unsigned long long)m->nth);
    }
}

struct str metric_key(struct arena *a, const struct metric *m)
{
    struct buf b;
    if (m->key.len == METRIC_KEY_BYTES) {
        return m->key;
    }
    char *const key = arena_array(a, char, METRIC_KEY_BYTES + 1);
    buf_init(&b, a, METRIC_BYTES_MAX);
    add_part(&b, m->collector);
    add_part(&b, m->name);
    for (size_t i = 0; i < m->tags_n; i++) {
        add_part(&b, m->tag[i].key);
        add_part(&b, m->tag[i].value);
    }
    add_moment(&b, m);
    hash_128_hex(buf_str(&b), key);
    return (struct str){key, METRIC_KEY_BYTES};
}

struct str metric_uuid(struct arena *a, struct str key)
{
    static const char variant[] = "89ab";
    assert(key.len == METRIC_KEY_BYTES);
    char *const uuid = arena_array(a, char, METRIC_UUID_BYTES + 1);
    const char digit = key.at[16];
    const unsigned nibble = (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    for (size_t i = 0, to = 0; i < METRIC_KEY_BYTES; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) {
            uuid[to++] = '-';
        }
        uuid[to++] = i == 12 ? '8' : i == 16 ? variant[nibble & 3] : key.at[i];
    }
    return (struct str){uuid, METRIC_UUID_BYTES};
}

bool metric_key_like(struct arena *a, struct str uuid, struct str *out)
{
    char *const like = arena_array(a, char, METRIC_KEY_BYTES + 1);
    const bool has_dashes = uuid.len == METRIC_UUID_BYTES;
    size_t n = 0;
    for (size_t i = 0; i < uuid.len && n < METRIC_KEY_BYTES; i++) {
        char c = uuid.at[i];
        if (has_dashes && (i == 8 || i == 13 || i == 18 || i == 23)) {
            if (c != '-') {
                return false;
            }
            continue;
        }
        c = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
        const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (!is_hex || (n == 12 && c != '8') || (n == 16 && !strchr("89ab", c))) {
            return false;
        }
        like[n] = n == 12 || n == 16 ? '_' : c;
        n++;
    }
    *out = (struct str){like, n};
    return n == METRIC_KEY_BYTES && (has_dashes || uuid.len == METRIC_KEY_BYTES);
}

static int by_key(const void *a, const void *b)
{
    const struct metric_tag *const x = a, *const y = b;
    return str_cmp(x->key, y->key);
}

void metric_sort_tags(struct metric *m)
{
    size_t kept = 0;
    /* stable by insertion: a handful of tags, and of equal ones the last has to win */
    for (size_t i = 1; i < m->tags_n; i++) {
        const struct metric_tag tag = m->tag[i];
        size_t k = i;
        for (; k > 0 && by_key(&m->tag[k - 1], &tag) > 0; k--) {
            m->tag[k] = m->tag[k - 1];
        }
        m->tag[k] = tag;
    }
    for (size_t i = 0; i < m->tags_n; i++) {
        if (i + 1 == m->tags_n || !str_eq(m->tag[i].key, m->tag[i + 1].key)) {
            m->tag[kept++] = m->tag[i];
        }
    }
    m->tags_n = kept;
}

/* ---- JSON ---- */

static void add_number(struct buf *b, double number)
{
    value_write(b, &(struct value){.kind = VALUE_REAL, .real = number});
}

static void add_time(struct buf *b, const char *name, int64_t us)
{
    char text[CLOCK_TEXT_BYTES];
    if (us != TIME_NONE) {
        (void)clock_text(us, text);
        buf_printf(b, ",\"%s\":\"%s\"", name, text);
    }
}

static void add_text(struct buf *b, const char *name, struct str text)
{
    if (text.len > 0) {
        buf_printf(b, ",\"%s\":", name);
        buf_add_json(b, text);
    }
}

void metric_write_tags(struct buf *b, const struct metric *m)
{
    buf_add_byte(b, '{');
    for (size_t i = 0; i < m->tags_n; i++) {
        buf_add(b, i > 0 ? S(",") : S(""));
        buf_add_json(b, m->tag[i].key);
        buf_add_byte(b, ':');
        buf_add_json(b, m->tag[i].value);
    }
    buf_add_byte(b, '}');
}

void metric_write(struct buf *b, const struct metric *m)
{
    assert(isfinite(m->value));
    buf_add(b, S("{\"collector\":"));
    buf_add_json(b, m->collector);
    add_text(b, "name", m->name);
    add_text(b, "type", m->type);
    if (m->body.len == 0) {
        buf_add(b, S(",\"value\":"));
        add_number(b, m->value);
    }
    buf_add(b, S(",\"tags\":"));
    metric_write_tags(b, m);
    add_time(b, "window_start", m->window_start_us);
    add_time(b, "window_end", m->window_end_us);
    add_time(b, "scheduled", m->scheduled_us);
    add_time(b, "at", m->at_us);
    if (m->grain_us > 0) {
        buf_printf(b, ",\"grain_us\":%lld", (long long)m->grain_us);
    }
    add_text(b, "row", m->row);
    if (m->nth > 0) {
        buf_printf(b, ",\"nth\":%llu", (unsigned long long)m->nth);
    }
    add_text(b, "body", m->body);
    buf_add_byte(b, '}');
}

void metric_write_aside(struct buf *b, const struct metric *m, struct str cells,
                        const struct failure *why)
{
    buf_add(b, S("{\"collector\":"));
    buf_add_json(b, m->collector);
    add_text(b, "name", m->name);
    add_text(b, "aside", str_of(why->text));
    add_text(b, "pointer", str_of(why->pointer));
    add_time(b, "window_start", m->window_start_us);
    add_time(b, "window_end", m->window_end_us);
    add_time(b, "scheduled", m->scheduled_us);
    buf_add(b, S(",\"cells\":"));
    buf_add(b, cells);
    buf_add_byte(b, '}');
}

static enum outcome read_tags(struct arena *a, yyjson_val *from, struct metric *to,
                              struct failure *f)
{
    size_t i = 0, n = 0;
    yyjson_val *key = NULL, *value = NULL;
    to->tag = arena_array(a, struct metric_tag, yyjson_obj_size(from));
    yyjson_obj_foreach(from, i, n, key, value)
    {
        if (!yyjson_is_str(value)) {
            return failed_at(f, REJECT, "/tags", "a tag is no text");
        }
        to->tag[to->tags_n++] = (struct metric_tag){json_text(key), json_text(value)};
    }
    metric_sort_tags(to);
    return OK;
}

static bool read_time(yyjson_val *from, int64_t *to)
{
    *to = TIME_NONE;
    return !from || clock_parse(json_text(from), to);
}

enum outcome metric_read(struct arena *a, struct str json, struct metric *out, struct failure *f)
{
    yyjson_doc *doc = NULL;
    const enum outcome result = json_read(a, json, &doc, f);
    if (result != OK) {
        return result;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    yyjson_val *const value = json_get(root, S("value"));
    yyjson_val *const aside = json_get(root, S("aside"));
    if (aside) {
        const struct str pointer = json_text(json_get(root, S("pointer")));
        return failed_at(f, REJECT, arena_cstr(a, pointer), "%.*s", STR_ARG(json_text(aside)));
    }
    *out = (struct metric){.collector = json_text(json_get(root, S("collector"))),
                           .name = json_text(json_get(root, S("name"))),
                           .type = json_text(json_get(root, S("type"))),
                           .value = yyjson_get_num(value),
                           .grain_us = yyjson_get_sint(json_get(root, S("grain_us"))),
                           .row = json_text(json_get(root, S("row"))),
                           .nth = yyjson_get_uint(json_get(root, S("nth"))),
                           .body = json_text(json_get(root, S("body")))};
    if (!yyjson_is_num(value) && out->body.len == 0) {
        return failed_at(f, REJECT, "/value", "it is no number");
    }
    if (!read_time(json_get(root, S("at")), &out->at_us) || out->at_us == TIME_NONE) {
        return failed_at(f, REJECT, "/at", "it is no time");
    }
    if (!read_time(json_get(root, S("window_start")), &out->window_start_us) ||
        !read_time(json_get(root, S("window_end")), &out->window_end_us) ||
        !read_time(json_get(root, S("scheduled")), &out->scheduled_us)) {
        return failed(f, REJECT, "window_start, window_end and scheduled are times");
    }
    return read_tags(a, json_get(root, S("tags")), out, f);
}

/* ---- signal and fact ---- */

/* `what` makes the id. */
static struct signal signal_of(struct arena *a, struct str collector, struct str what,
                               int64_t at_us, struct str data)
{
    char id[METRIC_KEY_BYTES];
    hash_128_hex(what, id);
    return (struct signal){.id = arena_str(a, (struct str){id, sizeof id}),
                           .source = arena_printf(a, "/collectors/%.*s", STR_ARG(collector)),
                           .type = str_of(metric_signal_type),
                           .datacontenttype = S("application/json"),
                           .partitionkey = collector,
                           .time_us = at_us,
                           .agent = collector,
                           .received_us = at_us,
                           .data = data};
}

void metric_signal(struct arena *a, const struct metric *m, struct str data, struct signal *out)
{
    struct buf b;
    buf_init(&b, a, METRIC_BYTES_MAX);
    buf_add(&b, metric_key(a, m));
    buf_add_byte(&b, ' ');
    add_number(&b, m->value);
    buf_add(&b, m->body);
    if (m->grain_us > 0 && m->row.len == 0) {
        buf_printf(&b, " %lld", (long long)m->scheduled_us);
    }
    if (m->anew_us > 0) {
        buf_printf(&b, " anew %lld", (long long)m->anew_us);
    }
    *out = signal_of(a, m->collector, buf_str(&b), m->at_us, data);
}

void metric_signal_aside(struct arena *a, struct str collector, struct str data, struct signal *out)
{
    *out = signal_of(a, collector, data, clock_now_us(), data);
}

struct str metric_id_since(struct arena *a, struct str id, int64_t since_us)
{
    char *const out = arena_array(a, char, METRIC_KEY_BYTES + 1);
    const struct str text = arena_printf(a, "%.*s since %lld", STR_ARG(id), (long long)since_us);
    hash_128_hex(text, out);
    return (struct str){out, METRIC_KEY_BYTES};
}

/* Asked in the catalogue's order each is found at once. */
struct reading {
    const struct row *row;
    size_t next;
};

static const struct value *value_of(struct reading *r, struct str column)
{
    const size_t i = model_column_from(r->row->model, r->next, column);
    assert(i < r->row->model->columns_n);
    r->next = i + 1;
    return &r->row->value[i];
}

static int64_t time_of(struct reading *r, struct str column)
{
    const struct value *const v = value_of(r, column);
    return v->kind == VALUE_TIME ? v->number : TIME_NONE;
}

static struct str text_of(struct reading *r, struct str column)
{
    const struct value *const v = value_of(r, column);
    return v->kind == VALUE_TEXT || v->kind == VALUE_JSON ? v->text : S("");
}

enum outcome metric_of_fact(struct arena *a, const struct signal *fact, struct metric *out,
                            struct failure *f)
{
    struct row row;
    yyjson_doc *tags = NULL;
    const struct model *const m = fact_model(fact);
    if (!m || strcmp(m->name, "metric") != 0) {
        return failed(f, REJECT, "it is no fact of model metric");
    }
    enum outcome result = fact_read(a, fact, &row, f);
    if (result != OK) {
        return result;
    }
    struct reading r = {.row = &row};
    *out = (struct metric){.at_us = fact->time_us};
    out->key = text_of(&r, S("key"));
    out->name = text_of(&r, S("name"));
    const struct str tags_text = text_of(&r, S("tags"));
    out->window_start_us = time_of(&r, S("window_start_at"));
    out->window_end_us = time_of(&r, S("window_end_at"));
    out->type = text_of(&r, S("type"));
    out->value = value_of(&r, S("value"))->real;
    out->collector = text_of(&r, S("collector"));
    out->body = text_of(&r, S("body"));
    out->scheduled_us = time_of(&r, S("scheduled_at"));
    result = json_read(a, tags_text, &tags, f);
    return result == OK ? read_tags(a, yyjson_doc_get_root(tags), out, f) : result;
}
