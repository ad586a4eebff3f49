/* cdevents.c - what is valid by any release becomes valid by 0.5.1, and that is a fixed point. */
#include <stdlib.h>

#include "fuzz.h"
#include "transform/cdevents/formats.h"
#include "transform/cdevents/upconvert.h"

enum { MEMORY_BYTES_MAX = 64 << 20 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool lifted(struct arena *a, struct str text, struct cd_lifted *out)
{
    struct failure f = {0};
    struct cd_event event;
    yyjson_doc *doc = NULL;
    if (json_read_exact(a, text, &doc, &f) != OK ||
        cd_validate(a, yyjson_doc_get_root(doc), &event, &f) != OK) {
        must(f.outcome == REJECT && f.text[0]);
        return false;
    }
    cd_lift(a, &event, out);
    return true;
}

static void resolve(struct arena *a, struct str text)
{
    struct str reference;
    const struct str base = str_cut(text, '\n', &reference);
    const struct str target = uri_resolve(a, base, reference);
    must(target.len == 0 || (is_uri(base) && is_uri_reference(reference) && is_uri(target)));
    must(is_uri(arena_printf(a, "urn:x:-%.*s", STR_ARG(uri_encode(a, text)))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct cd_lifted once;
    struct cd_lifted twice;
    const struct str text = {(const char *)data, size};
    arena_init(&a, MEMORY_BYTES_MAX);
    if (lifted(&a, text, &once)) {
        const struct str first = cd_write(&a, &once);
        must(lifted(&a, first, &twice));
        must(twice.notes.len == 0);
        must(str_eq(cd_write(&a, &twice), first));
    }
    resolve(&a, text);
    arena_close(&a);
    return 0;
}
