#include "signal/facts.h"

#include <stdlib.h>

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators) */
unsigned roll(struct dice *d, unsigned n)
{
    uint64_t z = d->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (unsigned)((z ^ (z >> 31)) % n);
}

static int64_t some_time(struct dice *d)
{
    static const int64_t times[] = {-1, 0, 1500000000000000, 1500000000000001, 1700000000000000};
    return times[roll(d, 5)];
}

static struct str some_text(struct dice *d)
{
    static const struct str texts[] = {STR("a"), STR("ab"), STR("é\n\"'\\"), STR("zoe"), STR("0")};
    return texts[roll(d, 5)];
}

static struct value some_list(struct dice *d, struct arena *a)
{
    struct value v = {.kind = VALUE_LIST};
    v.list.n = roll(d, 4);
    v.list.at = arena_array(a, struct str, v.list.n);
    for (size_t i = 0; i < v.list.n; i++) {
        v.list.at[i] = some_text(d);
    }
    return v;
}

static struct value some_value(struct dice *d, struct arena *a, enum column_type type)
{
    switch (type) {
    case COLUMN_TEXT: return (struct value){.kind = VALUE_TEXT, .text = some_text(d)};
    case COLUMN_INT: return (struct value){.kind = VALUE_INT, .number = (int64_t)roll(d, 4) - 1};
    case COLUMN_REAL: return (struct value){.kind = VALUE_REAL, .real = roll(d, 4) / 4.0};
    case COLUMN_BOOL: return (struct value){.kind = VALUE_BOOL, .is = roll(d, 2)};
    case COLUMN_TIME: return (struct value){.kind = VALUE_TIME, .number = some_time(d)};
    case COLUMN_LIST: return some_list(d, a);
    case COLUMN_JSON:
        return (struct value){.kind = VALUE_JSON,
                              .text = roll(d, 2) ? S("{\"x\":[1,2.5,null]}") : S("[\"é\"]")};
    }
    abort();
}

static void set_members(struct dice *d, struct fact *fact, const struct column *c)
{
    static const struct str words[] = {STR("approved"), STR("dismissed")};
    static const struct str jsons[] = {STR("1"), STR("\"x\"")};
    const bool is_json = strcmp(c->name, "attributes_by") == 0;
    for (unsigned n = roll(d, 4); n > 0; n--) {
        fact_member(fact, c->name, some_text(d), some_time(d),
                    is_json ? jsons[roll(d, 2)] : words[roll(d, 2)]);
    }
}

static struct value some_key(struct dice *d, struct arena *a, enum column_type type, unsigned key)
{
    (void)d;
    return type == COLUMN_INT
               ? (struct value){.kind = VALUE_INT, .number = key}
               : (struct value){.kind = VALUE_TEXT, .text = arena_printf(a, "key/%u", key)};
}

struct signal fact_random(struct dice *d, struct arena *a, const struct model *m, unsigned keys)
{
    struct fact fact = fact_begin(a, m, some_time(d));
    bool speaks[64] = {false};
    const unsigned key = roll(d, keys);
    for (size_t i = 0; i < m->columns_n; i++) {
        speaks[i] = m->columns[i].rule == FOLD_RANK && roll(d, 3) > 0;
        if (speaks[i]) {
            fact_group(&fact, m->columns[i].a, some_time(d), roll(d, 2));
        }
    }
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct column *const c = m->columns + i;
        bool is_told = c->rule == FOLD_EARLIEST || c->rule == FOLD_UNION;
        for (size_t k = 0; k < m->columns_n && c->rule == FOLD_LATEST; k++) {
            is_told |= speaks[k] && strcmp(m->columns[k].a, c->a) == 0;
        }
        if (c->rule == FOLD_KEY) {
            fact_set(&fact, c->name, some_key(d, a, c->type, key));
        } else if (c->rule == FOLD_MEMBERS) {
            set_members(d, &fact, c);
        } else if (is_told && roll(d, 4) > 0) {
            fact_set(&fact, c->name, some_value(d, a, c->type));
        }
    }
    const unsigned from = roll(d, 4);
    const struct signal raw = {.agent = from % 2 ? S("github") : S("builds"),
                               .source = S("/agents/x"),
                               .time_us = TIME_NONE,
                               .received_us = 1700000000000000 + from / 2};
    struct signal out;
    struct failure f;
    if (fact_end(&fact, &raw, arena_printf(a, "intake-0:%u", from), &out, &f) != OK) {
        abort();
    }
    return out;
}
