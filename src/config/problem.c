#include "config/problem.h"

#include <stdarg.h>
#include <stdio.h>

struct str place_text(struct arena *a, struct place at)
{
    if (at.line == 0) {
        return at.file;
    }
    return arena_printf(a, "%.*s:%d:%d", STR_ARG(at.file), at.line, at.column);
}

void problem_add(struct problems *p, struct place at, const char *format, ...)
{
    if (p->lines.n == PROBLEMS_MAX) {
        return;
    }
    if (!p->lines.at) {
        p->lines.at = arena_array(p->arena, struct str, PROBLEMS_MAX);
    }
    char text[1000];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct str where = place_text(p->arena, at);
    p->lines.at[p->lines.n++] = arena_printf(p->arena, "%.*s%s%s", STR_ARG(where),
                                             where.len ? ": " : "", text);
}
