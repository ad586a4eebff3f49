/* str.h - text with its length: a view that owns nothing.
 *
 * A struct str is passed by value and never freed; whoever made the bytes decides how long they
 * live. The bytes need not end with a zero and may hold one. An empty str may have at == NULL. */
#ifndef WEIR_BASE_STR_H
#define WEIR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

/* A literal as a str, also in static initializers. */
#define STR(literal) {(literal), sizeof(literal) - 1}
#define S(literal) ((struct str)STR(literal))
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).at

/* The bytes of a zero-terminated text; NULL gives the empty str. */
struct str str_of(const char *text);

bool str_eq(struct str a, struct str b);
/* ASCII letters alone are folded. */
bool str_eq_nocase(struct str a, struct str b);
/* Byte order, shorter first: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* The part from `from` (at most s.len), `len` bytes or what is left. */
struct str str_sub(struct str s, size_t from, size_t len);
/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);
/* The text without the line ends, CR and LF, that it ends with: a secret as a file holds it. */
struct str str_chomp(struct str s);

/* Index of the first `byte`, or s.len when there is none. */
size_t str_find(struct str s, char byte);

/* Cut at the first `byte`: returns what stands before it and leaves what follows in *rest. Without
 * one, all of it is returned and *rest becomes empty. */
struct str str_cut(struct str s, char byte, struct str *rest);

/* Decimal digits alone, no sign, no space; false when empty, foreign or above UINT64_MAX. */
bool str_to_u64(struct str s, uint64_t *out);

/* The bytes of the control character that s begins with, else 0: what a terminal obeys or what
 * breaks or turns around a line (C0, DEL, C1; U+2028, U+2029; Unicode's Bidi_Control). *point,
 * where it is wanted: its number. */
size_t str_control(struct str s, unsigned *point);

/* The beginning of a text from outside, in a sentence: printf's %s and %.*s end at a zero byte, so
 * each is written \u0000. As much as `len_max` bytes hold (at most STR_SHOWN_BYTES_MAX), and no
 * half of a character: `failed(f, REJECT, "\"%s\" is no type", str_shown(text, 80).text)`. */
enum { STR_SHOWN_BYTES_MAX = 200 };
struct str_shown {
    char text[6 * STR_SHOWN_BYTES_MAX + 1];
};
struct str_shown str_shown(struct str s, size_t len_max);

/* Without the character that its end cuts in two: what was cut by bytes, as a text again. */
struct str str_whole(struct str s);

/* Well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF). */
bool str_is_utf8(struct str s);

#endif
