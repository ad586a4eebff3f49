/* How a path of mapping.h is followed. Each level remembers where it found its last member, so that
 * picks in payload order cost one comparison each, and picks of one object find it at once. */
#include "transform/mapping/mapping.h"

enum {
    LEVELS = sizeof(((struct delivery *)NULL)->walk) / sizeof(struct walk),
    SHOWN_BYTES_MAX = 40
};
/* 9999-12-31T23:59:59Z; models keep times from 1900 on, and year 1 stands for "unknown". */
static const int64_t seconds_max = INT64_C(253402300799);
static const int64_t kept_from_us = INT64_C(-2208988800000000);
static const int64_t unknown_before_us = INT64_C(-62104060800000000);

static yyjson_val *step(struct delivery *d, size_t level, yyjson_val *object, struct str key)
{
    if (!yyjson_is_obj(object)) {
        return NULL;
    }
    if (level >= LEVELS) {
        return json_get(object, key);
    }
    struct walk *const w = &d->walk[level];
    if (w->object != object) {
        *w = (struct walk){.object = object};
        yyjson_obj_iter_init(object, &w->iter);
    } else if (str_eq(w->key, key)) {
        return w->value;
    }
    yyjson_val *const value = yyjson_obj_iter_getn(&w->iter, key.at, key.len);
    w->key = key;
    w->value = yyjson_is_null(value) ? NULL : value;
    return w->value;
}

/* One alternative, without `?`: follows it up to its end or to an array's elements. */
static void follow(struct delivery *d, struct str path, struct found *out)
{
    size_t level = 0;
    out->value = d->body;
    if (path.at[0] == '.') {
        out->value = d->here;
        path = str_sub(path, 1, path.len);
        level = LEVELS; /* elements are many and small: nothing to remember */
    }
    while (path.len > 0 && out->value) {
        struct str key = str_cut(path, '.', &path);
        const bool is_array = str_ends(key, S("[]"));
        key.len -= is_array ? 2 : 0;
        out->value = step(d, level++, out->value, key);
        if (is_array) {
            out->other = yyjson_is_arr(out->value) ? NULL : out->value;
            out->value = out->other ? NULL : out->value;
            out->member = path;
            out->is_list = true;
            return;
        }
    }
}

static bool find_at(struct delivery *d, struct str path, struct found *out);
static bool text_at(struct delivery *d, struct str path, struct str *out);

/* `{a}/x/{b}`: its text; nothing when `a` is not there. */
static bool fill(struct delivery *d, struct str template, struct found *out)
{
    bool is_first = true;
    struct buf b;
    buf_init(&b, d->in->arena, SIZE_MAX);
    while (template.len > 0) {
        buf_add(&b, str_cut(template, '{', &template));
        if (template.len > 0) {
            struct str text;
            if (!text_at(d, str_cut(template, '}', &template), &text)) {
                return false;
            }
            out->is_there = is_first ? text.len > 0 : out->is_there;
            is_first = false;
            buf_add(&b, text);
        }
    }
    out->text = out->is_there ? buf_str(&b) : S("");
    return true;
}

/* `count(path)`: how many elements the list has. */
static bool count(struct delivery *d, struct str path, struct found *out)
{
    struct found list;
    if (!find_at(d, path, &list)) {
        return false;
    }
    *out = (struct found){
        .is_there = yyjson_is_arr(list.value), .is_number = true, .is_optional = true};
    out->text = out->is_there ? arena_printf(d->in->arena, "%zu", yyjson_arr_size(list.value))
                              : S("");
    return out->is_there || !list.is_there || delivery_unfit(d, &list, "a list");
}

/* `function(path)` */
static bool apply(struct delivery *d, struct str path, struct found *out)
{
    struct str inner;
    const struct str function = str_cut(path, '(', &inner);
    if (str_eq(function, S("count"))) {
        return count(d, str_sub(inner, 0, inner.len - 1), out);
    }
    if (!text_at(d, str_sub(inner, 0, inner.len - 1), &out->text)) {
        return false;
    }
    out->text = out->text.len ? delivery_apply(function, out->text) : out->text;
    out->is_there = out->text.len > 0;
    return true;
}

/* One alternative. */
static bool find_one(struct delivery *d, struct str path, struct found *out)
{
    *out = (struct found){.path = path, .is_optional = out->is_optional};
    if (path.at[0] == '=') {
        out->text = str_sub(path, 1, path.len);
        out->is_there = true;
    } else if (path.at[0] == '$') {
        if (!d->variable(d, str_sub(path, 1, path.len), &out->text)) {
            return false;
        }
        out->is_there = out->text.len > 0;
    } else {
        follow(d, path, out);
        out->text = json_text(out->value);
        out->is_there = out->value != NULL;
    }
    return true;
}

static bool find_at(struct delivery *d, struct str path, struct found *out)
{
    *out = (struct found){.is_optional = true};
    if (memchr(path.at, '{', path.len)) {
        return fill(d, path, out);
    }
    if (path.at[path.len - 1] == ')') {
        return apply(d, path, out);
    }
    out->is_optional = path.at[path.len - 1] == '?';
    struct str rest = str_sub(path, 0, path.len - out->is_optional);
    while (rest.len > 0) {
        const struct str one = str_cut(rest, '|', &rest);
        if (!find_one(d, one, out)) {
            return false;
        }
        const bool is_empty = !out->is_there || (yyjson_is_str(out->value) && out->text.len == 0);
        if (!is_empty) {
            return true;
        }
    }
    if (out->is_there || out->is_optional) {
        return true;
    }
    out->value = out->other;
    return out->other ? delivery_unfit(d, out, "a list")
                      : delivery_dead(d, out->path, "is not there");
}

bool delivery_find(struct delivery *d, const char *path, struct found *out)
{
    return find_at(d, str_of(path), out);
}

static bool text_at(struct delivery *d, struct str path, struct str *out)
{
    struct found found;
    *out = S("");
    if (!find_at(d, path, &found)) {
        return false;
    }
    if (found.is_there && yyjson_is_int(found.value)) {
        *out = json_write(d->in->arena, found.value); /* its digits, above 2^63 too */
    } else if (found.is_there && found.value && !yyjson_is_str(found.value)) {
        return delivery_unfit(d, &found,
                              yyjson_is_real(found.value)
                                  ? "a text, or a whole number of at most 64 bits"
                                  : "a text");
    } else {
        *out = found.text;
    }
    return true;
}

bool delivery_text(struct delivery *d, const char *path, struct str *out)
{
    return text_at(d, str_of(path), out);
}

bool delivery_time(struct delivery *d, const char *path, int64_t *out)
{
    struct found found;
    *out = TIME_NONE;
    if (strcmp(path, "$received") == 0) {
        *out = d->in->raw->received_us;
        return true;
    }
    if (!delivery_find(d, path, &found) || !found.is_there) {
        return d->out->fate != FATE_DEAD;
    }
    if (yyjson_is_int(found.value)) {
        const int64_t seconds = yyjson_get_sint(found.value);
        if (seconds < 0 || seconds > seconds_max) {
            return delivery_unfit(d, &found, "seconds since 1970");
        }
        *out = seconds * 1000000;
        return true;
    }
    if (!clock_parse(found.text, out)) {
        return delivery_unfit(d, &found, "a time as RFC 3339 has it");
    }
    if (*out < kept_from_us) {
        const bool is_unknown = *out < unknown_before_us;
        *out = TIME_NONE;
        return found.is_optional ||
               delivery_dead(d, found.path,
                             is_unknown ? "is unknown (year 1)"
                                        : "is before 1900: weir keeps the years 1900 to 9999");
    }
    return true;
}

int64_t time_before(int64_t time_us, int64_t span_ms)
{
    const int64_t most_ms = INT64_C(1) << 50; /* longer ago than anything; and it fits in µs */
    return time_us - 1000 * (span_ms < most_ms / 1000 ? span_ms : most_ms / 1000);
}

bool delivery_bool(struct delivery *d, const char *path, bool otherwise, bool *out)
{
    struct found found;
    *out = otherwise;
    if (!delivery_find(d, path, &found)) {
        return false;
    }
    if (found.is_there && !yyjson_is_bool(found.value)) {
        return delivery_unfit(d, &found, "true or false");
    }
    *out = found.is_there ? yyjson_get_bool(found.value) : otherwise;
    return true;
}

/* One alternative, or the first path inside a template or function, as a JSON Pointer. Elements of
 * a list are numbered only where a mapping goes through them one by one. */
static void pointer_of(const struct delivery *d, struct str path, struct buf *b)
{
    const size_t brace = str_find(path, '{');
    const size_t parenthesis = str_find(path, '(');
    if (brace < path.len) {
        path = str_sub(path, brace + 1, path.len);
        path = str_sub(path, 0, str_find(path, '}'));
    } else if (parenthesis < path.len) {
        path = str_sub(path, parenthesis + 1, path.len - parenthesis - 2);
    }
    const bool is_variable = str_starts(path, S("$"));
    path = str_sub(path, is_variable, path.len); /* `$action` is the member `action` */
    const char *const known = is_variable && d->pointer ? d->pointer(path) : NULL;
    buf_add(b, str_of(known ? known : d->under));
    if (known) {
        return;
    }
    if (path.len > 0 && path.at[0] == '.') {
        buf_printf(b, "/%s/%zu", d->here_array, d->here_index);
        path = str_sub(path, 1, path.len);
    }
    while (path.len > 0) {
        struct str key = str_cut(path, '.', &path);
        const bool is_array = str_ends(key, S("[]"));
        key.len -= is_array ? 2 : 0;
        buf_add_byte(b, '/');
        buf_add(b, key);
        if (is_array) {
            return;
        }
    }
}

bool delivery_dead(struct delivery *d, struct str path, const char *why)
{
    struct buf b;
    buf_init(&b, d->in->arena, sizeof d->out->why.pointer - 1);
    pointer_of(d, path, &b);
    const char *const pointer = arena_cstr(d->in->arena, buf_str(&b));
    return transform_dead(d->out, pointer, "%s %.*s, row %s: %s %s", d->kind, STR_ARG(d->event),
                          d->row_name ? d->row_name : "", pointer, why);
}

/* What was found, for people; of a long text its beginning. */
static struct str shown(struct delivery *d, const struct found *found)
{
    struct buf b;
    const struct str text = found->value ? json_text(found->value) : found->text;
    const bool is_long = text.len > SHOWN_BYTES_MAX;
    if (yyjson_is_ctn(found->value)) {
        return yyjson_is_arr(found->value) ? S("a list") : S("an object");
    }
    if (found->value && !yyjson_is_str(found->value)) {
        return json_write(d->in->arena, found->value); /* a number, true, false */
    }
    buf_init(&b, d->in->arena, 7 * SHOWN_BYTES_MAX);
    buf_add(&b, S("the text "));
    buf_add_json(&b, is_long ? str_whole(str_sub(text, 0, SHOWN_BYTES_MAX)) : text);
    return buf_str(&b);
}

bool delivery_unfit(struct delivery *d, const struct found *found, const char *needed)
{
    const struct str why = arena_printf(d->in->arena, "is %.*s, and the row needs %s",
                                        STR_ARG(shown(d, found)), needed);
    return delivery_dead(d, found->path, why.at);
}
