#include "transform/jq/complete.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/nearest.h"
#include "wire/jq/jq.h"

enum { NAMES_BYTES_MAX = 400 };

/* Those that come with weir: the files of mappings/. */
static const struct {
    const char *name, *program;
} ready[] = {
#include "mappings.inc"
};

static bool is_file(struct str name)
{
    return str_find(name, '/') < name.len || str_ends(name, S(".jq"));
}

static enum outcome find_ready(struct arena *a, struct str name, struct mapping *out,
                               struct failure *f)
{
    struct nearest near = nearest_to(name);
    struct buf names;
    buf_init(&names, a, NAMES_BYTES_MAX);
    for (size_t i = 0; i < sizeof ready / sizeof *ready; i++) {
        if (str_eq(str_of(ready[i].name), name)) {
            out->name = name;
            out->program = str_of(ready[i].program);
            return OK;
        }
        nearest_offer(&near, str_of(ready[i].name));
        buf_printf(&names, "%s%s", names.len ? ", " : "", ready[i].name);
    }
    const struct str found = nearest_found(&near);
    const struct str known = buf_str(&names);
    return found.len > 0
               ? failed(f, STOP, "no mapping is called %.*s; did you mean %.*s?", STR_ARG(name),
                        STR_ARG(found))
               : failed(f, STOP, "no mapping is called %.*s; there are %.*s, or a file: ./own.jq",
                        STR_ARG(name), STR_ARG(known));
}

enum outcome mapping_find(struct arena *a, struct str name, struct str beside, struct mapping *out,
                          struct failure *f)
{
    if (!is_file(name)) {
        return find_ready(a, name, out, f);
    }
    while (str_starts(name, S("./"))) {
        name = str_sub(name, 2, name.len);
    }
    out->name = name;
    return file_read(a, arena_cstr(a, file_beside(a, beside, name)), PROGRAM_BYTES_MAX,
                     &out->program, f);
}

void mapping_complete(const struct section_check *c, struct mapping *mapping)
{
    struct failure f;
    if (mapping->name.len == 0 || c->s->is_without_mappings) {
        return; /* what is missing was told */
    }
    if (mapping_find(c->s->arena, mapping->name, c->file, mapping, &f) != OK ||
        jq_check(mapping, &f) != OK) {
        section_wrong(c, "mapping", ": %s", f.text);
    }
}
