#include "config/value.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Decimal digits, then one of the units; the product must fit. */
static bool number_with_unit(struct str text, const struct unit *units, int64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9') {
        digits++;
    }
    uint64_t number = 0;
    if (!str_to_u64(str_sub(text, 0, digits), &number)) {
        return false;
    }
    const struct str unit = str_sub(text, digits, text.len);
    for (const struct unit *u = units; u->name; u++) {
        if (str_eq(unit, str_of(u->name))) {
            if (number > (uint64_t)(INT64_MAX / u->factor)) {
                return false;
            }
            *out = (int64_t)number * u->factor;
            return true;
        }
    }
    if (unit.len == 0 && number == 0) {
        *out = 0;
        return true;
    }
    return false;
}

bool value_duration(struct str text, int64_t *out_ms)
{
    static const struct unit units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    if (str_eq(text, S("forever"))) {
        *out_ms = INT64_MAX;
        return true;
    }
    return number_with_unit(text, units, out_ms);
}

bool value_size(struct str text, int64_t *out_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {NULL, 0}};
    return number_with_unit(text, units, out_bytes);
}
