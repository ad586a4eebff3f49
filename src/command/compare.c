#include "command/compare.h"

#include <stdio.h>

#include "command/row_read.h"
#include "signal/value.h"
#include "wire/json.h"

enum { SQL_BYTES_MAX = 1 << 16, KEY_BYTES_MAX = 4096 };
#define ROW_BYTES_MAX ((size_t)2 << 30)

/* ---- the lake's rows ---- */

struct comparing {
    const struct model *model;
    const struct compare_to *report;
    struct duck_result lake;
    struct arena lake_arena; /* of the row that the lake stands at */
    struct row row;
    bool is_row;
    struct arena *arena; /* of one sentence */
    size_t found;
    struct failure *failure;
    enum outcome outcome;
};

/* What a reader sees, and both sides keep. */
static bool is_compared(const struct column *c)
{
    return column_is_in_store(c) && !column_is_hidden(c);
}

static void add_select(struct buf *sql, const struct model *m)
{
    const char *sign = " ORDER BY ";
    row_read_select(sql, m, is_compared);
    buf_printf(sql, " FROM \"%s\"", m->name);
    for (size_t i = 0; i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_KEY) {
            buf_printf(sql, "%s\"%s\"", sign, m->columns[i].name);
            sign = ", ";
        }
    }
    buf_add_byte(sql, '\0');
}

static enum outcome next(struct comparing *w)
{
    arena_reset(&w->lake_arena);
    w->is_row = duck_next(&w->lake);
    return w->is_row
               ? row_read(&w->lake_arena, &w->lake, w->model, is_compared, &w->row, w->failure)
               : OK;
}

/* ---- differences ---- */

static void add_value(struct buf *b, const struct value *v)
{
    if (v->kind == VALUE_NULL) {
        buf_add(b, S("null"));
    } else {
        value_write(b, v);
    }
}

/* `change repository="github.com/acme/shop" id="7"` */
static struct str named(struct comparing *w, const struct row *row)
{
    struct buf b;
    buf_init(&b, w->arena, ROW_BYTES_MAX);
    buf_printf(&b, "%s", w->model->name);
    for (size_t i = 0; i < w->model->columns_n; i++) {
        if (w->model->columns[i].rule == FOLD_KEY) {
            buf_printf(&b, " %s=", w->model->columns[i].name);
            add_value(&b, &row->value[i]);
        }
    }
    return buf_str(&b);
}

static void tell(struct comparing *w, struct str what)
{
    if (++w->found <= COMPARE_TOLD_MAX) {
        w->report->found(w->report->to, what);
    }
    arena_reset(w->arena);
}

static void tell_alone(struct comparing *w, const struct row *row, const char *where)
{
    tell(w, arena_printf(w->arena, "%.*s is in the %s alone", STR_ARG(named(w, row)), where));
}

/* A text that is JSON itself, `"1"`, stands without its quotes in the lake of an older weir. */
static bool same_json(struct arena *a, struct str stored, struct str lake)
{
    yyjson_doc *one, *other;
    struct failure ignored; /* what can't be read is not the same */
    if (str_eq(stored, lake)) {
        return true;
    }
    if (json_read(a, stored, &one, &ignored) != OK || json_read(a, lake, &other, &ignored) != OK) {
        return false;
    }
    yyjson_val *const text = yyjson_doc_get_root(one);
    return yyjson_equals(text, yyjson_doc_get_root(other)) ||
           (yyjson_is_str(text) && str_eq(json_text(text), lake));
}

static bool same(struct arena *a, const struct value *x, const struct value *y)
{
    struct buf one;
    struct buf other;
    if (x->kind != y->kind || x->kind == VALUE_NULL) {
        return x->kind == y->kind;
    }
    if (x->kind == VALUE_JSON) {
        return same_json(a, x->text, y->text);
    }
    buf_init(&one, a, ROW_BYTES_MAX);
    buf_init(&other, a, ROW_BYTES_MAX);
    value_write(&one, x);
    value_write(&other, y);
    return str_eq(buf_str(&one), buf_str(&other));
}

static void tell_columns(struct comparing *w, const struct row *stored)
{
    for (size_t i = 0; i < w->model->columns_n; i++) {
        const struct column *const c = &w->model->columns[i];
        if (is_compared(c) && !same(w->arena, &stored->value[i], &w->row.value[i])) {
            struct buf b;
            buf_init(&b, w->arena, ROW_BYTES_MAX);
            buf_printf(&b, "%.*s: %s is ", STR_ARG(named(w, stored)), c->name);
            add_value(&b, &stored->value[i]);
            buf_add(&b, S(" in the store, "));
            add_value(&b, &w->row.value[i]);
            buf_add(&b, S(" in the lake"));
            tell(w, buf_str(&b));
            return; /* one column says which row it is */
        }
    }
    arena_reset(w->arena);
}

/* Rows of a shared lake may be others', or hold what others know, too. */
static void tell_of_lake(struct comparing *w)
{
    if (!w->report->is_shared) {
        tell_alone(w, &w->row, "lake");
    }
}

/* The store's next row: what the lake has before it, the store lacks. */
static bool visit(void *to, const struct row *stored)
{
    struct comparing *const w = to;
    while (w->outcome == OK && w->is_row && row_key_cmp(&w->row, stored) < 0) {
        tell_of_lake(w);
        w->outcome = next(w);
    }
    if (w->outcome == OK && w->is_row && row_key_cmp(&w->row, stored) == 0) {
        if (!w->report->is_shared) {
            tell_columns(w, stored);
        }
        w->outcome = next(w);
    } else if (w->outcome == OK) {
        tell_alone(w, stored, "store");
    }
    return w->outcome == OK;
}

static enum outcome compare_rows(struct comparing *w, struct store *store)
{
    struct arena scratch;
    arena_init(&scratch, ROW_BYTES_MAX);
    w->outcome = next(w);
    if (w->outcome == OK) {
        const enum outcome read = store->driver->each(store, w->model, &scratch, visit, w,
                                                      w->failure);
        w->outcome = w->outcome == OK ? read : w->outcome;
    }
    while (w->outcome == OK && w->is_row) {
        tell_of_lake(w);
        w->outcome = next(w);
    }
    arena_close(&scratch);
    return w->outcome;
}

static enum outcome compare_model(struct ask *lake, struct store *store, const struct model *m,
                                  const struct compare_to *report, struct failure *f)
{
    struct arena sentence;
    struct buf sql;
    struct comparing w = {.model = m, .report = report, .arena = &sentence, .failure = f};
    arena_init(&sentence, ROW_BYTES_MAX);
    arena_init(&w.lake_arena, ROW_BYTES_MAX);
    buf_init(&sql, &sentence, SQL_BYTES_MAX);
    add_select(&sql, m);
    enum outcome result = duck_query(lake->duck, buf_str(&sql).at, &w.lake, f);
    if (result == OK) {
        arena_reset(&sentence);
        result = compare_rows(&w, store);
    }
    if (result == OK && w.found > COMPARE_TOLD_MAX) {
        report->found(report->to, arena_printf(&sentence, "%s: %zu rows more differ", m->name,
                                               w.found - COMPARE_TOLD_MAX));
    }
    duck_result_close(&w.lake);
    arena_close(&w.lake_arena);
    arena_close(&sentence);
    return result;
}

enum outcome compare_all(struct ask *lake, struct store *store, const struct compare_to *report,
                         struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        if (model_all[i]->is_stored) {
            result = compare_model(lake, store, model_all[i], report, f);
        }
    }
    return result;
}
