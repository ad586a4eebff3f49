#include "command/screen.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"

enum { COLUMNS_WITHOUT_TERMINAL = 80, COLUMNS_LEAST = 20, TOLD_BYTES_MAX = 4 << 20 };
static const struct str ellipsis = STR("…");

void screen_open(void)
{
    /* one thread; nobody changes the environment */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) { /* NOLINT(concurrency-mt-unsafe) */
        (void)setlocale(LC_CTYPE, "C.UTF-8");          /* NOLINT(concurrency-mt-unsafe) */
    }
}

size_t screen_columns(void)
{
    struct winsize size = {0};
    if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col > 0 ? size.ws_col : COLUMNS_WITHOUT_TERMINAL;
}

size_t screen_rows(void)
{
    struct winsize size = {0};
    if (isatty(STDOUT_FILENO) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_row;
}

/* The character that the text begins with; its bytes, at least one. */
static size_t next(struct str text, wchar_t *out)
{
    mbstate_t state = {0};
    const size_t n = mbrtowc(out, text.at, text.len, &state);
    if (n == 0 || n > text.len) { /* a zero byte; no character (-1, -2) */
        *out = n == 0 ? L'\0' : L'\xFFFD';
        return 1;
    }
    return n;
}

static size_t width_of(wchar_t c)
{
    const int width = wcwidth(c);
    return width > 0 ? (size_t)width : 0;
}

struct str screen_line(struct arena *a, struct str text)
{
    struct buf b;
    buf_init(&b, a, 3 * text.len + 1); /* U+FFFD has three bytes */
    while (text.len > 0) {
        wchar_t c = L'\0';
        const size_t n = next(text, &c);
        if (str_control(text, NULL) > 0) {
            buf_add_byte(&b, ' ');
        } else if (c == L'\xFFFD') {
            buf_add(&b, S("\xEF\xBF\xBD"));
        } else {
            buf_add(&b, str_sub(text, 0, n));
        }
        text = str_sub(text, n, text.len);
    }
    return buf_str(&b);
}

size_t screen_width(struct str line)
{
    size_t width = 0;
    while (line.len > 0) {
        wchar_t c = L'\0';
        const size_t n = next(line, &c);
        width += width_of(c);
        line = str_sub(line, n, line.len);
    }
    return width;
}

struct str screen_cut(struct arena *a, struct str line, size_t columns)
{
    size_t fits = 0, width = 0;
    for (struct str rest = line; rest.len > 0;) {
        wchar_t c = L'\0';
        const size_t n = next(rest, &c);
        width += width_of(c);
        rest = str_sub(rest, n, rest.len);
        if (width <= columns - 1) {
            fits = line.len - rest.len; /* room for the ellipsis is left */
        }
        if (width > columns) {
            return arena_printf(a, "%.*s%s", (int)fits, line.at, ellipsis.at);
        }
    }
    return line;
}

void screen_put(struct arena *a, struct str text, int columns)
{
    const size_t room = (size_t)(columns < 0 ? -columns : columns);
    const struct str shown = screen_cut(a, screen_line(a, text), room);
    const int pad = (int)(room - screen_width(shown));
    (void)printf("%*s%.*s%*s", columns > 0 ? pad : 0, "", STR_ARG(shown), columns < 0 ? pad : 0,
                 "");
}

void screen_say(FILE *to, struct str text)
{
    char out[1024]; /* stderr has no buffer of its own */
    size_t len = 0;
    while (text.len > 0) {
        wchar_t c = L'\0';
        const size_t n = next(text, &c);
        const bool is_kept = text.at[0] == '\n' || text.at[0] == '\t';
        const struct str shown = !is_kept && str_control(text, NULL) > 0 ? S(" ")
                                 : c == L'\xFFFD'                        ? S("\xEF\xBF\xBD")
                                                                         : str_sub(text, 0, n);
        memcpy(out + len, shown.at, shown.len);
        len += shown.len;
        text = str_sub(text, n, text.len);
        if (len > sizeof out - MB_LEN_MAX || text.len == 0) {
            (void)fwrite(out, 1, len, to);
            len = 0;
        }
    }
}

__attribute__((format(printf, 1, 0))) static void tell(const char *format, va_list args)
{
    struct arena a;
    struct buf text;
    arena_init(&a, TOLD_BYTES_MAX * 4);
    buf_init(&text, &a, TOLD_BYTES_MAX);
    buf_vprintf(&text, format, args);
    screen_say(stderr, buf_str(&text));
    arena_close(&a);
}

void screen_tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(format, args);
    va_end(args);
}

void screen_show(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("\r\033[K", stderr);
    tell(format, args);
    va_end(args);
}

void screen_wrap(struct str text, size_t at, size_t indent)
{
    size_t columns = screen_columns();
    columns = columns == 0 ? COLUMNS_WITHOUT_TERMINAL : columns;
    columns = columns < COLUMNS_LEAST ? COLUMNS_LEAST : columns;
    bool is_first = true;
    while (text.len > 0) {
        size_t end = 0;
        while (end < text.len && text.at[end] != ' ' && text.at[end] != '\n') {
            end++;
        }
        const struct str word = str_sub(text, 0, end);
        const size_t width = screen_width(word);
        text = str_sub(text, end + 1, text.len);
        if (word.len == 0) {
            continue;
        }
        if (!is_first && at + 1 + width > columns) {
            printf("\n%*s", (int)indent, "");
            at = indent;
            is_first = true;
        }
        printf("%s%.*s", is_first ? "" : " ", STR_ARG(word));
        at += width + (is_first ? 0 : 1);
        is_first = false;
    }
    (void)putchar('\n');
}

const char *screen_span(int64_t ms, char out[SPAN_BYTES])
{
    const long long s = ms / 1000;
    if (ms < 1000) {
        (void)snprintf(out, SPAN_BYTES, "%lld ms", (long long)ms);
    } else if (s < 120) {
        (void)snprintf(out, SPAN_BYTES, "%lld s", s);
    } else if (s < 7200) {
        (void)snprintf(out, SPAN_BYTES, "%lld min", s / 60);
    } else if (s < 172800) {
        (void)snprintf(out, SPAN_BYTES, "%lld h %lld min", s / 3600, s / 60 % 60);
    } else {
        (void)snprintf(out, SPAN_BYTES, "%lld d %lld h", s / 86400, s / 3600 % 24);
    }
    return out;
}
