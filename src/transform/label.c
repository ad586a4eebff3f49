#include "transform/label.h"

static bool is_after(yyjson_val *label, struct str prefix, struct str *out)
{
    const struct str name = yyjson_is_obj(label) ? json_text(json_get(label, S("name")))
                                                 : json_text(label);
    *out = str_trim(str_sub(name, prefix.len, name.len));
    return prefix.len > 0 && str_starts_nocase(name, prefix);
}

struct str label_after(yyjson_val *labels, struct str prefix)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *label = NULL;
    yyjson_arr_foreach(labels, i, n, label)
    {
        struct str rest;
        if (is_after(label, prefix, &rest)) {
            return rest;
        }
    }
    return S("");
}

struct str labels_after(struct arena *a, yyjson_val *labels, struct str prefix)
{
    struct buf b;
    size_t i = 0;
    size_t n = 0;
    yyjson_val *label = NULL;
    buf_init(&b, a, SIZE_MAX);
    yyjson_arr_foreach(labels, i, n, label)
    {
        struct str rest;
        if (is_after(label, prefix, &rest)) {
            buf_add(&b, b.len > 0 ? S(" ") : S(""));
            buf_add(&b, rest);
        }
    }
    return buf_str(&b);
}
