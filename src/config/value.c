#include "config/value.h"

#include <stdio.h>

#include "base/duration.h"

enum { VALUE_TEXT_BYTES = 32 };

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first: a text is written in the largest that divides it. */
static const struct unit durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                        {"s", 1000},     {"ms", 1},      {NULL, 0}};
static const struct unit sizes[] = {
    {"GiB", 1024 * 1024 * 1024}, {"MiB", 1024 * 1024}, {"KiB", 1024}, {"", 1}, {NULL, 0}};

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
    if (str_eq(text, S("forever"))) {
        *out_ms = INT64_MAX;
        return true;
    }
    return number_with_unit(text, durations, out_ms);
}

bool value_go_duration(struct str text, int64_t *out_ms)
{
    int64_t us = 0;
    if (!duration_go(text, &us) || us < 0) {
        return false;
    }
    *out_ms = us / 1000;
    return true;
}

bool value_size(struct str text, int64_t *out_bytes)
{
    return number_with_unit(text, sizes, out_bytes);
}

bool value_has_scheme(struct str uri, const char *const *schemes)
{
    for (size_t i = 0; schemes[i]; i++) {
        const struct str scheme = str_of(schemes[i]);
        if (str_starts_nocase(uri, scheme) && uri.len > scheme.len) {
            return true;
        }
    }
    return false;
}

/* The shortest text that is read back as this number of a SIZE, DURATION (ms) or INT. */
static void value_text(enum option_type type, int64_t number, char out[VALUE_TEXT_BYTES])
{
    if (type == OPTION_DURATION && number == INT64_MAX) {
        (void)snprintf(out, VALUE_TEXT_BYTES, "forever");
        return;
    }
    const struct unit *unit = type == OPTION_DURATION ? durations : sizes;
    while (type != OPTION_INT && number != 0 && number % unit->factor != 0) {
        unit++;
    }
    const bool is_plain = type == OPTION_INT || number == 0;
    (void)snprintf(out, VALUE_TEXT_BYTES, "%lld%s",
                   (long long)(is_plain ? number : number / unit->factor),
                   is_plain ? "" : unit->name);
}

void value_range(const struct option *o, char out[VALUE_RANGE_BYTES])
{
    char least[VALUE_TEXT_BYTES], most[VALUE_TEXT_BYTES];
    value_text(o->type, o->least, least);
    value_text(o->type, o->most, most);
    if (o->type != OPTION_DURATION && o->most == INT64_MAX) {
        (void)snprintf(out, VALUE_RANGE_BYTES, "%s or more", least);
    } else {
        (void)snprintf(out, VALUE_RANGE_BYTES, "%s to %s", least, most);
    }
}
