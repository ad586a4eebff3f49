#include "signal/model.h"

const struct model *model_find(struct str name)
{
    for (size_t i = 0; i < model_all_n && name.len > 0; i++) {
        if (model_all[i]->name[0] == name.at[0] && str_eq(name, str_of(model_all[i]->name))) {
            return model_all[i];
        }
    }
    return NULL;
}

size_t model_column(const struct model *m, struct str name)
{
    return model_column_from(m, 0, name);
}

size_t model_column_from(const struct model *m, size_t start, struct str name)
{
    size_t i = start;
    const char first = name.len > 0 ? name.at[0] : '\0'; /* most names differ there already */
    for (size_t n = 0; n < m->columns_n; n++, i++) {
        i = i < m->columns_n ? i : 0;
        const char *const column = m->columns[i].name;
        if (column[0] == first && strncmp(column, name.at, name.len) == 0 &&
            column[name.len] == 0) {
            return i;
        }
    }
    return m->columns_n;
}

static bool is_computed(const struct column *c)
{
    return c->rule == FOLD_SPAN || c->rule == FOLD_HOLDING || c->rule == FOLD_OBJECT;
}

bool column_is_in_fact(const struct column *c)
{
    return !is_computed(c) && c->rule != FOLD_DERIVED;
}

bool column_is_in_store(const struct column *c)
{
    return c->rule != FOLD_FACT && c->rule != FOLD_DERIVED;
}

bool column_is_hidden(const struct column *c)
{
    return c->rule == FOLD_RANK || c->rule == FOLD_MEMBERS;
}
