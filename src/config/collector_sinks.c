/* collector_sinks.c - the sinks of weir.yaml and of all collectors, each once. */
#include <stddef.h>
#include <unistd.h>

#include "base/hash.h"
#include "config/collector_read.h"
#include "config/sinks.h"
#include "signal/model.h"

/* Who writes to a sink, and what it is called there. */
struct writer {
    struct str written;
    size_t collector; /* index */
};

/* One as it was met; equal ones of several collectors become one. */
struct met {
    struct str name; /* as written                             */
    struct str safe; /* as a file and a process may be called  */
    struct place place;
    const struct section_type *type;
    const struct yaml *config; /* NULL: none was written */
    bool is_foreign;
    void *options;
    struct str_list models;
    bool is_named;         /* stands in weir.yaml by its name         */
    bool is_used;          /* a collector writes to it               */
    struct writer *writer; /* none where it is named         */
    size_t writers_n, writers_room;
};

struct sinks_reading {
    const struct sections *s;
    struct met *met;
    size_t n, room;
};

/* A section of `sinks` before its type is known. */
struct sink_written {
    const struct yaml *type, *config;
    struct str_list models;
};
static const struct option collector_sink_options[] = {
    {"type", OPTION_TREE, offsetof(struct sink_written, type), "", .about = "which sink"},
    {"config", OPTION_TREE, offsetof(struct sink_written, config), "", .about = "its own options"},
    {0},
};
const struct option sink_options[] = {
    {"type", OPTION_TREE, offsetof(struct sink_written, type), "", .about = "which sink"},
    {"config", OPTION_TREE, offsetof(struct sink_written, config), "", .about = "its own options"},
    {"models", OPTION_LIST, offsetof(struct sink_written, models), "",
     .about = "which standard models it is given"},
    {0},
};

/* What two sinks are compared by: what was written, whatever its order was. */
static bool trees_equal(const struct yaml *a, const struct yaml *b)
{
    if (!a || !b) {
        return (!a || a->n == 0) && (!b || b->n == 0);
    }
    if (a->kind != b->kind || a->n != b->n || !str_eq(a->text, b->text)) {
        return false;
    }
    for (size_t i = 0; i < a->n; i++) {
        const struct yaml_entry *const twin = a->kind == YAML_MAP ? yaml_find(b, a->entry[i].key)
                                                                  : &b->entry[i];
        if (!twin || !trees_equal(&a->entry[i].value, &twin->value)) {
            return false;
        }
    }
    return true;
}

/* A path of weir.yaml begins beside the file. */
static bool are_one(const struct met *a, const struct met *b)
{
    return a->type == b->type && a->is_foreign == b->is_foreign && !a->is_named && !b->is_named &&
           (a->is_foreign || str_eq(a->place.file, b->place.file)) &&
           trees_equal(a->config, b->config);
}

/* A name is a file's, too. */
static struct str safe(struct arena *a, struct str name)
{
    struct str out = name;
    char *const at = arena_cstr(a, name);
    for (size_t i = 0; i < out.len; i++) {
        const char c = at[i];
        const bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || (c != '\0' && strchr("-_@", c)) ||
                             (c == '.' && i > 0);
        at[i] = is_safe ? c : '-';
    }
    out.at = at;
    return out;
}

/* One section of `sinks`. false: a problem was added. */
static bool read_sink(const struct sections *s, const struct option *options,
                      const struct yaml_entry *e, struct str path, struct met *out)
{
    struct sink_written w = {NULL, NULL, {NULL, 0}};
    if (e->value.kind != YAML_MAP) {
        problem_add(s->problems, e->value.place, "%.*s wants a section with type and config",
                    STR_ARG(path));
        return false;
    }
    section_read(s, options, &e->value, path, &w);
    if (!w.type) {
        problem_add(s->problems, e->place, "%.*s.type is missing: which sink, such as console",
                    STR_ARG(path));
        return false;
    }
    *out = (struct met){.name = e->key,
                        .safe = safe(s->arena, e->key),
                        .place = e->place,
                        .config = w.config,
                        .models = w.models,
                        .is_foreign = s->is_foreign};
    out->type = section_driver(s, s->drivers->of[ROLE_SINK], w.type,
                               arena_printf(s->arena, "%.*s.type", STR_ARG(path)));
    if (!out->type) {
        return false;
    }
    const struct str config_path = arena_printf(s->arena, "%.*s.config", STR_ARG(path));
    const struct yaml none = {.kind = YAML_MAP, .place = e->place};
    if (w.config && w.config->kind != YAML_MAP) {
        problem_add(s->problems, w.config->place, "%.*s wants a section (key: value)",
                    STR_ARG(config_path));
        return false;
    }
    struct sections any_case = *s;
    any_case.is_any_case = true;
    const size_t before = s->problems->lines.n;
    const struct section_check check = {&any_case, w.config ? w.config : &none, config_path,
                                        e->place.file};
    out->options = section_options(&any_case, out->type, check.map, config_path, check.file);
    if (s->problems->lines.n == before) {
        sink_encoding_complete(&check, out->type, out->options);
    }
    return true;
}

/* The index of this sink among those that were met. */
static size_t meet(struct sinks_reading *r, const struct met *m)
{
    for (size_t i = 0; i < r->n; i++) {
        if (are_one(&r->met[i], m)) {
            return i;
        }
    }
    r->met = arena_more(r->s->arena, r->met, r->n, &r->room, sizeof *r->met);
    r->met[r->n] = *m;
    return r->n++;
}

static void add_writer(const struct sinks_reading *r, struct met *m, struct writer w)
{
    m->writer = arena_more(r->s->arena, m->writer, m->writers_n, &m->writers_room,
                           sizeof *m->writer);
    m->writer[m->writers_n++] = w;
}

static void check_models(const struct sections *s, const struct yaml_entry *e, const struct met *m)
{
    const struct yaml_entry *const given = yaml_find(&e->value, S("models"));
    for (size_t i = 0; i < m->models.n; i++) {
        if (!model_find(m->models.at[i])) {
            problem_add(s->problems, given->value.place,
                        "sinks.%.*s.models: there is no model %.*s; docs/design.md lists them",
                        STR_ARG(e->key), STR_ARG(m->models.at[i]));
        } else if (!sink_takes(m->type, m->models.at[i])) {
            problem_add(s->problems, given->value.place,
                        "sinks.%.*s.models: a sink of type %s takes metric alone, not %.*s",
                        STR_ARG(e->key), m->type->name, STR_ARG(m->models.at[i]));
        }
    }
}

struct sinks_reading *sinks_begin(const struct sections *s, const struct yaml *tree)
{
    struct sinks_reading *const r = arena_new(s->arena, struct sinks_reading);
    r->s = s;
    if (!tree || (tree->kind == YAML_TEXT && tree->is_empty)) {
        return r;
    }
    if (tree->kind != YAML_MAP) {
        problem_add(s->problems, tree->place, "sinks wants sections by name");
        return r;
    }
    for (size_t i = 0; i < tree->n; i++) {
        const struct yaml_entry *const e = &tree->entry[i];
        struct met m;
        if (read_sink(s, sink_options, e, arena_printf(s->arena, "sinks.%.*s", STR_ARG(e->key)),
                      &m)) {
            check_models(s, e, &m);
            if (!str_eq(m.safe, m.name) || m.name.len > SINK_NAME_BYTES_MAX) {
                problem_add(s->problems, e->place,
                            "sinks.%.*s: a name has 1 to %d letters, digits, - _ . and @",
                            STR_ARG(e->key), SINK_NAME_BYTES_MAX);
            }
            m.is_named = true;
            (void)meet(r, &m);
        }
    }
    return r;
}

/* `sinks: [warehouse]` names sinks of weir.yaml. */
static void add_names(struct sinks_reading *r, const struct collector_written *w,
                      struct collector *c)
{
    for (size_t i = 0; i < w->sinks->n; i++) {
        const struct yaml *const name = &w->sinks->entry[i].value;
        size_t k = 0;
        while (k < r->n && !(r->met[k].is_named && str_eq(r->met[k].name, name->text))) {
            k++;
        }
        if (k == r->n) {
            problem_add(r->s->problems, name->place, "%.*s.sinks: `sinks` has no %.*s",
                        STR_ARG(w->path), STR_ARG(name->text));
            continue;
        }
        r->met[k].is_used = true;
        c->sink[c->sinks_n++] = k;
    }
}

void sinks_add(struct sinks_reading *r, const struct sections *s, const struct collector_written *w,
               struct collector *c, size_t index)
{
    const struct str prefix = w->path.len > 0 ? arena_printf(s->arena, "%.*s.", STR_ARG(w->path))
                                              : S("");
    if (!w->sinks || (w->sinks->kind == YAML_TEXT && w->sinks->is_empty)) {
        return;
    }
    c->sink = arena_array(s->arena, size_t, w->sinks->n);
    if (w->sinks->kind == YAML_LIST && !w->is_file) {
        add_names(r, w, c);
        return;
    }
    if (w->sinks->kind != YAML_MAP) {
        problem_add(s->problems, w->sinks->place, "%.*ssinks wants sections by name",
                    STR_ARG(prefix));
        return;
    }
    for (size_t i = 0; i < w->sinks->n; i++) {
        const struct yaml_entry *const e = &w->sinks->entry[i];
        struct met m;
        const struct str path = arena_printf(s->arena, "%.*ssinks.%.*s", STR_ARG(prefix),
                                             STR_ARG(e->key));
        if (read_sink(s, collector_sink_options, e, path, &m)) {
            const size_t k = meet(r, &m);
            add_writer(r, &r->met[k], (struct writer){e->key, index});
            r->met[k].is_used = true;
            c->sink[c->sinks_n++] = k;
        }
    }
}

size_t sinks_so_far(const struct sinks_reading *r)
{
    return r->n;
}

void sinks_back(struct sinks_reading *r, size_t n, size_t index)
{
    r->n = n;
    for (size_t i = 0; i < n; i++) {
        struct met *const m = &r->met[i];
        while (m->writers_n > 0 && m->writer[m->writers_n - 1].collector == index) {
            m->writers_n--;
        }
    }
}

/* Longer than a process's name can be, or called like another: its own end. */
static struct str with_end(struct arena *a, struct str name, struct str of)
{
    return arena_printf(a, "%.*s-%08x", STR_ARG(str_sub(name, 0, SINK_NAME_BYTES_MAX - 9)),
                        (unsigned)(hash_64(of, 0) & 0xffffffff));
}

/* ---- names ---- */

/* Of all that were met, while they are given; by the same index as those. */
struct naming {
    const struct sinks_reading *r;
    const struct collectors *all;
    struct names *kept;
    struct sink_config *at; /* name, from, joined */
};

static bool lists(const struct str_list *list, struct str name)
{
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->at[i], name)) {
            return true;
        }
    }
    return false;
}

/* Some sink is called so, or took it in. */
static bool is_given(const struct naming *n, struct str name)
{
    for (size_t i = 0; i < n->r->n; i++) {
        if (str_eq(n->at[i].name, name) || lists(&n->at[i].joined, name)) {
            return true;
        }
    }
    return false;
}

/* A sink of weir.yaml that is called as one of a file has been since before. */
static bool is_named(const struct naming *n, struct str name, struct place of)
{
    for (size_t i = 0; i < n->r->n; i++) {
        const struct met *const m = &n->r->met[i];
        if (m->is_named && str_eq(m->name, name)) {
            problem_add(n->r->s->problems, m->place,
                        "sinks.%.*s: the sink of %.*s has been called so, and its cursor is kept "
                        "under this name: call this one otherwise",
                        STR_ARG(name), STR_ARG(place_text(n->r->s->arena, of)));
            return true;
        }
    }
    return false;
}

static void join(const struct naming *n, struct sink_config *to, struct str name)
{
    struct str *const at = arena_array(n->r->s->arena, struct str, to->joined.n + 1);
    for (size_t i = 0; i < to->joined.n; i++) {
        at[i] = to->joined.at[i];
    }
    at[to->joined.n] = name;
    to->joined = (struct str_list){at, to->joined.n + 1};
}

/* What those that write to it have called it: where they had several sinks, these are one now;
 * where they had one together with others, and now differ from them, it goes on from that one. */
static void keep_name(const struct naming *n, size_t i)
{
    const struct met *const m = &n->r->met[i];
    struct sink_config *const to = &n->at[i];
    for (size_t k = 0; k < m->writers_n; k++) {
        const struct writer *const w = &m->writer[k];
        const struct named_sink *const was = names_sink(n->kept, w->written,
                                                        n->all->at[w->collector].id);
        if (!was || str_eq(was->name, to->name) || lists(&to->joined, was->name) ||
            is_named(n, was->name, m->place)) {
            continue;
        }
        if (is_given(n, was->name)) {
            to->from = to->from.len > 0 ? to->from : was->name;
        } else if (to->name.len == 0) {
            to->name = was->name;
        } else {
            join(n, to, was->name);
        }
    }
}

/* As written where no other sink is called so, else with the collector's id. */
static struct str new_name(const struct naming *n, size_t i)
{
    struct arena *const a = n->r->s->arena;
    const struct met *const m = &n->r->met[i];
    struct str name = m->safe;
    for (size_t k = 0; k < n->r->n; k++) {
        if (k != i && str_eq(n->r->met[k].safe, m->safe)) {
            const struct str id = n->all->at[m->writer[0].collector].id;
            name = safe(a, arena_printf(a, "%.*s@%.*s", STR_ARG(m->name), STR_ARG(id)));
            break;
        }
    }
    if (name.len > SINK_NAME_BYTES_MAX) {
        name = with_end(a, name, name);
    }
    return is_given(n, name) ? with_end(a, name, place_text(a, m->place)) : name;
}

/* Names were not always kept: where only one was called so, its cursor is that of this name. */
static bool has_old_cursor(const struct naming *n, struct str name)
{
    for (size_t i = 0; i < n->kept->sinks_n; i++) {
        if (str_eq(n->kept->sink[i].name, name)) {
            return false;
        }
    }
    return !is_given(n, name) &&
           access(sink_cursors_path(n->r->s->arena, n->kept->data, name).at, F_OK) == 0;
}

/* What was found out when a name was given is known until the sink has acted upon it. */
static void keep_heirs(const struct naming *n)
{
    for (size_t i = 0; i < n->kept->heirs_n; i++) {
        const struct named_heir *const h = &n->kept->heir[i];
        for (size_t k = 0; k < n->r->n; k++) {
            struct sink_config *const to = &n->at[k];
            if (!str_eq(to->name, h->name)) {
                continue;
            }
            if (!h->has_joined && to->from.len == 0) {
                to->from = h->of;
            } else if (h->has_joined && !is_given(n, h->of)) {
                join(n, to, h->of);
            }
        }
    }
    n->kept->heirs_n = 0;
}

static void enter(const struct naming *n, size_t i)
{
    const struct met *const m = &n->r->met[i];
    const struct sink_config *const c = &n->at[i];
    const struct str path = sink_cursors_path(n->r->s->arena, n->kept->data, c->name);
    for (size_t k = 0; k < m->writers_n; k++) {
        const struct writer *const w = &m->writer[k];
        names_put_sink(n->kept,
                       &(struct named_sink){c->name, w->written, n->all->at[w->collector].id});
    }
    if (c->from.len > 0 && access(path.at, F_OK) != 0) {
        names_add_heir(n->kept, &(struct named_heir){c->name, c->from, false});
    }
    for (size_t k = 0; k < c->joined.n; k++) {
        names_add_heir(n->kept, &(struct named_heir){c->name, c->joined.at[k], true});
    }
}

/* Those that have one first, so that a file that comes before them takes none away. */
static void give_names(const struct naming *n)
{
    for (size_t i = 0; i < n->r->n; i++) {
        n->at[i].name = n->r->met[i].is_named ? n->r->met[i].safe : S("");
    }
    for (size_t i = 0; i < n->r->n; i++) {
        keep_name(n, i);
    }
    for (size_t i = 0; i < n->r->n; i++) {
        if (n->at[i].name.len == 0 && !n->r->met[i].is_named) {
            n->at[i].name = new_name(n, i);
            const struct str old = n->r->met[i].safe;
            if (n->at[i].from.len == 0 && has_old_cursor(n, old)) {
                n->at[i].from = old;
            }
        }
    }
    keep_heirs(n);
    for (size_t i = 0; i < n->r->n; i++) {
        enter(n, i);
    }
}

/* As a lane may be called: `[a-z0-9-]`. Where that changes the name, a hash of it tells it from
 * others that come out alike. */
static struct str id_of(struct arena *a, struct str name)
{
    enum { KEPT_BYTES = 30 };
    char hash[16];
    char *const at = arena_cstr(a, str_sub(name, 0, KEPT_BYTES));
    for (char *c = at; *c; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        *c = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ? *c : '-';
    }
    if (str_eq(str_of(at), name)) {
        return arena_printf(a, "sink-%s", at);
    }
    hex_u64(hash_64(name, 0), hash);
    return arena_printf(a, "sink-%s-%.8s", at, hash);
}

void sinks_end(struct sinks_reading *r, const struct collectors *all, struct names *names,
               struct sink_list *out)
{
    struct arena *const a = r->s->arena;
    *out = (struct sink_list){arena_array(a, struct sink_config, r->n), r->n};
    give_names(&(struct naming){r, all, names, out->at});
    if (r->n > SINKS_MAX) {
        problem_add(r->s->problems, r->met[SINKS_MAX].place,
                    "more than %d different sinks: let collectors share them (sinks of weir.yaml)",
                    SINKS_MAX);
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct met *const m = &r->met[i];
        struct str_list models = m->models;
        if (m->is_named && m->models.n == 0 && !m->is_used) {
            problem_add(r->s->problems, m->place,
                        "sinks.%.*s is given nothing: name its models, or let a collector name it",
                        STR_ARG(m->name));
        }
        if (models.n == 0) {
            models = (struct str_list){arena_array(a, struct str, 1), 1};
            models.at[0] = S("metric");
        }
        struct sink_config *const to = &out->at[i];
        to->id = id_of(a, to->name);
        to->place = place_text(a, m->place);
        to->type = m->type;
        to->options = m->options;
        to->models = models;
        to->is_for_collectors = m->models.n == 0;
    }
}
