#include "persist/lake/seal.h"

#include <string.h>

#include "base/hash.h"

enum { DIGITS = 32 };
static const struct str mark = STR("\"weir.xxh3\":\"");

void seal_add(struct buf *b)
{
    static const char zeros[DIGITS + 1] = "00000000000000000000000000000000";
    buf_add(b, mark);
    buf_add(b, (struct str){zeros, DIGITS});
    buf_add_byte(b, '"');
}

/* Where the digits begin; the text's length when its first line, commitInfo, has none. */
static size_t digits_at(struct str text)
{
    const char *const end = memchr(text.at, '\n', text.len);
    const size_t line = end ? (size_t)(end - text.at) : text.len;
    for (size_t i = 0; i + mark.len + DIGITS <= line; i++) {
        if (memcmp(text.at + i, mark.at, mark.len) == 0) {
            return i + mark.len;
        }
    }
    return text.len;
}

void seal_close(struct buf *text)
{
    char hex[DIGITS];
    const size_t at = digits_at(buf_str(text));
    if (at < text->len) {
        hash_128_hex(buf_str(text), hex);
        memcpy(text->at + at, hex, DIGITS);
    }
}

enum seal seal_check(struct arena *a, struct str text)
{
    char hex[DIGITS];
    const size_t at = digits_at(text);
    if (at == text.len) {
        return SEAL_NONE;
    }
    char *const open = arena_alloc(a, text.len, 1);
    memcpy(open, text.at, text.len);
    memset(open + at, '0', DIGITS);
    hash_128_hex((struct str){open, text.len}, hex);
    return memcmp(text.at + at, hex, DIGITS) == 0 ? SEAL_HOLDS : SEAL_BROKEN;
}

enum outcome seal_demand(struct arena *a, struct str key, struct str text, struct failure *f)
{
    return seal_check(a, text) != SEAL_BROKEN
               ? OK
               : failed(f, STOP,
                        "%.*s is not what was written (its checksum differs): restore it from a "
                        "copy, or rebuild the table with weir replay",
                        STR_ARG(key));
}
