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
    /* A collector file, written for another program: ${…} is plain text, an empty value counts as
     * none, durations are Go's, paths begin where weir was started, and a key that is not known is
     * a note. */
    bool is_foreign;
    bool is_any_case;       /* keys match in any case of their letters                     */
    bool has_templates;     /* {{ getEnv "NAME" }} is replaced (template.h)                */
    struct problems *notes; /* not wrong, but worth knowing; NULL where none can come up   */
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

/* The driver that `value` names out of `types`. NULL: none, and a problem says so. */
const struct section_type *section_driver(const struct sections *s,
                                          const struct section_type *types,
                                          const struct yaml *value, struct str path);
/* The options of a section of that type, checked and completed, type->bytes long. `place` is where
 * the section stands. */
void *section_options(const struct sections *s, const struct section_type *type,
                      const struct yaml *map, struct str path, struct str file);

/* A path as it was written in `file`: absolute, beside that file. */
struct str section_path(struct arena *a, struct str file, struct str name);

/* Fill the struct at `to` (zeroed) from `map`; `map` may be NULL: defaults alone. `path` is what
 * the section is called in messages: "intake", or "" at the top. Everything wrong becomes a
 * problem. */
void section_read(const struct sections *s, const struct option *options, const struct yaml *map,
                  struct str path, void *to);

#endif
