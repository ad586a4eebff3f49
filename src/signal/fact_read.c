/* The reading half of fact.h. */
#include <stdio.h>

#include "signal/member.h"
#include "signal/rank.h"
#include "signal/value.h"

struct row row_new(struct arena *a, const struct model *m)
{
    return (struct row){m, arena_array(a, struct value, m->columns_n)};
}

/* false: not a list of texts, or of entries where the column holds members */
static bool read_list(struct arena *a, const struct column *c, yyjson_val *from, struct value *to)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *item = NULL;
    struct member entry;
    to->list.at = arena_array(a, struct str, yyjson_arr_size(from));
    to->list.n = yyjson_arr_size(from);
    yyjson_arr_foreach(from, i, n, item)
    {
        to->list.at[i] = json_text(item);
        if (!yyjson_is_str(item) ||
            (c->rule == FOLD_MEMBERS && !member_read(to->list.at[i], &entry))) {
            return false;
        }
    }
    return yyjson_is_arr(from);
}

/* As json_read_exact leaves it: the text that it is, so that JSON is kept as it came. */
static yyjson_val *number_of(yyjson_val *from, yyjson_val *number)
{
    const bool is_read = yyjson_is_raw(from) &&
                         yyjson_read_number(yyjson_get_raw(from), number, 0, NULL, NULL);
    return is_read ? number : from;
}

bool value_read(struct arena *a, const struct column *c, yyjson_val *from, struct value *to)
{
    yyjson_val number;
    switch (c->type) {
    case COLUMN_TEXT:
        *to = (struct value){.kind = VALUE_TEXT, .text = json_text(from)};
        return yyjson_is_str(from) && (c->rule != FOLD_RANK || to->text.len == RANK_BYTES);
    case COLUMN_INT:
        from = number_of(from, &number);
        *to = (struct value){.kind = VALUE_INT, .number = yyjson_get_sint(from)};
        return yyjson_is_sint(from) || (yyjson_is_uint(from) && yyjson_get_uint(from) <= INT64_MAX);
    case COLUMN_REAL:
        from = number_of(from, &number);
        *to = (struct value){.kind = VALUE_REAL, .real = yyjson_get_num(from)};
        return yyjson_is_num(from);
    case COLUMN_BOOL:
        *to = (struct value){.kind = VALUE_BOOL, .is = yyjson_get_bool(from)};
        return yyjson_is_bool(from);
    case COLUMN_TIME:
        *to = (struct value){.kind = VALUE_TIME};
        return yyjson_is_str(from) && clock_parse(json_text(from), &to->number);
    case COLUMN_LIST: *to = (struct value){.kind = VALUE_LIST}; return read_list(a, c, from, to);
    case COLUMN_JSON:
        *to = (struct value){.kind = VALUE_JSON, .text = json_write(a, from)};
        return to->text.len > 0;
    }
    return false;
}

enum outcome fact_read(struct arena *a, const struct signal *s, struct row *out, struct failure *f)
{
    const struct model *const m = fact_model(s);
    if (!m) {
        return failed(f, REJECT, "%.*s is no fact of a model that this weir knows",
                      STR_ARG(str_sub(s->type, 0, 80)));
    }
    yyjson_doc *doc = NULL;
    const enum outcome read = json_read_exact(a, s->data, &doc, f);
    if (read != OK) {
        return read;
    }
    if (!yyjson_is_obj(yyjson_doc_get_root(doc))) {
        return failed(f, REJECT, "a fact of %s is no JSON object", m->name);
    }
    *out = row_new(a, m);
    size_t i = 0;
    size_t n = 0;
    size_t next = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_obj_foreach(yyjson_doc_get_root(doc), i, n, key, value)
    {
        const size_t at = model_column_from(m, next, json_text(key));
        if (at == m->columns_n || !column_is_in_fact(m->columns + at) || yyjson_is_null(value)) {
            continue;
        }
        if (!value_read(a, m->columns + at, value, out->value + at)) {
            char pointer[100];
            (void)snprintf(pointer, sizeof pointer, "/%s", m->columns[at].name);
            return failed_at(f, REJECT, pointer, "a fact of %s: %s is not of the column's type",
                             m->name, m->columns[at].name);
        }
        next = at + 1;
    }
    for (i = 0; i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_KEY && out->value[i].kind == VALUE_NULL) {
            return failed(f, REJECT, "a fact of %s lacks its key %s", m->name, m->columns[i].name);
        }
    }
    return OK;
}
