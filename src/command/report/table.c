#include "command/report/table.h"

#include <stdio.h>

#include "command/report/few.h"
#include "command/report/say.h"
#include "command/rows.h"
#include "command/screen.h"

enum {
    COLUMNS_MAX = 32,
    COLUMNS = 80 /* in a pipe */,
    LONG_TEXT_COLUMNS = 32,
    CUT_TEXT_COLUMNS = 10
};

struct gathered {
    struct arena *arena;
    struct cell *cell; /* by row and column */
    struct str name[COLUMNS_MAX];
    size_t of[COLUMNS_MAX], few[COLUMNS_MAX]; /* of the answer; few: of how many cases, few_none */
    bool is_number[COLUMNS_MAX], is_span[COLUMNS_MAX], is_rate[COLUMNS_MAX], is_whole[COLUMNS_MAX];
    size_t width[COLUMNS_MAX];
    size_t columns_n, few_none, n, room;
};

/* `open_to_merge_p50_s` is headed "open to merge p50". */
static struct str heading(struct arena *a, struct str name)
{
    struct buf b;
    const bool is_span = str_ends(name, S("_s"));
    buf_init(&b, a, name.len);
    for (size_t i = 0; i + (is_span ? 2 : 0) < name.len; i++) {
        buf_add_byte(&b, name.at[i] == '_' ? ' ' : name.at[i]);
    }
    return buf_str(&b);
}

static struct str number_text(const struct gathered *g, struct duck_result *r, size_t k)
{
    const size_t i = g->of[k];
    const bool is_real = duck_type(r, i) == DUCKDB_TYPE_DOUBLE ||
                         duck_type(r, i) == DUCKDB_TYPE_FLOAT;
    const int64_t whole = is_real ? 0 : duck_i64(r, i);
    const double value = is_real ? duck_f64(r, i) : (double)whole;
    return g->is_span[k]   ? say_span(g->arena, value)
           : g->is_rate[k] ? say_rate(g->arena, value)
                           : arena_printf(g->arena, is_real ? "%.6g" : "%.0f", value);
}

/* What is not there is a dash; in a list (has_gaps) a text may well be missing, and is nothing. */
static struct cell cell_of(const struct gathered *g, struct duck_result *r, size_t k, bool has_gaps)
{
    const size_t i = g->of[k];
    const bool is_null = duck_is_null(r, i), has_few = g->few[k] != g->few_none;
    if (!g->is_number[k]) {
        return is_null ? (struct cell){CELL_NULL, has_gaps ? S("") : S("–")}
                       : (struct cell){CELL_TEXT, arena_str(g->arena, duck_text(r, i))};
    }
    if (is_null && !g->is_span[k] && !g->is_rate[k] && !has_few) {
        return (struct cell){CELL_NULL, S("")};
    }
    const struct str text = is_null ? S("–") : number_text(g, r, k);
    return (struct cell){is_null ? CELL_TEXT : CELL_NUMBER,
                         has_few ? say_few(g->arena, text, duck_i64(r, g->few[k])) : text};
}

static bool is_word(struct str words, struct str word)
{
    while (words.len > 0) {
        if (str_eq(str_cut(words, ' ', &words), word)) {
            return true;
        }
    }
    return false;
}

/* Of which columns of the answer. */
static void choose(struct gathered *g, struct duck_result *r, const char *cut)
{
    struct str name[COLUMNS_MAX];
    const size_t all = r->columns_n < COLUMNS_MAX ? r->columns_n : COLUMNS_MAX;
    for (size_t i = 0; i < all; i++) {
        name[i] = arena_str(g->arena, duck_column(r, i));
    }
    g->few_none = all;
    for (size_t i = 0; i < all; i++) {
        if (few_is_count(name[i])) {
            continue;
        }
        const size_t k = g->columns_n++;
        g->of[k] = i;
        g->few[k] = few_column(name, all, i);
        g->name[k] = heading(g->arena, name[i]);
        g->is_number[k] = duck_type(r, i) != DUCKDB_TYPE_VARCHAR;
        g->is_span[k] = g->is_number[k] && str_ends(name[i], S("_s"));
        g->is_rate[k] = g->is_number[k] && str_ends(name[i], S("_rate"));
        g->is_whole[k] = g->is_number[k] || (cut && !is_word(str_of(cut), name[i]));
        g->width[k] = screen_width(g->name[k]);
    }
}

static void gather(struct gathered *g, struct duck_result *r, const char *cut)
{
    choose(g, r, cut);
    while (duck_next(r)) {
        for (size_t i = 0; i < g->columns_n; i++) {
            const struct cell cell = cell_of(g, r, i, cut != NULL);
            const size_t width = screen_width(screen_line(g->arena, cell.text));
            g->cell = arena_more(g->arena, g->cell, g->n * g->columns_n + i, &g->room,
                                 sizeof *g->cell);
            g->cell[g->n * g->columns_n + i] = cell;
            g->width[i] = width > g->width[i] ? width : g->width[i];
        }
        g->n++;
    }
}

/* As many of the first columns as fit; a text counts as what it can be cut to. */
static size_t fitting(const struct gathered *g, size_t text_columns, size_t columns)
{
    size_t all = 0;
    size_t n = 0;
    for (; n < g->columns_n; n++) {
        const bool is_cut = !g->is_whole[n] && g->width[n] > text_columns;
        all += (is_cut ? text_columns : g->width[n]) + (n > 0);
        if (columns > 0 && all > columns && n > 1) {
            break;
        }
    }
    return n;
}

static void tell_rest(const struct gathered *g, size_t n)
{
    struct buf b;
    if (n == g->columns_n || g->n == 0) {
        return;
    }
    buf_init(&b, g->arena, (size_t)1 << 12);
    buf_add(&b, S("also, in a wider terminal, --json or --html:"));
    for (size_t i = n; i < g->columns_n; i++) {
        buf_add(&b, i > n ? S(", ") : S(" "));
        buf_add(&b, g->name[i]);
    }
    screen_wrap(buf_str(&b), 0, 0);
}

enum outcome report_table(const struct ask *q, struct arena *a, const struct report_table *t,
                          struct failure *f)
{
    struct duck_result r;
    struct rows *rows = NULL;
    struct gathered g = {.arena = a};
    (void)printf("\n%s\n", t->title);
    (void)fflush(stdout);
    enum outcome result = duck_query(q->duck, t->sql, &r, f);
    if (result == OK) {
        gather(&g, &r, t->cut);
    }
    duck_result_close(&r);
    const size_t columns = screen_columns() == 0 && !t->cut ? COLUMNS : screen_columns();
    const size_t n = fitting(&g, t->cut ? CUT_TEXT_COLUMNS : LONG_TEXT_COLUMNS, columns);
    const struct rows_head head = {g.name, g.is_number, n, g.is_whole};
    result = result == OK ? rows_begin(a, ROWS_TABLE, &head, &rows, f) : result;
    for (size_t i = 0; i < g.n && result == OK; i++) {
        rows_add(rows, &g.cell[i * g.columns_n]);
    }
    if (result == OK) {
        rows_end(rows);
        tell_rest(&g, n);
    }
    return result;
}
