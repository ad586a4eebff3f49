/* template.c - any text as a template: taken or refused at a byte of its own; what is kept for a
 * run is a template again, the same one, and renders twice the same. */
#include "config/template.h"
#include "fuzz.h"

#include <stdlib.h>

enum { MEMORY_BYTES_MAX = 256 << 20 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What was loaded is loaded again: nothing is left for the environment, so nothing changes. */
static void check_kept(struct arena *a, struct str kept, bool has_dot)
{
    static const struct template_dot dot = {.at_us = 1709251200000000,
                                            .partition = STR("p"),
                                            .uri = STR("u"),
                                            .start = STR("s"),
                                            .end = STR("e"),
                                            .bookmark = STR("b")};
    struct failure f = {.record = 0};
    struct str again, out[2];
    bool has_dot_again = false;
    must(template_load(a, kept, TEMPLATE_KEPT, &again, &has_dot_again, &f) == OK);
    must(str_eq(kept, again) && (has_dot_again == has_dot));
    const enum outcome first = template_render(a, kept, &dot, &out[0], &f);
    must(first == template_render(a, again, &dot, &out[1], &f));
    must(first != OK || str_eq(out[0], out[1]));
    must(first == OK || has_dot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = {(const char *)data, size};
    struct arena a;
    struct failure f = {.record = 0};
    struct str out;
    bool has_dot = false;
    arena_init(&a, MEMORY_BYTES_MAX);
    if (template_load(&a, text, TEMPLATE_KEPT, &out, &has_dot, &f) == OK) {
        check_kept(&a, out, has_dot);
    } else {
        must(f.record <= size && f.text[0] != '\0');
    }
    (void)template_load(&a, text, TEMPLATE_PLAIN, &out, &has_dot, &f);
    arena_close(&a);
    return 0;
}
