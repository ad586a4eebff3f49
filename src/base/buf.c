#include "base/buf.h"

#include <stdio.h>

enum { ROOM_FIRST = 256 };

void buf_init(struct buf *b, struct arena *a, size_t len_max)
{
    *b = (struct buf){.arena = a, .len_max = len_max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->is_over = b->is_short = false;
}

char *buf_take(struct buf *b, size_t n)
{
    if (b->is_over || n > b->len_max - b->len) {
        b->is_over = true;
        return NULL;
    }
    if (n > b->room - b->len) {
        size_t room = b->room ? b->room * 2 : ROOM_FIRST;
        room = room < b->len + n ? b->len + n : room;
        room = room < b->len_max ? room : b->len_max;
        char *const at = arena_grow(b->arena, b->at, b->room, room);
        if (!at) {
            b->is_over = b->is_short = true;
            return NULL;
        }
        b->at = at;
        b->room = room;
    }
    char *const start = b->at + b->len;
    b->len += n;
    return start;
}

void buf_add(struct buf *b, struct str s)
{
    char *const to = s.len ? buf_take(b, s.len) : NULL;
    if (to) {
        memcpy(to, s.at, s.len);
    }
}

void buf_add_byte(struct buf *b, char byte)
{
    char *const to = buf_take(b, 1);
    if (to) {
        *to = byte;
    }
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    char text[512];
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(text, sizeof text, format, args);
    if (len >= 0 && (size_t)len < sizeof text) {
        buf_add(b, (struct str){text, (size_t)len});
    } else if (len >= 0) {
        char *const to = buf_take(b, (size_t)len + 1); /* vsnprintf wants room for its zero */
        if (to) {
            vsnprintf(to, (size_t)len + 1, format, again);
            b->len--;
        }
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_add_i64(struct buf *b, int64_t number)
{
    char digits[24];
    size_t i = sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--i] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (number < 0) {
        digits[--i] = '-';
    }
    buf_add(b, (struct str){digits + i, sizeof digits - i});
}

/* \uXXXX */
static void add_unit(struct buf *b, unsigned unit)
{
    static const char hex[] = "0123456789abcdef";
    const char text[] = {
        '\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15]};
    buf_add(b, (struct str){text, sizeof text});
}

static void add_escaped(struct buf *b, unsigned char c)
{
    const char *const known = c == '"'    ? "\\\""
                              : c == '\\' ? "\\\\"
                              : c == '\n' ? "\\n"
                              : c == '\r' ? "\\r"
                              : c == '\t' ? "\\t"
                                          : NULL;
    if (known) {
        buf_add(b, str_of(known));
        return;
    }
    add_unit(b, c);
}

/* Length of the longest well-formed sequence at the start of s: 1 to 4, or 0. */
static size_t utf8_at(struct str s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++) {
        if (str_is_utf8(str_sub(s, 0, len))) {
            return len;
        }
    }
    return 0;
}

static const struct str replacement = {"\xEF\xBF\xBD", 3};

void buf_add_utf8(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len;) {
        const size_t len = utf8_at(str_sub(s, i, s.len < i + 4 ? s.len : i + 4));
        buf_add(b, len > 0 ? str_sub(s, i, len) : replacement);
        i += len > 0 ? len : 1;
    }
}

static void add_inside(struct buf *b, struct str s, bool is_shown)
{
    for (size_t i = 0; i < s.len;) {
        size_t plain = i;
        while (plain < s.len && (unsigned char)s.at[plain] >= 0x20 &&
               (unsigned char)s.at[plain] < 0x7F && s.at[plain] != '"' && s.at[plain] != '\\') {
            plain++;
        }
        buf_add(b, str_sub(s, i, plain - i));
        i = plain;
        if (i == s.len) {
            break;
        }
        const unsigned char c = (unsigned char)s.at[i];
        const size_t len = utf8_at(str_sub(s, i, 4));
        if (len == 0) {
            buf_add(b, replacement);
            i++;
        } else if (len == 1) {
            add_escaped(b, c);
            i++;
        } else {
            const struct str one = str_sub(s, i, len);
            unsigned point = 0;
            if (is_shown && str_control(one, &point) > 0) {
                add_unit(b, point);
            } else {
                buf_add(b, one);
            }
            i += len;
        }
    }
}

void buf_add_json(struct buf *b, struct str s)
{
    buf_add_byte(b, '"');
    add_inside(b, s, false);
    buf_add_byte(b, '"');
}

void buf_add_json_inside(struct buf *b, struct str s)
{
    add_inside(b, s, false);
}

void buf_add_json_shown(struct buf *b, struct str s)
{
    buf_add_byte(b, '"');
    add_inside(b, s, true);
    buf_add_byte(b, '"');
}

bool buf_is_over(const struct buf *b)
{
    return b->is_over;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->at, b->len};
}
