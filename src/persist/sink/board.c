#include "persist/sink/board.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/wall.h"
#include "persist/sink/shape.h"
#include "wire/exposition.h"
#include "wire/json.h"

enum { SLOTS_MIN = 64, KEY_BYTES_MAX = 1 << 16, BYTES_MAX = 32 << 20, MEMBERS = 5 };
#define ARENA_BYTES_MAX ((size_t)4 << 30)

struct point {
    uint64_t hash;
    struct str key;    /* name{label="value"}, as it is shown  */
    size_t name_bytes; /* … of it, the name's                  */
    struct str origin; /* the metric's own name                */
    double value;
    int64_t at_us, read_us; /* what it is of; when it was read */
};

struct board {
    struct arena arena[2]; /* texts and tables, in turn: swept into the other one */
    int in;                /* which one                                          */
    struct point *point;
    size_t n, room, bytes, series_max;
    uint32_t *slot; /* by hash, 1 + index; 0: free; slots_n is a power of two */
    size_t slots_n;
    int64_t keep_us;
};

static void close_arenas(void *board)
{
    struct board *const b = board;
    arena_close(&b->arena[0]);
    arena_close(&b->arena[1]);
}

static void index_all(struct board *b, size_t slots_n)
{
    b->slots_n = slots_n;
    b->slot = arena_array(&b->arena[b->in], uint32_t, slots_n);
    for (size_t i = 0; i < b->n; i++) {
        size_t at = b->point[i].hash & (slots_n - 1);
        while (b->slot[at] != 0) {
            at = (at + 1) & (slots_n - 1);
        }
        b->slot[at] = (uint32_t)i + 1;
    }
}

struct board *board_open(struct arena *a, size_t series_max, int64_t keep_ms)
{
    struct board *const b = arena_new(a, struct board);
    b->series_max = series_max;
    b->keep_us = keep_ms < INT64_MAX / 2000 ? keep_ms * 1000 : INT64_MAX / 2;
    arena_init(&b->arena[0], ARENA_BYTES_MAX);
    arena_init(&b->arena[1], ARENA_BYTES_MAX);
    arena_defer(a, close_arenas, b);
    index_all(b, SLOTS_MIN);
    return b;
}

static struct point *find(const struct board *b, struct str key, uint64_t hash)
{
    for (size_t at = hash & (b->slots_n - 1); b->slot[at] != 0; at = (at + 1) & (b->slots_n - 1)) {
        struct point *const p = &b->point[b->slot[at] - 1];
        if (p->hash == hash && str_eq(p->key, key)) {
            return p;
        }
    }
    return NULL;
}

static enum outcome add(struct board *b, const struct point *p, struct failure *f)
{
    struct arena *const a = &b->arena[b->in];
    if (b->n >= b->series_max || b->bytes + p->key.len + p->origin.len > BYTES_MAX) {
        return failed(f, REJECT,
                      "there are %zu series already (series_max, and %d MiB of names): this one is "
                      "not shown",
                      b->n, BYTES_MAX >> 20);
    }
    b->point = arena_more(a, b->point, b->n, &b->room, sizeof *b->point);
    b->point[b->n] = *p;
    b->point[b->n].key = arena_str(a, p->key);
    b->point[b->n].origin = arena_str(a, p->origin);
    b->bytes += p->key.len + p->origin.len;
    b->n++;
    if (2 * b->n > b->slots_n) {
        index_all(b, 2 * b->slots_n);
        return OK;
    }
    size_t at = p->hash & (b->slots_n - 1);
    while (b->slot[at] != 0) {
        at = (at + 1) & (b->slots_n - 1);
    }
    b->slot[at] = (uint32_t)b->n;
    return OK;
}

/* It was read while the clock was wrong. Times that are a few seconds apart are of a clock that was
 * put right. */
static bool is_ahead(const struct point *p, int64_t now_us)
{
    return now_us != TIME_NONE && p->read_us - WALL_STEP_MS * INT64_C(1000) > now_us;
}

static enum outcome put(struct board *b, struct point *p, int64_t now_us, struct failure *f)
{
    p->hash = hash_64(p->key, 0);
    struct point *const old = find(b, p->key, p->hash);
    if (!old) {
        return add(b, p, f);
    }
    const bool is_newer = p->at_us > old->at_us ||
                          (p->at_us == old->at_us && p->read_us >= old->read_us);
    if (is_newer || (is_ahead(old, now_us) && !is_ahead(p, now_us))) {
        old->value = p->value;
        old->at_us = p->at_us;
        old->read_us = p->read_us;
    }
    return OK;
}

static bool is_stale(const struct board *b, const struct point *p, int64_t now_us)
{
    return now_us != TIME_NONE && now_us - p->read_us > b->keep_us;
}

enum outcome board_put(struct board *b, const struct metric *m, int64_t at_us, int64_t now_us,
                       struct failure *f)
{
    struct arena a;
    struct series series;
    struct buf key;
    enum outcome result = OK;
    arena_init(&a, (size_t)1 << 30);
    series_of(&a, m, &series);
    buf_init(&key, &a, KEY_BYTES_MAX);
    buf_add(&key, series.name);
    for (size_t i = 0; i < series.labels_n; i++) {
        buf_add_byte(&key, i == 0 ? '{' : ',');
        exposition_add_label(&key, series.label[i].name, series.label[i].value);
    }
    buf_add(&key, series.labels_n > 0 ? S("}") : S(""));
    struct point p = {.key = buf_str(&key),
                      .name_bytes = series.name.len,
                      .origin = series_text(&a, m->name),
                      .value = m->value,
                      .at_us = at_us,
                      .read_us = m->at_us};
    if (buf_is_over(&key)) {
        result = failed(f, REJECT, "its name and tags are longer than %d KiB", KEY_BYTES_MAX >> 10);
    } else if (!is_stale(b, &p, now_us)) {
        result = put(b, &p, now_us, f);
    }
    arena_close(&a);
    return result;
}

void board_sweep(struct board *b, int64_t now_us)
{
    size_t gone = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct point *const p = &b->point[i];
        if (is_ahead(p, now_us)) { /* its age counts from when that is seen */
            p->read_us = now_us;
            p->at_us = p->at_us < now_us ? p->at_us : now_us;
        }
        gone += is_stale(b, p, now_us);
    }
    if (gone == 0) {
        return;
    }
    const struct point *const old = b->point;
    const size_t old_n = b->n;
    const int from = b->in;
    struct failure ignored;
    b->in = 1 - from;
    b->point = NULL;
    b->n = b->room = b->bytes = 0;
    index_all(b, SLOTS_MIN);
    for (size_t i = 0; i < old_n; i++) {
        if (!is_stale(b, &old[i], now_us)) {
            (void)add(b, &old[i], &ignored); /* there was room for all of them */
        }
    }
    arena_reset(&b->arena[from]);
}

/* ---- shown ---- */

/* A name is followed by a brace or by nothing, and a family stands together. */
static int by_family(const void *a, const void *b)
{
    const struct point *const x = *(const struct point *const *)a;
    const struct point *const y = *(const struct point *const *)b;
    const int order = str_cmp(str_sub(x->key, 0, x->name_bytes), str_sub(y->key, 0, y->name_bytes));
    return order != 0 ? order : str_cmp(x->key, y->key);
}

static void add_head(struct buf *b, struct str name, struct str origin)
{
    buf_printf(b, "# HELP %.*s The last value of ", STR_ARG(name));
    for (size_t i = 0; i < origin.len; i++) { /* a quote stays as it is there */
        const char c = origin.at[i];
        buf_add(b, c == '\\' ? S("\\\\") : c == '\n' ? S("\\n") : str_sub(origin, i, 1));
    }
    buf_printf(b, ".\n# TYPE %.*s gauge\n", STR_ARG(name));
}

static void show(const struct board *b, const struct point *p, bool is_first, struct arena *a,
                 struct buf *out)
{
    struct buf head, line;
    const struct str name = str_sub(p->key, 0, p->name_bytes);
    buf_init(&head, a, 4 * (size_t)KEY_BYTES_MAX);
    buf_init(&line, a, 2 * (size_t)KEY_BYTES_MAX);
    if (is_first) {
        add_head(&head, name, p->origin);
    }
    buf_printf(&line, "%.*s ", STR_ARG(p->key));
    shape_write_number(&line, p->value);
    buf_add_byte(&line, '\n');
    const struct board_line this = {.until_us = p->read_us + b->keep_us,
                                    .head_bytes = (uint32_t)head.len,
                                    .line_bytes = (uint32_t)line.len};
    buf_add(out, (struct str){(const char *)&this, sizeof this});
    buf_add(out, buf_str(&head));
    buf_add(out, buf_str(&line));
}

void board_show(const struct board *b, struct buf *out)
{
    struct arena a, one;
    arena_init(&a, ARENA_BYTES_MAX);
    arena_init(&one, ARENA_BYTES_MAX);
    const struct point **const sorted = arena_array(&a, const struct point *, b->n);
    for (size_t i = 0; i < b->n; i++) {
        sorted[i] = &b->point[i];
    }
    qsort(sorted, b->n, sizeof *sorted, by_family);
    for (size_t i = 0; i < b->n; i++) {
        const bool is_first = i == 0 ||
                              !str_eq(str_sub(sorted[i]->key, 0, sorted[i]->name_bytes),
                                      str_sub(sorted[i - 1]->key, 0, sorted[i - 1]->name_bytes));
        arena_reset(&one);
        show(b, sorted[i], is_first, &one, out);
    }
    arena_close(&one);
    arena_close(&a);
}

/* ---- kept ---- */

void board_write(const struct board *b, struct buf *out)
{
    buf_add_byte(out, '[');
    for (size_t i = 0; i < b->n; i++) {
        const struct point *const p = &b->point[i];
        buf_add(out, i > 0 ? S(",[") : S("["));
        buf_add_json(out, p->key);
        buf_add_byte(out, ',');
        buf_add_json(out, p->origin);
        buf_printf(out, ",%.17g,%lld,%lld]", p->value, (long long)p->at_us, (long long)p->read_us);
    }
    buf_add_byte(out, ']');
}

void board_read(struct board *b, struct str json)
{
    struct arena a;
    struct failure ignored;
    yyjson_doc *doc = NULL;
    yyjson_val *one = NULL;
    size_t i = 0, n = 0;
    arena_init(&a, ARENA_BYTES_MAX);
    if (json.len > 0 && json_read(&a, json, &doc, &ignored) == OK) {
        yyjson_arr_foreach(yyjson_doc_get_root(doc), i, n, one)
        {
            struct point p = {.key = series_text(&a, json_text(yyjson_arr_get(one, 0))),
                              .origin = series_text(&a, json_text(yyjson_arr_get(one, 1))),
                              .value = yyjson_get_num(yyjson_arr_get(one, 2)),
                              .at_us = yyjson_get_sint(yyjson_arr_get(one, 3)),
                              .read_us = yyjson_get_sint(yyjson_arr_get(one, 4))};
            p.name_bytes = str_find(p.key, '{');
            if (yyjson_arr_size(one) == MEMBERS && p.key.len > 0) {
                (void)put(b, &p, TIME_NONE, &ignored);
            }
        }
    }
    arena_close(&a);
}
