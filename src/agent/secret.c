#include "agent/secret.h"
#include "base/buf.h"
#include "wire/percent.h"

enum { CONTAINED_LEAST = 8 /* shorter ones are found in too much that is none */ };

static const struct str cut_mark = STR("***");

/* As names are compared: in lower case, with one kind of joint. */
static char plain(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == '_' || c == '.' ? '-' : c);
}

static bool is_at(struct str name, size_t i, struct str word)
{
    if (name.len - i < word.len) {
        return false;
    }
    for (size_t k = 0; k < word.len; k++) {
        if (plain(name.at[i + k]) != word.at[k]) {
            return false;
        }
    }
    return true;
}

/* The words that begin with a letter, the rest of each; every header's name is looked through. */
struct words {
    char first;
    struct str rest[6]; /* ends with an empty one */
};

static const struct words *words_of(char first)
{
    static const struct words all[] = {
        {'a', {STR("uthorization"), STR("pi-key"), STR("pikey"), STR("uth-key"), STR("ccess-key")}},
        {'c', {STR("ookie"), STR("redential")}},
        {'j', {STR("wt")}},
        {'p', {STR("assword"), STR("asswd"), STR("assphrase"), STR("rivate-key")}},
        {'s', {STR("ecret"), STR("ignature"), STR("ession")}},
        {'t', {STR("oken")}}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].first == first) {
            return &all[i];
        }
    }
    return NULL;
}

bool secret_is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const struct words *const words = words_of(plain(name.at[i]));
        for (const struct str *rest = words ? words->rest : NULL; rest && rest->len > 0; rest++) {
            if (is_at(name, i + 1, *rest)) {
                return true;
            }
        }
    }
    return false;
}

/* Of a parameter: short names too, which as a part of a header's name say nothing. */
static bool is_secret_parameter(struct str name)
{
    static const struct str whole[] = {STR("key"), STR("sig"), STR("code"), STR("auth"),
                                       STR("pwd")};
    for (size_t k = 0; k < sizeof whole / sizeof *whole; k++) {
        if (name.len == whole[k].len && is_at(name, 0, whole[k])) {
            return true;
        }
    }
    return secret_is_name(name);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-_.~%[]", c));
}

/* The name that ends where its `=` stands, decoded; behind what separates it from a URL that it
 * stands in, which may be encoded with it. */
static struct str name_before(struct arena *a, struct str value, size_t end)
{
    size_t start = end;
    while (start > 0 && is_name_byte(value.at[start - 1])) {
        start--;
    }
    struct str name = arena_str(a, str_sub(value, start, end - start));
    size_t len = name.len;
    if (percent_decode((char *)(uintptr_t)name.at, &len, false)) {
        name.len = len;
    }
    for (size_t i = name.len; i > 0; i--) {
        if (strchr("?&;#/= ", name.at[i - 1])) {
            return str_sub(name, i, name.len);
        }
    }
    return name;
}

static bool is_encoded(struct str value, size_t i, const char *hex)
{
    return value.len - i >= 3 && value.at[i] == '%' &&
           str_eq_nocase(str_sub(value, i + 1, 2), str_of(hex));
}

/* Where a parameter's value ends that begins at `i`. */
static size_t end_of(struct str value, size_t i, bool is_inner)
{
    const bool is_quoted = i < value.len && value.at[i] == '"';
    for (i += is_quoted; i < value.len; i++) {
        const char c = value.at[i];
        if (is_quoted ? c == '"' : c && strchr("&;#,<>\"' \t", c) != NULL) {
            return i;
        }
        if (is_inner && (is_encoded(value, i, "26") || is_encoded(value, i, "3B") ||
                         is_encoded(value, i, "23"))) {
            return i;
        }
    }
    return i;
}

/* Where user and password of a URL end, whose `//` is before `i`; `i` when it has none. */
static size_t end_of_user(struct str value, size_t i)
{
    size_t end = i;
    for (size_t k = i; k < value.len && !strchr("/?#<>\"' \t", value.at[k]); k++) {
        end = value.at[k] == '@' ? k + 1 : end;
    }
    return end;
}

static struct str cut_parameters(struct arena *a, struct str value)
{
    struct buf b;
    size_t kept = 0; /* written up to here */
    buf_init(&b, a, 4 * value.len + cut_mark.len);
    for (size_t i = 0; i < value.len; i++) {
        const bool is_inner = is_encoded(value, i, "3D");
        if ((value.at[i] == '=' || is_inner) && is_secret_parameter(name_before(a, value, i))) {
            const size_t from = i + (is_inner ? 3 : 1);
            const size_t quote = from < value.len && value.at[from] == '"';
            buf_add(&b, str_sub(value, kept, from + quote - kept));
            buf_add(&b, cut_mark);
            kept = end_of(value, from, is_inner);
            i = kept - 1;
        } else if (i >= 2 && value.at[i - 1] == '/' && value.at[i - 2] == '/' &&
                   end_of_user(value, i) > i) {
            buf_add(&b, str_sub(value, kept, i - kept));
            kept = end_of_user(value, i);
            i = kept - 1;
        }
    }
    if (kept == 0) {
        return value;
    }
    buf_add(&b, str_sub(value, kept, value.len));
    return buf_str(&b);
}

/* Most values hold none, and are told apart without a look at each place in them. */
static bool may_hold_parameters(struct str value)
{
    return memchr(value.at, '=', value.len) || memchr(value.at, '%', value.len) ||
           memmem(value.at, value.len, "//", 2);
}

static struct str cut_text(struct arena *a, struct str value, struct str secret)
{
    struct buf b;
    size_t kept = 0;
    buf_init(&b, a, 4 * value.len + cut_mark.len);
    if (secret.len < CONTAINED_LEAST) {
        return secret.len > 0 && str_eq(value, secret) ? cut_mark : value;
    }
    for (const char *at; (at = memmem(value.at + kept, value.len - kept, secret.at, secret.len));) {
        buf_add(&b, str_sub(value, kept, (size_t)(at - value.at) - kept));
        buf_add(&b, cut_mark);
        kept = (size_t)(at - value.at) + secret.len;
    }
    buf_add(&b, kept ? str_sub(value, kept, value.len) : S(""));
    return kept ? buf_str(&b) : value;
}

struct str secret_cut(struct arena *a, struct str value, const struct str_list *secrets)
{
    if (value.len == 0) {
        return value;
    }
    for (size_t i = 0; i < secrets->n; i++) {
        value = cut_text(a, value, secrets->at[i]);
    }
    return may_hold_parameters(value) ? cut_parameters(a, value) : value;
}
