/* section.h - a map of the configuration into a struct, as its option table says. */
#ifndef WEIR_CONFIG_SECTION_H
#define WEIR_CONFIG_SECTION_H

#include "config/yaml.h"

struct sections {
    struct arena *arena;
    struct problems *problems;
    const struct drivers *drivers;
    bool is_without_secrets; /* they are left empty, and what they stand for is not looked for */
};

/* Fill the struct at `to` (zeroed) from `map`; `map` may be NULL: defaults alone. `path` is what
 * the section is called in messages: "intake", or "" at the top. Everything wrong becomes a
 * problem. */
void section_read(const struct sections *s, const struct option *options, const struct yaml *map,
                  struct str path, void *to);

#endif
