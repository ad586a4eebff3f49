#include "config/yaml.h"

#include <libfyaml.h>

enum {
    DIAGNOSTICS_MAX = 10, /* one broken quote makes many */
    NODES_MAX = 20000,    /* of a collector file, aliases followed: the largest has some hundred */
    DEPTH_MAX = 50
};

struct reading {
    struct arena *arena;
    struct str file, text;
    struct problems *problems;
    struct problems *notes; /* NULL: a file of weir's own */
    size_t nodes, depth;
};

static struct place place_of(const struct reading *r, struct fy_token *token)
{
    const struct fy_mark *const mark = token ? fy_token_start_mark(token) : NULL;
    return (struct place){r->file, mark ? mark->line + 1 : 0, mark ? mark->column + 1 : 0};
}

/* A map or a list has no token of its own: it stands where its first key or item stands. */
static struct place place_of_node(struct reading *r, struct fy_node *node)
{
    while (node && fy_node_get_type(node) != FYNT_SCALAR) {
        void *state = NULL;
        if (fy_node_get_type(node) == FYNT_SEQUENCE) {
            node = fy_node_sequence_iterate(node, &state);
        } else {
            struct fy_node_pair *const pair = fy_node_mapping_iterate(node, &state);
            node = pair ? fy_node_pair_key(pair) : NULL;
        }
    }
    struct place at = place_of(r, node ? fy_node_get_scalar_token(node) : NULL);
    const enum fy_node_style style = fy_node_get_style(node);
    if (at.column > 1 && (style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED)) {
        at.column--; /* the token begins behind its quote */
    }
    return at;
}

static struct str text_of(struct reading *r, struct fy_node *node)
{
    size_t len = 0;
    const char *const at = fy_node_get_scalar(node, &len);
    return arena_str(r->arena, (struct str){at, at ? len : 0});
}

/* In a collector file: an alias becomes what it stands for, a tag of YAML's own says nothing new.
 */
static bool node_follow(struct reading *r, struct fy_node **node, struct place at)
{
    if (++r->nodes > NODES_MAX || r->depth > DEPTH_MAX) {
        if (r->nodes == NODES_MAX + 1 || r->depth == DEPTH_MAX + 1) {
            problem_add(r->problems, at,
                        "more than %d nodes or %d levels, aliases followed: write it out",
                        NODES_MAX, DEPTH_MAX);
        }
        r->nodes = NODES_MAX + 1; /* the first is enough */
        return false;
    }
    if (fy_node_is_alias(*node)) {
        *node = fy_node_resolve_alias(*node);
        if (!*node) {
            problem_add(r->problems, at, "this alias has no anchor");
            return false;
        }
    }
    return true;
}

static bool node_is_plain_text(struct reading *r, struct fy_node *node, struct place at)
{
    if (r->notes) {
        return true;
    }
    if (fy_node_is_alias(node) || fy_node_get_anchor(node)) {
        problem_add(r->problems, at, "anchors and aliases are not used here: write it out");
        return false;
    }
    if (fy_node_get_tag_token(node)) {
        problem_add(r->problems, at, "tags are not used here: leave the !… away");
        return false;
    }
    return true;
}

static struct yaml_entry *entry_add(struct arena *a, struct yaml *to)
{
    to->entry = arena_more(a, to->entry, to->n, &to->room, sizeof *to->entry);
    return &to->entry[to->n++];
}

static void convert(struct reading *r, struct fy_node *node, struct place at, struct yaml *out);

static void convert_list(struct reading *r, struct fy_node *node, struct yaml *out)
{
    void *state = NULL;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &state));) {
        struct place at = place_of_node(r, item);
        at = at.line ? at : out->place;
        struct yaml_entry *const e = entry_add(r->arena, out);
        *e = (struct yaml_entry){.place = at};
        convert(r, item, at, &e->value);
    }
}

/* `<<: *base` or a list of them: what the map does not say itself. */
static void merge_map(struct reading *r, const struct yaml *from, struct yaml *out)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct yaml *const value = &from->entry[i].value;
        if (from->kind == YAML_LIST) {
            merge_map(r, value, out);
        } else if (!yaml_find(out, from->entry[i].key)) {
            *entry_add(r->arena, out) = from->entry[i];
        }
    }
    if (from->kind == YAML_TEXT) {
        problem_add(r->problems, from->place, "<< wants a map, or a list of maps");
    }
}

/* Keys of the map itself come first, wherever the merge key stands. */
static void convert_merges(struct reading *r, struct fy_node *node, struct yaml *out)
{
    void *state = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &state));) {
        struct fy_node *const key = fy_node_pair_key(pair);
        const struct place at = place_of_node(r, key);
        if (key && fy_node_get_type(key) == FYNT_SCALAR && str_eq(text_of(r, key), S("<<"))) {
            struct yaml base;
            convert(r, fy_node_pair_value(pair), at, &base);
            merge_map(r, &base, out);
        }
    }
}

static void convert_pair(struct reading *r, struct fy_node_pair *pair, struct yaml *out)
{
    struct fy_node *const key = fy_node_pair_key(pair), *const value = fy_node_pair_value(pair);
    const struct place at = place_of_node(r, key);
    if (!key || fy_node_get_type(key) != FYNT_SCALAR || !node_is_plain_text(r, key, at)) {
        problem_add(r->problems, at.line ? at : out->place, "a key must be a plain word");
        return;
    }
    const struct str name = text_of(r, key);
    if (str_eq(name, S("<<"))) {
        if (r->notes) {
            return; /* convert_merges */
        }
        problem_add(r->problems, at, "merge keys (<<) are not used here: write it out");
        return;
    }
    const struct yaml_entry *const twin = yaml_find(out, name);
    if (twin) {
        const struct str first = place_text(r->arena, twin->place);
        problem_add(r->problems, at, "%.*s stands here twice; first at %.*s", STR_ARG(name),
                    STR_ARG(first));
        return;
    }
    struct yaml_entry *const e = entry_add(r->arena, out);
    *e = (struct yaml_entry){.key = name, .place = at};
    struct place value_at = value ? place_of_node(r, value) : at;
    if (value_at.line == 0) {
        value_at = at;
    }
    convert(r, value, value_at, &e->value);
}

/* How a text is written, and how far a literal one is indented. */
static void style_of(const struct reading *r, struct fy_node *node, struct yaml *out)
{
    struct fy_token *const token = fy_node_get_scalar_token(node);
    const struct fy_mark *const mark = token ? fy_token_start_mark(token) : NULL;
    const enum fy_node_style style = fy_node_get_style(node);
    out->style = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED ? YAML_QUOTED
                 : style == FYNS_LITERAL                                    ? YAML_LITERAL
                 : style == FYNS_FOLDED                                     ? YAML_FOLDED
                                                                            : YAML_PLAIN;
    for (size_t i = mark ? mark->input_pos : r->text.len;
         out->style == YAML_LITERAL && i < r->text.len && r->text.at[i] == ' '; i++) {
        out->indent++;
    }
}

static void convert_node(struct reading *r, struct fy_node *node, struct yaml *out)
{
    void *state = NULL;
    const int n = fy_node_get_type(node) == FYNT_SEQUENCE  ? fy_node_sequence_item_count(node)
                  : fy_node_get_type(node) == FYNT_MAPPING ? fy_node_mapping_item_count(node)
                                                           : 0;
    out->room = n > 0 ? (size_t)n : 0;
    out->entry = n > 0 ? arena_array(r->arena, struct yaml_entry, out->room) : NULL;
    switch (fy_node_get_type(node)) {
    case FYNT_SCALAR:
        out->text = text_of(r, node);
        style_of(r, node, out);
        out->is_empty = out->style == YAML_PLAIN &&
                        (out->text.len == 0 || str_eq(out->text, S("null")) ||
                         str_eq(out->text, S("~")));
        return;
    case FYNT_SEQUENCE:
        out->kind = YAML_LIST;
        convert_list(r, node, out);
        return;
    case FYNT_MAPPING:
        out->kind = YAML_MAP;
        for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &state));) {
            convert_pair(r, pair, out);
        }
        if (r->notes) {
            convert_merges(r, node, out);
        }
        return;
    }
}

static void convert(struct reading *r, struct fy_node *node, struct place at, struct yaml *out)
{
    *out = (struct yaml){.kind = YAML_TEXT, .place = at, .is_empty = true};
    if (!node || !node_is_plain_text(r, node, at) || (r->notes && !node_follow(r, &node, at))) {
        return;
    }
    out->is_empty = false; /* [] and {} are written, too */
    r->depth++;
    convert_node(r, node, out);
    r->depth--;
}

/* Before the column of a line stands a `${` without quotes around it: its `}` ends a { } there. */
static bool is_after_expansion(struct str text, int line, int column)
{
    struct str here = {NULL, 0};
    for (int i = 0; i < line; i++) {
        here = str_cut(text, '\n', &text);
    }
    here = str_sub(here, 0, column > 0 ? (size_t)column : 0);
    bool is_quoted = false;
    for (size_t i = 0; i + 1 < here.len; i++) {
        is_quoted ^= here.at[i] == '"' || here.at[i] == '\'';
        if (!is_quoted && here.at[i] == '$' && here.at[i + 1] == '{') {
            return true;
        }
    }
    return false;
}

static void tell_diagnostics(struct reading *r, struct fy_diag *diag)
{
    void *state = NULL;
    int told = 0;
    for (struct fy_diag_error *e;
         told < DIAGNOSTICS_MAX && (e = fy_diag_errors_iterate(diag, &state)); told++) {
        problem_add(r->problems, (struct place){r->file, e->line, e->column}, "%s%s", e->msg,
                    is_after_expansion(r->text, e->line, e->column)
                        ? "; inside { } and [ ] a ${NAME} is written in quotes: \"${NAME}\""
                        : "");
    }
    if (told == 0) {
        problem_add(r->problems, (struct place){r->file, 0, 0}, "is no YAML");
    }
}

/* The one document of the stream. */
static bool read_document(struct reading *r, struct fy_parser *parser, struct fy_diag *diag,
                          struct yaml *out)
{
    struct fy_document *const d = fy_parse_load_document(parser);
    if (!d) {
        if (fy_diag_got_error(diag)) {
            tell_diagnostics(r, diag);
            return false;
        }
        return true; /* nothing but comments */
    }
    struct fy_node *const root = fy_document_root(d);
    struct place at = place_of_node(r, root);
    convert(r, root, at.line ? at : (struct place){r->file, 1, 1}, out);
    fy_parse_document_destroy(parser, d);
    struct fy_document *const second = fy_parse_load_document(parser);
    if (second) {
        at = place_of_node(r, fy_document_root(second));
        problem_add(r->notes ? r->notes : r->problems, at,
                    r->notes ? "a second document (---): the first alone counts, as ever"
                             : "a second document (---): one file is one document");
        fy_parse_document_destroy(parser, second);
    } else if (fy_diag_got_error(diag)) {
        tell_diagnostics(r, diag);
        return false;
    }
    if (out->kind == YAML_TEXT && out->is_empty) {
        out->kind = YAML_MAP;
    }
    if (out->kind != YAML_MAP) {
        problem_add(r->problems, out->place, "is no map of sections such as `agents:`");
        return false;
    }
    return true;
}

static bool read_text(struct reading *r, struct yaml *out)
{
    struct problems *const p = r->problems;
    const struct str file = r->file, text = r->text;
    *out = (struct yaml){.kind = YAML_MAP, .place = {file, 1, 1}};
    if (!str_is_utf8(text)) {
        problem_add(p, (struct place){file, 0, 0}, "is not UTF-8");
        return false;
    }
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    struct fy_diag *const diag = fy_diag_create(&diag_config);
    if (!diag) {
        problem_add(p, (struct place){file, 0, 0}, "no memory to read it");
        return false;
    }
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg config = {.flags = FYPCF_COLLECT_DIAG | FYPCF_ALLOW_DUPLICATE_KEYS |
                                                 FYPCF_DISABLE_RECYCLING |
                                                 FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
                                        .diag = diag};
    struct fy_parser *const parser = fy_parser_create(&config);
    const bool is_ready = parser && fy_parser_set_string(parser, text.at, text.len) == 0;
    const bool is_read = is_ready && read_document(r, parser, diag, out);
    if (!is_ready) {
        problem_add(p, (struct place){file, 0, 0}, "no memory to read it");
    }
    if (parser) {
        fy_parser_destroy(parser);
    }
    fy_diag_destroy(diag);
    return is_read;
}

bool yaml_read(struct arena *a, struct str file, struct str text, struct yaml *out,
               struct problems *p)
{
    return read_text(&(struct reading){.arena = a, .file = file, .text = text, .problems = p}, out);
}

bool yaml_read_foreign(struct arena *a, struct str file, struct str text, struct yaml *out,
                       struct problems *p, struct problems *notes)
{
    return read_text(&(struct reading){a, file, text, p, notes, 0, 0}, out);
}

struct yaml_entry *yaml_find(const struct yaml *map, struct str key)
{
    for (size_t i = 0; map->kind == YAML_MAP && i < map->n; i++) {
        if (str_eq(map->entry[i].key, key)) {
            return &map->entry[i];
        }
    }
    return NULL;
}

struct yaml_entry *yaml_find_nocase(const struct yaml *map, struct str key)
{
    struct yaml_entry *const exact = yaml_find(map, key);
    for (size_t i = 0; !exact && map->kind == YAML_MAP && i < map->n; i++) {
        if (str_eq_nocase(map->entry[i].key, key)) {
            return &map->entry[i];
        }
    }
    return exact;
}

struct place yaml_place_in(const struct yaml *text, size_t at)
{
    struct place place = text->place;
    int column = 0;
    for (size_t i = 0; i < at && i < text->text.len && text->style == YAML_LITERAL; i++) {
        const bool is_newline = text->text.at[i] == '\n';
        place.line += is_newline;
        column = is_newline ? 0 : column + 1;
    }
    switch (text->style) {
    case YAML_PLAIN: place.column += (int)at; break;
    case YAML_QUOTED: place.column += (int)at + 1; break;
    case YAML_LITERAL: place.column = text->indent + column + 1; break;
    case YAML_FOLDED: break; /* its lines were joined: where it begins */
    }
    return place;
}

/* What stands in a section, an agent or an address, is never put together of two files. */
static void merge_into(struct arena *a, struct yaml *to, const struct yaml *from,
                       struct str section, struct problems *p)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct yaml_entry *const e = &from->entry[i];
        struct yaml_entry *const twin = yaml_find(to, e->key);
        if (!twin) {
            *entry_add(a, to) = *e;
        } else if (section.len == 0 && twin->value.kind == YAML_MAP && e->value.kind == YAML_MAP) {
            merge_into(a, &twin->value, &e->value, e->key, p);
        } else {
            const struct str first = place_text(a, twin->place);
            problem_add(p, e->place, "%.*s%s%.*s is set a second time; first at %.*s",
                        STR_ARG(section), section.len ? "." : "", STR_ARG(e->key), STR_ARG(first));
        }
    }
}

void yaml_merge(struct arena *a, struct yaml *to, const struct yaml *from, struct problems *p)
{
    merge_into(a, to, from, S(""), p);
}
