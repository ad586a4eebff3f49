/* ce_header.c - header values of the CloudEvents HTTP binding: what is decoded, encoded as the
 * binding says and decoded again, is the same. */
#include "agent/cloudevent.h"
#include "base/buf.h"
#include "fuzz.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* HTTP binding 3.1.3.2: space, quote, percent and all outside U+0021..U+007E. */
static struct str encode(struct arena *a, struct str text)
{
    struct buf b;
    buf_init(&b, a, 3 * text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '%') {
            buf_printf(&b, "%%%02X", c);
        } else {
            buf_add_byte(&b, (char)c);
        }
    }
    must(!buf_is_over(&b));
    return buf_str(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct str text = {0};
    struct str again = {0};
    arena_init(&a, 64 << 20);
    if (ce_decode(&a, (struct str){(const char *)data, size}, &text)) {
        must(str_is_utf8(text) && text.len <= size);
        must(ce_decode(&a, encode(&a, text), &again) && str_eq(text, again));
    }
    struct str bytes = {0};
    if (ce_base64(&a, (struct str){(const char *)data, size}, &bytes)) {
        must(size % 4 == 0 && bytes.len <= size / 4 * 3);
    }
    arena_close(&a);
    return 0;
}
