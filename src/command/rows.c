#include "command/rows.h"

#include <libsmartcols.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "command/command.h"

enum { CELL_BYTES_MAX = 1 << 30 };

struct rows {
    enum rows_format format;
    const struct str *name;
    size_t columns_n, n;
    struct libscols_table *table;
    struct arena line; /* of one row */
};

static enum outcome begin_table(struct rows *r, const bool *is_number, struct failure *f)
{
    /* libsmartcols asks the locale what a letter is; without one it would print UTF-8 as hex */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
    r->table = scols_new_table();
    if (!r->table) {
        return failed(f, RETRY, "no memory for a table");
    }
    for (size_t i = 0; i < r->columns_n; i++) {
        char *const name = arena_cstr(&r->line, r->name[i]);
        const int flags = is_number[i] ? SCOLS_FL_RIGHT : SCOLS_FL_TRUNC;
        if (!scols_table_new_column(r->table, name, 0, flags)) {
            return failed(f, RETRY, "no memory for a table");
        }
    }
    return OK;
}

static void put(struct str s)
{
    (void)fwrite(s.at, 1, s.len, stdout);
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

static void csv_header(const struct rows *r)
{
    for (size_t i = 0; i < r->columns_n; i++) {
        put(i ? S(",") : S(""));
        put_csv(r->name[i]);
    }
    put(S("\r\n"));
}

enum outcome rows_begin(struct arena *a, enum rows_format format, const struct rows_head *head,
                        struct rows **out, struct failure *f)
{
    struct rows *const r = arena_new(a, struct rows);
    *r = (struct rows){.format = format, .name = head->name, .columns_n = head->n};
    *out = r;
    arena_init(&r->line, CELL_BYTES_MAX);
    if (format == ROWS_CSV) {
        csv_header(r);
    }
    return format == ROWS_TABLE ? begin_table(r, head->is_number, f) : OK;
}

/* A cell of a table is one line without control characters, which a terminal would obey. */
static char *shown(struct rows *r, struct str s)
{
    char *const text = arena_cstr(&r->line, s);
    for (char *p = text; *p; p++) {
        *p = (unsigned char)*p < ' ' || *p == 0x7f ? ' ' : *p;
    }
    return text;
}

static void add_to_table(struct rows *r, const struct cell *cell)
{
    struct libscols_line *const line = scols_table_new_line(r->table, NULL);
    for (size_t i = 0; line && i < r->columns_n; i++) {
        (void)scols_line_set_data(line, i, shown(r, cell[i].text));
    }
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

void rows_add(struct rows *r, const struct cell *cell)
{
    r->n++;
    switch (r->format) {
    case ROWS_TABLE: add_to_table(r, cell); break;
    case ROWS_JSON: add_json(r, cell); break;
    case ROWS_CSV:
        for (size_t i = 0; i < r->columns_n; i++) {
            put(i ? S(",") : S(""));
            put_csv(cell[i].text);
        }
        put(S("\r\n"));
        break;
    }
    arena_reset(&r->line);
}

void rows_end(struct rows *r)
{
    if (r->table && r->n > 0) {
        (void)scols_print_table(r->table);
    } else if (r->table) {
        (void)fprintf(stderr, "no rows\n");
    }
    if (r->table) {
        scols_unref_table(r->table);
    }
    arena_close(&r->line);
}
