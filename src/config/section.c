#include "config/section.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/nearest.h"
#include "config/expand.h"
#include "config/template.h"
#include "config/value.h"

enum { NAME_BYTES_MAX = 40, MESSAGE_BYTES_MAX = 500 };

/* One value being read: whose, from where, to where. */
struct reading {
    const struct sections *s;
    const struct option *option;
    const struct yaml *value;
    struct str path; /* intake.listen */
    void *to;
};

static void wrong(const struct reading *r, const char *wanted)
{
    /* a secret is never shown, nor what ${…} stands for: r->value is what was written */
    if (r->option->type == OPTION_SECRET || r->value->kind != YAML_TEXT) {
        problem_add(r->s->problems, r->value->place, "%.*s wants %s", STR_ARG(r->path), wanted);
    } else if (r->value->is_empty) {
        problem_add(r->s->problems, r->value->place, "%.*s has no value; it wants %s",
                    STR_ARG(r->path), wanted);
    } else {
        const struct str shown = str_sub(r->value->text, 0, 80);
        problem_add(r->s->problems, r->value->place, "%.*s is %.*s; it wants %s", STR_ARG(r->path),
                    STR_ARG(shown), wanted);
    }
}

static void wrong_section(const struct sections *s, const struct yaml *value, struct str path)
{
    if (value->kind == YAML_LIST) {
        problem_add(s->problems, value->place, "%.*s: a section is wanted (key: value), not a list",
                    STR_ARG(path));
    } else {
        const struct str shown = str_sub(value->text, 0, 80);
        problem_add(s->problems, value->place, "%.*s is %.*s; it wants a section (key: value)",
                    STR_ARG(path), STR_ARG(shown));
    }
}

static struct str add_words(struct arena *a, const char *const *words, const char *before)
{
    struct buf b;
    buf_init(&b, a, MESSAGE_BYTES_MAX);
    buf_add(&b, str_of(before));
    for (size_t i = 0; words[i]; i++) {
        buf_printf(&b, "%s%s", i == 0 ? "" : (words[i + 1] ? ", " : " or "), words[i]);
    }
    return arena_str(a, buf_str(&b)); /* with a zero byte: it is printed as a whole */
}

/* What the environment gives is put in; what a run gives is left for the run. */
static bool load_template(const struct reading *r, bool is_expanded, struct str *text)
{
    const bool is_kept = r->option->type == OPTION_TEMPLATE;
    struct failure f;
    bool has_dot = false;
    if (template_load(r->s->arena, *text, is_kept ? TEMPLATE_KEPT : TEMPLATE_PLAIN, text, &has_dot,
                      &f) != OK) {
        const struct place at = is_expanded ? r->value->place : yaml_place_in(r->value, f.record);
        problem_add(r->s->problems, at, "%.*s: %s", STR_ARG(r->path), f.text);
        return false;
    }
    if (has_dot && !is_kept && r->s->notes) {
        problem_add(r->s->notes, r->value->place,
                    "%.*s is not rendered at a run: its {{.…}} stays as it is written",
                    STR_ARG(r->path));
    }
    return true;
}

/* The text of a scalar with ${…} and {{…}} replaced. false: a problem was added. */
static bool text_of(const struct reading *r, const struct yaml *value, const char *wanted,
                    struct str *out)
{
    const struct reading item = {r->s, r->option, value, r->path, r->to};
    if (value->kind != YAML_TEXT || value->is_empty) {
        wrong(&item, wanted);
        return false;
    }
    if (str_find(value->text, '\0') < value->text.len) {
        problem_add(r->s->problems, value->place, "%.*s holds a zero byte", STR_ARG(r->path));
        return false;
    }
    *out = value->text;
    const bool is_expanded = !r->s->is_foreign && expand_is_needed(value->text);
    if (is_expanded && !expand(r->s->arena, value->text, value->place, out, r->s->problems)) {
        return false;
    }
    if (r->option->type == OPTION_TEMPLATE || (r->s->has_templates && !is_expanded)) {
        return load_template(&item, is_expanded, out);
    }
    return true;
}

struct str section_path(struct arena *a, struct str file, struct str name)
{
    while (str_starts(name, S("./"))) {
        name = str_sub(name, 2, name.len);
        while (str_starts(name, S("/"))) { /* `.//a` is no `/a` */
            name = str_sub(name, 1, name.len);
        }
    }
    const struct str beside = file_beside(a, file, name);
    char folder[4096];
    if (str_starts(beside, S("/")) || !getcwd(folder, sizeof folder)) {
        return beside;
    }
    return arena_printf(a, "%s/%.*s", folder, STR_ARG(beside));
}

/* Whether `text` is the word; where case is free, it becomes the word as it is spelled here. */
static bool is_word(const struct sections *s, struct str *text, const char *word)
{
    const bool is = s->is_any_case ? str_eq_nocase(*text, str_of(word))
                                   : str_eq(*text, str_of(word));
    *text = is ? str_of(word) : *text;
    return is;
}

/* One of the option's words, where it has any. */
static bool is_allowed(const struct reading *r, const struct yaml *value, struct str *text)
{
    const struct reading item = {r->s, r->option, value, r->path, r->to};
    bool is_known = !r->option->words;
    for (size_t i = 0; !is_known && r->option->words[i]; i++) {
        is_known = is_word(r->s, text, r->option->words[i]);
    }
    if (!is_known) {
        wrong(&item, add_words(r->s->arena, r->option->words, "").at);
    }
    return is_known;
}

static void read_text(const struct reading *r)
{
    struct str text;
    if (!text_of(r, r->value, r->option->type == OPTION_PATH ? "a path" : "a text", &text)) {
        return;
    }
    if ((r->option->type == OPTION_PATH || !r->option->fallback) && text.len == 0) {
        problem_add(r->s->problems, r->value->place, "%.*s is empty; it wants %s", STR_ARG(r->path),
                    r->option->type == OPTION_PATH ? "a path" : r->option->about);
        return;
    }
    if (r->option->type == OPTION_PATH) {
        text = section_path(r->s->arena, r->s->is_foreign ? S("") : r->value->place.file, text);
    }
    if (is_allowed(r, r->value, &text)) {
        *(struct str *)r->to = text;
    }
}

static bool add_item(const struct reading *r, const struct yaml *item, struct str_list *list)
{
    struct str text;
    if (!text_of(r, item, r->option->type == OPTION_SECRET ? "a secret" : "a text", &text)) {
        return false;
    }
    if (text.len == 0) {
        problem_add(r->s->problems, item->place, "%.*s is empty", STR_ARG(r->path));
        return false;
    }
    if (!is_allowed(r, item, &text)) {
        return false;
    }
    list->at[list->n++] = text;
    return true;
}

static void read_list(const struct reading *r)
{
    const bool is_list = r->value->kind == YAML_LIST;
    if (r->value->kind == YAML_MAP) {
        wrong(r, r->option->type == OPTION_SECRET ? "a secret or a list of secrets"
                                                  : "a text or a list of texts");
        return;
    }
    if (r->option->type == OPTION_SECRET && is_list && r->value->n == 0) {
        wrong(r, "at least one secret");
        return;
    }
    if (r->option->type == OPTION_SECRET && r->s->is_without_secrets) {
        return;
    }
    struct str_list *const to = r->to;
    to->at = arena_array(r->s->arena, struct str, is_list ? r->value->n : 1);
    if (!is_list) {
        (void)add_item(r, r->value, to);
        return;
    }
    for (size_t i = 0; i < r->value->n; i++) {
        (void)add_item(r, &r->value->entry[i].value, to);
    }
}

static bool number_of(const struct sections *s, enum option_type type, struct str text,
                      int64_t *out)
{
    uint64_t number = 0;
    if (type == OPTION_DURATION && s->has_templates && value_go_duration(text, out)) {
        return true;
    }
    if (type == OPTION_DURATION && s->is_foreign) {
        return false;
    }
    if (type == OPTION_SIZE) {
        return value_size(text, out);
    }
    if (type == OPTION_DURATION) {
        return value_duration(text, out);
    }
    if (!str_to_u64(text, &number) || number > INT64_MAX) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

/* INT, SIZE and DURATION: a number in its unit, within its range. */
static void read_number(const struct reading *r)
{
    const struct option *const o = r->option;
    const char *const wanted = o->type == OPTION_SIZE ? "a size such as 26MiB (KiB, MiB, GiB)"
                               : o->type == OPTION_DURATION && r->s->is_foreign
                                   ? "a duration such as 30s or 1h30m (ms, s, m, h)"
                               : o->type == OPTION_DURATION
                                   ? "a duration such as 30s (ms, s, m, h, d)"
                                   : "a whole number";
    struct str text;
    int64_t number = 0;
    if (!text_of(r, r->value, wanted, &text)) {
        return;
    }
    if (!number_of(r->s, o->type, text, &number)) {
        wrong(r, wanted);
        return;
    }
    if ((o->least != 0 || o->most != 0) && (number < o->least || number > o->most)) {
        char range[VALUE_RANGE_BYTES];
        value_range(o, range);
        wrong(r, range);
        return;
    }
    if (o->type == OPTION_SIZE) {
        *(size_t *)r->to = (size_t)number;
    } else {
        *(int64_t *)r->to = number;
    }
}

static void read_bool(const struct reading *r)
{
    struct str text;
    if (!text_of(r, r->value, "true or false", &text)) {
        return;
    }
    if (r->s->is_foreign && r->value->style != YAML_PLAIN) {
        wrong(r, "true or false without quotes");
        return;
    }
    if (r->s->is_foreign && (str_eq_nocase(text, S("true")) || str_eq_nocase(text, S("false")))) {
        *(bool *)r->to = str_eq_nocase(text, S("true"));
        return;
    }
    if (!str_eq(text, S("true")) && !str_eq(text, S("false"))) {
        wrong(r, "true or false");
        return;
    }
    *(bool *)r->to = str_eq(text, S("true"));
}

static void read_choice(const struct reading *r)
{
    const struct str wanted = add_words(r->s->arena, r->option->words, "");
    struct str text;
    if (!text_of(r, r->value, wanted.at, &text)) {
        return;
    }
    for (int i = 0; r->option->words[i]; i++) {
        if (is_word(r->s, &text, r->option->words[i])) {
            *(int *)r->to = i;
            return;
        }
    }
    if (!r->option->takes_any || !r->s->is_foreign) {
        wrong(r, wanted.at);
        return;
    }
    const struct str shown = str_sub(r->value->text, 0, 80);
    problem_add(r->s->notes, r->value->place,
                "%.*s is %.*s, and counts as %s, as ever; it wants %s", STR_ARG(r->path),
                STR_ARG(shown), r->option->fallback, wanted.at);
}

static bool name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

static struct str type_names(const struct reading *r, const struct section_type *types)
{
    const char *names[33] = {0};
    for (size_t i = 0; i < 32 && types[i].name; i++) {
        names[i] = types[i].name;
    }
    return add_words(r->s->arena, names, "");
}

/* The driver that r's value names, NULL: there is none, and a problem says so. */
static const struct section_type *driver_of(const struct reading *r,
                                            const struct section_type *types)
{
    struct str word = {NULL, 0};
    if (!text_of(r, r->value, "a text", &word)) {
        return NULL;
    }
    for (const struct section_type *t = types; t->name; t++) {
        if (!str_eq(word, str_of(t->name))) {
            continue;
        }
        if (t->needs) {
            problem_add(r->s->problems, r->value->place,
                        "%.*s: this weir was built without %s; build it with %s", STR_ARG(r->path),
                        t->name, t->needs);
            return NULL;
        }
        return t;
    }
    wrong(r, type_names(r, types).at);
    return NULL;
}

const struct section_type *section_driver(const struct sections *s,
                                          const struct section_type *types,
                                          const struct yaml *value, struct str path)
{
    static const struct option as_driver = {.name = "type", .type = OPTION_DRIVER};
    return driver_of(&(struct reading){s, &as_driver, value, path, NULL}, types);
}

void *section_options(const struct sections *s, const struct section_type *type,
                      const struct yaml *map, struct str path, struct str file)
{
    void *const options = arena_alloc(s->arena, 1, type->bytes);
    const size_t before = s->problems->lines.n;
    section_read(s, type->options, map, path, options);
    if (type->complete && s->problems->lines.n == before) {
        const struct section_check check = {s, map, path, file};
        type->complete(&check, options);
    }
    return options;
}

static void read_driver(const struct reading *r)
{
    *(const struct section_type **)r->to = driver_of(r, r->s->drivers->of[r->option->role]);
}

/* By the section's `type`; types whose first name is empty have no such key. */
static const struct section_type *type_of(const struct reading *r, const struct yaml_entry *e,
                                          const struct section_type *types)
{
    if (types[0].name && types[0].name[0] == '\0') {
        return types;
    }
    const struct yaml_entry *const given = yaml_find(&e->value, S("type"));
    if (!given) {
        const struct str known = type_names(r, types);
        problem_add(r->s->problems, e->place, "%.*s.%.*s lacks its type: %.*s", STR_ARG(r->path),
                    STR_ARG(e->key), STR_ARG(known));
        return NULL;
    }
    const struct str path = arena_printf(r->s->arena, "%.*s.%.*s.type", STR_ARG(r->path),
                                         STR_ARG(e->key));
    return section_driver(r->s, types, &given->value, path);
}

/* The section as its type's table knows it. */
static struct yaml without_type(const struct reading *r, const struct yaml_entry *e,
                                const struct section_type *type)
{
    struct yaml rest = {.kind = YAML_MAP, .place = e->place};
    rest.entry = arena_array(r->s->arena, struct yaml_entry, e->value.n);
    for (size_t i = 0; i < e->value.n; i++) {
        if (type->name[0] == '\0' || !str_eq(e->value.entry[i].key, S("type"))) {
            rest.entry[rest.n++] = e->value.entry[i];
        }
    }
    return rest;
}

void section_wrong(const struct section_check *c, const char *key, const char *format, ...)
{
    const struct yaml *at = c->map;
    for (struct str rest = str_of(key); rest.len > 0;) {
        const struct str name = str_cut(rest, '.', &rest);
        const struct yaml_entry *const e = c->s->is_any_case ? yaml_find_nocase(at, name)
                                                             : yaml_find(at, name);
        if (!e) {
            break;
        }
        at = &e->value;
    }
    char text[MESSAGE_BYTES_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    problem_add(c->s->problems, at->place, "%.*s.%s%s", STR_ARG(c->path), key, text);
}

/* What a section without a table holds that nothing stands for: told now, not in the next run. */
static void tell_unset(const struct sections *s, const struct yaml *value)
{
    struct str text;
    if (s->is_foreign || s->is_without_secrets) {
        return;
    }
    if (value->kind == YAML_TEXT && expand_is_needed(value->text)) {
        (void)expand(s->arena, value->text, value->place, &text, s->problems);
    }
    for (size_t i = 0; i < value->n; i++) {
        tell_unset(s, &value->entry[i].value);
    }
}

static void read_named(const struct reading *r)
{
    const struct section_type *const types = r->option->types ? r->option->types
                                                              : r->s->drivers->of[r->option->role];
    struct named_list *const to = r->to;
    if (r->value->kind == YAML_TEXT && r->value->is_empty) {
        return;
    }
    if (r->value->kind != YAML_MAP) {
        wrong_section(r->s, r->value, r->path);
        return;
    }
    to->at = arena_array(r->s->arena, struct named, r->value->n);
    for (size_t i = 0; i < r->value->n; i++) {
        const struct yaml_entry *const e = &r->value->entry[i];
        const struct str path = arena_printf(r->s->arena, "%.*s.%.*s", STR_ARG(r->path),
                                             STR_ARG(e->key));
        if (!name_is_valid(e->key)) {
            problem_add(r->s->problems, e->place, "%.*s: a name has 1 to %d of a-z, 0-9 and -",
                        STR_ARG(path), NAME_BYTES_MAX);
            continue;
        }
        if (e->value.kind != YAML_MAP && !e->value.is_empty) {
            wrong_section(r->s, &e->value, path);
            continue;
        }
        const struct section_type *const type = type_of(r, e, types);
        if (!type) {
            tell_unset(r->s, &e->value);
            continue;
        }
        struct named *const named = &to->at[to->n++];
        *named = (struct named){.name = e->key, .type = type};
        named->place = place_text(r->s->arena, e->place);
        named->options = arena_alloc(r->s->arena, 1, type->bytes);
        const struct yaml options = without_type(r, e, type);
        section_read(r->s, type->options, &options, path, named->options);
        if (type->complete) {
            const struct section_check check = {r->s, &options, path, e->place.file};
            type->complete(&check, named->options);
        }
    }
}

static void read_section(const struct reading *r)
{
    if (r->value->kind != YAML_MAP && !r->value->is_empty) {
        wrong_section(r->s, r->value, r->path);
        return;
    }
    section_read(r->s, r->option->section, r->value->kind == YAML_MAP ? r->value : NULL, r->path,
                 r->to);
}

static void read_pairs(const struct reading *r)
{
    struct pair_list *const to = r->to;
    if (r->value->kind != YAML_MAP) {
        wrong(r, "texts by name (key: value)");
        return;
    }
    to->at = arena_array(r->s->arena, struct text_pair, r->value->n);
    for (size_t i = 0; i < r->value->n; i++) {
        const struct yaml_entry *const e = &r->value->entry[i];
        const struct str path = arena_printf(r->s->arena, "%.*s.%.*s", STR_ARG(r->path),
                                             STR_ARG(e->key));
        struct str text;
        if (text_of(&(struct reading){r->s, r->option, &e->value, path, NULL}, &e->value, "a text",
                    &text)) {
            to->at[to->n++] = (struct text_pair){e->key, text};
        }
    }
}

static void read_items(const struct reading *r)
{
    struct item_list *const to = r->to;
    const struct section_type *const type = r->option->types;
    if (r->value->kind != YAML_LIST) {
        wrong(r, "a list of sections (- key: value)");
        return;
    }
    to->at = arena_alloc(r->s->arena, r->value->n, type->bytes);
    for (size_t i = 0; i < r->value->n; i++) {
        const struct yaml *const item = &r->value->entry[i].value;
        const struct str path = arena_printf(r->s->arena, "%.*s[%zu]", STR_ARG(r->path), i);
        if (item->kind != YAML_MAP) {
            wrong_section(r->s, item, path);
            continue;
        }
        section_read(r->s, type->options, item, path, (char *)to->at + to->n++ * type->bytes);
    }
}

static void read_value(const struct reading *r)
{
    switch (r->option->type) {
    case OPTION_TEXT:
    case OPTION_TEMPLATE:
    case OPTION_PATH: read_text(r); return;
    case OPTION_SECRET:
    case OPTION_LIST: read_list(r); return;
    case OPTION_BOOL: read_bool(r); return;
    case OPTION_INT:
    case OPTION_SIZE:
    case OPTION_DURATION: read_number(r); return;
    case OPTION_CHOICE: read_choice(r); return;
    case OPTION_DRIVER: read_driver(r); return;
    case OPTION_SECTION: read_section(r); return;
    case OPTION_NAMED: read_named(r); return;
    case OPTION_PAIRS: read_pairs(r); return;
    case OPTION_ITEMS: read_items(r); return;
    case OPTION_TREE: *(const struct yaml **)r->to = r->value; return;
    }
}

/* As if the default had been written; "" leaves zero. Lists are split at commas. */
static void read_fallback(const struct sections *s, const struct option *o, struct place at,
                          struct str path, void *to)
{
    struct str rest = str_of(o->fallback);
    struct yaml value = {.kind = YAML_TEXT, .place = at, .text = rest};
    if (rest.len == 0) {
        return;
    }
    struct yaml_entry item[8];
    if (o->type == OPTION_LIST) {
        value = (struct yaml){.kind = YAML_LIST, .place = at, .entry = item};
        while (rest.len > 0 && value.n < sizeof item / sizeof *item) {
            const struct str word = str_trim(str_cut(rest, ',', &rest));
            item[value.n++] = (struct yaml_entry){
                .place = at, .value = {.kind = YAML_TEXT, .place = at, .text = word}};
        }
    }
    read_value(&(struct reading){s, o, &value, path, to});
}

static void tell_unknown(const struct sections *s, const struct option *options,
                         const struct yaml_entry *e, struct str path)
{
    struct nearest n = nearest_to(e->key);
    struct buf all;
    buf_init(&all, s->arena, MESSAGE_BYTES_MAX);
    for (const struct option *o = options; o->name; o++) {
        nearest_offer(&n, str_of(o->name));
        buf_printf(&all, "%s%s", o == options ? "" : ", ", o->name);
    }
    const struct str near = nearest_found(&n), known = buf_str(&all);
    const char *const dot = path.len ? "." : "";
    if (s->is_foreign && near.len > 0) {
        problem_add(s->notes, e->place,
                    "%.*s%s%.*s is not known, and has no effect, as ever; was %.*s meant?",
                    STR_ARG(path), dot, STR_ARG(e->key), STR_ARG(near));
    } else if (s->is_foreign) {
        problem_add(s->notes, e->place, "%.*s%s%.*s is not known, and has no effect, as ever",
                    STR_ARG(path), dot, STR_ARG(e->key));
    } else if (near.len > 0) {
        problem_add(s->problems, e->place, "unknown key %.*s%s%.*s; did you mean %.*s?",
                    STR_ARG(path), dot, STR_ARG(e->key), STR_ARG(near));
    } else {
        problem_add(s->problems, e->place, "unknown key %.*s%s%.*s; known here: %.*s",
                    STR_ARG(path), dot, STR_ARG(e->key), STR_ARG(known));
    }
}

static const struct option *option_find(const struct sections *s, const struct option *options,
                                        struct str name)
{
    for (const struct option *o = options; o->name; o++) {
        if (str_eq(name, str_of(o->name)) ||
            (s->is_any_case && str_eq_nocase(name, str_of(o->name)))) {
            return o;
        }
    }
    return NULL;
}

/* What is written of an option; NULL: nothing. */
static const struct yaml_entry *entry_of(const struct sections *s, const struct yaml *map,
                                         const struct option *o)
{
    const struct str name = str_of(o->name);
    const struct yaml_entry *const e = !map             ? NULL
                                       : s->is_any_case ? yaml_find_nocase(map, name)
                                                        : yaml_find(map, name);
    return e && s->is_foreign && e->value.kind == YAML_TEXT && e->value.is_empty ? NULL : e;
}

void section_read(const struct sections *s, const struct option *options, const struct yaml *map,
                  struct str path, void *to)
{
    const struct place at = map ? map->place : (struct place){{NULL, 0}, 0, 0};
    for (size_t i = 0; map && i < map->n; i++) {
        if (!option_find(s, options, map->entry[i].key)) {
            tell_unknown(s, options, &map->entry[i], path);
        }
    }
    for (const struct option *o = options; o->name; o++) {
        const struct str name = path.len ? arena_printf(s->arena, "%.*s.%s", STR_ARG(path), o->name)
                                         : str_of(o->name);
        const struct yaml_entry *const given = entry_of(s, map, o);
        void *const slot = (char *)to + o->offset;
        if (given) {
            read_value(&(struct reading){s, o, &given->value, name, slot});
        } else if (o->type == OPTION_SECTION) {
            section_read(s, o->section, NULL, name, slot);
        } else if (o->fallback) {
            read_fallback(s, o, at, name, slot);
        } else if (o->type != OPTION_NAMED && o->type != OPTION_TREE) {
            problem_add(s->problems, at, "%.*s is missing: %s", STR_ARG(name), o->about);
        }
    }
}
