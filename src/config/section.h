/* section.h - a map of the configuration into a struct, as its option table says. */
#ifndef WEIR_CONFIG_SECTION_H
#define WEIR_CONFIG_SECTION_H

#include "config/yaml.h"

struct sections {
    struct arena *arena;
    struct problems *problems;
    const struct drivers *drivers;
    bool is_without_secrets;  /* they are left empty, and what they stand for is not looked for */
    bool is_without_mappings; /* the same of programs */
};

/* A section whose table was read, on its way to its type's `complete`. */
struct section_check {
    const struct sections *s;
    const struct yaml *map; /* as it was written           */
    struct str path;        /* agents.NAME                 */
    struct str file;        /* that it stands in           */
};

/* A problem at the section's `key` (`signature.signs`), or at the section when it was not written.
 */
void section_wrong(const struct section_check *c, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fill the struct at `to` (zeroed) from `map`; `map` may be NULL: defaults alone. `path` is what
 * the section is called in messages: "intake", or "" at the top. Everything wrong becomes a
 * problem. */
void section_read(const struct sections *s, const struct option *options, const struct yaml *map,
                  struct str path, void *to);

#endif
