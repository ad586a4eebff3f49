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

static bool is_before(struct place a, struct place b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* A gap for what stands at `at`: behind the last of its file that is not behind it. */
static size_t make_room(struct problems *p, struct place at)
{
    size_t end = p->lines.n;
    while (end > 0 && !str_eq(p->place[end - 1].file, at.file)) {
        end--;
    }
    end = end > 0 ? end : p->lines.n;
    while (end > 0 && str_eq(p->place[end - 1].file, at.file) && is_before(at, p->place[end - 1])) {
        end--;
    }
    memmove(&p->lines.at[end + 1], &p->lines.at[end], (p->lines.n - end) * sizeof *p->lines.at);
    memmove(&p->place[end + 1], &p->place[end], (p->lines.n - end) * sizeof *p->place);
    p->lines.n++;
    return end;
}

void problem_add(struct problems *p, struct place at, const char *format, ...)
{
    if (p->lines.n == PROBLEMS_MAX) {
        p->unsaid++;
        return;
    }
    if (!p->lines.at) {
        p->lines.at = arena_array(p->arena, struct str, PROBLEMS_MAX);
        p->place = arena_array(p->arena, struct place, PROBLEMS_MAX);
    }
    char text[1000];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len >= (int)sizeof text) {
        text[str_whole((struct str){text, sizeof text - 1}).len] = '\0';
    }
    const struct str where = place_text(p->arena, at);
    const size_t i = make_room(p, at);
    p->place[i] = at;
    p->lines.at[i] = arena_printf(p->arena, "%.*s%s%s%s", STR_ARG(where), where.len ? ": " : "",
                                  p->are_notes ? "note: " : "", text);
}
