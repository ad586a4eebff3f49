#include "transform/stories.h"

#include "test.h"

enum { ROWS_MAX = 4096 };

struct told told_by(struct arena *a, const struct transform_out *out)
{
    struct told told = {.fact = arena_array(a, struct row, out->facts_n)};
    for (size_t i = 0; i < out->facts_n; i++) {
        struct failure f = {0};
        if (fact_read(a, out->fact + i, &told.fact[told.n++], &f) != OK) {
            fail_msg("%s", f.text);
        }
    }
    return told;
}

struct table {
    struct row row[ROWS_MAX];
    struct str key[ROWS_MAX];
    size_t n;
};

static struct row *row_of(struct arena *a, struct table *t, const struct row *fact)
{
    const struct str key = row_key(a, fact);
    for (size_t i = 0; i < t->n; i++) {
        if (t->row[i].model == fact->model && str_eq(t->key[i], key)) {
            return t->row + i;
        }
    }
    assert_true(t->n < ROWS_MAX);
    t->key[t->n] = key;
    t->row[t->n] = row_new(a, fact->model);
    return t->row + t->n++;
}

static void fold(struct arena *a, struct table *t, const struct told *told)
{
    for (size_t i = 0; i < told->n; i++) {
        fold_into(a, row_of(a, t, told->fact + i), told->fact + i);
    }
}

static void finish(struct arena *a, struct table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        fold_finish(a, t->row + i);
    }
}

/* ---- chance, from a seed ---- */

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* Any order, each delivery one to three times. */
static void fold_shuffled(struct arena *a, struct table *t, const struct told *told, size_t n,
                          uint64_t seed)
{
    size_t *const order = arena_array(a, size_t, 3 * n);
    size_t orders = 0;
    for (size_t i = 0; i < n; i++) {
        for (uint64_t times = 1 + next(&seed) % 3; times > 0; times--) {
            order[orders++] = i;
        }
    }
    for (size_t i = orders; i > 1; i--) {
        const size_t k = next(&seed) % i;
        const size_t swapped = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swapped;
    }
    t->n = 0;
    for (size_t i = 0; i < orders; i++) {
        fold(a, t, told + order[i]);
    }
    finish(a, t);
}

static void assert_same(struct arena *a, struct table *want, struct table *is, uint64_t seed)
{
    assert_int_equal(want->n, is->n);
    for (size_t i = 0; i < is->n; i++) {
        const struct row *const row = row_of(a, want, is->row + i);
        if (!row_eq(row, is->row + i)) {
            fail_msg("a row of %s depends on the order: seed %llu", row->model->name,
                     (unsigned long long)seed);
        }
    }
}

void assert_order_cannot_matter(struct arena *a, const struct told *told, size_t n, uint64_t rounds)
{
    struct table *const want = arena_new(a, struct table);
    struct table *const is = arena_new(a, struct table);
    for (size_t i = 0; i < n; i++) {
        fold(a, want, told + i);
    }
    finish(a, want);
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        fold_shuffled(a, is, told, n, seed);
        assert_same(a, want, is, seed);
    }
}

/* A column's value as JSON has it; "null" for none. */
static struct str shown(struct arena *a, const struct row *row, const char *column)
{
    const size_t i = model_column(row->model, str_of(column));
    assert_true(i < row->model->columns_n);
    const struct value *const v = row->value + i;
    char time[CLOCK_TEXT_BYTES];
    struct buf b;
    switch (v->kind) {
    case VALUE_TEXT:
    case VALUE_JSON: return v->text;
    case VALUE_INT: return arena_printf(a, "%lld", (long long)v->number);
    case VALUE_REAL: return arena_printf(a, "%g", v->real);
    case VALUE_BOOL: return v->is ? S("true") : S("false");
    case VALUE_TIME: return arena_printf(a, "%.*s", (int)clock_text(v->number, time), time);
    case VALUE_LIST:
        buf_init(&b, a, SIZE_MAX);
        for (size_t k = 0; k < v->list.n; k++) {
            buf_add(&b, k ? S(" ") : S(""));
            buf_add(&b, v->list.at[k]);
        }
        return buf_str(&b);
    case VALUE_NULL: break;
    }
    return S("null");
}

static void check_story(struct arena *a, const struct story *story, const struct table *t,
                        uint64_t seed)
{
    for (size_t i = 0; i < t->n; i++) {
        if (strcmp(t->row[i].model->name, story->model) != 0) {
            continue;
        }
        for (size_t w = 0; w < 8 && story->want[w].column; w++) {
            const struct str is = shown(a, t->row + i, story->want[w].column);
            if (!str_eq(is, str_of(story->want[w].value))) {
                fail_msg("%s: %s is %.*s, not %s: seed %llu", story->deliveries,
                         story->want[w].column, STR_ARG(is), story->want[w].value,
                         (unsigned long long)seed);
            }
        }
        return;
    }
    fail_msg("%s: no row of %s", story->deliveries, story->model);
}

void assert_story(struct arena *a, const struct story *story, const struct told *told, size_t n,
                  uint64_t rounds)
{
    struct table *const t = arena_new(a, struct table);
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        fold_shuffled(a, t, told, n, seed);
        check_story(a, story, t, seed);
    }
}
