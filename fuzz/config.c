/* config.c - any text as weir.yaml: taken, or refused with messages that name the file; twice the
 * same. */
#include "config/config.h"
#include "fuzz.h"
#include "registry.h"

#include <stdlib.h>

enum { MEMORY_BYTES_MAX = 256 << 20 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = {(const char *)data, size};
    struct arena a;
    struct config *config[2] = {NULL, NULL};
    struct str_list errors[2];
    enum outcome outcome[2];
    arena_init(&a, MEMORY_BYTES_MAX);
    for (int i = 0; i < 2; i++) {
        outcome[i] = config_read_text(&a, S("fuzz.yaml"), text, &registry_drivers, &config[i],
                                      &errors[i]);
        must((outcome[i] == OK) == (errors[i].n == 0));
        for (size_t k = 0; k < errors[i].n; k++) {
            must(str_starts(errors[i].at[k], S("fuzz.yaml")));
        }
    }
    must(outcome[0] == outcome[1] && errors[0].n == errors[1].n);
    if (outcome[0] == OK) {
        must(config[0]->intake.listen.n > 0 || config[0]->collectors.n > 0);
        must(config[0]->data.len > 0 && config[0]->admin.listen.n > 0);
        must(config[0]->intake.processes >= 1 && config[0]->agents.n == config[1]->agents.n);
    }
    arena_close(&a);
    return 0;
}
