#include "persist/derived.h"

struct derived {
    const char *model, *sql;
};

static const struct derived derived[] = {
#include "derived.inc"
};

struct str derived_sql(const struct model *m)
{
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++) {
        if (strcmp(derived[i].model, m->name) == 0) {
            return str_of(derived[i].sql);
        }
    }
    return S("");
}
