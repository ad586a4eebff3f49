#include "wire/json.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEYS_FEW_MAX = 255,   /* a slot is one byte, 0 an empty one */
    KEYS_FEW_SLOTS = 1024 /* a quarter of them is used at most */
};

static void *alc_malloc(void *ctx, size_t size)
{
    struct arena *const a = ctx;
    return arena_grow(a, NULL, 0, size);
}

static void *alc_realloc(void *ctx, void *at, size_t old, size_t size)
{
    struct arena *const a = ctx;
    return size <= old ? at : arena_grow(a, at, old, size);
}

static void *alc_try_malloc(void *ctx, size_t size)
{
    struct arena *const a = ctx;
    return arena_try_grow(a, NULL, 0, size);
}

static void *alc_try_realloc(void *ctx, void *at, size_t old, size_t size)
{
    struct arena *const a = ctx;
    return size <= old ? at : arena_try_grow(a, at, old, size);
}

static void alc_free(void *ctx, void *at)
{
    (void)ctx; /* the arena's reset does */
    (void)at;
}

static yyjson_alc alc_of(struct arena *a)
{
    return (yyjson_alc){alc_malloc, alc_realloc, alc_free, a};
}

/* yyjson lays a document out in one array, each container before its members, and knows where each
 * ends: a walk along it needs no recursion, and no second look at the text. */
static bool is_too_deep(yyjson_doc *doc)
{
    const yyjson_val *end[JSON_DEPTH_MAX]; /* of the containers around the value */
    size_t depth = 0;
    yyjson_val *const root = yyjson_doc_get_root(doc);
    const size_t n = yyjson_doc_get_val_count(doc);
    for (size_t i = 0; i < n; i++) {
        if (!unsafe_yyjson_is_ctn(root + i)) {
            continue; /* most values: those that ended before one end at the next container */
        }
        while (depth > 0 && end[depth - 1] <= root + i) {
            depth--;
        }
        if (depth == JSON_DEPTH_MAX) {
            return true;
        }
        end[depth++] = unsafe_yyjson_get_next(root + i);
    }
    return false;
}

/* Nothing can be said of the text itself: another time there may be room, unless this arena can
 * never have it. */
static enum outcome no_room(const struct arena *a, size_t len, struct failure *f)
{
    if (len > a->bytes_max / JSON_FACTOR) {
        return failed(f, REJECT, "%zu bytes of JSON are more than %zu bytes of memory can read",
                      len, a->bytes_max);
    }
    return failed(f, RETRY, "memory is short for %zu bytes of JSON: try again later", len);
}

#define BEYOND "beyond what 64 bits or a double hold (about 1.8e308): send it as a text"

static enum outcome no_json(struct str text, const yyjson_read_err *err, struct failure *f)
{
    size_t line = 0;
    size_t column = 0;
    size_t chars = 0;
    if (text.len == 0 || !yyjson_locate_pos(text.at, text.len, err->pos, &line, &column, &chars)) {
        return failed(f, REJECT, "not JSON: %s", text.len ? err->msg : "the text is empty");
    }
    /* yyjson 0.10 has one code for it and for what is no number at all; the words differ */
    if (err->code == YYJSON_READ_ERROR_INVALID_NUMBER && strstr(err->msg, "infinity")) {
        return failed(f, REJECT, "line %zu, column %zu: the number is JSON, but " BEYOND, line,
                      column);
    }
    return failed(f, REJECT, "not JSON: line %zu, column %zu: %s", line, column, err->msg);
}

/* Nested to any depth. */
static enum outcome read_any(const yyjson_alc *alc, struct str text, yyjson_read_flag flags,
                             yyjson_doc **out, struct failure *f)
{
    yyjson_read_err err = {0};
    /* Without INSITU yyjson copies the text and never writes to ours. */
    *out = yyjson_read_opts((char *)(uintptr_t)text.at, text.len, flags, alc, &err);
    return *out                                              ? OK
           : err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? no_room(alc->ctx, text.len, f)
                                                             : no_json(text, &err, f);
}

static enum outcome read_with(const yyjson_alc *alc, struct str text, yyjson_read_flag flags,
                              yyjson_doc **out, struct failure *f)
{
    yyjson_doc *doc = NULL;
    const enum outcome result = read_any(alc, text, flags, &doc, f);
    if (result == OK && is_too_deep(doc)) {
        return failed(f, REJECT, "JSON nested deeper than %d levels", JSON_DEPTH_MAX);
    }
    *out = doc;
    return result;
}

enum outcome json_read(struct arena *a, struct str text, yyjson_doc **out, struct failure *f)
{
    const yyjson_alc alc = alc_of(a);
    return read_with(&alc, text, 0, out, f);
}

enum outcome json_read_exact(struct arena *a, struct str text, yyjson_doc **out, struct failure *f)
{
    const yyjson_alc alc = alc_of(a);
    return read_with(&alc, text, YYJSON_READ_NUMBER_AS_RAW, out, f);
}

static yyjson_alc alc_try_of(struct arena *a)
{
    return (yyjson_alc){alc_try_malloc, alc_try_realloc, alc_free, a};
}

enum outcome json_try_read(struct arena *a, struct str text, yyjson_doc **out, struct failure *f)
{
    const yyjson_alc alc = alc_try_of(a);
    return read_with(&alc, text, 0, out, f);
}

enum outcome json_try_read_exact(struct arena *a, struct str text, yyjson_doc **out,
                                 struct failure *f)
{
    const yyjson_alc alc = alc_try_of(a);
    return read_with(&alc, text, YYJSON_READ_NUMBER_AS_RAW, out, f);
}

enum outcome json_check_numbers(yyjson_doc *doc, struct failure *f)
{
    enum { SHOWN_BYTES = 40 };
    yyjson_val *const root = yyjson_doc_get_root(doc);
    const size_t n = yyjson_doc_get_val_count(doc);
    for (size_t i = 0; i < n; i++) {
        yyjson_val number;
        if (yyjson_is_raw(root + i) &&
            !yyjson_read_number(yyjson_get_raw(root + i), &number, 0, NULL, NULL)) {
            return failed(f, REJECT, "the number %.*s is JSON, but " BEYOND, SHOWN_BYTES,
                          yyjson_get_raw(root + i));
        }
    }
    return OK;
}

/* The value of four hex digits; beyond 0xFFFF: they are none. */
static uint32_t hex_unit(struct str text, size_t at)
{
    unsigned char bytes[2];
    return hex_read(str_sub(text, at, 4), bytes, sizeof bytes) ? (uint32_t)bytes[0] << 8 | bytes[1]
                                                               : UINT32_MAX;
}

/* Escapes \uD800 to \uDFFF that are no pair, as \uFFFD. Where a backslash stands outside of a text,
 * no reader takes it for JSON anyway. */
static void mend_surrogates(char *at, size_t len)
{
    const struct str text = {at, len};
    for (size_t i = 0; i + 1 < len; i++) {
        if (at[i] != '\\') {
            continue;
        }
        i++;
        const uint32_t unit = at[i] == 'u' ? hex_unit(text, i + 1) : UINT32_MAX;
        if (unit > 0xFFFF || (unit & 0xF800) != 0xD800) {
            continue;
        }
        const bool has_low = str_eq(str_sub(text, i + 5, 2), S("\\u")) &&
                             (hex_unit(text, i + 7) & 0xFFFFFC00) == 0xDC00;
        if ((unit & 0xFC00) == 0xD800 && has_low) {
            i += 10; /* to the last digit of the pair */
        } else {
            static const char replacement[] = {'F', 'F', 'F', 'D'};
            memcpy(at + i + 1, replacement, sizeof replacement);
        }
    }
}

/* Numbers of any size, and a copy in which halves of pairs are mended. */
static enum outcome read_mended(struct arena *a, struct str text, yyjson_doc **out,
                                struct failure *f)
{
    const yyjson_alc alc = alc_try_of(a);
    char *const copy = arena_try(a, text.len + 1, 1);
    if (!copy) {
        return no_room(a, text.len, f);
    }
    memcpy(copy, text.len ? text.at : "", text.len);
    mend_surrogates(copy, text.len);
    return read_any(&alc, (struct str){copy, text.len}, YYJSON_READ_BIGNUM_AS_RAW, out, f);
}

enum outcome json_try_read_lax(struct arena *a, struct str text, yyjson_doc **out,
                               struct failure *f)
{
    const yyjson_alc alc = alc_try_of(a);
    const enum outcome result = read_any(&alc, text, 0, out, f);
    return result == REJECT ? read_mended(a, text, out, f) : result;
}

static int key_order(const void *a, const void *b)
{
    const struct str *const x = a;
    const struct str *const y = b;
    return str_cmp(*x, *y);
}

static enum outcome is_twice(struct str key, struct failure *f)
{
    return failed(f, REJECT, "the key \"%s\" stands twice in one JSON object",
                  str_shown(key, 80).text);
}

/* Its ends and its length tell most keys apart. Loads of fixed sizes: no call of memcpy. */
static size_t key_hash(const char *at, size_t len)
{
    uint64_t first = 0;
    uint64_t last = 0;
    if (len >= 8) {
        memcpy(&first, at, 8);
        memcpy(&last, at + len - 8, 8);
    } else if (len >= 4) {
        memcpy(&first, at, 4);
        memcpy(&last, at + len - 4, 4);
    } else if (len > 0) {
        first = (uint64_t)(unsigned char)at[0] << 16 | (uint64_t)(unsigned char)at[len / 2] << 8 |
                (unsigned char)at[len - 1];
    }
    return (size_t)(((first ^ last << 7 ^ len) * UINT64_C(0x9E3779B97F4A7C15)) >> 40);
}

static bool is_same_key(yyjson_val *a, yyjson_val *b)
{
    const size_t len = unsafe_yyjson_get_len(a);
    return len == unsafe_yyjson_get_len(b) &&
           memcmp(unsafe_yyjson_get_str(a), unsafe_yyjson_get_str(b), len) == 0;
}

/* What webhooks consist of: a table on the stack, of numbers of keys. Keys that are made to collide
 * cost their square, which is little. */
static enum outcome check_few(yyjson_val *object, struct failure *f)
{
    yyjson_val *keys[KEYS_FEW_MAX];
    unsigned char slot[KEYS_FEW_SLOTS];
    const size_t n = yyjson_obj_size(object);
    size_t room = 4;
    yyjson_val *key = unsafe_yyjson_get_first(object);
    while (room < 4 * n) {
        room *= 2;
    }
    memset(slot, 0, room);
    for (size_t i = 0; i < n; i++, key = unsafe_yyjson_get_next(key + 1)) {
        size_t k = key_hash(unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key)) & (room - 1);
        while (slot[k] && !is_same_key(keys[slot[k] - 1], key)) {
            k = (k + 1) & (room - 1);
        }
        if (slot[k]) {
            return is_twice(json_text(key), f);
        }
        keys[i] = key;
        slot[k] = (unsigned char)(i + 1);
    }
    return OK;
}

static enum outcome check_many(struct arena *a, yyjson_val *object, struct failure *f)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    struct str *const keys = arena_try(a, yyjson_obj_size(object), sizeof *keys);
    if (!keys) {
        return failed(f, RETRY, "memory is short for a JSON object with %zu members",
                      yyjson_obj_size(object));
    }
    yyjson_obj_foreach(object, i, n, key, value)
    {
        keys[i] = json_text(key);
    }
    qsort(keys, n, sizeof *keys, key_order);
    for (i = 1; i < n; i++) {
        if (str_eq(keys[i - 1], keys[i])) {
            return is_twice(keys[i], f);
        }
    }
    return OK;
}

enum outcome json_check_unique(struct arena *a, yyjson_val *root, struct failure *f)
{
    /* yyjson lays a document out in one array, what is in a container behind it */
    yyjson_val *const end = root ? unsafe_yyjson_get_next(root) : NULL;
    enum outcome result = OK;
    for (yyjson_val *v = root; v < end && result == OK; v++) {
        if (unsafe_yyjson_is_obj(v) && yyjson_obj_size(v) > 1) {
            result = yyjson_obj_size(v) <= KEYS_FEW_MAX ? check_few(v, f) : check_many(a, v, f);
        }
    }
    return result;
}

struct str json_text(yyjson_val *v)
{
    return yyjson_is_str(v) ? (struct str){yyjson_get_str(v), yyjson_get_len(v)}
                            : (struct str){NULL, 0};
}

yyjson_val *json_get(yyjson_val *object, struct str key)
{
    yyjson_val *const v = yyjson_obj_getn(object, key.at, key.len);
    return yyjson_is_null(v) ? NULL : v;
}

yyjson_val *json_at(yyjson_val *root, struct str path)
{
    while (path.len > 0 && root) {
        root = json_get(root, str_cut(path, '.', &path));
    }
    return root;
}

void json_add_key(struct buf *b, struct str key)
{
    buf_add_byte(b, '/');
    for (size_t i = 0; i < key.len; i++) {
        const char byte = key.at[i];
        buf_add(b, byte == '~'    ? S("~0")
                   : byte == '/'  ? S("~1")
                   : byte == '\0' ? S("\\u0000")
                                  : str_sub(key, i, 1));
    }
}

struct str json_write(struct arena *a, yyjson_val *v)
{
    size_t len = 0;
    const yyjson_alc alc = alc_of(a);
    char *const text = yyjson_val_write_opts(v, 0, &alc, &len, NULL);
    return (struct str){text, text ? len : 0};
}
