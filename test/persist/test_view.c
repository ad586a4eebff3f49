#include "persist/view.h"

#include "persist/lake/source.h"

#include "folder.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "signal/fold.h"
#include "test.h"

enum { FACTS = 400, KEYS = 9, ROUNDS = 3 };

static struct lakes lakes;

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    return 0;
}

static int end(void **state)
{
    (void)state;
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

/* Every column of a row as JSON text, as the view's row is asked for below. */
static void add_value(struct buf *b, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL: buf_add(b, S("null")); return;
    case VALUE_TEXT:
    case VALUE_JSON: buf_add_json(b, v->text); return;
    case VALUE_INT:
    case VALUE_TIME: buf_add_i64(b, v->number); return;
    case VALUE_REAL: buf_add_i64(b, (int64_t)(v->real * 1e6 + (v->real < 0 ? -0.5 : 0.5))); return;
    case VALUE_BOOL: buf_add(b, v->is ? S("true") : S("false")); return;
    case VALUE_LIST:
        buf_add_byte(b, '[');
        for (size_t i = 0; i < v->list.n; i++) {
            buf_add(b, i ? S(",") : S(""));
            buf_add_json(b, v->list.at[i]);
        }
        buf_add_byte(b, ']');
        return;
    }
}

static bool is_compared(const struct column *c)
{
    return !column_is_hidden(c) && c->rule != FOLD_FACT && c->rule != FOLD_DERIVED;
}

static struct str row_text(const struct row *r)
{
    struct buf b;
    buf_init(&b, &lakes.arena, 1 << 20);
    for (size_t i = 0; i < r->model->columns_n; i++) {
        if (is_compared(&r->model->columns[i])) {
            buf_printf(&b, "%s=", r->model->columns[i].name);
            add_value(&b, &r->value[i]);
            buf_add_byte(&b, '\n');
        }
    }
    return buf_str(&b);
}

/* The view's rows, each as row_text has it: times and reals in µs. */
static void add_text_of(struct buf *sql, const struct model *m)
{
    buf_add(sql, S("SELECT concat("));
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct column *const c = &m->columns[i];
        if (is_compared(c)) {
            buf_printf(sql, "'%s=', coalesce(to_json(%s\"%s\"%s", c->name,
                       c->type == COLUMN_TIME   ? "epoch_us("
                       : c->type == COLUMN_REAL ? "(round(1e6 * "
                                                : "(",
                       c->name, c->type == COLUMN_REAL ? ")::BIGINT)" : ")");
            buf_add(sql, S(")::VARCHAR, 'null'), chr(10), "));
        }
    }
    buf_add(sql, S("'') FROM ("));
}

static void compare(const struct model *m, const struct row *row, size_t n, uint64_t seed)
{
    struct arena a;
    struct delta log;
    struct buf facts;
    struct buf sql;
    struct duck_result r;
    struct failure f;
    const struct files files = files_at(lakes.config.lake.path);
    size_t seen = 0;
    arena_init(&a, (size_t)1 << 28);
    buf_init(&sql, &a, 1 << 24);
    buf_init(&facts, &a, 1 << 24);
    assert_int_equal(delta_open(&a, &files, str_of(m->name), &log, &f), OK);
    buf_add_byte(&facts, '(');
    source_add(&facts, &a, &log, m);
    buf_add_byte(&facts, ')');
    add_text_of(&sql, m);
    view_add_folded(&sql, m, DIALECT_DUCKDB, buf_str(&facts));
    buf_add_byte(&sql, ')');
    buf_add_byte(&sql, '\0');
    if (duck_query(lakes_duck(&lakes), buf_str(&sql).at, &r, &f) != OK) {
        fail_msg("%s: %s\n%s", m->name, f.text, buf_str(&sql).at);
    }
    while (duck_next(&r)) {
        const struct str text = duck_text(&r, 0);
        size_t i = 0;
        while (i < n && !str_eq(row_text(&row[i]), text)) {
            i++;
        }
        if (i == n) {
            fail_msg("seed %llu: the view has a row of %s that the fold has not:\n%.*s\nfold: %.*s",
                     (unsigned long long)seed, m->name, STR_ARG(text), STR_ARG(row_text(&row[0])));
        }
        seen++;
    }
    assert_int_equal(seen, n);
    duck_result_close(&r);
    arena_close(&a);
}

static void fold_and_compare(const struct model *m, uint64_t seed, uint64_t from)
{
    struct dice dice = {seed};
    struct record *const r = arena_array(&lakes.arena, struct record, FACTS);
    struct row *const row = arena_array(&lakes.arena, struct row, KEYS);
    size_t n = 0;
    struct failure f;
    for (size_t i = 0; i < FACTS; i++) {
        struct row fact;
        r[i].signal = fact_random(&dice, &lakes.arena, m, KEYS);
        assert_int_equal(fact_read(&lakes.arena, &r[i].signal, &fact, &f), OK);
        size_t k = 0;
        while (k < n && !str_eq(row_key(&lakes.arena, &row[k]), row_key(&lakes.arena, &fact))) {
            k++;
        }
        if (k == n) {
            row[n++] = (struct row){m, arena_array(&lakes.arena, struct value, m->columns_n)};
        }
        fold_into(&lakes.arena, &row[k], &fact);
    }
    for (size_t k = 0; k < n; k++) {
        fold_finish(&lakes.arena, &row[k]);
    }
    const struct lane lane = {STREAM_STANDARD, S("intake-0")};
    assert_int_equal(lakes_take(&lakes, lane, r, FACTS, from, &f), OK);
    if (persist_lake.flush(&lakes.persister, true, &f) != OK) {
        fail_msg("%s", f.text);
    }
    compare(m, row, n, seed);
}

static void the_view_folds_as_the_fold_does(void **state)
{
    (void)state;
    struct failure f;
    if (lakes_open(&lakes, &f) != OK) {
        fail_msg("%s", f.text);
    }
    (void)lakes_cursor(&lakes, (struct lane){STREAM_STANDARD, S("intake-0")});
    uint64_t from = 0;
    for (size_t i = 0; i < model_all_n; i++) {
        if (model_all[i]->is_stored) {
            fold_and_compare(model_all[i], 1000 + i, from);
            from += FACTS + 1;
        }
    }
    lakes_close(&lakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_view_folds_as_the_fold_does, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
