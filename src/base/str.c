#include "base/str.h"

struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && str_starts_nocase(a, b);
}

int str_cmp(struct str a, struct str b)
{
    const size_t shared = a.len < b.len ? a.len : b.len;
    const int order = shared ? memcmp(a.at, b.at, shared) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    if (s.len < prefix.len) {
        return false;
    }
    for (size_t i = 0; i < prefix.len; i++) {
        if (lower(s.at[i]) != lower(prefix.at[i])) {
            return false;
        }
    }
    return true;
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

struct str str_sub(struct str s, size_t from, size_t len)
{
    const size_t start = from < s.len ? from : s.len;
    const size_t left = s.len - start;
    return (struct str){start ? s.at + start : s.at, len < left ? len : left};
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) {
        s = str_sub(s, 1, s.len);
    }
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

struct str str_chomp(struct str s)
{
    while (str_ends(s, S("\n")) || str_ends(s, S("\r"))) {
        s.len--;
    }
    return s;
}

size_t str_find(struct str s, char byte)
{
    const char *const hit = s.len ? memchr(s.at, byte, s.len) : NULL;
    return hit ? (size_t)(hit - s.at) : s.len;
}

struct str str_cut(struct str s, char byte, struct str *rest)
{
    const size_t i = str_find(s, byte);
    *rest = str_sub(s, i + 1, s.len);
    return str_sub(s, 0, i);
}

bool str_to_u64(struct str s, uint64_t *out)
{
    uint64_t sum = 0;
    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        const unsigned digit = (unsigned)(s.at[i] - '0');
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *out = sum;
    return true;
}

/* Bytes of the sequence that starts at p (at least one byte left), or 0 when it is not well formed:
 * the table of RFC 3629 section 4. */
static size_t utf8_len(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) {
        return 1;
    }
    const size_t len = p[0] >= 0xC2 && p[0] <= 0xDF   ? 2
                       : (p[0] & 0xF0) == 0xE0        ? 3
                       : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                      : 0;
    if (len == 0 || len > left) {
        return 0;
    }
    const unsigned char low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *const p = (const unsigned char *)s.at;
    for (size_t i = 0; i < s.len;) {
        const size_t len = utf8_len(p + i, s.len - i);
        if (len == 0) {
            return false;
        }
        i += len;
    }
    return true;
}

struct str str_whole(struct str s)
{
    size_t i = s.len;
    while (i > 0 && s.len - i < 3 && ((unsigned char)s.at[i - 1] & 0xC0) == 0x80) {
        i--;
    }
    const unsigned char first = i > 0 ? (unsigned char)s.at[i - 1] : 0;
    const size_t wants = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    return i > 0 && wants > s.len - i + 1 ? str_sub(s, 0, i - 1) : s;
}

struct str_shown str_shown(struct str s, size_t len_max)
{
    static const char zero[] = {'\\', 'u', '0', '0', '0', '0'};
    struct str_shown out;
    size_t to = 0;
    size_t len = len_max < STR_SHOWN_BYTES_MAX ? len_max : STR_SHOWN_BYTES_MAX;
    len = len < s.len ? str_whole(str_sub(s, 0, len)).len : s.len;
    for (size_t i = 0; i < len; i++) {
        if (s.at[i] == '\0') {
            memcpy(out.text + to, zero, sizeof zero);
            to += sizeof zero;
        } else {
            out.text[to++] = s.at[i];
        }
    }
    out.text[to] = '\0';
    return out;
}

static unsigned point_of(const unsigned char *p, size_t len)
{
    return len == 1   ? p[0]
           : len == 2 ? (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu)
                      : (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
}

size_t str_control(struct str s, unsigned *point)
{
    const unsigned char *const p = (const unsigned char *)s.at;
    const size_t len = s.len > 0 && p[0] <= 0xE2 ? utf8_len(p, s.len)
                                                 : 0; /* none is behind U+2069 */
    const unsigned c = len > 0 ? point_of(p, len) : ' ';
    if (point) {
        *point = c;
    }
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x61C || c == 0x200E || c == 0x200F ||
                   (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069)
               ? len
               : 0;
}
