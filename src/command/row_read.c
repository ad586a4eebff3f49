#include "command/row_read.h"

#include "signal/value.h"
#include "wire/json.h"

void row_read_select(struct buf *sql, const struct model *m, bool (*is_in)(const struct column *c))
{
    const char *sign = "SELECT ";
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct column *const c = &m->columns[i];
        if (is_in(c)) {
            buf_printf(sql,
                       c->type == COLUMN_LIST ? "%sCAST(to_json(\"%s\") AS VARCHAR)" : "%s\"%s\"",
                       sign, c->name);
            sign = ", ";
        }
    }
}

static enum outcome read_list(struct arena *a, const struct column *c, struct str text,
                              struct value *out, struct failure *f)
{
    yyjson_doc *doc;
    const enum outcome result = json_read(a, text, &doc, f);
    return result != OK || value_read(a, c, yyjson_doc_get_root(doc), out)
               ? result
               : failed(f, STOP, "%s: the lake shows no list", c->name);
}

static enum outcome read_cell(struct arena *a, struct duck_result *r, size_t at,
                              const struct column *c, struct value *out, struct failure *f)
{
    *out = (struct value){.kind = VALUE_NULL};
    if (duck_is_null(r, at)) {
        return OK;
    }
    switch (c->type) {
    case COLUMN_TEXT:
    case COLUMN_JSON:
        *out = (struct value){.kind = c->type == COLUMN_TEXT ? VALUE_TEXT : VALUE_JSON,
                              .text = arena_str(a, duck_text(r, at))};
        break;
    case COLUMN_INT: *out = (struct value){.kind = VALUE_INT, .number = duck_i64(r, at)}; break;
    case COLUMN_TIME: *out = (struct value){.kind = VALUE_TIME, .number = duck_i64(r, at)}; break;
    case COLUMN_BOOL: *out = (struct value){.kind = VALUE_BOOL, .is = duck_i64(r, at) != 0}; break;
    case COLUMN_REAL: *out = (struct value){.kind = VALUE_REAL, .real = duck_f64(r, at)}; break;
    case COLUMN_LIST: return read_list(a, c, arena_str(a, duck_text(r, at)), out, f);
    }
    return OK;
}

enum outcome row_read(struct arena *a, struct duck_result *r, const struct model *m,
                      bool (*is_in)(const struct column *c), struct row *out, struct failure *f)
{
    size_t at = 0;
    enum outcome result = OK;
    *out = row_new(a, m);
    for (size_t i = 0; i < m->columns_n && result == OK; i++) {
        if (is_in(&m->columns[i])) {
            result = read_cell(a, r, at++, &m->columns[i], &out->value[i], f);
        }
    }
    return result;
}
