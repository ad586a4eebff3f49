#include "wire/jq/convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES_MAX = 400, SAFE_DIGITS = 15 };
#define SAFE_MAX UINT64_C(9007199254740992) /* 2^53: every integer up to it is a double */

/* ---- in ---- */

static bool is_integer(struct str digits)
{
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9') {
            return false;
        }
    }
    return true;
}

static jv number(struct str text)
{
    char copy[NUMBER_BYTES_MAX];
    const bool is_negative = str_starts(text, S("-"));
    const struct str digits = str_sub(text, is_negative, text.len);
    uint64_t n = 0;
    if (is_integer(digits)) {
        const bool is_safe = digits.len <= SAFE_DIGITS + 1 && str_to_u64(digits, &n) &&
                             n <= SAFE_MAX;
        return is_safe ? jv_number(is_negative ? -(double)n : (double)n)
                       : jv_string_sized(text.at, (int)text.len);
    }
    if (text.len >= sizeof copy) {
        return jv_string_sized(text.at, (int)text.len);
    }
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    const double value = strtod(copy, NULL);
    return isfinite(value) ? jv_number(value) : jv_string_sized(text.at, (int)text.len);
}

/* Nested at most JSON_DEPTH_MAX deep (json.h). */
jv jq_value(yyjson_val *v)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_RAW: return number((struct str){yyjson_get_raw(v), yyjson_get_len(v)});
    case YYJSON_TYPE_STR: return jv_string_sized(yyjson_get_str(v), (int)yyjson_get_len(v));
    case YYJSON_TYPE_BOOL: return jv_bool(yyjson_get_bool(v));
    case YYJSON_TYPE_ARR: {
        jv array = jv_array_sized((int)yyjson_arr_size(v) + 1); /* none is asserted against */
        yyjson_arr_foreach(v, i, n, value)
        {
            array = jv_array_append(array, jq_value(value));
        }
        return array;
    }
    case YYJSON_TYPE_OBJ: {
        jv object = jv_object();
        yyjson_obj_foreach(v, i, n, key, value)
        {
            object = jv_object_set(object, jq_value(key), jq_value(value));
        }
        return object;
    }
    default: return jv_null();
    }
}

/* ---- out ---- */

static void write_number(struct buf *b, double number)
{
    char text[NUMBER_BYTES_MAX];
    if (!isfinite(number)) {
        buf_add(b, S("null"));
    } else if (fabs(number) <= (double)SAFE_MAX && fabs(number - trunc(number)) <= 0) {
        buf_add_i64(b, (int64_t)number);
    } else {
        for (int digits = SAFE_DIGITS; digits <= SAFE_DIGITS + 2; digits++) {
            (void)snprintf(text, sizeof text, "%.*g", digits, number);
            if (fabs(strtod(text, NULL) - number) <= 0) {
                break;
            }
        }
        buf_add(b, str_of(text));
    }
}

static struct str text_of(jv text)
{
    return (struct str){jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text))};
}

static bool write_array(struct buf *b, jv array, int64_t depth_left)
{
    bool is_whole = true;
    const int n = jv_array_length(jv_copy(array));
    buf_add_byte(b, '[');
    for (int i = 0; i < n && is_whole; i++) {
        const jv value = jv_array_get(jv_copy(array), i);
        buf_add(b, i > 0 ? S(",") : S(""));
        is_whole = jq_write(b, value, depth_left);
        jv_free(value);
    }
    buf_add_byte(b, ']');
    return is_whole;
}

static bool write_object(struct buf *b, jv object, int64_t depth_left)
{
    bool is_whole = true;
    const jv keys = jv_keys(jv_copy(object));
    const int n = jv_array_length(jv_copy(keys));
    buf_add_byte(b, '{');
    for (int i = 0; i < n && is_whole; i++) {
        const jv key = jv_array_get(jv_copy(keys), i);
        const jv value = jv_object_get(jv_copy(object), jv_copy(key));
        buf_add(b, i > 0 ? S(",") : S(""));
        buf_add_json(b, text_of(key));
        buf_add_byte(b, ':');
        is_whole = jq_write(b, value, depth_left);
        jv_free(value);
        jv_free(key);
    }
    buf_add_byte(b, '}');
    jv_free(keys);
    return is_whole;
}

bool jq_write(struct buf *b, jv v, int64_t depth_max)
{
    switch (jv_get_kind(v)) {
    case JV_KIND_INVALID:
    case JV_KIND_NULL: buf_add(b, S("null")); return true;
    case JV_KIND_FALSE: buf_add(b, S("false")); return true;
    case JV_KIND_TRUE: buf_add(b, S("true")); return true;
    case JV_KIND_NUMBER: write_number(b, jv_number_value(v)); return true;
    case JV_KIND_STRING: buf_add_json(b, text_of(v)); return true;
    case JV_KIND_ARRAY: return depth_max > 0 && write_array(b, v, depth_max - 1);
    case JV_KIND_OBJECT: return depth_max > 0 && write_object(b, v, depth_max - 1);
    }
    return true;
}
