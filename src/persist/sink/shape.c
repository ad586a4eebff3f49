#include "persist/sink/shape.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES = 64, DIGITS_MAX = 17, DIGITS_SURE = DBL_DIG };
#define WHOLE_MAX 9007199254740992.0 /* 2^53: to here each whole number is a double of its own */

/* ---- Go's JSON ---- */

/* The bytes at `at` that Go writes as \uXXXX: how many; 0: it writes them as they are. */
static size_t escaped(struct str text, size_t at, unsigned *code)
{
    const unsigned char c = (unsigned char)text.at[at];
    *code = c;
    if (c == '<' || c == '>' || c == '&' || (c < ' ' && c != '\n' && c != '\r' && c != '\t')) {
        return 1;
    }
    const struct str three = str_sub(text, at, 3);
    if (str_eq(three, S("\xe2\x80\xa8")) || str_eq(three, S("\xe2\x80\xa9"))) {
        *code = three.at[2] == '\xa8' ? 0x2028 : 0x2029;
        return 3;
    }
    return 0;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= ' ' && c != '"' && c != '\\';
}

/* How many bytes from there on are written as they are, at a glance. */
static size_t plain_from(struct str text, size_t at)
{
    size_t i = at;
    while (i < text.len && is_plain(text.at[i]) && text.at[i] != '<' && text.at[i] != '>' &&
           text.at[i] != '&' && text.at[i] != '\xe2') {
        i++;
    }
    return i - at;
}

/* Texts are UTF-8: what is not was replaced when it was read. */
static void add_inner(struct buf *b, struct str text)
{
    size_t from = 0;
    for (size_t i = plain_from(text, 0); i < text.len; i += plain_from(text, i)) {
        unsigned code = 0;
        const size_t n = escaped(text, i, &code);
        if (n == 0 && is_plain(text.at[i])) {
            i++;
            continue;
        }
        const char c = text.at[i];
        buf_add(b, str_sub(text, from, i - from));
        if (n > 0) {
            buf_printf(b, "\\u%04x", code);
        } else {
            buf_printf(b, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c);
        }
        i += n > 0 ? n : 1;
        from = i;
    }
    buf_add(b, str_sub(text, from, text.len));
}

static void add_text(struct buf *b, struct str text)
{
    buf_add_byte(b, '"');
    add_inner(b, text);
    buf_add_byte(b, '"');
}

/* digits x 10^(point - count) without an exponent. */
static void add_plain(struct buf *b, const char *digits, int count, int point)
{
    if (point <= 0) {
        buf_printf(b, "0.%.*s%.*s", -point, "000000", count, digits);
    } else if (count <= point) {
        buf_printf(b, "%.*s%.*s", count, digits, point - count, "000000000000000000000");
    } else {
        buf_printf(b, "%.*s.%.*s", point, digits, count - point, digits + point);
    }
}

static bool is_whole(double number)
{
    const bool is_minus_zero = signbit(number) && !(number < 0);
    return number > -WHOLE_MAX && number < WHOLE_MAX && !is_minus_zero &&
           !(number < trunc(number)) && !(number > trunc(number));
}

/* A few digits behind the point: of two whole numbers below 2^53 the quotient is rounded once
 * (W. D. Clinger, "How to read floating point numbers accurately", 1990), so the fewest digits that
 * give the number back are the shortest. false: it has more, or is too large or small for this. */
static bool add_decimals(struct buf *b, double number)
{
    enum { DECIMALS_MAX = 6 };
    static const double least = 1e-3, most = 1e9;
    const double size = fabs(number);
    double power = 1;
    char digits[DECIMALS_MAX];
    for (size_t n = 1; n <= DECIMALS_MAX && size >= least && size < most; n++) {
        power *= 10;
        const double scaled = nearbyint(size * power), back = scaled / power;
        if (back < size || back > size) {
            continue;
        }
        uint64_t left = (uint64_t)scaled;
        for (size_t i = n; i > 0; i--, left /= 10) {
            digits[i - 1] = (char)('0' + left % 10);
        }
        buf_add(b, number < 0 ? S("-") : S(""));
        buf_add_i64(b, (int64_t)left);
        buf_add_byte(b, '.');
        buf_add(b, (struct str){digits, n});
        return true;
    }
    return false;
}

/* Most numbers are whole, or have a few digits. Of the others: what survives 15 of them needs no
 * more, and its zeros at the end fall away. What lies next to 0 is looked at from one digit on. */
void shape_write_number(struct buf *b, double number)
{
    char text[NUMBER_BYTES] = "", digits[DIGITS_MAX + 1] = "0";
    int count = 0;
    if (is_whole(number)) {
        buf_add_i64(b, (int64_t)number);
        return;
    }
    if (add_decimals(b, number)) {
        return;
    }
    for (int precision = isnormal(number) ? DIGITS_SURE - 1 : 0; precision < DIGITS_MAX;
         precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, number);
        const double back = strtod(text, NULL);
        if (!(back < number || back > number)) {
            break;
        }
    }
    const char *const e = strchr(text, 'e');
    const int exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
    for (const char *c = text; e && c < e; c++) {
        if (*c >= '0' && *c <= '9') {
            digits[count++] = *c;
        }
    }
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    buf_add(b, text[0] == '-' ? S("-") : S(""));
    if (exponent < -6 || exponent >= 21) {
        buf_printf(b, "%c%s%.*s", digits[0], count > 1 ? "." : "", count - 1, digits + 1);
        buf_printf(b, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
    } else {
        add_plain(b, digits, count, exponent + 1);
    }
}

/* RFC 3339 in UTC, fraction without zeros at its end; null when there is none. */
static void add_time(struct buf *b, int64_t us)
{
    char text[CLOCK_TEXT_BYTES];
    if (us == TIME_NONE) {
        buf_add(b, S("null"));
        return;
    }
    size_t len = clock_text(us, text) - 1; /* without the Z */
    while (text[len - 1] == '0') {
        len--;
    }
    len -= text[len - 1] == '.';
    buf_add_byte(b, '"');
    buf_add(b, (struct str){text, len});
    buf_add(b, S("Z\""));
}

/* ---- the shapes ---- */

static void add_tags(struct buf *b, const struct metric *m)
{
    buf_add_byte(b, '{');
    for (size_t i = 0; i < m->tags_n; i++) {
        buf_add(b, i > 0 ? S(",") : S(""));
        add_text(b, m->tag[i].key);
        buf_add_byte(b, ':');
        add_text(b, m->tag[i].value);
    }
    buf_add_byte(b, '}');
}

static void add_uuid(struct buf *b, struct str key)
{
    buf_add_byte(b, '"');
    buf_add(b, metric_uuid(b->arena, key));
    buf_add_byte(b, '"');
}

/* The members of v2 to v4 in their order. */
static void write_nested(struct buf *b, enum record_shape shape, struct str key,
                         const struct metric *m)
{
    buf_add(b, S("{\"uuid\":"));
    add_uuid(b, key);
    buf_add(b, S(",\"name\":"));
    add_text(b, m->name);
    buf_add(b, S(",\"value\":"));
    shape_write_number(b, m->value);
    buf_add(b, S(",\"type\":"));
    add_text(b, m->type);
    buf_add(b, S(",\"tags\":"));
    add_tags(b, m);
    buf_add(b, shape == SHAPE_V2 ? S(",\"time\":") : S(",\"timestamp\":"));
    add_time(b, m->at_us);
    if (shape == SHAPE_V3) {
        buf_add(b, S(",\"grain_datetime\":"));
        add_time(b, metric_grain_start(m));
    } else if (shape == SHAPE_V4) {
        buf_add(b, S(",\"window\":"));
        add_time(b, m->window_start_us);
    }
    buf_add_byte(b, '}');
}

/* v5: one level, keys in byte order. */
static void write_flat(struct buf *b, struct str key, const struct metric *m)
{
    buf_add(b, S("{\"name\":"));
    add_text(b, m->name);
    for (size_t i = 0; i < m->tags_n; i++) {
        buf_add_byte(b, ',');
        buf_add(b, S("\"tag."));
        add_inner(b, m->tag[i].key);
        buf_add(b, S("\":"));
        add_text(b, m->tag[i].value);
    }
    buf_add(b, S(",\"timestamp\":"));
    add_time(b, m->at_us);
    buf_add(b, S(",\"type\":"));
    add_text(b, m->type);
    buf_add(b, S(",\"uuid\":"));
    add_uuid(b, key);
    buf_add(b, S(",\"value\":"));
    shape_write_number(b, m->value);
    buf_add(b, S(",\"window\":"));
    add_time(b, m->window_start_us);
    buf_add_byte(b, '}');
}

void shape_write(struct buf *b, enum record_shape shape, struct str key, const struct metric *m)
{
    if (m->body.len > 0) {
        buf_add(b, m->body);
    } else if (shape == SHAPE_V5) {
        write_flat(b, key, m);
    } else {
        write_nested(b, shape, key, m);
    }
}
