/* buf.h - text being written, born with its maximum.
 *
 * A buf grows inside its arena and never beyond len_max. What would not fit sets is_over and is
 * dropped whole, and so is all that follows: write everything, then ask buf_is_over once. */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stdarg.h>

#include "base/arena.h"
#include "base/str.h"

struct buf {
    struct arena *arena;
    char *at;
    size_t len, room, len_max;
    bool is_over;
    bool is_short; /* over though below len_max: the arena's ceiling was in the way */
};

/* An empty buf; takes memory when it is first written to. */
void buf_init(struct buf *b, struct arena *a, size_t len_max);
/* Empty again, memory kept: the arena must not have been reset. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, struct str s);
/* Bytes that are not UTF-8 become U+FFFD each, as buf_add_json has them. */
void buf_add_utf8(struct buf *b, struct str s);
void buf_add_byte(struct buf *b, char byte);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void buf_add_i64(struct buf *b, int64_t number);
/* `n` bytes to be filled by the caller, or NULL when they do not fit. */
char *buf_take(struct buf *b, size_t n);

/* As a JSON string with its quotes (RFC 8259 section 7); bytes that are not UTF-8 become U+FFFD. */
void buf_add_json(struct buf *b, struct str s);
/* What stands between the quotes. */
void buf_add_json_inside(struct buf *b, struct str s);
/* The same string with every control character (str_control) written \u00XX, for what is read as
 * text, too. */
void buf_add_json_shown(struct buf *b, struct str s);

bool buf_is_over(const struct buf *b);
/* What was written; good until the next write. */
struct str buf_str(const struct buf *b);

#endif
