#include "collector/rows.h"

#include <math.h>
#include <stdlib.h>

#include "collector/moment.h"

enum { NUMBER_BYTES_MAX = 400 /* longer texts are no numbers that a person means */ };

/* ---- numbers ---- */

static bool is_digit(char c, bool is_hex)
{
    return (c >= '0' && c <= '9') || (is_hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
}

/* The underscores left out; false: one stands elsewhere than between two digits, or something that
 * strtod takes and Go does not (a space). */
static bool plain_number(struct str text, char out[NUMBER_BYTES_MAX + 1])
{
    const struct str bare = str_sub(text, text.len > 0 && (text.at[0] == '-' || text.at[0] == '+'),
                                    text.len);
    const bool is_hex = str_starts_nocase(bare, S("0x"));
    size_t len = 0;
    if (text.len == 0 || text.len > NUMBER_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        const bool is_between = i > 0 && i + 1 < text.len &&
                                (is_digit(text.at[i - 1], is_hex) || text.at[i - 1] == 'x' ||
                                 text.at[i - 1] == 'X') &&
                                is_digit(text.at[i + 1], is_hex);
        if (c == '_' && !is_between) {
            return false;
        }
        if (c <= ' ') {
            return false;
        }
        if (c != '_') {
            out[len++] = c;
        }
    }
    out[len] = '\0';
    return true;
}

/* Go knows inf, infinity and nan in any case, but no nan(…); a hexadecimal number needs its
 * exponent. */
static bool is_go_form(const char *text)
{
    const struct str all = str_of(text);
    const struct str bare = str_sub(all, all.at[0] == '-' || all.at[0] == '+', all.len);
    if (str_starts_nocase(bare, S("0x"))) {
        return str_find(bare, 'p') < bare.len || str_find(bare, 'P') < bare.len;
    }
    return str_find(bare, '(') == bare.len &&
           (bare.len == all.len || !str_eq_nocase(bare, S("nan")));
}

bool row_number(struct str text, double *out)
{
    char plain[NUMBER_BYTES_MAX + 1];
    char *end = NULL;
    if (!plain_number(text, plain) || !is_go_form(plain)) {
        return false;
    }
    *out = strtod(plain, &end);
    return *end == '\0' && end != plain;
}

struct str row_greater(struct str a, struct str b)
{
    double x = 0, y = 0;
    const bool are_numbers = row_number(a, &x) && row_number(b, &y);
    if (are_numbers && (x < y || y < x)) {
        return x > y ? a : b;
    }
    if (are_numbers && a.len != b.len) { /* too long for a double: whole ones, so the longer one */
        return a.len > b.len ? a : b;
    }
    int64_t a_us = 0, b_us = 0;
    const bool are_times = moment_read(a, &a_us) && moment_read(b, &b_us);
    if (are_times && a_us != b_us) {
        return a_us > b_us ? a : b;
    }
    if (are_times && str_ends(a, S("Z")) && str_ends(b, S("Z"))) { /* nanoseconds, as many as are */
        return str_cmp(str_sub(a, 0, a.len - 1), str_sub(b, 0, b.len - 1)) >= 0 ? a : b;
    }
    return a.len > 0 && str_cmp(a, b) >= 0 ? a : b;
}

/* ---- rows ---- */

static bool is_fixed(const struct collector *c, struct str column)
{
    for (size_t i = 0; i < c->tags_n; i++) {
        if (str_eq(c->tag[i].key, column)) {
            return true;
        }
    }
    return false;
}

static enum row_is take_value(const struct cell *cell, double *out, struct failure *why)
{
    if (cell->kind == CELL_NULL) {
        return ROW_EMPTY;
    }
    if (cell->kind == CELL_BOOL || cell->kind == CELL_TIME || !row_number(cell->text, out)) {
        (void)failed_at(why, REJECT, "/value", "unable to parse string to float: \"%s\"",
                        str_shown(cell->text, 100).text);
        return ROW_ASIDE;
    }
    if (!isfinite(*out)) {
        (void)failed_at(why, REJECT, "/value", "value is %.*s, which JSON cannot hold",
                        STR_ARG(cell->text));
        return ROW_ASIDE;
    }
    return ROW_METRIC;
}

static bool grows(const struct collector *c, struct str column)
{
    return c->column.len > 0 && str_eq(column, c->column);
}

struct str row_text(struct arena *a, struct str text)
{
    struct buf b;
    if (str_is_utf8(text)) {
        return text;
    }
    buf_init(&b, a, 3 * text.len); /* U+FFFD for each byte */
    buf_add_utf8(&b, text);
    return buf_str(&b);
}

enum row_is row_metric(struct arena *a, const struct collector *c, const struct cell *cell,
                       size_t n, struct metric *out, struct failure *why)
{
    enum row_is is = ROW_ASIDE;
    bool has_value = false;
    *out = (struct metric){.collector = c->id,
                           .name = c->metric_name,
                           .type = c->metric_type,
                           .tag = arena_array(a, struct metric_tag, n + c->tags_n)};
    for (size_t i = 0; i < n; i++) {
        if (str_eq(cell[i].column, S("value"))) {
            has_value = true;
            is = take_value(&cell[i], &out->value, why);
        } else if (cell[i].kind != CELL_NULL && !is_fixed(c, cell[i].column) &&
                   !grows(c, cell[i].column)) {
            out->tag[out->tags_n++] = (struct metric_tag){row_text(a, cell[i].column),
                                                          row_text(a, cell[i].text)};
        }
    }
    if (!has_value) {
        (void)failed_at(why, REJECT, "/value", "each row must contain a \"value\" key");
    }
    for (size_t i = 0; i < c->tags_n; i++) {
        out->tag[out->tags_n++] = (struct metric_tag){c->tag[i].key, c->tag[i].value};
    }
    metric_sort_tags(out);
    return is;
}
