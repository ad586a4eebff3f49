#include "command/report/few.h"

bool few_is_count(struct str name)
{
    return str_ends(name, S("_n"));
}

static struct str without(struct str name, struct str end)
{
    return str_ends(name, end) ? str_sub(name, 0, name.len - end.len) : name;
}

size_t few_column(const struct str *name, size_t n, size_t i)
{
    const struct str base = without(without(without(name[i], S("_s")), S("_p50")), S("_p90"));
    for (size_t k = 0; k < n; k++) {
        if (few_is_count(name[k]) && str_eq(without(name[k], S("_n")), base)) {
            return k;
        }
    }
    return n;
}
