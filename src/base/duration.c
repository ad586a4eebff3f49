#include "base/duration.h"

static const struct {
    struct str name;
    int64_t ns;
} units[] = {
    /* longer names first: `m` begins `ms` */
    {STR("ns"), 1},
    {STR("us"), 1000},
    {STR("\xc2\xb5s"), 1000}, /* U+00B5 */
    {STR("\xce\xbcs"), 1000}, /* U+03BC */
    {STR("ms"), 1000000},
    {STR("s"), 1000000000},
    {STR("m"), INT64_C(60) * 1000000000},
    {STR("h"), INT64_C(3600) * 1000000000},
};

static size_t digits(struct str text)
{
    size_t n = 0;
    while (n < text.len && text.at[n] >= '0' && text.at[n] <= '9') {
        n++;
    }
    return n;
}

static bool add(int64_t part, int64_t *sum)
{
    const bool fits = part <= INT64_MAX - *sum;
    *sum += fits ? part : 0;
    return fits;
}

static bool add_whole(struct str number, int64_t ns, int64_t *sum)
{
    uint64_t value = 0;
    if (number.len > 0 && !str_to_u64(number, &value)) {
        return false;
    }
    return value <= (uint64_t)(INT64_MAX / ns) && add((int64_t)value * ns, sum);
}

static bool add_fraction(struct str number, int64_t ns, int64_t *sum)
{
    int64_t part = 0;
    for (size_t i = 0; i < number.len && ns > 0; i++) { /* what lies behind is below 1 ns */
        ns /= 10;
        part += (number.at[i] - '0') * ns;
    }
    return add(part, sum);
}

/* One number with its unit; what is left stays in *rest. */
static bool take_part(struct str *rest, int64_t *sum)
{
    const struct str whole = str_sub(*rest, 0, digits(*rest));
    struct str fraction = {rest->at, 0};
    *rest = str_sub(*rest, whole.len, rest->len);
    if (rest->len > 0 && rest->at[0] == '.') {
        *rest = str_sub(*rest, 1, rest->len);
        fraction = str_sub(*rest, 0, digits(*rest));
        *rest = str_sub(*rest, fraction.len, rest->len);
    }
    if ((whole.len == 0 && fraction.len == 0)) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const struct str behind = str_sub(*rest, units[i].name.len, rest->len);
        const bool is_word = behind.len == 0 || behind.at[0] == '.' || digits(behind) > 0;
        if (str_starts(*rest, units[i].name) && is_word) {
            *rest = behind;
            return add_whole(whole, units[i].ns, sum) && add_fraction(fraction, units[i].ns, sum);
        }
    }
    return false;
}

bool duration_go(struct str text, int64_t *out_us)
{
    const bool is_signed = text.len > 0 && (text.at[0] == '-' || text.at[0] == '+');
    struct str rest = str_sub(text, is_signed, text.len);
    int64_t ns = 0;
    if (str_eq(rest, S("0"))) {
        *out_us = 0;
        return true;
    }
    if (rest.len == 0) {
        return false;
    }
    while (rest.len > 0) {
        if (!take_part(&rest, &ns)) {
            return false;
        }
    }
    *out_us = (text.at[0] == '-' ? -ns : ns) / 1000;
    return true;
}
