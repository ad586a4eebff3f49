/* collector_names.c - what each collector is called: by its name, and where files share one, by as
 * much of the file's path as tells them apart. Who has a name keeps it (names.h). */
#include "base/file.h"
#include "config/collector_read.h"
#include "config/names.h"

/* A collector, and the file that it stands in, however its path is written. */
struct met {
    struct collector *c;
    struct place place;
    struct str file, base; /* absolute; its last part */
};

struct naming {
    struct arena *arena;
    struct met *met;
    size_t n;
    struct str_list held; /* names of those whose file is left out for now */
};

/* Where its folder really is: the file itself may be a link that each roll-out sets anew. */
static struct str real_file(struct arena *a, struct str path)
{
    const struct str base = files_base(path);
    const struct str folder = str_sub(path, 0, path.len - base.len);
    return arena_printf(a, "%.*s/%.*s", STR_ARG(file_real(a, folder.len > 0 ? folder : S("."))),
                        STR_ARG(base));
}

/* ---- who has one ---- */

static bool is_present(const struct naming *all, struct str id)
{
    for (size_t i = 0; i < all->held.n; i++) {
        if (str_eq(all->held.at[i], id)) {
            return true;
        }
    }
    for (size_t i = 0; i < all->n; i++) {
        if (str_eq(all->met[i].c->id, id)) {
            return true;
        }
    }
    return false;
}

/* Whoever is left out comes back as what it was. */
static struct str_list held_by(struct arena *a, const struct collectors *of,
                               const struct names *names)
{
    struct str_list held = {arena_array(a, struct str, names->collectors_n), 0};
    for (size_t i = 0; i < names->collectors_n; i++) {
        const struct named_collector *const was = &names->collector[i];
        bool is_left = false;
        for (size_t k = 0; k < of->left_n && !is_left; k++) {
            is_left = str_eq(files_base(of->left[k].file), files_base(was->file)) &&
                      str_eq(real_file(a, of->left[k].file), was->file);
        }
        if (is_left) {
            held.at[held.n++] = was->id;
        }
    }
    return held;
}

static void keep_exact(const struct naming *all, const struct met *m, const struct names *names)
{
    for (size_t i = 0; i < names->collectors_n && m->c->id.len == 0; i++) {
        const struct named_collector *const was = &names->collector[i];
        if (str_eq(was->name, m->c->name) && str_eq(was->file, m->file) &&
            !is_present(all, was->id)) {
            m->c->id = was->id;
        }
    }
}

/* Its folder was moved, and so is written otherwise: one file of this name went, one came. */
static void keep_moved(const struct naming *all, const struct met *m, const struct names *names)
{
    struct str id = S("");
    size_t went = 0, came = 0;
    for (size_t i = 0; i < names->collectors_n; i++) {
        const struct named_collector *const was = &names->collector[i];
        if (str_eq(was->name, m->c->name) && str_eq(files_base(was->file), m->base) &&
            !is_present(all, was->id)) {
            id = was->id;
            went++;
        }
    }
    for (size_t i = 0; i < all->n; i++) {
        const struct met *const other = &all->met[i];
        came += other->c->id.len == 0 && str_eq(other->c->name, m->c->name) &&
                str_eq(other->base, m->base);
    }
    if (went == 1 && came == 1) {
        m->c->id = id;
    }
}

/* ---- who gets one ---- */

/* The last so many parts of a path. */
static struct str tail_of(struct str path, size_t parts)
{
    size_t at = path.len;
    while (at > 0 && (path.at[at - 1] != '/' || --parts > 0)) {
        at--;
    }
    return str_sub(path, at, path.len);
}

/* Nobody else of this name has a path that ends so, and nobody is called so already. */
static bool tells_apart(const struct naming *all, const struct met *m, size_t parts, struct str id)
{
    const struct str tail = tail_of(files_without_ending(m->file), parts);
    for (size_t i = 0; i < all->n; i++) {
        const struct met *const other = &all->met[i];
        if (other != m && str_eq(other->c->name, m->c->name) &&
            (str_eq(tail_of(files_without_ending(other->file), parts), tail) ||
             str_eq(other->c->id, id))) {
            return false;
        }
    }
    return true;
}

static struct str new_id(const struct naming *all, const struct met *m)
{
    const struct str stem = files_without_ending(m->file);
    const struct str name = m->c->name;
    for (size_t parts = 1; parts < stem.len; parts++) {
        const struct str tail = tail_of(stem, parts);
        const struct str id = arena_printf(all->arena, "%.*s@%.*s", STR_ARG(name), STR_ARG(tail));
        if (tells_apart(all, m, parts, id)) {
            return id;
        }
        if (tail.len == stem.len) {
            break;
        }
    }
    return arena_printf(all->arena, "%.*s@%.*s", STR_ARG(name), STR_ARG(m->base));
}

/* The first other one of this name; NULL: there is none. */
static const struct met *twin_of(const struct naming *all, const struct met *m)
{
    for (size_t i = 0; i < all->n; i++) {
        if (&all->met[i] != m && str_eq(all->met[i].c->name, m->c->name)) {
            return &all->met[i];
        }
    }
    return NULL;
}

static void tell(const struct sections *s, const struct naming *all)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct met *const m = &all->met[i], *const twin = twin_of(all, m);
        if (twin && twin < m) {
            problem_add(s->notes, m->place, "the name %.*s is also in %.*s; this one is %.*s here",
                        STR_ARG(m->c->name), STR_ARG(twin->c->place), STR_ARG(m->c->id));
        }
        for (size_t k = 0; k < i; k++) {
            const struct met *const other = &all->met[k];
            if (str_eq(m->c->id, other->c->id) ||
                (str_eq(m->c->name, other->c->name) && str_eq(m->file, other->file))) {
                problem_add(s->problems, m->place,
                            "the name %.*s stands twice, and so does the file's; first at %.*s",
                            STR_ARG(m->c->name), STR_ARG(other->c->place));
            }
        }
    }
}

void collectors_name(const struct sections *s, const struct yaml *const *tree,
                     struct collectors *of, struct names *names)
{
    const struct naming all = {s->arena, arena_array(s->arena, struct met, of->n), of->n,
                               held_by(s->arena, of, names)};
    for (size_t i = 0; i < all.n; i++) {
        const struct str path = tree[i]->place.file;
        of->at[i].id = S("");
        all.met[i] = (struct met){&of->at[i], tree[i]->place, real_file(s->arena, path),
                                  files_base(path)};
    }
    for (size_t i = 0; i < all.n; i++) {
        keep_exact(&all, &all.met[i], names);
    }
    for (size_t i = 0; i < all.n; i++) {
        if (of->at[i].id.len == 0) {
            keep_moved(&all, &all.met[i], names);
        }
    }
    for (size_t i = 0; i < all.n; i++) {
        struct collector *const c = &of->at[i];
        const bool is_taken = twin_of(&all, &all.met[i]) || is_present(&all, c->name);
        c->id = c->id.len > 0 ? c->id : is_taken ? new_id(&all, &all.met[i]) : c->name;
    }
    tell(s, &all);
    for (size_t i = 0; i < all.n; i++) {
        names_put_collector(
            names, &(struct named_collector){of->at[i].id, of->at[i].name, all.met[i].file});
    }
}
