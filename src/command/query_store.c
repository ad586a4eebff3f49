#include "command/query_store.h"

#include "persist/store.h"

struct printing {
    struct arena *arena;
    enum rows_format format;
    struct rows_head head; /* known to be of numbers once there is a row */
    struct rows *rows;     /* NULL before it */
    struct cell *cell;
};

static enum outcome take_head(void *to, const struct str *name, size_t n, struct failure *f)
{
    struct printing *const p = to;
    struct str *const own = arena_array(p->arena, struct str, n);
    (void)f;
    for (size_t i = 0; i < n; i++) {
        own[i] = arena_str(p->arena, name[i]);
    }
    p->head = (struct rows_head){.name = own, .is_number = arena_array(p->arena, bool, n), .n = n};
    p->cell = arena_array(p->arena, struct cell, n);
    return OK;
}

static enum outcome begin(struct printing *p, const struct store_cell *cell, struct failure *f)
{
    bool *const is_number = arena_array(p->arena, bool, p->head.n);
    for (size_t i = 0; cell && i < p->head.n; i++) {
        is_number[i] = cell[i].is_number;
    }
    p->head.is_number = is_number;
    return rows_begin(p->arena, p->format, &p->head, &p->rows, f);
}

/* What JSON has no number for: SQLite's Inf is a text, as the lake's is. */
static struct cell cell_of(const struct store_cell *cell)
{
    if (cell->is_null) {
        return (struct cell){CELL_NULL, cell->text};
    }
    if (cell->is_number && str_ends(cell->text, S("Inf"))) {
        return (struct cell){CELL_TEXT, str_starts(cell->text, S("-")) ? S("-inf") : S("inf")};
    }
    return (struct cell){cell->is_number ? CELL_NUMBER : CELL_TEXT, cell->text};
}

static enum outcome take_row(void *to, const struct store_cell *cell, struct failure *f)
{
    struct printing *const p = to;
    const enum outcome result = p->rows ? OK : begin(p, cell, f);
    if (result != OK) {
        return result;
    }
    for (size_t i = 0; i < p->head.n; i++) {
        p->cell[i] = cell_of(cell + i);
    }
    rows_add(p->rows, p->cell);
    return OK;
}

enum outcome query_store(struct arena *a, const struct config *config, struct str sql,
                         enum rows_format format, struct failure *f)
{
    struct store *store = NULL;
    struct printing p = {.arena = a, .format = format};
    enum outcome result = store_look(a, config, S(""), &store, f);
    if (result == OK && !store) {
        result = failed(f, STOP, "the store keeps nothing yet: weir run fills it");
    } else if (result == OK && !store->driver->query) {
        result = failed(f, STOP, "this type of store is not asked by SQL: query the lake");
    } else if (result == OK) {
        result = store->driver->query(store, sql, &(struct store_answer){take_head, take_row, &p},
                                      f);
    }
    if (result == OK && !p.rows) {
        result = begin(&p, NULL, f);
    }
    if (p.rows) {
        rows_end(p.rows);
    }
    store_close(store);
    return result;
}
