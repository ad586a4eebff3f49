#include "command/rows.h"

#include <libsmartcols.h>
#include <stdio.h>

#include "base/buf.h"
#include "command/screen.h"

enum { CELL_BYTES_MAX = 1 << 30, TABLE_ROWS_MAX = 10000 };

struct rows {
    enum rows_format format;
    const struct str *name;
    const bool *is_number, *is_whole;
    size_t *width; /* of each column, for a table */
    size_t columns_n, n;
    struct libscols_table *table;
    struct arena line; /* of one row */
};

static enum outcome begin_table(struct rows *r, struct failure *f)
{
    r->table = scols_new_table();
    if (!r->table) {
        return failed(f, RETRY, "no memory for a table");
    }
    for (size_t i = 0; i < r->columns_n; i++) {
        const struct str name = screen_line(&r->line, r->name[i]);
        if (!scols_table_new_column(r->table, arena_cstr(&r->line, name), 0,
                                    r->is_number[i] ? SCOLS_FL_RIGHT : 0)) {
            return failed(f, RETRY, "no memory for a table");
        }
        r->width[i] = screen_width(name);
    }
    /* what is too wide is cut here, and marked */
    (void)scols_table_set_termforce(r->table, SCOLS_TERMFORCE_NEVER);
    return OK;
}

static void put(struct str s)
{
    if (s.len > 0) { /* of a cell that is nothing there is not even a place */
        (void)fwrite(s.at, 1, s.len, stdout);
    }
}

/* RFC 4180 section 2: quoted where it must be. */
static void put_csv(struct str s)
{
    bool must = false;
    for (size_t i = 0; i < s.len; i++) {
        must = must || strchr(",\"\r\n", s.at[i]);
    }
    if (!must) {
        put(s);
        return;
    }
    (void)putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '"') {
            (void)putchar('"');
        }
        (void)putchar(s.at[i]);
    }
    (void)putchar('"');
}

/* What spreadsheets begin to calculate at (OWASP, CSV Injection). */
static bool is_formula(const struct cell *cell)
{
    const char first = cell->kind == CELL_TEXT && cell->text.len > 0 ? cell->text.at[0] : '\0';
    return first != '\0' && strchr("=+-@\t\r", first) != NULL;
}

static bool is_csv(enum rows_format format)
{
    return format == ROWS_CSV || format == ROWS_CSV_LF || format == ROWS_CSV_SHEET;
}

static struct str csv_end(const struct rows *r)
{
    return r->format == ROWS_CSV_LF ? S("\n") : S("\r\n");
}

static void csv_header(const struct rows *r)
{
    for (size_t i = 0; i < r->columns_n; i++) {
        put(i ? S(",") : S(""));
        put_csv(r->name[i]);
    }
    put(csv_end(r));
}

static bool is_taken(const struct str *name, size_t n, struct str wanted)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(name[i], wanted)) {
            return true;
        }
    }
    return false;
}

/* The members of an object need a name each (RFC 8259 section 4), the columns of SQL do not: the
 * second a is a_1, unless another column is called so. */
static const struct str *unique(struct arena *a, const struct rows_head *head)
{
    struct str *const name = arena_array(a, struct str, head->n);
    for (size_t i = 0; i < head->n; i++) {
        name[i] = head->name[i];
        for (size_t k = 1;
             is_taken(name, i, name[i]) || (k > 1 && is_taken(head->name, head->n, name[i])); k++) {
            name[i] = arena_printf(a, "%.*s_%zu", STR_ARG(head->name[i]), k);
        }
    }
    return name;
}

enum outcome rows_begin(struct arena *a, enum rows_format format, const struct rows_head *head,
                        struct rows **out, struct failure *f)
{
    struct rows *const r = arena_new(a, struct rows);
    *r = (struct rows){.format = format,
                       .name = format == ROWS_JSON ? unique(a, head) : head->name,
                       .is_number = head->is_number,
                       .width = arena_array(a, size_t, head->n),
                       .is_whole = head->is_whole,
                       .columns_n = head->n};
    *out = r;
    arena_init(&r->line, CELL_BYTES_MAX);
    if (is_csv(format)) {
        csv_header(r);
    }
    return format == ROWS_TABLE ? begin_table(r, f) : OK;
}

static void add_to_table(struct rows *r, const struct cell *cell)
{
    if (r->n > TABLE_ROWS_MAX) {
        return; /* counted: a table is laid out in memory, and nobody reads so many */
    }
    struct libscols_line *const line = scols_table_new_line(r->table, NULL);
    for (size_t i = 0; line && i < r->columns_n; i++) {
        const struct str text = screen_line(&r->line, cell[i].text);
        const size_t width = screen_width(text);
        r->width[i] = width > r->width[i] ? width : r->width[i];
        (void)scols_line_set_data(line, i, arena_cstr(&r->line, text));
    }
}

/* A number that is cut would be another, and so would an id. */
static bool is_cut(const struct rows *r, size_t column)
{
    return !r->is_number[column] && !(r->is_whole && r->is_whole[column]);
}

/* The widest texts lose columns until the line fits. */
static void fit(struct rows *r, size_t columns)
{
    enum { LEAST = 3 };
    size_t all = r->columns_n - 1; /* the spaces between them */
    for (size_t i = 0; i < r->columns_n; i++) {
        const bool is_wider = is_cut(r, i) && r->width[i] > columns;
        r->width[i] = is_wider ? columns : r->width[i];
        all += r->width[i];
    }
    while (all > columns) {
        size_t widest = r->columns_n;
        for (size_t i = 0; i < r->columns_n; i++) {
            if (is_cut(r, i) && r->width[i] > LEAST &&
                (widest == r->columns_n || r->width[i] > r->width[widest])) {
                widest = i;
            }
        }
        if (widest == r->columns_n) {
            return; /* the terminal will break the lines */
        }
        r->width[widest]--;
        all--;
    }
}

static void cut_cell(struct rows *r, struct libscols_cell *cell, size_t column)
{
    const struct str text = str_of(cell ? scols_cell_get_data(cell) : NULL);
    const struct str cut = screen_cut(&r->line, text, r->width[column]);
    if (cut.at != text.at) {
        (void)scols_cell_set_data(cell, arena_cstr(&r->line, cut));
    }
    arena_reset(&r->line);
}

static void cut_table(struct rows *r, size_t columns)
{
    fit(r, columns);
    for (size_t i = 0; i < r->columns_n; i++) {
        if (is_cut(r, i)) {
            cut_cell(r, scols_column_get_header(scols_table_get_column(r->table, i)), i);
        }
    }
    struct libscols_line *line = NULL;
    struct libscols_iter *const each = scols_new_iter(SCOLS_ITER_FORWARD);
    while (each && scols_table_next_line(r->table, each, &line) == 0) {
        for (size_t i = 0; i < r->columns_n; i++) {
            if (is_cut(r, i)) {
                cut_cell(r, scols_line_get_cell(line, i), i);
            }
        }
    }
    scols_free_iter(each);
}

static void add_json(struct rows *r, const struct cell *cell)
{
    struct buf b;
    buf_init(&b, &r->line, CELL_BYTES_MAX);
    for (size_t i = 0; i < r->columns_n; i++) {
        buf_add(&b, i ? S(",") : S("{"));
        buf_add_json(&b, r->name[i]);
        buf_add_byte(&b, ':');
        switch (cell[i].kind) {
        case CELL_NULL: buf_add(&b, S("null")); break;
        case CELL_TEXT: buf_add_json(&b, cell[i].text); break;
        case CELL_NUMBER:
        case CELL_JSON: buf_add(&b, cell[i].text); break;
        }
    }
    buf_add(&b, S("}\n"));
    put(buf_str(&b));
}

/* An empty text is "", and nothing at all is NULL, as PostgreSQL's COPY tells them apart. */
static void put_cell(struct rows *r, const struct cell *cell)
{
    if (r->format == ROWS_CSV && cell->kind == CELL_TEXT && cell->text.len == 0) {
        put(S("\"\""));
    } else if (r->format == ROWS_CSV_SHEET && is_formula(cell)) {
        put_csv(arena_printf(&r->line, "'%.*s", STR_ARG(cell->text)));
    } else {
        put_csv(cell->text);
    }
}

void rows_add(struct rows *r, const struct cell *cell)
{
    r->n++;
    switch (r->format) {
    case ROWS_TABLE: add_to_table(r, cell); break;
    case ROWS_JSON: add_json(r, cell); break;
    case ROWS_CSV:
    case ROWS_CSV_LF:
    case ROWS_CSV_SHEET:
        for (size_t i = 0; i < r->columns_n; i++) {
            put(i ? S(",") : S(""));
            put_cell(r, &cell[i]);
        }
        put(csv_end(r));
        break;
    }
    arena_reset(&r->line);
}

void rows_end(struct rows *r)
{
    const size_t columns = screen_columns();
    if (r->table && columns > 0) {
        cut_table(r, columns);
    }
    if (r->table && r->n > 0) {
        (void)scols_print_table(r->table);
        if (r->n > TABLE_ROWS_MAX) {
            (void)fflush(stdout);
            screen_tell("and %zu rows more; --csv or --json gives them all\n",
                        r->n - TABLE_ROWS_MAX);
        }
    } else if (r->table) {
        screen_tell("no rows\n");
    }
    if (r->table) {
        scols_unref_table(r->table);
    }
    arena_close(&r->line);
}
