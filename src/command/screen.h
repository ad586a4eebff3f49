/* screen.h - text for people: as wide as their terminal, and without what a terminal would obey.
 *
 * Widths are columns: a wide character takes two, a combining one none. Text is UTF-8, whatever the
 * locale says. */
#ifndef WEIR_COMMAND_SCREEN_H
#define WEIR_COMMAND_SCREEN_H

#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

enum { SPAN_BYTES = 32 };

/* Once, before anything is printed: what is a letter, and how wide. */
void screen_open(void);

/* Columns of the terminal on stdout; 0 when it is none. */
size_t screen_columns(void);

/* Lines of the terminal on stdout; 0 when it is none, or does not say. */
size_t screen_rows(void);

/* One line: control characters, those of writing direction too, become spaces, what is no UTF-8
 * becomes U+FFFD. */
struct str screen_line(struct arena *a, struct str text);
/* The columns that such a line takes. */
size_t screen_width(struct str line);
/* The line itself, or as much of it as fits before an ellipsis. columns > 0. */
struct str screen_cut(struct arena *a, struct str line, size_t columns);

/* Print a text as one line, padded by columns, not by bytes: to the left of them, or where they are
 * negative to the right; an ellipsis where it has more. */
void screen_put(struct arena *a, struct str text, int columns);

/* Write a text of one or more lines; control characters but line ends and tabs become spaces, what
 * is no UTF-8 becomes U+FFFD. */
void screen_say(FILE *to, struct str text);
/* The same to stderr, as printf writes it: whatever a command says there goes through here. */
void screen_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same in place of the line that the cursor is on, which does not move on: how far it is, for a
 * terminal on stderr. An empty one takes the last away. */
void screen_show(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print words (parted by spaces or line ends) on lines no wider than the terminal (80 where there
 * is none); the first line goes on at column `at`, the others begin at column `indent`. */
void screen_wrap(struct str text, size_t at, size_t indent);

/* `31 s`, `2 h 5 min`. Returns out. */
const char *screen_span(int64_t ms, char out[SPAN_BYTES]);

#endif
