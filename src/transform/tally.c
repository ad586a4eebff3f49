#include "transform/tally.h"

struct tally tally_copy(struct arena *a, const struct tally *t)
{
    struct tally copy = *t;
    copy.name = arena_array(a, struct tally_name,
                            TALLY_NAMES_MAX + 2); /* and "other", of each kind */
    for (size_t i = 0; i < t->names_n; i++) {
        copy.name[i] = t->name[i];
        copy.name[i].name = arena_str(a, t->name[i].name);
    }
    return copy;
}

static struct tally_name *find(struct tally *t, bool is_ignored, struct str name)
{
    for (size_t i = 0; i < t->names_n; i++) {
        if (t->name[i].is_ignored == is_ignored && str_eq(t->name[i].name, name)) {
            return &t->name[i];
        }
    }
    return NULL;
}

void tally_count(struct arena *a, struct tally *t, bool is_ignored, struct str name)
{
    struct tally_name *hit = find(t, is_ignored, name);
    if (!hit && t->names_n >= TALLY_NAMES_MAX) {
        name = S("other");
        hit = find(t, is_ignored, name);
    }
    if (!hit) {
        hit = &t->name[t->names_n++];
        *hit = (struct tally_name){.is_ignored = is_ignored, .name = arena_str(a, name)};
    }
    hit->n++;
}

void tally_count_new(struct arena *a, struct tally *t, struct str name, struct str others)
{
    const bool has_room = t->names_n < TALLY_NAMES_MAX / 2 || find(t, false, name);
    tally_count(a, t, false, has_room ? name : others);
}
