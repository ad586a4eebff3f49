/* Picks: from what stands at a path to a column or to a member of a CDEvent. */
#include "transform/mapping/mapping.h"

#include <assert.h>

enum { JSON_BYTES_MAX = 64 * 1024 * 1024 };

/* ---- lists ---- */

/* An element that gives no text. */
static bool is_wordless(struct delivery *d, const struct found *from, size_t i, yyjson_val *v)
{
    const char *const what = !v                 ? "not there"
                             : yyjson_is_obj(v) ? "an object"
                             : yyjson_is_arr(v) ? "a list"
                             : yyjson_is_num(v) ? "no whole number of at most 64 bits"
                                                : "no text";
    const struct str why = arena_printf(d->in->arena,
                                        "is a list, and %.*s%sof its element %zu is %s: "
                                        "the row needs a text of each",
                                        STR_ARG(from->member), from->member.len ? " " : "", i,
                                        what);
    return delivery_dead(d, from->path, why.at);
}

/* `member` of each element as text (a number as its digits), or each element itself. */
static bool list_of(struct delivery *d, const struct found *from, struct value *out)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *element = NULL;
    if (!yyjson_is_arr(from->value)) {
        return delivery_unfit(d, from, "a list");
    }
    *out = (struct value){.kind = VALUE_LIST};
    out->list.at = arena_array(d->in->arena, struct str, yyjson_arr_size(from->value));
    yyjson_arr_foreach(from->value, i, n, element)
    {
        yyjson_val *const v = from->member.len ? json_at(element, from->member) : element;
        if (yyjson_is_str(v)) {
            out->list.at[out->list.n++] = json_text(v);
        } else if (yyjson_is_int(v)) {
            out->list.at[out->list.n++] = json_write(d->in->arena, v);
        } else if (!from->is_optional) {
            return is_wordless(d, from, i, v);
        }
    }
    return true;
}

static void write_value(struct delivery *d, struct buf *b, yyjson_val *v);

static void write_members(struct delivery *d, struct buf *b, yyjson_val *object, struct str members)
{
    bool is_first = true;
    buf_add_byte(b, '{');
    while (members.len > 0) {
        const struct str key = str_cut(members, ',', &members);
        yyjson_val *const v = json_get(object, key);
        if (v) {
            buf_add(b, is_first ? S("") : S(","));
            is_first = false;
            buf_add_json(b, key);
            buf_add_byte(b, ':');
            write_value(d, b, v);
        }
    }
    buf_add_byte(b, '}');
}

/* `[].name,conclusion`: an array of objects with these members; `[].name`: of these values. */
static void write_list(struct delivery *d, struct buf *b, const struct found *from)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *element = NULL;
    buf_add_byte(b, '[');
    yyjson_arr_foreach(from->value, i, n, element)
    {
        buf_add(b, i ? S(",") : S(""));
        if (memchr(from->member.at, ',', from->member.len)) {
            write_members(d, b, element, from->member);
        } else {
            write_value(d, b, json_at(element, from->member));
        }
    }
    buf_add_byte(b, ']');
}

static void write_value(struct delivery *d, struct buf *b, yyjson_val *v)
{
    if (yyjson_is_str(v)) {
        buf_add_json(b, json_text(v));
    } else if (yyjson_is_bool(v)) {
        buf_add(b, yyjson_is_true(v) ? S("true") : S("false"));
    } else if (yyjson_is_sint(v)) {
        buf_add_i64(b, yyjson_get_sint(v));
    } else if (v) {
        buf_add(b, json_write(d->in->arena, v));
    } else {
        buf_add(b, S("null"));
    }
}

/* ---- columns ---- */

static bool json_of(struct delivery *d, const char *path, struct value *out)
{
    struct found found;
    struct buf b;
    if (!delivery_find(d, path, &found)) {
        return false;
    }
    *out = (struct value){.kind = VALUE_NULL};
    if (!found.is_there) {
        return true;
    }
    if (!yyjson_is_ctn(found.value)) {
        return delivery_unfit(d, &found, "an object or a list");
    }
    buf_init(&b, d->in->arena, JSON_BYTES_MAX);
    if (found.member.len) {
        write_list(d, &b, &found);
    } else {
        write_value(d, &b, found.value);
    }
    *out = (struct value){.kind = VALUE_JSON, .text = buf_str(&b)};
    return true;
}

static bool int_of(struct delivery *d, const char *path, struct value *out)
{
    struct found found;
    uint64_t digits = 0;
    if (!delivery_find(d, path, &found)) {
        return false;
    }
    *out = (struct value){.kind = found.is_there ? VALUE_INT : VALUE_NULL};
    if (yyjson_is_sint(found.value)) {
        out->number = yyjson_get_sint(found.value);
    } else if (yyjson_is_uint(found.value) || (!found.value && str_to_u64(found.text, &digits))) {
        digits = found.value ? yyjson_get_uint(found.value) : digits; /* without a value: `|=1` */
        if (digits > INT64_MAX) {
            return delivery_dead(d, found.path, "is larger than 9223372036854775807");
        }
        out->number = (int64_t)digits;
    } else if (found.is_there) {
        return delivery_unfit(d, &found, "a whole number of at most 64 bits");
    }
    return true;
}

static bool bool_of(struct delivery *d, const char *path, struct value *out)
{
    struct found found;
    bool is = false;
    if (!delivery_find(d, path, &found) || !delivery_bool(d, path, false, &is)) {
        return false;
    }
    *out = (struct value){.kind = found.is_there ? VALUE_BOOL : VALUE_NULL, .is = is};
    return true;
}

static bool value_of(struct delivery *d, const struct pick *pick, enum column_type type,
                     struct value *out)
{
    struct found found;
    *out = (struct value){.kind = VALUE_NULL};
    switch (type) {
    case COLUMN_TEXT: {
        struct str text;
        if (!delivery_text(d, pick->from, &text)) {
            return false;
        }
        *out = (struct value){.kind = text.len ? VALUE_TEXT : VALUE_NULL, .text = text};
        return true;
    }
    case COLUMN_TIME: {
        int64_t time_us = TIME_NONE;
        if (!delivery_time(d, pick->from, &time_us)) {
            return false;
        }
        *out = (struct value){.kind = time_us == TIME_NONE ? VALUE_NULL : VALUE_TIME,
                              .number = time_us};
        return true;
    }
    case COLUMN_LIST:
        return delivery_find(d, pick->from, &found) && (!found.is_there || list_of(d, &found, out));
    case COLUMN_INT: return int_of(d, pick->from, out);
    case COLUMN_BOOL: return bool_of(d, pick->from, out);
    case COLUMN_JSON: return json_of(d, pick->from, out);
    case COLUMN_REAL: break;
    }
    assert(false && "no mapping gives a column of this type");
    return false;
}

bool delivery_columns(struct delivery *d, struct fact *fact, const struct pick *picks)
{
    for (const struct pick *p = picks; p->to; p++) {
        const struct model *const m = fact->model;
        size_t i = fact->next < m->columns_n && strcmp(m->columns[fact->next].name, p->to) == 0
                       ? fact->next
                       : model_column(m, str_of(p->to));
        assert(i < m->columns_n && "the model has no such column");
        struct value v;
        if (!value_of(d, p, m->columns[i].type, &v)) {
            return false;
        }
        if (v.kind == VALUE_NULL && m->columns[i].rule == FOLD_KEY) {
            return delivery_dead(d, str_of(p->from), "is empty");
        }
        fact_set(fact, p->to, v);
    }
    return true;
}

bool delivery_fact(struct delivery *d, const char *model, const struct pick *picks,
                   struct fact *out)
{
    const struct model *const m = model_find(str_of(model));
    assert(m);
    *out = fact_begin(d->in->arena, m, d->at_us);
    return delivery_columns(d, out, picks);
}

/* ---- members of a CDEvent ---- */

/* A list of texts as JSON; false: dead. */
static bool write_texts(struct delivery *d, struct buf *b, const struct found *found)
{
    struct value list;
    if (!list_of(d, found, &list)) {
        return false;
    }
    buf_add_byte(b, '[');
    for (size_t i = 0; i < list.list.n; i++) {
        buf_add(b, i ? S(",") : S(""));
        buf_add_json(b, list.list.at[i]);
    }
    buf_add_byte(b, ']');
    return true;
}

/* The value behind its key; nothing at all when there is none. */
static bool write_member(struct delivery *d, struct buf *b, const struct pick *p, bool is_text,
                         struct str key)
{
    struct found found;
    struct str text = {0};
    if (!delivery_find(d, p->from, &found)) {
        return false;
    }
    const bool is_plain = found.is_there && !yyjson_is_ctn(found.value) &&
                          (is_text || !found.value);
    if (is_plain && !delivery_text(d, p->from, &text)) {
        return false;
    }
    const bool is_empty = !found.is_there || (is_plain && text.len == 0) ||
                          (yyjson_is_str(found.value) && found.text.len == 0);
    if (is_empty) {
        return true;
    }
    if (b->len > 0 && b->at[b->len - 1] != '{') {
        buf_add_byte(b, ',');
    }
    buf_add_json(b, key);
    buf_add_byte(b, ':');
    if (is_plain && found.is_number && !is_text) {
        buf_add(b, text);
    } else if (is_plain) {
        buf_add_json(b, text);
    } else if (is_text && !found.is_list) {
        return delivery_unfit(d, &found, "a text");
    } else if (is_text) {
        return write_texts(d, b, &found);
    } else if (found.member.len) {
        write_list(d, b, &found);
    } else {
        write_value(d, b, found.value);
    }
    return true;
}

bool delivery_members(struct delivery *d, struct buf *b, const struct pick *picks, bool is_text)
{
    struct str inside = {0};
    for (const struct pick *p = picks; p->to; p++) {
        struct str key;
        const struct str object = str_cut(str_of(p->to), '.', &key);
        const bool is_inside = key.len > 0;
        if (inside.len && !(is_inside && str_eq(object, inside))) {
            buf_add_byte(b, '}');
            inside = S("");
        }
        if (is_inside && !inside.len) {
            buf_add(b, b->len > 0 && b->at[b->len - 1] != '{' ? S(",") : S(""));
            buf_add_json(b, object);
            buf_add(b, S(":{"));
            inside = object;
        }
        if (!write_member(d, b, p, is_text, is_inside ? key : object)) {
            return false;
        }
    }
    buf_add(b, inside.len ? S("}") : S(""));
    return true;
}
