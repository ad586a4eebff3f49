/* json.c - what json_read takes, json_write gives back the same; what buf_add_json quotes,
 * json_read reads. */
#include "wire/json.h"
#include "base/buf.h"
#include "fuzz.h"

#include <stdlib.h>

enum { MEMORY_BYTES_MAX = 64 << 20 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void quote_and_read(struct arena *a, struct str text)
{
    struct buf quoted;
    buf_init(&quoted, a, 8 * text.len + 16);
    buf_add_json(&quoted, text);
    must(!buf_is_over(&quoted));
    struct failure f;
    yyjson_doc *doc = NULL;
    must(json_read(a, buf_str(&quoted), &doc, &f) == OK);
    const struct str back = json_text(yyjson_doc_get_root(doc));
    must(str_eq(back, text) || !str_is_utf8(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = {(const char *)data, size};
    struct arena a;
    arena_init(&a, MEMORY_BYTES_MAX);
    struct failure f;
    yyjson_doc *doc = NULL;
    if (json_read(&a, text, &doc, &f) == OK) {
        yyjson_val *const root = yyjson_doc_get_root(doc);
        const struct str written = json_write(&a, root);
        yyjson_doc *again = NULL;
        must(json_read(&a, written, &again, &f) == OK);
        must(yyjson_equals(root, yyjson_doc_get_root(again)));
        (void)json_check_unique(&a, root, &f);
    }
    quote_and_read(&a, text);
    arena_close(&a);
    return 0;
}
