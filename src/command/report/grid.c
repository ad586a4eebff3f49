#include "command/report/grid.h"

#include <assert.h>
#include <stdio.h>

#include "command/screen.h"

struct grid_row {
    struct str title; /* of a line of its own: it has no cells */
    struct str *cell;
};

static struct grid_row *add(struct grid *g)
{
    g->row = arena_more(g->arena, g->row, g->n, &g->room, sizeof *g->row);
    g->row[g->n] = (struct grid_row){0};
    return &g->row[g->n++];
}

struct str *grid_row(struct grid *g)
{
    struct grid_row *const row = add(g);
    row->cell = arena_array(g->arena, struct str, g->columns_n);
    return row->cell;
}

void grid_title(struct grid *g, struct str text)
{
    add(g)->title = screen_line(g->arena, text);
}

void grid_begin(struct grid *g, struct arena *a, const struct grid_column *column, size_t columns_n)
{
    assert(columns_n <= GRID_COLUMNS_MAX);
    *g = (struct grid){.arena = a, .column = column, .columns_n = columns_n};
    struct str *const head = grid_row(g);
    for (size_t i = 0; i < columns_n; i++) {
        head[i] = str_of(column[i].head);
    }
}

static void measure(const struct grid *g, size_t width[GRID_COLUMNS_MAX])
{
    for (size_t i = 0; i < g->columns_n; i++) {
        width[i] = 0;
        for (size_t k = 0; k < g->n; k++) {
            const size_t mine = g->row[k].cell ? screen_width(g->row[k].cell[i]) : 0;
            width[i] = mine > width[i] ? mine : width[i];
        }
    }
}

static size_t width_of(const struct grid *g, unsigned shown, const size_t width[GRID_COLUMNS_MAX])
{
    size_t all = 0;
    for (size_t i = 0; i < g->columns_n; i++) {
        all += shown & GRID_BIT(i) ? (size_t)g->column[i].gap + width[i] : 0;
    }
    return all;
}

static void put_row(const struct grid *g, const struct grid_row *row, unsigned shown,
                    const size_t width[GRID_COLUMNS_MAX])
{
    int spaces = 0; /* none at the end of a line */
    (void)printf("%.*s", STR_ARG(row->title));
    for (size_t i = 0; i < g->columns_n && row->cell; i++) {
        if (shown & GRID_BIT(i)) {
            const struct str text = row->cell[i];
            const int pad = (int)(width[i] - screen_width(text));
            const bool is_left = g->column[i].is_left;
            spaces += g->column[i].gap + (is_left ? 0 : pad);
            if (text.len > 0) {
                (void)printf("%*s%.*s", spaces, "", STR_ARG(text));
                spaces = 0;
            }
            spaces += is_left ? pad : 0;
        }
    }
    (void)putchar('\n');
}

void grid_print(const struct grid *g, const struct grid_choice *choice, size_t choices_n,
                size_t terminal)
{
    size_t width[GRID_COLUMNS_MAX];
    size_t i = 0;
    measure(g, width);
    while (i + 1 < choices_n &&
           (terminal < choice[i].terminal || width_of(g, choice[i].shown, width) > terminal)) {
        i++;
    }
    for (size_t k = 0; k < g->n; k++) {
        put_row(g, &g->row[k], choice[i].shown, width);
    }
}
