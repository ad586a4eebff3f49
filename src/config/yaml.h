/* yaml.h - a YAML 1.2 file as a tree of texts, lists and maps that know where they stand.
 *
 * Anchors, aliases, merge keys, tags and a second document are refused: a configuration of weir is
 * a tree, and a 271-byte bomb of aliases is not. Only yaml.c knows libfyaml. */
#ifndef WEIR_CONFIG_YAML_H
#define WEIR_CONFIG_YAML_H

#include "config/problem.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    struct place place;
    struct str text; /* YAML_TEXT                                              */
    bool is_empty;   /* YAML_TEXT: nothing was written: `key:`, or null, or ~  */
    struct yaml_entry *entry;
    size_t n, room;
};

struct yaml_entry {
    struct str key; /* empty in a list */
    struct place place;
    struct yaml value;
};

/* Read `text`, which came from `file`. What is wrong goes to `p`; false: nothing usable came out.
 * An empty file is an empty map. */
bool yaml_read(struct arena *a, struct str file, struct str text, struct yaml *out,
               struct problems *p);

/* The entry of this key, or NULL. */
struct yaml_entry *yaml_find(const struct yaml *map, struct str key);

/* Add the sections of `from` to `to`: what stands in one section comes together, and whatever is
 * named twice there (an agent, a setting) is a problem that names both places. */
void yaml_merge(struct arena *a, struct yaml *to, const struct yaml *from, struct problems *p);

#endif
