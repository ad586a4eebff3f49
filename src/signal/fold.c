#include "signal/fold.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "signal/member.h"

enum { JSON_BYTES_MAX = 256 * 1024 * 1024, ESCAPED = 6 /* bytes that one may need in JSON */ };
_Static_assert(JSON_BYTES_MAX / ESCAPED > FOLD_LISTS_BYTES_MAX, "a row's members fit as an object");

static int number_cmp(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int list_cmp(const struct value *a, const struct value *b)
{
    for (size_t i = 0; i < a->list.n && i < b->list.n; i++) {
        const int order = str_cmp(a->list.at[i], b->list.at[i]);
        if (order != 0) {
            return order;
        }
    }
    return number_cmp((int64_t)a->list.n, (int64_t)b->list.n);
}

/* Order of two values of one column; null comes first. */
static int value_cmp(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) {
        assert(a->kind == VALUE_NULL || b->kind == VALUE_NULL);
        return a->kind == VALUE_NULL ? -1 : 1;
    }
    switch (a->kind) {
    case VALUE_NULL: return 0;
    case VALUE_TEXT:
    case VALUE_JSON: return str_cmp(a->text, b->text);
    case VALUE_INT:
    case VALUE_TIME: return number_cmp(a->number, b->number);
    case VALUE_REAL: return (a->real > b->real) - (a->real < b->real);
    case VALUE_BOOL: return a->is - b->is;
    case VALUE_LIST: return list_cmp(a, b);
    }
    return 0;
}

struct str row_key(struct arena *a, const struct row *r)
{
    struct buf b;
    buf_init(&b, a, JSON_BYTES_MAX);
    for (size_t i = 0; i < r->model->columns_n; i++) {
        const struct value *const v = r->value + i;
        if (r->model->columns[i].rule != FOLD_KEY) {
            continue;
        }
        const bool is_text = v->kind == VALUE_TEXT;
        assert(is_text || v->kind == VALUE_INT);
        const struct str bytes = is_text ? v->text
                                         : (struct str){(const char *)&v->number, sizeof v->number};
        const uint64_t len = bytes.len;
        buf_add(&b, (struct str){(const char *)&len, sizeof len});
        buf_add(&b, bytes);
    }
    assert(!buf_is_over(&b));
    return buf_str(&b);
}

int row_key_cmp(const struct row *a, const struct row *b)
{
    int order = 0;
    for (size_t i = 0; order == 0 && i < a->model->columns_n; i++) {
        if (a->model->columns[i].rule == FOLD_KEY) {
            order = value_cmp(a->value + i, b->value + i);
        }
    }
    return order;
}

/* ---- lists ---- */

static int text_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Both lists one after the other, to be sorted by the caller. */
static struct value joined(struct arena *a, const struct value *x, const struct value *y)
{
    const size_t x_n = x->kind == VALUE_LIST ? x->list.n : 0;
    struct value v = {.kind = VALUE_LIST};
    v.list.n = x_n + y->list.n;
    v.list.at = arena_array(a, struct str, v.list.n);
    if (x_n) {
        memcpy(v.list.at, x->list.at, x_n * sizeof *v.list.at);
    }
    if (y->list.n) {
        memcpy(v.list.at + x_n, y->list.at, y->list.n * sizeof *v.list.at);
    }
    return v;
}

/* Each text once, in order. */
static void fold_union(struct arena *a, struct value *into, const struct value *from)
{
    struct value v = joined(a, into, from);
    size_t n = 0;
    qsort(v.list.at, v.list.n, sizeof *v.list.at, text_order);
    for (size_t i = 0; i < v.list.n; i++) {
        if (n == 0 || !str_eq(v.list.at[n - 1], v.list.at[i])) {
            v.list.at[n++] = v.list.at[i];
        }
    }
    v.list.n = n;
    *into = v;
}

static struct member member_of(struct str entry)
{
    struct member m;
    const bool is = member_read(entry, &m);
    assert(is); /* fact_read and the store let nothing else in */
    return m;
}

/* By member, then the whole entry, which begins with the rank: the latest of a member stands last.
 */
static int member_order(const void *a, const void *b)
{
    const struct member x = member_of(*(const struct str *)a);
    const struct member y = member_of(*(const struct str *)b);
    const int order = str_cmp(x.name, y.name);
    return order != 0 ? order : str_cmp(x.entry, y.entry);
}

static void fold_members(struct arena *a, struct value *into, const struct value *from)
{
    struct value v = joined(a, into, from);
    size_t n = 0;
    qsort(v.list.at, v.list.n, sizeof *v.list.at, member_order);
    for (size_t i = 0; i < v.list.n; i++) {
        const bool is_later = n > 0 && str_eq(member_of(v.list.at[n - 1]).name,
                                              member_of(v.list.at[i]).name);
        n -= is_later;
        v.list.at[n++] = v.list.at[i];
    }
    v.list.n = n;
    *into = v;
}

/* ---- the fold ---- */

/* The whole group, nulls included, of the greater rank. */
static void fold_group(struct row *into, const struct row *from, size_t rank)
{
    const struct column *const columns = into->model->columns;
    if (value_cmp(from->value + rank, into->value + rank) <= 0) {
        return;
    }
    into->value[rank] = from->value[rank];
    for (size_t i = 0; i < into->model->columns_n; i++) {
        if (columns[i].rule == FOLD_LATEST && strcmp(columns[i].a, columns[rank].a) == 0) {
            into->value[i] = from->value[i];
        }
    }
}

/* The columns that follow arrival, all of the row that came first: by received_at, then raw, then
 * agent, which is the catalogue's order backwards; null came never. */
static void fold_arrival(struct row *into, const struct row *from)
{
    const struct model *const m = into->model;
    int order = 0;
    for (size_t i = m->columns_n; order == 0 && i-- > 0;) {
        const struct value *const x = from->value + i;
        const struct value *const y = into->value + i;
        const bool is_known = x->kind != VALUE_NULL && y->kind != VALUE_NULL;
        if (m->columns[i].rule == FOLD_ARRIVAL) {
            order = is_known ? value_cmp(x, y) : value_cmp(y, x);
        }
    }
    for (size_t i = 0; order < 0 && i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_ARRIVAL) {
            into->value[i] = from->value[i];
        }
    }
}

static void fold_column(struct arena *a, struct row *into, const struct row *from, size_t i)
{
    const struct value *const x = from->value + i;
    struct value *const to = into->value + i;
    switch (into->model->columns[i].rule) {
    case FOLD_KEY:
        assert(to->kind == VALUE_NULL || value_cmp(to, x) == 0);
        *to = *x;
        break;
    case FOLD_EARLIEST:
        *to = x->kind != VALUE_NULL && (to->kind == VALUE_NULL || value_cmp(x, to) < 0) ? *x : *to;
        break;
    case FOLD_GREATEST: *to = value_cmp(x, to) > 0 ? *x : *to; break;
    case FOLD_UNION:
        if (x->kind == VALUE_LIST) {
            fold_union(a, to, x);
        }
        break;
    case FOLD_MEMBERS:
        if (x->kind == VALUE_LIST) {
            fold_members(a, to, x);
        }
        break;
    case FOLD_RANK: fold_group(into, from, i); break;
    case FOLD_LATEST:  /* with its rank */
    case FOLD_ARRIVAL: /* all together  */
    case FOLD_FACT:
    case FOLD_SPAN:
    case FOLD_HOLDING:
    case FOLD_OBJECT:
    case FOLD_DERIVED: break;
    }
}

void fold_into(struct arena *a, struct row *into, const struct row *from)
{
    assert(into->model == from->model);
    fold_arrival(into, from);
    for (size_t i = 0; i < into->model->columns_n; i++) {
        fold_column(a, into, from, i);
    }
}

/* ---- within bounds ---- */

static size_t list_bytes(const struct row *r, size_t column)
{
    enum { AROUND = 3 /* its quotes and a comma */ };
    const enum fold_rule rule = r->model->columns[column].rule;
    const struct value *const v = r->value + column;
    size_t sum = 0;
    if ((rule != FOLD_UNION && rule != FOLD_MEMBERS) || v->kind != VALUE_LIST) {
        return 0;
    }
    for (size_t i = 0; i < v->list.n; i++) {
        sum += v->list.at[i].len + AROUND;
    }
    return sum;
}

static size_t lists_bytes(const struct row *r)
{
    size_t sum = 0;
    for (size_t i = 0; i < r->model->columns_n; i++) {
        sum += list_bytes(r, i);
    }
    return sum;
}

/* The column that has grown most. */
static const char *grown_most(const struct row *before, const struct row *after)
{
    size_t most = 0;
    const char *name = "";
    for (size_t i = 0; i < after->model->columns_n; i++) {
        const size_t was = list_bytes(before, i);
        const size_t is = list_bytes(after, i);
        if (is > was && is - was > most) {
            most = is - was;
            name = after->model->columns[i].name;
        }
    }
    return name;
}

enum outcome fold_try(struct arena *a, struct row *into, const struct row *from, struct failure *f)
{
    const size_t before = lists_bytes(into);
    if (before + lists_bytes(from) <= FOLD_LISTS_BYTES_MAX) {
        fold_into(a, into, from);
        return OK;
    }
    struct row both = row_new(a, into->model);
    memcpy(both.value, into->value, into->model->columns_n * sizeof *both.value);
    fold_into(a, &both, from);
    const size_t after = lists_bytes(&both);
    if (after > FOLD_LISTS_BYTES_MAX && after > before) {
        const char *const name = grown_most(into, &both);
        char pointer[sizeof f->pointer];
        (void)snprintf(pointer, sizeof pointer, "/%s", name);
        return failed_at(f, REJECT, pointer,
                         "with it the lists of the %s would hold %zu bytes, above all %s: a row "
                         "takes %d",
                         into->model->name, after, name, FOLD_LISTS_BYTES_MAX);
    }
    *into = both;
    return OK;
}

/* ---- computed columns ---- */

static const struct value *column_value(const struct row *r, const char *name)
{
    const size_t i = model_column(r->model, str_of(name));
    assert(i < r->model->columns_n);
    return r->value + i;
}

static struct value span(const struct value *from, const struct value *to)
{
    if (from->kind != VALUE_TIME || to->kind != VALUE_TIME || to->number < from->number) {
        return (struct value){.kind = VALUE_NULL};
    }
    return (struct value){.kind = VALUE_REAL, .real = (double)(to->number - from->number) / 1e6};
}

static struct value holding(struct arena *a, const struct value *members, const char *wanted)
{
    struct value v = {.kind = VALUE_NULL};
    if (members->kind != VALUE_LIST) {
        return v;
    }
    v.kind = VALUE_LIST;
    v.list.at = arena_array(a, struct str, members->list.n);
    v.list.n = 0;
    for (size_t i = 0; i < members->list.n; i++) {
        const struct member m = member_of(members->list.at[i]);
        if (str_eq(m.value, str_of(wanted))) {
            v.list.at[v.list.n++] = m.name;
        }
    }
    return v;
}

static struct value object(struct arena *a, const struct value *members)
{
    if (members->kind != VALUE_LIST || members->list.n == 0) {
        return (struct value){.kind = VALUE_NULL};
    }
    struct buf b;
    buf_init(&b, a, JSON_BYTES_MAX);
    for (size_t i = 0; i < members->list.n; i++) {
        const struct member m = member_of(members->list.at[i]);
        buf_add_byte(&b, i ? ',' : '{');
        buf_add_json(&b, m.name);
        buf_add_byte(&b, ':');
        buf_add(&b, m.value);
    }
    buf_add_byte(&b, '}');
    if (buf_is_over(&b)) { /* a row of a weir that had no FOLD_LISTS_BYTES_MAX */
        return (struct value){.kind = VALUE_NULL};
    }
    return (struct value){.kind = VALUE_JSON, .text = buf_str(&b)};
}

void fold_finish(struct arena *a, struct row *r)
{
    for (size_t i = 0; i < r->model->columns_n; i++) {
        const struct column *const c = r->model->columns + i;
        if (c->rule == FOLD_SPAN) {
            r->value[i] = span(column_value(r, c->a), column_value(r, c->b));
        } else if (c->rule == FOLD_HOLDING) {
            r->value[i] = holding(a, column_value(r, c->a), c->b);
        } else if (c->rule == FOLD_OBJECT) {
            r->value[i] = object(a, column_value(r, c->a));
        }
    }
}

bool row_eq(const struct row *a, const struct row *b)
{
    for (size_t i = 0; i < a->model->columns_n; i++) {
        const enum fold_rule rule = a->model->columns[i].rule;
        if (rule != FOLD_ARRIVAL && rule != FOLD_FACT && value_cmp(a->value + i, b->value + i)) {
            return false;
        }
    }
    return true;
}
