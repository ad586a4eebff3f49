/* yaml.h - a YAML 1.2 file as a tree of texts, lists and maps that know where they stand.
 *
 * In weir's own files anchors, aliases, merge keys, tags and a second document are refused: a
 * configuration of weir is a tree, and a 271-byte bomb of aliases is not. A collector file was
 * written for another program, which took them: there they are followed, up to a number of nodes.
 * Only yaml.c knows libfyaml. */
#ifndef WEIR_CONFIG_YAML_H
#define WEIR_CONFIG_YAML_H

#include "config/problem.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };
enum yaml_style { YAML_PLAIN, YAML_QUOTED, YAML_LITERAL, YAML_FOLDED };

struct yaml {
    enum yaml_kind kind;
    struct place place;
    struct str text;       /* YAML_TEXT                                              */
    bool is_empty;         /* YAML_TEXT: nothing was written: `key:`, or null, or ~  */
    enum yaml_style style; /* YAML_TEXT                                        */
    int indent;            /* YAML_LITERAL: spaces before each of its lines    */
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

/* The same of a collector file. What was passed over goes to `notes`. */
bool yaml_read_foreign(struct arena *a, struct str file, struct str text, struct yaml *out,
                       struct problems *p, struct problems *notes);

/* The entry of this key, or NULL. */
struct yaml_entry *yaml_find(const struct yaml *map, struct str key);
/* The same in any case of its letters, when there is none of exactly this key. */
struct yaml_entry *yaml_find_nocase(const struct yaml *map, struct str key);

/* Where the byte `at` of a text stands in its file. */
struct place yaml_place_in(const struct yaml *text, size_t at);

/* Add the sections of `from` to `to`: what stands in one section comes together, and whatever is
 * named twice there (an agent, a setting) is a problem that names both places. */
void yaml_merge(struct arena *a, struct yaml *to, const struct yaml *from, struct problems *p);

#endif
