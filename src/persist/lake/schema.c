#include "persist/lake/schema.h"

#include "wire/json.h"

enum { SCHEMA_BYTES_MAX = 1 << 20 };

/* Delta's types and DuckDB's; times are UTC-adjusted in Parquet because they are TIMESTAMPTZ. */
static const struct {
    const char *spark, *duckdb;
} type_of[] = {
    [COLUMN_TEXT] = {"\"string\"", "VARCHAR"},
    [COLUMN_INT] = {"\"long\"", "BIGINT"},
    [COLUMN_REAL] = {"\"double\"", "DOUBLE"},
    [COLUMN_BOOL] = {"\"boolean\"", "BOOLEAN"},
    [COLUMN_TIME] = {"\"timestamp\"", "TIMESTAMPTZ"},
    [COLUMN_LIST] = {"{\"type\":\"array\",\"elementType\":\"string\",\"containsNull\":true}",
                     "VARCHAR[]"},
    [COLUMN_JSON] = {"\"string\"", "VARCHAR"},
};

static void add_field(struct buf *b, const char *name, const char *type)
{
    buf_printf(b, "{\"name\":\"%s\",\"type\":%s,\"nullable\":true,\"metadata\":{}},", name, type);
}

struct str schema_spark(struct arena *a, const struct model *m)
{
    struct buf b;
    buf_init(&b, a, SCHEMA_BYTES_MAX);
    buf_add(&b, S("{\"type\":\"struct\",\"fields\":["));
    for (size_t i = 0; i < m->columns_n; i++) {
        if (column_is_in_fact(&m->columns[i])) {
            add_field(&b, m->columns[i].name, type_of[m->columns[i].type].spark);
        }
    }
    add_field(&b, "year", "\"string\"");
    add_field(&b, "month", "\"string\"");
    add_field(&b, "day", "\"string\"");
    b.len--; /* the last comma */
    buf_add(&b, S("]}"));
    return buf_str(&b);
}

void schema_add_column(struct buf *b, const struct column *c)
{
    buf_printf(b, "{'%s': '%s'}", c->name, type_of[c->type].duckdb);
}

void schema_add_columns(struct buf *b, const struct model *m)
{
    char sign = '{';
    for (size_t i = 0; i < m->columns_n; i++) {
        if (column_is_in_fact(&m->columns[i])) {
            buf_printf(b, "%c'%s': '%s'", sign, m->columns[i].name,
                       type_of[m->columns[i].type].duckdb);
            sign = ',';
        }
    }
    buf_add_byte(b, '}');
}

void schema_add_names(struct buf *b, const struct model *m)
{
    const char *sign = "";
    for (size_t i = 0; i < m->columns_n; i++) {
        if (column_is_in_fact(&m->columns[i])) {
            buf_printf(b, "%s\"%s\"", sign, m->columns[i].name);
            sign = ", ";
        }
    }
}

void schema_add_empty(struct buf *b, const struct model *m)
{
    const char *sign = "SELECT ";
    for (size_t i = 0; i < m->columns_n; i++) {
        if (column_is_in_fact(&m->columns[i])) {
            buf_printf(b, "%sNULL::%s AS \"%s\"", sign, type_of[m->columns[i].type].duckdb,
                       m->columns[i].name);
            sign = ", ";
        }
    }
    buf_add(b, S(" WHERE false"));
}

static yyjson_val *field_named(yyjson_val *fields, struct str name)
{
    size_t i, n;
    yyjson_val *field;
    yyjson_arr_foreach(fields, i, n, field)
    {
        if (str_eq(json_text(json_get(field, S("name"))), name)) {
            return field;
        }
    }
    return NULL;
}

bool schema_holds(struct arena *a, struct str new, struct str old)
{
    yyjson_doc *new_doc, *old_doc;
    struct failure ignored; /* what can't be read holds nothing */
    size_t i, n;
    yyjson_val *field;
    if (json_read(a, new, &new_doc, &ignored) != OK ||
        json_read(a, old, &old_doc, &ignored) != OK) {
        return false;
    }
    yyjson_val *const fields = json_get(yyjson_doc_get_root(new_doc), S("fields"));
    yyjson_arr_foreach(json_get(yyjson_doc_get_root(old_doc), S("fields")), i, n, field)
    {
        yyjson_val *const other = field_named(fields, json_text(json_get(field, S("name"))));
        if (!other || !yyjson_equals(json_get(field, S("type")), json_get(other, S("type")))) {
            return false;
        }
    }
    return true;
}
