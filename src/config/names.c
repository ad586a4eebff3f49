#include "config/names.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "config/section.h"

enum { NAMES_BYTES_MAX = 16 << 20, COLUMNS = 3 };

/* One of the lists: rows of three texts. */
static bool row_of(const struct yaml *list, size_t i, struct str out[COLUMNS])
{
    const struct yaml *const row = &list->entry[i].value;
    for (size_t k = 0; k < COLUMNS && row->kind == YAML_LIST && row->n == COLUMNS; k++) {
        out[k] = row->entry[k].value.text;
    }
    return row->kind == YAML_LIST && row->n == COLUMNS;
}

static const struct yaml *list_of(const struct yaml *tree, const char *key)
{
    static const struct yaml none = {.kind = YAML_LIST};
    const struct yaml_entry *const e = yaml_find(tree, str_of(key));
    return e && e->value.kind == YAML_LIST ? &e->value : &none;
}

static void take_tree(struct names *n, const struct yaml *tree)
{
    const struct yaml *list = list_of(tree, "collectors");
    struct str row[COLUMNS];
    for (size_t i = 0; i < list->n; i++) {
        if (row_of(list, i, row)) {
            names_put_collector(n, &(struct named_collector){row[0], row[1], row[2]});
        }
    }
    list = list_of(tree, "sinks");
    for (size_t i = 0; i < list->n; i++) {
        if (row_of(list, i, row)) {
            names_put_sink(n, &(struct named_sink){row[0], row[1], row[2]});
        }
    }
    list = list_of(tree, "heirs");
    for (size_t i = 0; i < list->n; i++) {
        if (row_of(list, i, row)) {
            names_add_heir(n, &(struct named_heir){row[0], row[1], str_eq(row[2], S("joined"))});
        }
    }
}

struct names *names_read(const struct sections *s, struct str data)
{
    struct names *const n = arena_new(s->arena, struct names);
    struct problems wrong = {.arena = s->arena};
    struct failure f;
    struct str text;
    struct yaml tree;
    *n = (struct names){.arena = s->arena,
                        .data = data,
                        .path = arena_printf(s->arena, "%.*s/names.json", STR_ARG(data))};
    if (access(n->path.at, R_OK) != 0) {
        return n;
    }
    if (file_read(s->arena, n->path.at, NAMES_BYTES_MAX, &text, &f) != OK) {
        problem_add(s->problems, (struct place){n->path, 0, 0}, "%s", f.text);
    } else if (!yaml_read(s->arena, n->path, text, &tree, &wrong) || wrong.lines.n > 0 ||
               tree.kind != YAML_MAP) {
        problem_add(s->problems, (struct place){n->path, 0, 0},
                    "is damaged: it says what collectors and sinks are called; bring it back from "
                    "a backup, or remove it, and names are given anew");
    } else {
        take_tree(n, &tree);
    }
    return n;
}

const struct named_sink *names_sink(const struct names *n, struct str written, struct str collector)
{
    for (size_t i = 0; i < n->sinks_n; i++) {
        if (str_eq(n->sink[i].written, written) && str_eq(n->sink[i].collector, collector)) {
            return &n->sink[i];
        }
    }
    return NULL;
}

void names_put_collector(struct names *n, const struct named_collector *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->collectors_n; i++) {
        const struct named_collector *const was = &n->collector[i];
        const bool is_it = str_eq(was->id, c->id) ||
                           (str_eq(was->name, c->name) && str_eq(was->file, c->file));
        if (!is_it) {
            n->collector[kept++] = *was;
        }
    }
    n->collectors_n = kept;
    n->collector = arena_more(n->arena, n->collector, n->collectors_n, &n->collectors_room,
                              sizeof *n->collector);
    n->collector[n->collectors_n++] = *c;
}

void names_put_sink(struct names *n, const struct named_sink *sink)
{
    for (size_t i = 0; i < n->sinks_n; i++) {
        if (str_eq(n->sink[i].written, sink->written) &&
            str_eq(n->sink[i].collector, sink->collector)) {
            n->sink[i] = *sink;
            return;
        }
    }
    n->sink = arena_more(n->arena, n->sink, n->sinks_n, &n->sinks_room, sizeof *n->sink);
    n->sink[n->sinks_n++] = *sink;
}

void names_add_heir(struct names *n, const struct named_heir *h)
{
    n->heir = arena_more(n->arena, n->heir, n->heirs_n, &n->heirs_room, sizeof *n->heir);
    n->heir[n->heirs_n++] = *h;
}

struct str sink_cursors_path(struct arena *a, struct str data, struct str name)
{
    return arena_printf(a, "%.*s/sinks/%.*s.json", STR_ARG(data), STR_ARG(name));
}

/* ---- writing ---- */

static void add_row(struct buf *b, bool is_first, struct str x, struct str y, struct str z)
{
    buf_add(b, is_first ? S("\n  [") : S(",\n  ["));
    buf_add_json(b, x);
    buf_add(b, S(", "));
    buf_add_json(b, y);
    buf_add(b, S(", "));
    buf_add_json(b, z);
    buf_add_byte(b, ']');
}

static void write_all(const struct names *n, struct buf *b)
{
    buf_add(b, S("{\"collectors\": ["));
    for (size_t i = 0; i < n->collectors_n; i++) {
        add_row(b, i == 0, n->collector[i].id, n->collector[i].name, n->collector[i].file);
    }
    buf_add(b, S("],\n\"sinks\": ["));
    for (size_t i = 0; i < n->sinks_n; i++) {
        add_row(b, i == 0, n->sink[i].name, n->sink[i].written, n->sink[i].collector);
    }
    buf_add(b, S("],\n\"heirs\": ["));
    for (size_t i = 0; i < n->heirs_n; i++) {
        add_row(b, i == 0, n->heir[i].name, n->heir[i].of,
                n->heir[i].has_joined ? S("joined") : S("parted"));
    }
    buf_add(b, S("]}\n"));
}

enum outcome names_keep(const struct names *n, struct failure *f)
{
    struct arena a;
    struct buf b;
    struct str there = S("");
    struct failure none;
    enum outcome result = OK;
    const bool is_there = access(n->path.at, F_OK) == 0;
    if (!is_there && n->collectors_n == 0) {
        return OK;
    }
    arena_init(&a, 4 * (size_t)NAMES_BYTES_MAX);
    buf_init(&b, &a, NAMES_BYTES_MAX);
    write_all(n, &b);
    if (!is_there || file_read(&a, n->path.at, NAMES_BYTES_MAX, &there, &none) != OK ||
        !str_eq(there, buf_str(&b))) {
        result = file_replace(n->path.at, buf_str(&b), 0600, f);
    }
    arena_close(&a);
    return result;
}
