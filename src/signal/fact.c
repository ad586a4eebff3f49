#include "signal/fact.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "signal/member.h"
#include "signal/rank.h"
#include "signal/value.h"

static const struct str type_prefix = STR("weir.fact.");

/* A latest group that the fact speaks of. */
struct fact_rank {
    size_t column; /* of the FOLD_RANK */
    int64_t time_us;
    unsigned ordinal;
    uint64_t content; /* hash of the group's members written so far */
};

/* What column_type holds what value_kind, and the other way. */
static const enum value_kind kind_of[] = {
    [COLUMN_TEXT] = VALUE_TEXT, [COLUMN_INT] = VALUE_INT,   [COLUMN_REAL] = VALUE_REAL,
    [COLUMN_BOOL] = VALUE_BOOL, [COLUMN_TIME] = VALUE_TIME, [COLUMN_LIST] = VALUE_LIST,
    [COLUMN_JSON] = VALUE_JSON,
};

struct fact fact_begin(struct arena *a, const struct model *m, int64_t at_us)
{
    assert(at_us != TIME_NONE);
    return (struct fact){.model = m,
                         .arena = a,
                         .value = arena_array(a, struct value, m->columns_n),
                         .at_us = at_us,
                         .rank = arena_array(a, struct fact_rank, FACT_GROUPS_MAX)};
}

/* Index of the column; looked for from where the last one was found, since mappings mostly follow
 * the catalogue's order. */
static size_t column_of(struct fact *fact, const char *name)
{
    const struct model *const m = fact->model;
    size_t i = fact->next;
    for (size_t n = 0; n < m->columns_n; n++, i++) {
        i = i < m->columns_n ? i : 0;
        if (strcmp(m->columns[i].name, name) == 0) {
            fact->next = i + 1;
            return i;
        }
    }
    assert(false && "the model has no such column");
    return 0;
}

static struct value *slot(struct fact *fact, const char *column, enum value_kind kind)
{
    const size_t i = column_of(fact, column);
    const struct column *const c = fact->model->columns + i;
    assert(column_is_in_fact(c) && c->rule != FOLD_ARRIVAL && c->rule != FOLD_FACT);
    assert(c->rule != FOLD_RANK); /* fact_group's */
    assert(kind == VALUE_NULL || kind == kind_of[c->type]);
    assert(fact->value[i].kind == VALUE_NULL);
    return fact->value + i;
}

void fact_set(struct fact *fact, const char *column, struct value v)
{
    struct value *const to = slot(fact, column, v.kind);
    const bool is_number = v.kind != VALUE_REAL || isfinite(v.real);
    *to = is_number ? v : (struct value){.kind = VALUE_NULL};
}

void fact_text(struct fact *fact, const char *column, struct str text)
{
    fact_set(fact, column,
             (struct value){.kind = text.len ? VALUE_TEXT : VALUE_NULL, .text = text});
}

void fact_time(struct fact *fact, const char *column, int64_t time_us)
{
    fact_set(
        fact, column,
        (struct value){.kind = time_us == TIME_NONE ? VALUE_NULL : VALUE_TIME, .number = time_us});
}

void fact_int(struct fact *fact, const char *column, int64_t number)
{
    fact_set(fact, column, (struct value){.kind = VALUE_INT, .number = number});
}

void fact_bool(struct fact *fact, const char *column, bool is)
{
    fact_set(fact, column, (struct value){.kind = VALUE_BOOL, .is = is});
}

void fact_group(struct fact *fact, const char *group, int64_t time_us, unsigned ordinal)
{
    const struct model *const m = fact->model;
    size_t i = 0;
    while (i < m->columns_n &&
           (m->columns[i].rule != FOLD_RANK || strcmp(m->columns[i].a, group) != 0)) {
        i++;
    }
    assert(i < m->columns_n && "the model has no such group");
    assert(time_us != TIME_NONE && fact->ranks_n < FACT_GROUPS_MAX);
    for (size_t k = 0; k < fact->ranks_n; k++) {
        assert(fact->rank[k].column != i);
    }
    fact->rank[fact->ranks_n++] = (struct fact_rank){
        .column = i, .time_us = time_us, .ordinal = ordinal};
}

void fact_member(struct fact *fact, const char *list, struct str member, int64_t time_us,
                 struct str value)
{
    const size_t i = column_of(fact, list);
    struct value *const v = fact->value + i;
    assert(fact->model->columns[i].rule == FOLD_MEMBERS && time_us != TIME_NONE);
    const size_t n = v->kind == VALUE_LIST ? v->list.n : 0;
    if ((n & (n - 1)) == 0) { /* full at 0, 1, 2, 4, … */
        struct str *const at = arena_array(fact->arena, struct str, n ? 2 * n : 1);
        if (n) {
            memcpy(at, v->list.at, n * sizeof *at);
        }
        v->list.at = at;
    }
    v->kind = VALUE_LIST;
    v->list.at[n] = member_write(fact->arena, member, time_us, value);
    v->list.n = n + 1;
}

static int text_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sets have one order, so that equal facts have equal bytes. */
static void sort_sets(struct fact *fact)
{
    for (size_t i = 0; i < fact->model->columns_n; i++) {
        const enum fold_rule rule = fact->model->columns[i].rule;
        const struct value *const v = fact->value + i;
        if ((rule == FOLD_UNION || rule == FOLD_MEMBERS) && v->kind == VALUE_LIST) {
            qsort(v->list.at, v->list.n, sizeof *v->list.at, text_order);
        }
    }
}

void value_write(struct buf *b, const struct value *v)
{
    char time[CLOCK_TEXT_BYTES];
    switch (v->kind) {
    case VALUE_NULL: buf_add(b, S("null")); break;
    case VALUE_TEXT: buf_add_json(b, v->text); break;
    case VALUE_JSON: buf_add(b, v->text); break;
    case VALUE_INT: buf_add_i64(b, v->number); break;
    case VALUE_REAL: buf_printf(b, "%.17g", v->real); break;
    case VALUE_BOOL: buf_add(b, v->is ? S("true") : S("false")); break;
    case VALUE_TIME:
        buf_add_byte(b, '"');
        buf_add(b, (struct str){time, clock_text(v->number, time)});
        buf_add_byte(b, '"');
        break;
    case VALUE_LIST:
        buf_add_byte(b, '[');
        for (size_t i = 0; i < v->list.n; i++) {
            if (i) {
                buf_add_byte(b, ',');
            }
            buf_add_json(b, v->list.at[i]);
        }
        buf_add_byte(b, ']');
        break;
    }
}

/* `"name":value`, after a comma unless it is the first; returns where it begins. */
static size_t write_member(struct buf *b, const char *name, const struct value *v)
{
    if (b->len && b->at[b->len - 1] != '{') {
        buf_add_byte(b, ',');
    }
    const size_t start = b->len;
    buf_add_byte(b, '"');
    buf_add(b, str_of(name));
    buf_add(b, S("\":"));
    value_write(b, v);
    return start;
}

static void write_text(struct buf *b, const char *name, struct str text)
{
    if (text.len) {
        (void)write_member(b, name, &(struct value){.kind = VALUE_TEXT, .text = text});
    }
}

static struct fact_rank *rank_of(const struct fact *fact, const char *group)
{
    for (size_t i = 0; i < fact->ranks_n; i++) {
        if (strcmp(fact->model->columns[fact->rank[i].column].a, group) == 0) {
            return fact->rank + i;
        }
    }
    return NULL;
}

/* Everything that the fact says, in the catalogue's order, then its ranks: what fact_id is made of.
 */
static void write_content(struct buf *b, const struct fact *fact)
{
    const struct model *const m = fact->model;
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct value *const v = fact->value + i;
        if (v->kind == VALUE_NULL) {
            continue;
        }
        const size_t start = write_member(b, m->columns[i].name, v);
        if (m->columns[i].rule == FOLD_LATEST) {
            struct fact_rank *const rank = rank_of(fact, m->columns[i].a);
            assert(rank && "fact_group was not called for the column's group");
            rank->content = buf_is_over(b)
                                ? 0
                                : hash_64(str_sub(buf_str(b), start, b->len), rank->content);
        }
    }
    for (size_t i = 0; i < fact->ranks_n; i++) {
        const struct fact_rank *const rank = fact->rank + i;
        char content[16];
        char text[RANK_BYTES];
        hex_u64(rank->content, content);
        rank_write(rank->time_us, rank->ordinal, (struct str){content, sizeof content}, text);
        write_text(b, m->columns[rank->column].name, (struct str){text, sizeof text});
    }
}

static enum outcome check_keys(const struct fact *fact, struct failure *f)
{
    for (size_t i = 0; i < fact->model->columns_n; i++) {
        const struct column *const c = fact->model->columns + i;
        if (c->rule == FOLD_KEY && fact->value[i].kind == VALUE_NULL) {
            return failed(f, REJECT, "the key %s of a %s is not known", c->name, fact->model->name);
        }
    }
    return OK;
}

enum outcome fact_end(struct fact *fact, const struct signal *raw, struct str raw_at,
                      struct signal *out, struct failure *f)
{
    const enum outcome keys = check_keys(fact, f);
    if (keys != OK) {
        return keys;
    }
    sort_sets(fact);
    const struct value at = {.kind = VALUE_TIME, .number = fact->at_us};
    struct value *const revised = fact->value + column_of(fact, "revised_at");
    *revised = revised->kind == VALUE_NULL ? at : *revised;
    struct buf b;
    buf_init(&b, fact->arena, FACT_BYTES_MAX);
    buf_add(&b, type_prefix);
    buf_add(&b, str_of(fact->model->name));
    const size_t type_len = b.len;
    buf_add_byte(&b, '{');
    write_content(&b, fact);
    (void)write_member(&b, "fact_at", &at);
    char id[32];
    hash_128_hex(buf_str(&b), id);
    const size_t id_at = write_member(&b, "fact_id",
                                      &(struct value){.kind = VALUE_TEXT, .text = {id, sizeof id}});
    write_text(&b, "agent", raw->agent);
    write_text(&b, "raw", raw_at);
    if (raw->received_us != TIME_NONE) {
        (void)write_member(&b, "received_at",
                           &(struct value){.kind = VALUE_TIME, .number = raw->received_us});
    }
    buf_add_byte(&b, '}');
    if (b.is_short) {
        return failed(f, REJECT,
                      "its facts together take more than %zu bytes of memory, the most for a "
                      "signal of %zu bytes",
                      fact->arena->bytes_max, raw->data.len);
    }
    if (buf_is_over(&b)) {
        return failed(f, REJECT, "a fact of %s exceeds %d bytes", fact->model->name,
                      FACT_BYTES_MAX);
    }
    const struct str text = buf_str(&b);
    *out = (struct signal){
        .id = str_sub(text, id_at + strlen("\"fact_id\":\""), sizeof id),
        .source = raw->source,
        .type = str_sub(text, 0, type_len),
        .partitionkey = raw->partitionkey,
        .time_us = fact->at_us,
        .agent = raw->agent,
        .received_us = raw->received_us,
        .data = str_sub(text, type_len, text.len),
    };
    return OK;
}

const struct model *fact_model(const struct signal *s)
{
    return str_starts(s->type, type_prefix)
               ? model_find(str_sub(s->type, type_prefix.len, s->type.len))
               : NULL;
}
