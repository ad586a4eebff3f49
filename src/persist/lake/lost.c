#include "persist/lake/lost.h"

enum { LOST_BYTES_MAX = 1 << 16 };

static void add_forgotten(struct lake *l, struct buf *b, const struct lake_table *t,
                          const char *what)
{
    const char *sign = b->len > 0 ? "; " : "";
    const size_t before = b->len;
    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct lake_lane *const lane = &l->lane[i];
        if (lake_lacks(t, lane)) {
            buf_printf(b, "%s%s/%.*s before %llu", sign, stream_name(lane->lane.stream),
                       STR_ARG(lane->lane.name), (unsigned long long)lane->begin.at);
            sign = ", ";
        }
    }
    if (b->len > before) {
        buf_printf(b, " is missing in %s", what);
    }
}

static bool is_anew(const struct lake *l, const struct lake_table *t)
{
    return t->log.version < 0 || !made_has(&l->made, t->log.table, bus_id(l->bus));
}

static bool lacks_any(const struct lake *l, const struct lake_table *t)
{
    for (size_t i = 0; i < l->lanes_n; i++) {
        if (lake_lacks(t, &l->lane[i])) {
            return true;
        }
    }
    return false;
}

struct str lost_told(struct lake *l)
{
    struct buf b;
    size_t facts = 0;
    const struct lake_table *fact = NULL;
    buf_init(&b, l->arena, LOST_BYTES_MAX);
    for (size_t i = 0; i < l->tables_n; i++) {
        const struct lake_table *const t = &l->table[i];
        if (!is_anew(l, t)) {
            continue;
        }
        if (lake_feeds(STREAM_RAW, t->model)) {
            add_forgotten(l, &b, t, "table raw: put its folder back with weir stopped");
        } else if (lacks_any(l, t)) {
            fact = fact ? fact : t;
            facts++;
        }
    }
    if (fact) {
        const struct str what = arena_printf(
            l->arena, "%zu tables of facts, %s first: weir replay makes them from table raw", facts,
            fact->model->name);
        add_forgotten(l, &b, fact, what.at);
    }
    return buf_str(&b);
}

enum outcome lost_check(struct lake *l, struct failure *f)
{
    const struct str id = bus_id(l->bus);
    const char *first = NULL;
    size_t lost = 0;
    enum outcome result = made_read(l->arena, l->config->data, &l->made, f);
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        const struct lake_table *const t = &l->table[i];
        bool has_own = false, has_forgotten = false;
        for (size_t k = 0; k < l->lanes_n; k++) {
            const struct lake_lane *const lane = &l->lane[k];
            if (lake_feeds(lane->lane.stream, t->model)) {
                has_own = has_own || delta_txn(&t->log, lane->app) >= 0;
                has_forgotten = has_forgotten || lane->begin.at > 0;
            }
        }
        if (made_is_lost(&l->made, &t->log, id, has_own, has_forgotten)) {
            first = first ? first : t->model->name;
            lost++;
        }
    }
    return lost == 0 ? result
                     : failed(f, STOP,
                              "%zu tables of the lake, %s first, are gone, and the streams have "
                              "forgotten what they held: put their folders back, or remove their "
                              "lines from %.*s to begin them anew",
                              lost, first, STR_ARG(l->made.path));
}
