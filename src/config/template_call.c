/* template_call.c - the functions of a template. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/template_tree.h"

enum { PRINTF_PAD_MAX = 1000, NUMBER_BYTES = 400 /* of any double */ };

bool template_is_true(const struct template_value *v)
{
    switch (v->kind) {
    case VALUE_NIL: return false;
    case VALUE_BOOL: return v->is_true;
    case VALUE_INT: return v->integer != 0;
    case VALUE_FLOAT: return v->number < 0 || v->number > 0;
    case VALUE_TEXT: return v->text.len > 0;
    }
    return false;
}

static const char *template_kind(const struct template_value *v)
{
    switch (v->kind) {
    case VALUE_NIL: return "nil";
    case VALUE_BOOL: return "a boolean";
    case VALUE_INT: return "a whole number";
    case VALUE_FLOAT: return "a number";
    case VALUE_TEXT: return "a text";
    }
    return "?";
}

/* The shortest text that is read back as this number, as Go's %g has it: with an exponent from a
 * million on, and below 0.0001.
 *   source  pkg.go.dev/strconv, FormatFloat */
static void number_text(double number, char out[NUMBER_BYTES])
{
    enum { DIGITS_MAX = 17, LEAST = -4, MOST = 6 };
    int digits = 0;
    double again = 0;
    do {
        (void)snprintf(out, NUMBER_BYTES, "%.*e", digits, number);
        again = strtod(out, NULL);
    } while ((again < number || again > number) && ++digits < DIGITS_MAX);
    const char *const e = strchr(out, 'e');
    const long exponent = e ? strtol(e + 1, NULL, 10) : MOST;
    if (exponent >= LEAST && exponent < MOST) {
        const int behind = digits - (int)exponent;
        (void)snprintf(out, NUMBER_BYTES, "%.*f", behind > 0 ? behind : 0, number);
    }
}

void template_print(struct buf *b, const struct template_value *v)
{
    char text[NUMBER_BYTES];
    switch (v->kind) {
    case VALUE_NIL: buf_add(b, S("<nil>")); return;
    case VALUE_BOOL: buf_add(b, v->is_true ? S("true") : S("false")); return;
    case VALUE_INT: buf_add_i64(b, v->integer); return;
    case VALUE_FLOAT:
        number_text(v->number, text);
        buf_add(b, str_of(text));
        return;
    case VALUE_TEXT: buf_add(b, v->text); return;
    }
}

static enum outcome give_text(struct buf *b, struct template_value *out, struct failure *f)
{
    if (buf_is_over(b)) {
        return failed(f, REJECT, "gives more than %d bytes", TEMPLATE_BYTES_MAX);
    }
    *out = (struct template_value){.kind = VALUE_TEXT, .text = arena_str(b->arena, buf_str(b))};
    return OK;
}

static void give_bool(bool is, struct template_value *out)
{
    *out = (struct template_value){.kind = VALUE_BOOL, .is_true = is};
}

static enum outcome environment_value(struct arena *a, const struct template_value *name,
                                      struct str *out, struct failure *f)
{
    if (name->kind != VALUE_TEXT) {
        return failed(f, REJECT, "getEnv wants the name of a variable in quotes, not %s",
                      template_kind(name));
    }
    /* one thread; nobody changes the environment */
    const char *const value = getenv(arena_cstr(a, name->text)); /* NOLINT(concurrency-mt-unsafe) */
    *out = value ? str_of(value) : S("");
    return OK;
}

static enum outcome call_get_env(struct arena *a, const struct template_value *operand, size_t n,
                                 struct template_value *out, struct failure *f)
{
    (void)n;
    out->kind = VALUE_TEXT;
    return environment_value(a, operand, &out->text, f);
}

static enum outcome call_get_env_or_default(struct arena *a, const struct template_value *operand,
                                            size_t n, struct template_value *out, struct failure *f)
{
    (void)n;
    out->kind = VALUE_TEXT;
    const enum outcome o = environment_value(a, operand, &out->text, f);
    if (o == OK && out->text.len == 0) {
        if (operand[1].kind != VALUE_TEXT) {
            return failed(f, REJECT, "getEnvOrDefault wants a default in quotes, not %s",
                          template_kind(&operand[1]));
        }
        out->text = operand[1].text;
    }
    return o;
}

static enum outcome call_not(struct arena *a, const struct template_value *operand, size_t n,
                             struct template_value *out, struct failure *f)
{
    (void)a, (void)n, (void)f;
    give_bool(!template_is_true(operand), out);
    return OK;
}

/* <0, 0, >0; whole numbers and others compare as numbers do. */
static enum outcome compare(const char *function, const struct template_value *a,
                            const struct template_value *b, int *out, struct failure *f)
{
    if (a->kind != b->kind || a->kind == VALUE_NIL) {
        return failed(f, REJECT, "%s: %s and %s cannot be compared", function, template_kind(a),
                      template_kind(b));
    }
    switch (a->kind) {
    case VALUE_NIL: break;
    case VALUE_BOOL: *out = (int)a->is_true - (int)b->is_true; break;
    case VALUE_INT: *out = (a->integer > b->integer) - (a->integer < b->integer); break;
    case VALUE_FLOAT: *out = (a->number > b->number) - (a->number < b->number); break;
    case VALUE_TEXT: *out = str_cmp(a->text, b->text); break;
    }
    return OK;
}

/* eq takes several to compare the first with: any of them. */
static enum outcome call_eq(struct arena *a, const struct template_value *operand, size_t n,
                            struct template_value *out, struct failure *f)
{
    (void)a;
    give_bool(false, out);
    for (size_t i = 1; i < n; i++) {
        int order = 0;
        const enum outcome o = compare("eq", operand, &operand[i], &order, f);
        if (o != OK) {
            return o;
        }
        out->is_true = out->is_true || order == 0;
    }
    return OK;
}

static enum outcome ordered(const char *function, const struct template_value *operand, int *order,
                            struct failure *f)
{
    if (operand[0].kind == VALUE_BOOL) {
        return failed(f, REJECT, "%s: booleans have no order", function);
    }
    return compare(function, operand, &operand[1], order, f);
}

#define CALL_ORDER(word, test)                                                                     \
    static enum outcome call_##word(struct arena *a, const struct template_value *operand,         \
                                    size_t n, struct template_value *out, struct failure *f)       \
    {                                                                                              \
        int order = 0;                                                                             \
        (void)a, (void)n;                                                                          \
        const enum outcome o = ordered(#word, operand, &order, f);                                 \
        give_bool(order test 0, out);                                                              \
        return o;                                                                                  \
    }
CALL_ORDER(lt, <)
CALL_ORDER(le, <=)
CALL_ORDER(gt, >)
CALL_ORDER(ge, >=)

static enum outcome call_ne(struct arena *a, const struct template_value *operand, size_t n,
                            struct template_value *out, struct failure *f)
{
    int order = 0;
    (void)a, (void)n;
    const enum outcome o = compare("ne", operand, &operand[1], &order, f);
    give_bool(order != 0, out);
    return o;
}

static enum outcome call_len(struct arena *a, const struct template_value *operand, size_t n,
                             struct template_value *out, struct failure *f)
{
    (void)a, (void)n;
    if (operand->kind != VALUE_TEXT) {
        return failed(f, REJECT, "len of %s", template_kind(operand));
    }
    *out = (struct template_value){.kind = VALUE_INT, .integer = (int64_t)operand->text.len};
    return OK;
}

/* Go's Sprint: a space between two operands of which neither is a text. */
static enum outcome call_print(struct arena *a, const struct template_value *operand, size_t n,
                               struct template_value *out, struct failure *f)
{
    struct buf b;
    buf_init(&b, a, TEMPLATE_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && operand[i].kind != VALUE_TEXT && operand[i - 1].kind != VALUE_TEXT) {
            buf_add_byte(&b, ' ');
        }
        template_print(&b, &operand[i]);
    }
    return give_text(&b, out, f);
}

static enum outcome call_println(struct arena *a, const struct template_value *operand, size_t n,
                                 struct template_value *out, struct failure *f)
{
    struct buf b;
    buf_init(&b, a, TEMPLATE_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_add(&b, i > 0 ? S(" ") : S(""));
        template_print(&b, &operand[i]);
    }
    buf_add_byte(&b, '\n');
    return give_text(&b, out, f);
}

/* Percent-encoded but for what RFC 3986, section 2.3, leaves; a space is a plus in a query. */
static void add_encoded(struct buf *b, struct str text, bool is_query)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
                              c == '~';
        if (is_plain || (is_query && c == ' ')) {
            buf_add_byte(b, c == ' ' ? '+' : (char)c);
        } else {
            buf_printf(b, "%%%02X", (unsigned)c);
        }
    }
}

void template_show(struct buf *b, const struct template_value *v)
{
    if (v->kind == VALUE_TEXT && v->place == PLACE_ADDRESS) {
        add_encoded(b, v->text, false);
    } else if (v->kind == VALUE_TEXT && v->place == PLACE_JSON) {
        buf_add_json_inside(b, v->text);
    } else {
        template_print(b, v);
    }
}

static enum outcome call_urlquery(struct arena *a, const struct template_value *operand, size_t n,
                                  struct template_value *out, struct failure *f)
{
    struct template_value all;
    struct buf b;
    const enum outcome o = call_print(a, operand, n, &all, f);
    if (o != OK) {
        return o;
    }
    buf_init(&b, a, TEMPLATE_BYTES_MAX);
    add_encoded(&b, all.text, true);
    return give_text(&b, out, f);
}

/* One verb of printf with its flags. */
struct verb {
    bool minus, plus, zero, space, sharp;
    int width, precision; /* precision -1: none */
    char letter;
};

/* From behind the % on; what follows stays in *rest. false: too wide, or it ends. */
static bool verb_read(struct str text, struct verb *v, struct str *rest)
{
    size_t i = 0;
    *v = (struct verb){.precision = -1};
    for (; i < text.len; i++) {
        const char c = text.at[i];
        bool *const flag = c == '-'   ? &v->minus
                           : c == '+' ? &v->plus
                           : c == '0' ? &v->zero
                           : c == ' ' ? &v->space
                           : c == '#' ? &v->sharp
                                      : NULL;
        if (!flag) {
            break;
        }
        *flag = true;
    }
    for (; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
        v->width = v->width > PRINTF_PAD_MAX ? v->width : v->width * 10 + (text.at[i] - '0');
    }
    if (i < text.len && text.at[i] == '.') {
        v->precision = 0;
        for (i++; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
            v->precision = v->precision > PRINTF_PAD_MAX ? v->precision
                                                         : v->precision * 10 + (text.at[i] - '0');
        }
    }
    if (i == text.len || v->width > PRINTF_PAD_MAX || v->precision > PRINTF_PAD_MAX) {
        return false;
    }
    v->letter = text.at[i];
    *rest = str_sub(text, i + 1, text.len);
    return true;
}

static size_t runes(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    }
    return n;
}

/* Go pads by characters, not by bytes; zeros go behind the sign, and never behind the text. */
static void add_padded(struct buf *b, const struct verb *v, struct str text, bool is_number)
{
    const size_t n = runes(text), width = (size_t)v->width;
    const bool with_zeros = v->zero && !v->minus && is_number;
    size_t pad = width > n ? width - n : 0;
    if (with_zeros && text.len > 0 && (text.at[0] == '-' || text.at[0] == '+')) {
        buf_add_byte(b, text.at[0]);
        text = str_sub(text, 1, text.len);
    }
    for (; !v->minus && pad > 0; pad--) {
        buf_add_byte(b, with_zeros ? '0' : ' ');
    }
    buf_add(b, text);
    for (; pad > 0; pad--) {
        buf_add_byte(b, ' ');
    }
}

static bool add_int(struct buf *b, const struct verb *v, int64_t number)
{
    char text[NUMBER_BYTES];
    const bool is_negative = number < 0;
    const uint64_t size = is_negative ? 0 - (uint64_t)number : (uint64_t)number;
    const char *const sign = is_negative ? "-" : v->plus ? "+" : v->space ? " " : "";
    const int least = v->precision < 0 ? 1 : v->precision < 40 ? v->precision : 40;
    switch (v->letter) {
    case 'd':
    case 'v': (void)snprintf(text, sizeof text, "%s%.*" PRIu64, sign, least, size); break;
    case 'x':
        (void)snprintf(text, sizeof text, "%s%s%.*" PRIx64, sign, v->sharp ? "0x" : "", least,
                       size);
        break;
    case 'X':
        (void)snprintf(text, sizeof text, "%s%s%.*" PRIX64, sign, v->sharp ? "0X" : "", least,
                       size);
        break;
    case 'o':
        (void)snprintf(text, sizeof text, "%s%s%.*" PRIo64, sign, v->sharp ? "0" : "", least, size);
        break;
    default: return false;
    }
    add_padded(b, v, str_of(text), true);
    return true;
}

static bool add_float(struct buf *b, const struct verb *v, const struct template_value *value)
{
    char text[2 * NUMBER_BYTES], shortest[NUMBER_BYTES];
    const char *const sign = value->number < 0 ? "" : v->plus ? "+" : v->space ? " " : "";
    const int digits = v->precision < 0 ? 6 : v->precision < 40 ? v->precision : 40;
    switch (v->letter) {
    case 'f': (void)snprintf(text, sizeof text, "%s%.*f", sign, digits, value->number); break;
    case 'e': (void)snprintf(text, sizeof text, "%s%.*e", sign, digits, value->number); break;
    case 'g':
    case 'v':
        if (v->precision < 0) {
            number_text(value->number, shortest);
            (void)snprintf(text, sizeof text, "%s%s", sign, shortest);
        } else {
            (void)snprintf(text, sizeof text, "%s%.*g", sign, digits, value->number);
        }
        break;
    default: return false;
    }
    add_padded(b, v, str_of(text), true);
    return true;
}

static bool add_text(struct buf *b, const struct verb *v, struct str text)
{
    struct buf quoted;
    if (v->precision >= 0) {
        size_t bytes = 0, n = 0;
        while (bytes < text.len &&
               (n < (size_t)v->precision || ((unsigned char)text.at[bytes] & 0xc0) == 0x80)) {
            n += ((unsigned char)text.at[bytes++] & 0xc0) != 0x80;
        }
        text.len = bytes;
    }
    switch (v->letter) {
    case 's':
    case 'v': add_padded(b, v, text, v->zero); return true;
    case 'q':
        buf_init(&quoted, b->arena, TEMPLATE_BYTES_MAX);
        buf_add_json(&quoted, text);
        add_padded(b, v, buf_str(&quoted), false);
        return true;
    default: return false;
    }
}

static enum outcome add_verb(struct buf *b, const struct verb *v,
                             const struct template_value *value, struct failure *f)
{
    bool is_right = false;
    switch (value->kind) {
    case VALUE_NIL: break;
    case VALUE_BOOL:
        is_right = v->letter == 't' || v->letter == 'v';
        if (is_right) {
            add_padded(b, v, value->is_true ? S("true") : S("false"), false);
        }
        break;
    case VALUE_INT: is_right = add_int(b, v, value->integer); break;
    case VALUE_FLOAT: is_right = add_float(b, v, value); break;
    case VALUE_TEXT: is_right = add_text(b, v, value->text); break;
    }
    return is_right ? OK
                    : failed(f, REJECT,
                             "printf: %%%c is not for %s; weir knows %%d %%x %%X %%o, "
                             "%%f %%e %%g, %%s %%q, %%t, %%v and %%%%",
                             v->letter, template_kind(value));
}

static enum outcome call_printf(struct arena *a, const struct template_value *operand, size_t n,
                                struct template_value *out, struct failure *f)
{
    if (operand->kind != VALUE_TEXT) {
        return failed(f, REJECT, "printf wants a format in quotes, not %s", template_kind(operand));
    }
    struct buf b;
    struct str rest = operand->text;
    size_t next = 1;
    buf_init(&b, a, TEMPLATE_BYTES_MAX);
    while (rest.len > 0) {
        struct verb v;
        const size_t percent = str_find(rest, '%');
        buf_add(&b, str_sub(rest, 0, percent));
        if (percent == rest.len) {
            break;
        }
        if (!verb_read(str_sub(rest, percent + 1, rest.len), &v, &rest)) {
            return failed(f, REJECT, "printf: a %% without its verb, or wider than %d",
                          PRINTF_PAD_MAX);
        }
        if (v.letter == '%') {
            buf_add_byte(&b, '%');
            continue;
        }
        if (next == n) {
            return failed(f, REJECT, "printf: %%%c lacks its operand", v.letter);
        }
        const enum outcome o = add_verb(&b, &v, &operand[next++], f);
        if (o != OK) {
            return o;
        }
    }
    if (next < n) {
        return failed(f, REJECT, "printf: more operands than its format has verbs");
    }
    return give_text(&b, out, f);
}

const struct template_function template_functions[] = {
    {"getEnv", 1, 1, true, call_get_env},
    {"getEnvOrDefault", 2, 2, true, call_get_env_or_default},
    {"printf", 1, SIZE_MAX, false, call_printf},
    {"print", 0, SIZE_MAX, false, call_print},
    {"println", 0, SIZE_MAX, false, call_println},
    {"and", 1, SIZE_MAX, false, NULL},
    {"or", 1, SIZE_MAX, false, NULL},
    {"not", 1, 1, false, call_not},
    {"eq", 2, SIZE_MAX, false, call_eq},
    {"ne", 2, 2, false, call_ne},
    {"lt", 2, 2, false, call_lt},
    {"le", 2, 2, false, call_le},
    {"gt", 2, 2, false, call_gt},
    {"ge", 2, 2, false, call_ge},
    {"len", 1, 1, false, call_len},
    {"urlquery", 0, SIZE_MAX, false, call_urlquery},
    {0},
};
