#include "transform/content.h"

#include "base/hash.h"
#include "signal/metric.h"
#include "wire/json.h"

/* What is hashed into its seed, so that no value is another's: the kinds of JSON. */
enum kind {
    KIND_OBJECT = 1,
    KIND_LIST,
    KIND_TEXT,
    KIND_WORD,
    KIND_NUMBER,
    KIND_NEGATIVE,
    KIND_REAL
};

static uint64_t mix(uint64_t seed, enum kind kind, uint64_t number)
{
    return hash_64((struct str){(const char *)&number, sizeof number}, seed + kind);
}

/* 1.0 and 1e0 are 1: each writer of JSON has a form of its own. */
static uint64_t number_hash(yyjson_val *v, uint64_t seed)
{
    const double real = yyjson_get_num(v);
    const double whole_max = 9007199254740992.0; /* 2^53: below it no whole number is rounded */
    uint64_t bits = 0;
    if (yyjson_is_uint(v)) {
        return mix(seed, KIND_NUMBER, yyjson_get_uint(v));
    }
    const bool is_small = real < whole_max && real > -whole_max;
    const int64_t whole = yyjson_is_sint(v) ? yyjson_get_sint(v) : is_small ? (int64_t)real : 0;
    const double back = (double)whole;
    if (yyjson_is_sint(v) || (is_small && !(back < real) && !(back > real))) {
        return mix(seed, whole < 0 ? KIND_NEGATIVE : KIND_NUMBER, (uint64_t)whole);
    }
    memcpy(&bits, &real, sizeof bits);
    return mix(seed, KIND_REAL, bits);
}

/* Members are summed up, so their order says nothing. At most JSON_DEPTH_MAX levels. */
static uint64_t value_hash(yyjson_val *v, uint64_t seed)
{
    size_t i = 0;
    size_t n = 0;
    uint64_t sum = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    if (yyjson_is_obj(v)) {
        yyjson_obj_foreach(v, i, n, key, value)
        {
            sum += value_hash(value, hash_64(json_text(key), seed));
        }
        return mix(seed, KIND_OBJECT, sum + n);
    }
    if (yyjson_is_arr(v)) {
        sum = seed;
        yyjson_arr_foreach(v, i, n, value)
        {
            sum = value_hash(value, sum + i);
        }
        return mix(seed, KIND_LIST, sum);
    }
    if (yyjson_is_str(v)) {
        return hash_64(json_text(v), seed + KIND_TEXT);
    }
    return yyjson_is_num(v)
               ? number_hash(v, seed)
               : mix(seed, KIND_WORD, unsafe_yyjson_get_tag(v)); /* true, false, null */
}

enum outcome content_hash(struct arena *scratch, const struct signal *s, uint64_t *out,
                          struct failure *f)
{
    yyjson_doc *doc = NULL;
    *out = 0;
    if (str_eq(s->type, str_of(metric_signal_type))) {
        return OK;
    }
    if (str_starts(s->type, S("dev.cdevents"))) {
        const enum outcome result = json_try_read(scratch, s->data, &doc, f);
        if (result == OK) {
            *out = value_hash(yyjson_doc_get_root(doc), 0);
        }
        if (result != REJECT) {
            return result;
        }
    }
    *out = hash_64(s->data, 0);
    return OK;
}
